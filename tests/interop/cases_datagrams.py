"""Datagrams between `rapport connect --udp` or `rapport listen --udp` and sockets of the kernel's."""

import os
import socket
import subprocess
import time

from cases_trouble import far_away
from lab import eventually, run
from run import EVERYWHERE, on
from talk_ends import PORT, SECONDS, Connecting, Listening


def udp_socket(t, port=0):
    s = t.net.socket(socket.SOCK_DGRAM, SECONDS)
    s.bind(("", port))
    return s


@on(*EVERYWHERE)
def test_datagrams_to_a_peer_and_back(t):
    with udp_socket(t, PORT) as peer, Connecting(t, "--udp", "--wait", "1") as us:
        us.say(b"question")
        text, there = peer.recvfrom(65536)
        assert text == b"question" and there[0] == t.net.ours, (text, there)
        peer.sendto(b"answer", there)
        assert us.heard(6) == b"answer"
        peer.sendto(b"y" * 65507, there)  # the kernel sends fragments
        assert us.heard(65507) == b"y" * 65507
        us.end_input()
        us.ends(0)


@on(*EVERYWHERE)
def test_a_datagram_to_a_closed_port_is_told(t):
    with Connecting(t, "--udp") as us:
        us.say(b"x")
        assert "nobody has that port (ICMP port unreachable)" in us.ends(1)


@on("tun4", "tun6")
def test_datagrams_go_on_when_the_path_is_smaller(t):
    """A router on the way takes 1300 octets at most and says so (RFC 1191 4, RFC 4443 3.2): what was
    too long is lost, the program goes on, and the next long one arrives in fragments."""
    with far_away(t) as away:
        away.run("ip", "link", "set", "far0", "mtu", "1300")
        run("ip", "link", "set", "near0", "mtu", "1300")
        with Connecting(t, "--udp", "--wait", "1", to=away.far) as us, \
             away.start("nc", f"-{t.net.family}", "-u", "-l", str(PORT),
                        stdout=subprocess.PIPE) as nc:
            try:
                eventually("nc listens", lambda: away.run("ss", "-Hluan", f"sport = :{PORT}").stdout)
                heard = bytearray()
                os.set_blocking(nc.stdout.fileno(), False)

                def hears(what):
                    heard.extend(nc.stdout.read() or b"")
                    return what in heard

                for _ in range(20):
                    us.say(b"x" * 1400)
                    time.sleep(0.1)
                    assert us.process.poll() is None, us.ends(0)
                us.say(b"short")
                eventually("the last one", lambda: hears(b"short"))
                assert b"x" * 1400 in heard, f"no long datagram among {len(heard)} octets"
                us.end_input()
                us.ends(0)
            finally:
                nc.kill()


@on(*EVERYWHERE)
def test_listening_for_datagrams(t):
    with Listening(t, "--udp", "--wait", "1") as us, udp_socket(t) as peer:
        peer.connect((t.net.ours, PORT))
        peer.send(b"hello")
        assert us.heard(5) == b"hello"
        us.say(b"z" * 1000)
        assert peer.recv(65536) == b"z" * 1000
        us.end_input()
        us.ends(0)


@on(*EVERYWHERE)
def test_keep_hears_everybody_in_datagrams(t):
    with Listening(t, "--udp", "--keep") as us:
        for n in range(3):
            with udp_socket(t) as peer:
                peer.sendto(b"%d" % n, (t.net.ours, PORT))
                assert us.heard(1) == b"%d" % n
                us.say(b"to %d" % n)
                assert peer.recv(100) == b"to %d" % n
        us.interrupt()
        us.ends(130, 10)
