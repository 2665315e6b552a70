#!/usr/bin/env python3
"""`rapport demo --serve`, asked by kernel sockets on 127.0.0.1: each page shows the connection that delivered it.

Usage: demo_serve.py PROGRAM
"""

import re
import signal
import socket
import subprocess
import sys
import threading
import time

SECONDS = 20


class Server:
    """The program on a free port, which it says itself."""

    def __init__(self, program, *more):
        command = [program, "demo", "--serve", "--port", "0", *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.port = int(re.search(r"127\.0\.0\.1:(\d+)/", self.process.stdout.readline()).group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def ask(self, request):
        with self.connect() as s:
            s.sendall(request)
            return receive_all(s)

    def get(self, path):
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err


def receive_all(s):
    octets = b""
    while piece := s.recv(65536):
        octets += piece
    return octets.decode()


def page_of(answer):
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 "), head
    assert "text/plain; charset=utf-8" in head, head
    length = int(re.search(r"Content-Length: (\d+)", head).group(1))
    assert length == len(body.encode()), (length, len(body.encode()))
    return body


def shows_its_handshake(page):
    """The three segments of the opening, each with the state it led to, and the request itself, which
    may travel on the third."""
    steps = [
        r"SYN-SENT ├═ SYN seq=0 ", r"│ SYN-RECEIVED", r"◀─+ SYN,ACK seq=0 ack=1 ", r"ESTABLISHED │ .*SYN,ACK arrived",
        r"ESTABLISHED ├[─═] (PSH,)?ACK seq=1 ack=1 ", r"SYN acknowledged.*│ ESTABLISHED",
    ]
    at = 0
    for step in steps:
        m = re.compile(step).search(page, at)
        assert m, f"no {step} in\n{page}"
        at = m.start()
    assert re.search(r"ESTABLISHED ├═ PSH,ACK seq=1 ack=1 len=\d+ ", page), page
    assert "lost" not in page and "resent" not in page, page


def client_port(page):
    return re.search(r"10\.0\.0\.1:(\d+)", page).group(1)


def pages(server):
    first = page_of(server.get("/"))
    shows_its_handshake(first)
    second = page_of(server.get("/"))
    assert client_port(first) != client_port(second), "a connection of its own for each"
    time.sleep(0.3)
    latest = page_of(server.get("/latest"))
    assert client_port(latest) == client_port(second), latest
    assert "TIME-WAIT" in latest and "FIN acknowledged" in latest, latest
    assert server.get("/other").startswith("HTTP/1.1 404 ")


def keep_alive(server):
    """The second page on the same connection tells of the first."""
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with server.connect() as s:
        s.sendall(request)
        answer = b""
        while b"/latest shows the" not in answer or not answer.endswith(b"has.\n"):
            answer += s.recv(65536)
        s.sendall(request.replace(b"Host", b"Connection: close\r\nHost"))
        second = page_of(receive_all(s))
    first = page_of(answer.decode())
    assert client_port(first) == client_port(second)
    assert second.count("═ PSH,ACK") + second.count("═ ACK") > first.count("═ PSH,ACK") + first.count("═ ACK"), second


def many_at_once(server):
    answers, faults = [], []

    def one():
        try:
            answers.append(page_of(server.get("/")))
        except Exception as e:  # noqa: BLE001 - told below
            faults.append(repr(e))

    slow = [server.connect() for _ in range(10)]  # who say nothing hold up nobody
    threads = [threading.Thread(target=one) for _ in range(80)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(SECONDS)
    for s in slow:
        s.close()
    assert not faults and len(answers) == 80, (len(answers), faults[:3])
    assert len({client_port(a) for a in answers}) == 80
    for a in answers:
        assert "SYN-SENT ├═ SYN seq=0 " in a and "ESTABLISHED ├" in a, a


def bad_requests(server):
    assert server.ask(b"nonsense\r\n\r\n").startswith("HTTP/1.1 400 ")
    assert server.ask(b"GET / HTTP/1.1\r\nX: " + b"y" * 40000 + b"\r\n\r\n").startswith("HTTP/1.1 431 ")
    assert server.ask(b"DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith("HTTP/1.1 405 ")
    with server.connect() as s:  # half a request, then an end of file
        s.sendall(b"GET / HT")
        s.shutdown(socket.SHUT_WR)
        receive_all(s)
    with server.connect() as s:  # and a reset
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        s.sendall(b"GET / HTTP/1.1\r\n")
    shows_its_handshake(page_of(server.get("/")))


def refusals(program, port):
    for more, says in [
        (["--serve", "--port", str(port)], f"--port {port}: cannot listen on 127.0.0.1: Address already in use"),
        (["--serve", "--port", "65536"], "--port 65536: a whole number from 0 to 65535"),
        (["--serve", "--port", "x"], "--port x: a whole number"),
        (["--port", "8080"], "--port: only with --serve"),
        (["life", "--serve"], "--serve: without a scenario"),
        (["--serve", "--json"], "--serve: without a scenario"),
    ]:
        r = subprocess.run([program, "demo", *more], capture_output=True, text=True, timeout=SECONDS, check=False)
        assert r.returncode == 2 and says in r.stderr and r.stderr.count("\n") == 1 and not r.stdout, (more, r)


def main():
    program = sys.argv[1]
    with Server(program) as server:
        pages(server)
        keep_alive(server)
        many_at_once(server)
        bad_requests(server)
        refusals(program, server.port)
        idle = server.connect()
        status, out, err = server.interrupt()
        # 2 pages, /latest and a 404; 2 and 80 pages; a 400, a 431, a 405 and a page
        assert status == 0 and not err, (status, out, err)
        assert ", pages served: 86, errors answered: 4\n" in out, out
        assert idle.recv(1) == b"", "an end of file, not a reset"
        idle.close()
    with Server(program, "--loss", "0.1", "--delay", "2", "--seed", "5") as server:
        told = "".join(page_of(server.get("/latest")) + page_of(server.get("/")) for _ in range(8))
        assert "resent" in told, told
        assert server.interrupt()[0] == 0
    print("demo_serve: pages, keep-alive, 80 at once, bad requests, refusals, SIGINT, losses")


if __name__ == "__main__":
    main()
