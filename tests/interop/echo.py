#!/usr/bin/env python3
"""The example echo_over_tun, asked by the kernel's TCP in a network namespace of our own.

usage: echo.py PROGRAM    exit status: 0 passed, 1 failed, 77 cannot run here (says why)
"""

import signal
import socket
import subprocess
import sys

from lab import Lab, interfaces, need_root_and


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    need_root_and("ip")
    with Lab(), subprocess.Popen([sys.argv[1]], stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout.readline() == "echo at 10.78.0.2 port 7\n"
            with socket.create_connection(("10.78.0.2", 7), timeout=10) as s:
                words = bytes(range(256)) * 400
                s.sendall(words)
                s.shutdown(socket.SHUT_WR)
                heard = b"".join(iter(lambda: s.recv(65536), b""))
                assert heard == words, f"{len(heard)} octets came back"
            program.send_signal(signal.SIGINT)
            status = program.wait(timeout=10)
            assert status == 0, f"status {status}"
            assert interfaces() == ["lo"], interfaces()
        finally:
            program.kill()
    print("passed")


if __name__ == "__main__":
    main()
