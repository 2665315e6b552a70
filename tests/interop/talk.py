#!/usr/bin/env python3
"""`rapport connect` and `rapport listen` against the kernel: nc and plain sockets as peers.

usage: talk.py PROGRAM [NAME...]    all tests, or those whose names contain one of NAME
Exit status: 0 all passed, 1 some failed, 77 cannot run here (says why).
"""

import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback

from lab import Lab, eventually, interfaces, need_root_and
from net import NAME as TUN
from net import Net

HOST, OURS = Net("tun", 4).host, Net("tun", 4).ours

PORT = 4444
MIB = 1 << 20
SECONDS = 60


class Rapport:
    """The program as a child; leaves nothing behind."""

    def __init__(self, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE):
        self.arguments, self.stdin, self.stdout = arguments, stdin, stdout

    def __enter__(self):
        device = ["--tun", TUN, "--address", f"{OURS}/24", "--host-address", f"{HOST}/24"]
        self.process = subprocess.Popen([PROGRAM, *self.arguments, *device], stdin=self.stdin,
                                        stdout=self.stdout, stderr=subprocess.PIPE)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None and not stream.closed:
                stream.close()
        self.process.wait()

    def say(self, octets):
        self.process.stdin.write(octets)
        self.process.stdin.flush()

    def end_input(self):
        self.process.stdin.close()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def heard(self, count=-1):
        return self.process.stdout.read(count)

    def ends(self, status, seconds=SECONDS):
        got = self.process.wait(seconds)
        text = self.process.stderr.read().decode()
        assert got == status, f"ended with {got}, not {status}: {text}"
        assert TUN not in interfaces(), "the interface is still there"
        return text


class Listening(Rapport):
    """`rapport listen`, which says when it listens."""

    def __init__(self, *arguments, **more):
        super().__init__("listen", *arguments, **more)

    def __enter__(self):
        super().__enter__()
        line = self.process.stderr.readline().decode()
        assert "listening " in line, line
        return self


class Server:
    """A socket of the kernel's that listens on PORT of any address."""

    def __enter__(self):
        self.socket = socket.create_server(("", PORT))
        self.socket.settimeout(SECONDS)
        return self

    def __exit__(self, *_):
        self.socket.close()

    def accept(self):
        peer = self.socket.accept()[0]
        peer.settimeout(SECONDS)
        return peer


def dial(seconds=SECONDS):
    return socket.create_connection((OURS, PORT), seconds)


def read_all(peer, digest=None):
    """Until the peer's FIN; the text, or its length when a digest takes it."""
    got, count = [], 0
    while piece := peer.recv(MIB):
        count += len(piece)
        if digest is not None:
            digest.update(piece)
        else:
            got.append(piece)
    return b"".join(got) if digest is None else count


# --- connect ---


def test_connect_half_closes_at_the_end_of_input():
    with Server() as server, Rapport("connect", HOST, str(PORT)) as us:
        us.say(b"question\n")
        us.end_input()
        with server.accept() as peer:
            assert read_all(peer) == b"question\n"
            for n in range(10):  # data goes on flowing the other way
                peer.sendall(b"%d\n" % n)
                time.sleep(0.05)
        assert us.heard() == b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"
        us.ends(0)


def test_connect_goes_on_sending_when_the_peer_has_finished():
    with Server() as server, Rapport("connect", HOST, str(PORT)) as us:
        with server.accept() as peer:
            peer.sendall(b"done\n")
            peer.shutdown(socket.SHUT_WR)
            assert us.heard(5) == b"done\n"
            us.say(b"and ")
            time.sleep(0.2)
            us.say(b"on\n")
            us.end_input()
            assert read_all(peer) == b"and on\n"
        us.ends(0)


def transfer_both_ways(us, peer, size):
    """Random octets each way at once, compared by their sums."""
    there, back = random.Random(1).randbytes(size), random.Random(2).randbytes(size)
    sums = [hashlib.sha256(), hashlib.sha256()]

    def speak():
        us.process.stdin.write(there)
        us.end_input()

    def answer():
        peer.sendall(back)
        peer.shutdown(socket.SHUT_WR)

    def listen():
        sums[1].update(us.process.stdout.read())

    threads = [threading.Thread(target=t) for t in (speak, answer, listen)]
    for t in threads:
        t.start()
    assert read_all(peer, sums[0]) == size
    for t in threads:
        t.join(SECONDS)
    assert sums[0].digest() == hashlib.sha256(there).digest(), "there: octets differ"
    assert sums[1].digest() == hashlib.sha256(back).digest(), "back: octets differ"


