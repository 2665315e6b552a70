"""A laboratory for tests against the kernel: a network namespace of our own, `rapport serve` in it,
the kernel's view of sockets (ss), deterministic loss (nft) and captures as tshark reads them.

The process that makes a Lab enters its namespace, so that its sockets and its children live there.
Everything that was made is taken away again, also when a test fails.
"""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

SKIPPED = 77  # ctest: SKIP_RETURN_CODE
TUN, OURS, HOST = "rap0", "10.77.0.2", "10.77.0.1"
CLONE_NEWNET = 0x40000000


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(SKIPPED)


def need_root_and(*tools):
    """Ends the test as skipped where it cannot run."""
    if os.geteuid() != 0:
        skip("interop tests make network namespaces: run them as root")
    missing = [t for t in tools if shutil.which(t) is None]
    if missing:
        skip(f"missing programs: {' '.join(missing)} (see scripts/bootstrap test)")
    if not os.path.exists("/dev/net/tun"):
        skip("/dev/net/tun is missing")


def run(*command, ok=True, timeout=60):
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if ok and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: status {done.returncode}: {done.stderr.strip()}")
    return done


def eventually(what, predicate, seconds=5.0):
    """The first true value of predicate(), within some seconds."""
    end = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Lab:
    """A network namespace that this process has entered."""

    def __init__(self):
        self.name = f"rapport-{os.getpid()}"
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)

    def __enter__(self):
        made = run("ip", "netns", "add", self.name, ok=False)
        if made.returncode != 0:
            skip(f"cannot make a network namespace: {made.stderr.strip()}")
        try:
            self._enter(f"/run/netns/{self.name}")
            run("ip", "link", "set", "lo", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._set_namespace(self.home)
        run("ip", "netns", "del", self.name)
        os.close(self.home)

    def _enter(self, path):
        there = os.open(path, os.O_RDONLY)
        self._set_namespace(there)
        os.close(there)

    @staticmethod
    def _set_namespace(descriptor):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def exists(self):
        return self.name in run("ip", "netns", "list").stdout.split()


def interfaces():
    return re.findall(r"^\d+: ([^:@]+)", run("ip", "-o", "link").stdout, re.M)


class Serve:
    """`rapport serve` as a child; a context manager that leaves no process behind."""

    def __init__(self, program, folder, *more):
        self.command = [program, "serve", folder, "--tun", TUN, "--address", f"{OURS}/24",
                        "--host-address", f"{HOST}/24", *more]
        self.text = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.greeting = self.process.stdout.readline()
        if not self.greeting.startswith("serving "):
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"serve did not start: {self.greeting}{out}{err}")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        elif self.text is None:  # nobody waited for its end: a crash, or what a sanitizer found
            raise AssertionError(f"serve ended with {self.wait(5)} by itself:\n{self.text}")
        self.process.communicate()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def wait(self, seconds):
        """The exit status; standard output and error are in `text`."""
        out, err = self.process.communicate(timeout=seconds)
        self.text = out + err
        return self.process.returncode

    def counts(self):
        """What it printed at its end: {"closed-by-us": 3, ...}."""
        return {k: int(v) for k, v in re.findall(r"^  ([a-z-]+) +(\d+)(?:  \(.*\))?$", self.text, re.M)}


def connect(timeout=10.0, receive_buffer=None):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(timeout)
    s.connect((OURS, 80))
    return s


def request(target="/", method="GET", version="1.1", fields=("Host: x",)):
    lines = [f"{method} {target} HTTP/{version}", *fields, "", ""]
    return "\r\n".join(lines).encode()


def read_to_end(s):
    pieces = []
    while piece := s.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def read_answer(s, head=False):
    """(status, fields, body) of one answer; what follows it stays in the socket."""
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        octet = s.recv(1)
        if not octet:
            raise AssertionError(f"the connection ended inside an answer: {text!r}")
        text += octet
    lines = text.decode().split("\r\n")
    fields = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:] if line)}
    body = bytearray()
    length = 0 if head else int(fields.get("content-length", 0))
    while len(body) < length:
        piece = s.recv(length - len(body))
        if not piece:
            raise AssertionError("the connection ended inside a body")
        body += piece
    return int(lines[0].split()[1]), fields, bytes(body)


def state_of(s):
    """What the kernel says about its end of a connection: "CLOSE-WAIT", ...; "" when it is gone."""
    return state_of_port(s.getsockname()[1])


def state_of_port(port):
    lines = run("ss", "-Htan", f"sport = :{port} and dst {OURS}").stdout.split("\n")
    return lines[0].split()[0] if lines[0] else ""


@contextlib.contextmanager
def dropping(direction, what=""):
    """Drops packets on the TUN, "input" or "output" as the kernel sees it, while it lasts."""
    side = "iifname" if direction == "input" else "oifname"
    run("nft", f"add table inet lab_{direction}; add chain inet lab_{direction} c "
        f"{{ type filter hook {direction} priority 0; }}; "
        f"add rule inet lab_{direction} c {side} \"{TUN}\" {what} counter drop")
    try:
        yield
    finally:
        run("nft", "delete", "table", "inet", f"lab_{direction}")


def dropped(direction):
    text = run("nft", "list", "table", "inet", f"lab_{direction}").stdout
    return int(re.search(r"packets (\d+)", text).group(1))


def loss(modulus):
    """Every modulus-th packet is lost, counted in each direction for itself."""
    stack = contextlib.ExitStack()
    for direction in ("input", "output"):
        stack.enter_context(dropping(direction, f"numgen inc mod {modulus} 0"))
    return stack


class Capture:
    """What tshark says about a pcapng file, packet by packet, with every checksum verified."""

    FIELDS = ("ip.checksum.status", "tcp.checksum.status", "icmp.checksum.status", "_ws.malformed",
              "tcp.analysis.retransmission", "tcp.analysis.fast_retransmission",
              "tcp.analysis.spurious_retransmission", "tcp.analysis.out_of_order",
              "tcp.analysis.lost_segment", "_ws.expert.severity", "tcp.checksum", "ip.src")
    BAD = "0"  # of a checksum's status; 1 is good

    def __init__(self, path):
        command = ["tshark", "-n", "-r", path, "-o", "ip.check_checksum:TRUE", "-o",
                   "tcp.check_checksum:TRUE", "-T", "fields"]
        for field in self.FIELDS:
            command += ["-e", field]
        done = run(*command, timeout=180)
        self.rows = [dict(zip(self.FIELDS, line.split("\t"))) for line in done.stdout.splitlines()]

    def count(self, field, value=None):
        return sum(1 for r in self.rows if r.get(field) and value in (None, r[field]))

    @staticmethod
    def is_minus_zero(row):
        """One segment in 65,536 whose sum is zero leaves Linux as ffff (as RFC 768 asks of UDP),
        which tshark calls bad: in ones complement both are zero. Ours must be 0000 (RFC 1624)."""
        return row.get("tcp.checksum") == "0xffff" and row.get("ip.src") == HOST

    def faults(self):
        bad = sum(1 for r in self.rows if not self.is_minus_zero(r)
                  for f in self.FIELDS[:3] if r.get(f) == self.BAD)
        return {"bad checksums": bad, "malformed": self.count("_ws.malformed")}

    def repeats(self):
        return {f: self.count(f) for f in self.FIELDS[4:9]}
