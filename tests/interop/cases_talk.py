"""`rapport connect` and `rapport listen` with nc and plain sockets of the kernel's as their peers."""

import contextlib
import re
import socket
import subprocess
import threading
import time

from lab import eventually, expect, interfaces, run, sysctl
from net import NAME
from run import EVERYWHERE, on
from talk_ends import (MIB, PORT, SECONDS, Connecting, Listening, Server, Talking, dial, read_all,
                       transfer_both_ways)

FAST = "two seconds as fast as it goes: tshark would read for a minute"

# --- connect ---


@on(*EVERYWHERE)
def test_connect_half_closes_at_the_end_of_input(t):
    with Server(t) as server, Connecting(t) as us:
        us.say(b"question\n")
        us.end_input()
        with server.accept() as peer:
            assert read_all(peer) == b"question\n"
            for n in range(10):  # data goes on flowing the other way
                peer.sendall(b"%d\n" % n)
                time.sleep(0.05)
        assert us.heard() == b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"
        us.ends(0)


def dribble(into, state, wanted):
    """A line now and then, for longer than 10 s, while the kernel's end is in one state; their
    text."""
    eventually(wanted, lambda: state() == wanted, 20)
    said, began = [], time.monotonic()
    while time.monotonic() < began + 11:
        said.append(b"line %d\n" % len(said))
        into.write(said[-1])
        into.flush()
        time.sleep(0.1)
    expect("state of the kernel's end", state(), wanted)
    return b"".join(said)


