"""The network that a test runs on: a family and a medium, who has which address, and the kernel's
view of it: states of sockets (ss), counters of the interface, loss (nft)."""

import contextlib
import dataclasses
import re
import socket

from lab import run

NAME = "rap0"  # of the interface


@dataclasses.dataclass(frozen=True)
class Net:
    """`medium`: tun or tap. `family`: 4 or 6."""

    medium: str
    family: int

    def __str__(self):
        return f"{self.medium}{self.family}"

    @property
    def ours(self):
        return "10.77.0.2" if self.family == 4 else "fd00:77::2"

    @property
    def host(self):
        return "10.77.0.1" if self.family == 4 else "fd00:77::1"

    @property
    def nobody(self):
        """An address of the network that nobody has."""
        return "10.77.0.9" if self.family == 4 else "fd00:77::9"

    @property
    def prefix(self):
        return 24 if self.family == 4 else 64

    @property
    def network(self):
        return f"{'10.77.0.0' if self.family == 4 else 'fd00:77::'}/{self.prefix}"

    @property
    def af(self):
        return socket.AF_INET if self.family == 4 else socket.AF_INET6

    @property
    def mss(self):
        """With an MTU of 1500, without options."""
        return 1460 if self.family == 4 else 1440

    def options(self, name=NAME):
        return [f"--{self.medium}", name, "--address", f"{self.ours}/{self.prefix}",
                "--host-address", f"{self.host}/{self.prefix}"]

    def bracketed(self, address):
        return address if self.family == 4 else f"[{address}]"

    def url(self, path="", port=80, scheme="http", address=None):
        usual = 443 if scheme == "https" else 80
        where = self.bracketed(address or self.ours) + ("" if port == usual else f":{port}")
        return f"{scheme}://{where}/{path}"

    def socket(self, kind=socket.SOCK_STREAM, timeout=10.0):
        s = socket.socket(self.af, kind)
        s.settimeout(timeout)
        return s

    def connect(self, port=80, timeout=10.0, receive_buffer=None):
        s = self.socket(timeout=timeout)
        if receive_buffer:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        s.connect((self.ours, port))
        return s

    def listen(self, port=0, backlog=16):
        s = self.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((self.host, port))
        s.listen(backlog)
        return s

    def states(self, port):
        """Of the kernel's connections with us that have this local port: ["CLOSE-WAIT"]."""
        text = run("ss", "-Htan", f"sport = :{port} and dst {self.bracketed(self.ours)}").stdout
        return [line.split()[0] for line in text.splitlines()]

    def state(self, of):
        """What the kernel says about its end of a connection, a socket or its port; "": gone."""
        port = of if isinstance(of, int) else of.getsockname()[1]
        return next(iter(self.states(port)), "")

    def details(self, s):
        """All that ss -i tells about a socket's connection."""
        port = s.getsockname()[1]
        return run("ss", "-Htinoe", f"sport = :{port} and dst {self.bracketed(self.ours)}").stdout


def tx_dropped(name=NAME):
    """Packets that the kernel could not put into our queue."""
    text = run("ip", "-s", "-s", "-o", "link", "show", name).stdout
    tx = re.search(r"TX: +bytes +packets +errors +dropped.*?\\\s+(\d+) +(\d+) +(\d+) +(\d+)", text)
    return int(tx.group(4))


def received(name=NAME):
    """Octets that the kernel has had from us."""
    with open("/proc/net/dev") as f:
        return next((int(line.split(":")[1].split()[0]) for line in f
                     if line.split(":")[0].strip() == name), 0)


@contextlib.contextmanager
def dropping(direction, what="", name=NAME):
    """Drops TCP packets on the interface, "input" or "output" as the kernel sees it, while it
    lasts. `what`: which ones, in nft's words."""
    side = "iifname" if direction == "input" else "oifname"
    table = f"lab_{direction}"
    run("nft", f"add table inet {table}; add chain inet {table} c "
        f"{{ type filter hook {direction} priority 0; }}; "
        f"add rule inet {table} c {side} \"{name}\" meta l4proto tcp {what} counter drop")
    try:
        yield
    finally:
        run("nft", "delete", "table", "inet", table)


def dropped(direction):
    text = run("nft", "list", "table", "inet", f"lab_{direction}").stdout
    return int(re.search(r"packets (\d+)", text).group(1))


def loss(modulus):
    """Every modulus-th packet is lost, counted in each direction for itself."""
    stack = contextlib.ExitStack()
    for direction in ("input", "output"):
        stack.enter_context(dropping(direction, f"numgen inc mod {modulus} 0"))
    return stack