def test_connect_carries_any_octets_both_ways():
    with Server() as server, Rapport("connect", HOST, str(PORT)) as us:
        with server.accept() as peer:
            transfer_both_ways(us, peer, 32 * MIB)
        us.ends(0)


def test_connect_to_a_closed_port_is_refused():
    with Rapport("connect", HOST, str(PORT), stdin=subprocess.DEVNULL) as us:
        text = us.ends(1)
        assert "refused: the peer's TCP answered our SYN with a reset" in text, text


def test_connect_tells_of_a_reset():
    with Server() as server, Rapport("connect", HOST, str(PORT)) as us:
        with server.accept() as peer:
            us.say(b"x")
            assert peer.recv(1) == b"x"
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert "reset by the peer" in us.ends(1)


def test_connect_ends_when_its_output_is_closed():
    with Server() as server, Rapport("connect", HOST, str(PORT)) as us:
        us.process.stdout.close()
        with server.accept() as peer:
            try:
                for _ in range(100):
                    peer.sendall(b"x" * 1000)
                    time.sleep(0.01)
            except OSError:
                pass
        assert "standard output: Broken pipe" in us.ends(1)


def test_interrupt_while_connecting_ends_at_once():
    with Rapport("connect", "10.77.0.99", str(PORT)) as us:  # nobody has that address
        time.sleep(0.5)
        us.interrupt()
        us.ends(130, 10)


def test_interrupt_closes_by_the_book():
    with Server() as server, Rapport("connect", HOST, str(PORT)) as us:
        with server.accept() as peer:
            us.say(b"before")
            assert peer.recv(100) == b"before"
            us.interrupt()
            assert read_all(peer) == b"", "a FIN, no reset"
        us.ends(130, 10)


def test_connect_reads_files():
    with Server() as server, open(__file__, "rb") as file, open(__file__, "rb") as same:
        with Rapport("connect", HOST, str(PORT), stdin=file) as us:
            with server.accept() as peer:
                assert read_all(peer) == same.read()
            us.ends(0)


def test_connect_in_bulk():
    """Two seconds of /dev/zero; says how fast, and judges only that nothing is lost."""
    with Server() as server, open("/dev/zero", "rb") as zero:
        with Rapport("connect", HOST, str(PORT), stdin=zero) as us:
            with server.accept() as peer:
                buffer, count, began = bytearray(MIB), 0, time.monotonic()
                while time.monotonic() < began + 2:
                    count += peer.recv_into(buffer)
                print(f"      up: {count * 8 / (time.monotonic() - began) / 1e9:.2f} Gbit/s")
                us.interrupt()
                while n := peer.recv_into(buffer):
                    count += n
                assert count > MIB
            us.ends(130, 10)


def test_misuse():
    for arguments, words in ((("connect", "no-such-host.invalid", "1"), "/etc/hosts"),
                             (("connect", HOST, "0"), "1 to 65535"),
                             (("connect", HOST, "nonsense"), "/etc/services"),
                             (("listen", "0"), "1 to 65535"),
                             (("listen", "x"), "1 to 65535")):
        with Rapport(*arguments, stdin=subprocess.DEVNULL) as us:
            text = us.ends(2)
            assert words in text and text.count("\n") == 1, text


# --- listen ---


def test_listen_to_nc():
    with Listening(str(PORT)) as us:
        us.say(b"answer\n")
        us.end_input()
        nc = subprocess.run(["nc", "-N", OURS, str(PORT)], input=b"question\n",
                            capture_output=True, timeout=SECONDS)
        assert nc.stdout == b"answer\n", nc
        assert us.heard() == b"question\n"
        us.ends(0)


def test_listen_serves_one_and_refuses_the_next():
    with Listening(str(PORT)) as us:
        with dial() as first:
            first.sendall(b"first")
            assert us.heard(5) == b"first"
            try:
                dial(5).close()
                raise AssertionError("a second peer was accepted")
            except ConnectionRefusedError:
                pass
            us.end_input()
            assert read_all(first) == b""
        us.ends(0)


