"""The two ends of a talk: `rapport connect` or `rapport listen` between pipes, and the kernel's."""

import hashlib
import random
import signal
import socket
import subprocess
import threading

from lab import eventually, interfaces, run
from net import NAME

PORT = 4444
MIB = 1 << 20
SECONDS = 60


class Talking:
    """The program with a binary pipe at each of its ends; leaves nothing behind."""

    def __init__(self, t, verb, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE):
        self.net = t.net
        self.command = [t.program, verb, *t.options(*map(str, arguments))]
        self.stdin, self.stdout = stdin, stdout

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=self.stdin, stdout=self.stdout,
                                        stderr=subprocess.PIPE)
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
        """What it said on standard error."""
        got = self.process.wait(seconds)
        text = self.process.stderr.read().decode()
        assert got == status, f"ended with {got}, not {status}: {text}"
        eventually("the interface is gone", lambda: NAME not in interfaces())
        return text


class Connecting(Talking):
    def __init__(self, t, *arguments, to=None, **more):
        super().__init__(t, "connect", to or t.net.host, PORT, *arguments, **more)


class Listening(Talking):
    """Says when it listens."""

    def __init__(self, t, *arguments, **more):
        super().__init__(t, "listen", PORT, *arguments, **more)

    def __enter__(self):
        super().__enter__()
        line = self.process.stderr.readline().decode()
        assert "listening " in line, line
        if self.net.medium == "tap":  # an address is asked for before it is used (RFC 5227)
            eventually("our address is used", lambda: run("ping", "-c", "1", "-W", "1", self.net.ours,
                                                          ok=False).returncode == 0, 20)
        return self


class Server:
    """A socket of the kernel's that listens on PORT of its address."""

    def __init__(self, t):
        self.socket = socket.create_server(("", PORT), family=t.net.af)
        self.socket.settimeout(SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def accept(self):
        peer = self.socket.accept()[0]
        peer.settimeout(SECONDS)
        return peer


def dial(t):
    return t.net.connect(PORT, SECONDS)


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

    threads = [threading.Thread(target=f) for f in (speak, answer, listen)]
    for thread in threads:
        thread.start()
    assert read_all(peer, sums[0]) == size
    for thread in threads:
        thread.join(SECONDS)
    assert sums[0].digest() == hashlib.sha256(there).digest(), "there: octets differ"
    assert sums[1].digest() == hashlib.sha256(back).digest(), "back: octets differ"
