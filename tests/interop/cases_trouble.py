"""A road that fails under way: interface down and up, nobody there, a smaller path, half closed for
long; pings and fragments; datagrams."""

import concurrent.futures
import os
import socket
import subprocess
import tempfile
import time

from capture import Capture
from cases_closing import become
from folder import MIB
from http_talk import fetch, file_sha256, request
from lab import eventually, expect, run, sysctl
from net import NAME, received
from run import EVERYWHERE, on


@on("tun4", "tun6", "tap4", aside=True)
def test_the_interface_is_down_for_5_s(t):
    """EIO is counted, not fatal; nothing spins; the transfer goes on."""
    name = t.site.big(64)
    with t.watched() as serve:
        if t.net.family == 6:  # else the kernel forgets its address
            sysctl(f"net.ipv6.conf.{NAME}.keep_addr_on_down", 1)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            client = pool.submit(fetch, t.net.url(name), 100, "--limit-rate", "16M")
            eventually("octets flow", lambda: received() > MIB, 20)
            run("ip", "link", "set", NAME, "down")
            before = serve.processor_seconds()
            time.sleep(5)
            device = serve.status()["device"]
            used = serve.processor_seconds() - before
            run("ip", "link", "set", NAME, "up")
            expect("SHA-256", client.result()[0], t.site.sums[name])
        assert used < 0.5, f"{used:.2f} s of the processor while the interface was down"
        assert device["write_errors"] > 0, f"nothing was refused: {device}"
        counted = serve.status()["device"]["write_errors"]
        serve.ends_well()
        assert f" out; write errors {counted}\n" in serve.text, serve.text


@on("tun4", "tun6", aside=True)
def test_half_closed_for_10_s(t):
    """The client has finished; what it asked for still comes, for ten seconds and more."""
    name = t.site.big(64)
    with t.watched() as serve, t.net.connect(timeout=30, receive_buffer=65536) as s:
        s.sendall(request(f"/{name}", version="1.0"))
        s.shutdown(socket.SHUT_WR)
        become(t, serve, s, "FIN-WAIT-2", "CLOSE-WAIT")
        began, heard = time.monotonic(), 0
        while piece := s.recv(1 << 20):
            heard += len(piece)
            if time.monotonic() - began < 10.5:
                expect("states", (t.net.state(s), serve.state(s.getsockname()[1])),
                       ("FIN-WAIT-2", "CLOSE-WAIT"))
                time.sleep(0.2)
        took = time.monotonic() - began
        assert took > 10 and heard > t.site.sizes[name], f"{heard} octets in {took:.1f} s"
        serve.ends_well()


@on(*EVERYWHERE, tools=("ping",))
def test_ping(t):
    with t.serve():
        done = run("ping", f"-{t.net.family}", "-c", "5", "-i", "0.2", "-W", "2", t.net.ours)
        assert " 5 received" in done.stdout, done.stdout


@on(*EVERYWHERE, tools=("ping",))
def test_ping_in_fragments(t):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fragments.pcapng")
        with t.serve("--pcap", path) as serve:
            done = run("ping", f"-{t.net.family}", "-c", "5", "-i", "0.2", "-W", "2", "-s", "3000",
                       t.net.ours)
            assert " 5 received" in done.stdout, done.stdout
            serve.ends_well()
        expect("faults", Capture(path).faults(), {"bad checksums": 0, "malformed": 0})


@on(*EVERYWHERE)
def test_a_datagram_for_nobody_is_answered(t):
    """Port unreachable: the kernel tells the sender's socket."""
    with t.serve(), t.net.socket(socket.SOCK_DGRAM, timeout=3) as s:
        s.connect((t.net.ours, 4242))
        s.send(b"is anybody there?")
        try:
            s.recv(100)
            raise AssertionError("an answer")
        except ConnectionRefusedError:
            pass


@on("tun4", "tun6", aside=True)
def test_the_path_becomes_smaller_under_way(t):
    """A client behind a router; in mid-transfer the link behind it takes 1300 octets only. The
    router says so (ICMP: too big), and the transfer goes on."""
    v6 = t.net.family == 6
    name = t.site.big(64)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "path.pcapng")
        with t.serve("--pcap", path) as serve, far_away(t) as away:
            command = ["curl", "-gsSf", "--max-time", "100", "--limit-rate", "8M", "-o",
                       os.path.join(folder, "got"), t.net.url(name)]
            client = away.start(*command)
            eventually("octets flow", lambda: received() > MIB, 20)
            run("ip", "link", "set", "near0", "mtu", "1300")
            away.run("ip", "link", "set", "far0", "mtu", "1300")
            expect("curl's status", client.wait(110), 0)
            expect("SHA-256", file_sha256(os.path.join(folder, "got")), t.site.sums[name])
            serve.ends_well()
        capture = Capture(path)
        capture.is_sound(10000)
        told = capture.count("icmpv6.type", "2") if v6 else sum(
            r["icmp.type"].startswith("3") for r in capture.rows)
        assert told >= 1, "the router said nothing: nothing was tried"
        lengths = [int(r["frame.len"].split(",")[0]) for r in capture.rows
                   if r["ipv6.src" if v6 else "ip.src"] == t.net.ours]
        assert max(lengths[-1000:]) <= 1300, f"at the end still {max(lengths[-1000:])} octets"


def far_away(t):
    """A host behind ours, which forwards."""
    v6 = t.net.family == 6
    sysctl("net.ipv6.conf.all.forwarding" if v6 else "net.ipv4.ip_forward", 1)
    return FarAway("fd00:88::9", "fd00:88::1", 64) if v6 else FarAway("10.88.0.9", "10.88.0.1", 24)


class FarAway:
    """A namespace behind this one: far0 there, near0 here."""

    def __init__(self, far, near, prefix):
        self.far, self.near, self.prefix = far, near, prefix
        self.name = f"rapport-far-{os.getpid()}"

    def __enter__(self):
        run("ip", "netns", "add", self.name)
        try:
            run("ip", "link", "add", "near0", "type", "veth", "peer", "far0", "netns", self.name)
            run("ip", "address", "add", f"{self.near}/{self.prefix}", "dev", "near0", "nodad")
            run("ip", "link", "set", "near0", "up")
            self.run("ip", "address", "add", f"{self.far}/{self.prefix}", "dev", "far0", "nodad")
            self.run("ip", "link", "set", "lo", "up")
            self.run("ip", "link", "set", "far0", "up")
            self.run("ip", "route", "add", "default", "via", self.near)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        run("ip", "link", "del", "near0", ok=False)
        run("ip", "netns", "del", self.name, ok=False)

    def run(self, *command):
        return run("ip", "netns", "exec", self.name, *command)

    def start(self, *command, **more):
        return subprocess.Popen(["ip", "netns", "exec", self.name, *command], **more)