@contextlib.contextmanager
def nc_dials(t):
    """`rapport listen`, nc that has dialled it, and what the kernel says of nc's end."""
    def state():
        return "".join(run("ss", "-Htan", f"dport = :{PORT}").stdout.split()[:1])

    with Listening(t) as us:
        with subprocess.Popen(["nc", "-N", t.net.ours, str(PORT)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as nc:
            yield us, nc, state
        us.ends(0)


@on(*EVERYWHERE, aside=True)
def test_connect_half_closed_for_10_s(t):
    """FIN-WAIT-2 here, CLOSE-WAIT there; nothing of what still comes is lost."""
    with Server(t) as server, Connecting(t) as us:
        us.say(b"question\n")
        us.end_input()
        with server.accept() as peer:
            assert read_all(peer) == b"question\n"
            said = dribble(peer.makefile("wb", buffering=0), lambda: t.net.state(PORT), "CLOSE-WAIT")
        assert us.heard() == said
        us.ends(0)


@on(*EVERYWHERE, aside=True)
def test_connect_sends_for_10_s_to_a_peer_that_has_finished(t):
    """CLOSE-WAIT here, FIN-WAIT-2 there."""
    with Server(t) as server, Connecting(t) as us:
        with server.accept() as peer:
            peer.shutdown(socket.SHUT_WR)
            said = dribble(us.process.stdin, lambda: t.net.state(PORT), "FIN-WAIT-2")
            us.end_input()
            assert read_all(peer) == said
        us.ends(0)


@on(*EVERYWHERE, tools=("nc",), aside=True)
def test_we_half_close_and_nc_sends_for_10_s(t):
    """FIN-WAIT-2 here, CLOSE-WAIT there."""
    with nc_dials(t) as (us, nc, state):
        us.say(b"question\n")
        us.end_input()
        assert nc.stdout.read(9) == b"question\n"
        said = dribble(nc.stdin, state, "CLOSE-WAIT")
        nc.stdin.close()
        assert us.heard() == said


@on(*EVERYWHERE, tools=("nc",), aside=True)
def test_nc_half_closes_and_we_send_for_10_s(t):
    """CLOSE-WAIT here, FIN-WAIT-2 there."""
    with nc_dials(t) as (us, nc, state):
        nc.stdin.write(b"question\n")
        nc.stdin.close()
        answers = []
        heard = threading.Thread(target=lambda: answers.append(nc.stdout.read()))
        heard.start()
        assert us.heard(9) == b"question\n"
        said = dribble(us.process.stdin, state, "FIN-WAIT-2")
        us.end_input()
        heard.join(SECONDS)
        assert answers == [said], f"{len(said)} octets said"


@on("tun4", "tun6", aside=True)
def test_connect_says_why_nobody_answers(t):
    """The host forwards and has no way there: a soft error, and it goes on trying (MUST-56)."""
    sysctl("net.ipv6.conf.all.forwarding" if t.net.family == 6 else "net.ipv4.ip_forward", 1)
    far = "fd00:99::9" if t.net.family == 6 else "10.99.0.9"
    with Connecting(t, to=far) as us:
        line = us.process.stderr.readline().decode()
        assert line.startswith(f"rapport connect: {far} port {PORT}: "), line
        assert "unreachable" in line or "no route" in line, line
        assert line.endswith(", still trying\n"), line
        time.sleep(0.5)
        assert us.process.poll() is None, "a soft error ended it"
        us.interrupt()
        us.ends(130, 10)


@on("tun4", "tun6", aside=True)
def test_connect_says_whom_it_waits_for(t):
    """An address that nobody has, and no ICMP: who watches is told, a file is not."""
    with Connecting(t, "--verbose", to=t.net.nobody) as us:
        for seconds in (2, 4):
            wanted = f"rapport connect: {t.net.nobody} port {PORT}: waiting for " \
                     f"{t.net.bracketed(t.net.nobody)}:{PORT}: "
            line = us.process.stderr.readline().decode()
            assert line.startswith(wanted), line
            assert re.search(rf"[2-9] SYNs sent, no answer in {seconds} s\n$", line), line
        us.interrupt()
        us.ends(130, 10)
    with Connecting(t, to=t.net.nobody) as us:
        time.sleep(3)
        us.interrupt()
        expect("said to a pipe", us.ends(130, 10), "")


def test_connect_goes_on_sending_when_the_peer_has_finished(t):
    with Server(t) as server, Connecting(t) as us:
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


def test_connect_carries_any_octets_both_ways(t):
    with Server(t) as server, Connecting(t) as us:
        with server.accept() as peer:
            transfer_both_ways(us, peer, 32 * MIB)
        us.ends(0)


@on(*EVERYWHERE)
def test_connect_to_a_closed_port_is_refused(t):
    with Connecting(t, stdin=subprocess.DEVNULL) as us:
        text = us.ends(1)
        assert "refused: the peer's TCP answered our SYN with a reset" in text, text


def test_connect_tells_of_a_reset(t):
    with Server(t) as server, Connecting(t) as us:
        with server.accept() as peer:
            us.say(b"x")
            assert peer.recv(1) == b"x"
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert "reset by the peer" in us.ends(1)


@on("tun4")
def test_connect_ends_when_its_output_is_closed(t):
    with Server(t) as server, Connecting(t) as us:
        us.process.stdout.close()
        with server.accept() as peer:
            with contextlib.suppress(OSError):
                for _ in range(100):
                    peer.sendall(b"x" * 1000)
                    time.sleep(0.01)
        assert "standard output: Broken pipe" in us.ends(1)


def test_interrupt_while_connecting_ends_at_once(t):
    with Connecting(t, to=t.net.nobody) as us:
        time.sleep(0.5)
        us.interrupt()
        us.ends(130, 10)


def test_interrupt_closes_by_the_book(t):
    with Server(t) as server, Connecting(t) as us:
        with server.accept() as peer:
            us.say(b"before")
            assert peer.recv(100) == b"before"
            us.interrupt()
            assert read_all(peer) == b"", "a FIN, no reset"
        us.ends(130, 10)


@on("tun4")
def test_connect_reads_files(t):
    with Server(t) as server, open(__file__, "rb") as file, open(__file__, "rb") as same:
        with Connecting(t, stdin=file) as us:
            with server.accept() as peer:
                assert read_all(peer) == same.read()
            us.ends(0)


@on(*EVERYWHERE, uncaptured=FAST)
def test_connect_in_bulk(t):
    """Two seconds of /dev/zero; says how fast, and judges only that nothing is lost."""
    with Server(t) as server, open("/dev/zero", "rb") as zero:
        with Connecting(t, stdin=zero) as us:
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


@on("tun4")
def test_misuse(t):
    for arguments, words in ((("connect", "no-such-host.invalid", "1"), "/etc/hosts"),
                             (("connect", t.net.host, "0"), "1 to 65535"),
                             (("connect", t.net.host, "nonsense"), "/etc/services"),
                             (("listen", "0"), "1 to 65535"),
                             (("listen", "x"), "1 to 65535")):
        with Talking(t, *arguments, stdin=subprocess.DEVNULL) as us:
            text = us.ends(2)
            assert words in text and text.count("\n") == 1, text


# --- listen ---


@on(*EVERYWHERE, tools=("nc",))
def test_listen_to_nc(t):
    with Listening(t) as us:
        us.say(b"answer\n")
        us.end_input()
        nc = subprocess.run(["nc", "-N", t.net.ours, str(PORT)], input=b"question\n",
                            capture_output=True, timeout=SECONDS)
        assert nc.stdout == b"answer\n", nc
        assert us.heard() == b"question\n"
        us.ends(0)


def test_listen_serves_one_and_refuses_the_next(t):
    with Listening(t) as us:
        with dial(t) as first:
            first.sendall(b"first")
            assert us.heard(5) == b"first"
            try:
                dial(t).close()
                raise AssertionError("a second peer was accepted")
            except ConnectionRefusedError:
                pass
            us.end_input()
            assert read_all(first) == b""
        us.ends(0)


def test_listen_carries_any_octets_both_ways(t):
    with Listening(t) as us:
        with dial(t) as peer:
            transfer_both_ways(us, peer, 32 * MIB)
        us.ends(0)


@on(*EVERYWHERE, uncaptured=FAST)
def test_listen_in_bulk(t):
    with open("/dev/null", "wb") as null:
        with Listening(t, stdout=null) as us:
            us.end_input()
            with dial(t) as peer:
                octets, count, began = bytes(MIB), 0, time.monotonic()
                while time.monotonic() < began + 2:
                    count += peer.send(octets)
                print(f"      down: {count * 8 / (time.monotonic() - began) / 1e9:.2f} Gbit/s")
                peer.shutdown(socket.SHUT_WR)
                assert read_all(peer) == b""
            us.ends(0)


def test_keep_serves_one_after_the_other(t):
    with Listening(t, "--keep") as us:
        for n in range(3):
            with dial(t) as peer:
                us.say(b"hello %d\n" % n)
                assert peer.recv(100) == b"hello %d\n" % n
                peer.sendall(b"%d" % n)
                peer.shutdown(socket.SHUT_WR)
                assert read_all(peer) == b""
            assert us.heard(1) == b"%d" % n
        us.interrupt()
        text = us.ends(130, 10)
        assert text.count("connection from ") == text.count(": closed\n") == 3, text


def test_keep_survives_a_reset(t):
    with Listening(t, "--keep") as us:
        with dial(t) as peer:
            peer.sendall(b"a")
            assert us.heard(1) == b"a"
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with dial(t) as peer:
            peer.sendall(b"b")
            assert us.heard(1) == b"b"
        us.interrupt()
        assert "reset by the peer" in us.ends(130, 10)


@on("tun4")
def test_listen_waits_and_is_interrupted(t):
    with Listening(t) as us:
        us.interrupt()
        us.ends(130, 10)
    eventually("the interface is gone", lambda: NAME not in interfaces())