def test_listen_carries_any_octets_both_ways():
    with Listening(str(PORT)) as us:
        with dial() as peer:
            transfer_both_ways(us, peer, 32 * MIB)
        us.ends(0)


def test_listen_in_bulk():
    with open("/dev/null", "wb") as null:
        with Listening(str(PORT), stdout=null) as us:
            us.end_input()
            with dial() as peer:
                octets, count, began = bytes(MIB), 0, time.monotonic()
                while time.monotonic() < began + 2:
                    count += peer.send(octets)
                print(f"      down: {count * 8 / (time.monotonic() - began) / 1e9:.2f} Gbit/s")
                peer.shutdown(socket.SHUT_WR)
                assert read_all(peer) == b""
            us.ends(0)


def test_keep_serves_one_after_the_other():
    with Listening(str(PORT), "--keep") as us:
        for n in range(3):
            with dial() as peer:
                us.say(b"hello %d\n" % n)
                assert peer.recv(100) == b"hello %d\n" % n
                peer.sendall(b"%d" % n)
                peer.shutdown(socket.SHUT_WR)
                assert read_all(peer) == b""
            assert us.heard(1) == b"%d" % n
        us.interrupt()
        us.ends(130, 10)


def test_keep_survives_a_reset():
    with Listening(str(PORT), "--keep") as us:
        with dial() as peer:
            peer.sendall(b"a")
            assert us.heard(1) == b"a"
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with dial() as peer:
            peer.sendall(b"b")
            assert us.heard(1) == b"b"
        us.interrupt()
        assert "reset by the peer" in us.ends(130, 10)


def test_listen_waits_and_is_interrupted():
    with Listening(str(PORT)) as us:
        us.interrupt()
        us.ends(130, 10)
    eventually("the interface is gone", lambda: TUN not in interfaces())


# --- datagrams ---


def udp_socket(port=0):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", port))
    s.settimeout(SECONDS)
    return s


def test_datagrams_to_a_peer_and_back():
    with udp_socket(PORT) as peer, Rapport("connect", HOST, str(PORT), "--udp", "--wait", "1") as us:
        us.say(b"question")
        text, there = peer.recvfrom(65536)
        assert text == b"question" and there[0] == OURS, (text, there)
        peer.sendto(b"answer", there)
        assert us.heard(6) == b"answer"
        peer.sendto(b"y" * 65507, there)  # the kernel sends fragments
        assert us.heard(65507) == b"y" * 65507
        us.end_input()
        us.ends(0)


def test_a_datagram_to_a_closed_port_is_told():
    with Rapport("connect", HOST, str(PORT), "--udp") as us:
        us.say(b"x")
        assert "nobody has that port (ICMP port unreachable)" in us.ends(1)


def test_listening_for_datagrams():
    with Listening(str(PORT), "--udp", "--wait", "1") as us, udp_socket() as peer:
        peer.connect((OURS, PORT))
        peer.send(b"hello")
        assert us.heard(5) == b"hello"
        us.say(b"z" * 1000)
        assert peer.recv(65536) == b"z" * 1000
        us.end_input()
        us.ends(0)


def test_keep_hears_everybody_in_datagrams():
    with Listening(str(PORT), "--udp", "--keep") as us:
        for n in range(3):
            with udp_socket() as peer:
                peer.sendto(b"%d" % n, (OURS, PORT))
                assert us.heard(1) == b"%d" % n
                us.say(b"to %d" % n)
                assert peer.recv(100) == b"to %d" % n
        us.interrupt()
        us.ends(130, 10)


def main():
    need_root_and("ip", "nc")
    tests = {n[5:]: f for n, f in globals().items() if n.startswith("test_")}
    wanted = sys.argv[2:]
    failures = 0
    for name, test in tests.items():
        if wanted and not any(w in name for w in wanted):
            continue
        try:
            with Lab():
                test()
            print(f"ok    {name}", flush=True)
        except Exception:
            failures += 1
            print(f"FAIL  {name}\n{traceback.format_exc()}", flush=True)
    print(f"{failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    PROGRAM = sys.argv[1]
    sys.exit(main())
