"""How connections end, with the kernel's state (ss) beside what ours must then be: each end first,
both at once, half closed, refused, interrupted; and what `rapport serve` counts."""

import concurrent.futures
import contextlib
import os
import signal
import socket
import struct
import subprocess
import tempfile
import time

from capture import Capture
from lab import eventually, expect, interfaces, run
from net import NAME, dropping
from run import EVERYWHERE, on
from http_talk import read_answer, read_to_end, request, sha256


def become(t, serve, of, kernel, ours):
    """Waits until both ends of a connection, a socket or its port, are in these states at once."""
    port = of if isinstance(of, int) else of.getsockname()[1]
    seen = []

    def so():
        seen[:] = t.net.state(port), serve.state(port)
        return seen == [kernel, ours]

    try:
        eventually(f"the kernel's {kernel or 'gone'} and our {ours or 'gone'}", so, 10)
    except AssertionError as e:
        raise AssertionError(f"{e}; they are {seen}") from None


PURE_ACKS = "tcp flags & (fin | syn | rst | psh) == 0x0"


@on(*EVERYWHERE)
def test_we_close_first(t):
    with t.watched() as serve, t.net.connect() as s:
        become(t, serve, s, "ESTAB", "ESTABLISHED")
        s.sendall(request(version="1.0"))
        assert read_to_end(s).startswith(b"HTTP/1.0 200")
        become(t, serve, s, "CLOSE-WAIT", "FIN-WAIT-2")
        port = s.getsockname()[1]
        with dropping("input"):  # our ACK of its FIN is lost
            s.close()
            become(t, serve, port, "LAST-ACK", "TIME-WAIT")
        become(t, serve, port, "", "TIME-WAIT")  # which has answered the FIN again


@on(*EVERYWHERE)
def test_the_kernel_closes_first(t):
    name = t.site.big(64)
    with t.watched() as serve, t.net.connect(receive_buffer=4096) as s, t.net.connect() as other:
        s.sendall(request(f"/{name}"))  # more than it takes: we keep on sending
        eventually("an answer", lambda: s.recv(1))
        with dropping("output"):
            s.shutdown(socket.SHUT_WR)
            become(t, serve, s, "FIN-WAIT-1", "ESTABLISHED")
        become(t, serve, s, "FIN-WAIT-2", "CLOSE-WAIT")
        other.sendall(request())
        expect("status", read_answer(other)[0], 200)
        port = other.getsockname()[1]
        with dropping("output", PURE_ACKS):  # its FIN arrives, its ACK of ours is lost
            other.close()
            become(t, serve, port, "TIME-WAIT", "LAST-ACK")
        become(t, serve, port, "TIME-WAIT", "")


@on(*EVERYWHERE)
def test_both_close_at_once(t):
    with t.watched() as serve, t.net.connect() as s:
        s.sendall(request())
        read_answer(s)
        port = s.getsockname()[1]
        # Both FINs are under way at the same time: ours is lost until the kernel has sent its own.
        with dropping("input"):
            serve.interrupt()  # it closes the connection
            become(t, serve, s, "ESTAB", "FIN-WAIT-1")
            s.close()  # its FIN arrives and acknowledges nothing of ours
            become(t, serve, port, "FIN-WAIT-1", "CLOSING")
        # our FIN, again, acknowledges its FIN: the kernel has closed simultaneously, too
        eventually("TIME-WAIT", lambda: t.net.state(port) == "TIME-WAIT", 10)
        expect("status", serve.wait(10), 0)
        expect("reason", {k: v for k, v in serve.counts().items() if v}, {"closed-together": 1})
        expect("ours: in TIME-WAIT, open", serve.left(), (1, 0))


def test_half_close_ends_a_request(t):
    with t.watched() as serve, t.net.connect() as s:
        s.sendall(request("/middle.bin", version="1.0"))
        s.shutdown(socket.SHUT_WR)
        body = read_to_end(s).split(b"\r\n\r\n", 1)[1]
        expect("SHA-256", sha256(body), t.site.sums["middle.bin"])
        become(t, serve, s, "TIME-WAIT", "")


@on(*EVERYWHERE)
def test_a_closed_port_is_refused(t):
    with t.serve():
        began = time.monotonic()
        done = run("curl", "-gsS", "--max-time", "10", t.net.url(port=81), ok=False)
        expect("curl's status", done.returncode, 7)
        assert time.monotonic() - began < 5, "refused, but late"


@on(*EVERYWHERE)
def test_a_peer_that_is_killed_in_mid_transfer(t):
    name = t.site.big(64)
    with t.serve() as serve:
        for _ in range(5):
            with subprocess.Popen(["curl", "-gsS", "--limit-rate", "2M", t.net.url(name)],
                                  stdout=subprocess.PIPE) as client:
                assert client.stdout.read(1 << 16), "nothing came"
                client.send_signal(signal.SIGKILL)
        with t.net.connect() as s:
            s.sendall(request(version="1.0"))
            read_to_end(s)
        serve.ends_well()
        # a kernel whose process has died answers what still comes with resets
        expect("reset by the peer", serve.counts().get("reset-by-peer"), 5)
        expect("open at the end", serve.left()[1], 0)


def test_interrupt_counts_reasons(t):
    with t.serve() as serve, contextlib.ExitStack() as stack:
        for _ in range(3):  # closed by us
            with t.net.connect() as s:
                s.sendall(request(version="1.0"))
                read_to_end(s)
        for _ in range(4):  # closed by the peer
            with t.net.connect() as s:
                s.sendall(request())
                read_answer(s)
        with t.net.connect() as s:  # reset by the peer
            s.sendall(request())
            read_answer(s)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        idle = [stack.enter_context(t.net.connect()) for _ in range(5)]
        for s in idle:
            s.sendall(request())
            read_answer(s)
        time.sleep(0.3)
        serve.interrupt()
        began = time.monotonic()
        for s in idle:
            expect("a FIN, nothing else", read_to_end(s), b"")
            s.close()
        expect("status", serve.wait(10), 0)
        assert time.monotonic() - began < 4.5, "all had closed, yet it waited"
        counts = serve.counts()
        expect("counts", {k: counts.get(k, 0) for k in
                          ("closed-by-us", "closed-by-peer", "reset-by-peer", "drained")},
               {"closed-by-us": 8, "closed-by-peer": 4, "reset-by-peer": 1, "drained": 0})


@on("tun4")
def test_interrupt_finishes_the_answers_under_way(t):
    with t.watched() as serve, t.net.connect(receive_buffer=65536) as s:
        s.sendall(request("/middle.bin"))
        some = s.recv(1000)
        become(t, serve, s, "ESTAB", "ESTABLISHED")  # it waits for us
        serve.interrupt()
        time.sleep(0.3)
        body = (some + read_to_end(s)).split(b"\r\n\r\n", 1)[1]
        expect("SHA-256", sha256(body), t.site.sums["middle.bin"])
        s.close()
        expect("status", serve.wait(10), 0)
        expect("drained", serve.counts().get("drained", 0), 0)
        assert "closing 1 connection, up to 5 s" in serve.text, serve.text


@on("tun4", aside=True)
def test_interrupt_resets_the_rest_after_5_s(t):
    with t.watched() as serve, t.net.connect() as s:
        s.sendall(request())
        read_answer(s)
        serve.interrupt()
        began = time.monotonic()
        expect("a FIN", s.recv(1), b"")
        become(t, serve, s, "CLOSE-WAIT", "FIN-WAIT-2")
        expect("status", serve.wait(10), 0)
        took = time.monotonic() - began
        assert 4.5 < took < 7, f"after {took:.1f} s, wanted 5"
        expect("drained", serve.counts().get("drained"), 1)
        expect("the kernel's end", t.net.state(s), "")
        with t.net.socket(timeout=1) as again:
            assert again.connect_ex((t.net.ours, 80)) != 0, "somebody still answers"


@on("tun4")
def test_a_second_interrupt_ends_at_once(t):
    with t.serve() as serve, t.net.connect() as s:
        s.sendall(request())
        read_answer(s)
        serve.interrupt()
        expect("a FIN", s.recv(1), b"")
        began = time.monotonic()
        serve.interrupt()
        expect("status", serve.wait(5), 130)
        assert time.monotonic() - began < 4, "it waited for the peer all the same"
        assert "by reason" not in serve.text, f"a heading without a line: {serve.text}"
        assert NAME not in interfaces()


@on(*EVERYWHERE, uncaptured="killed: its capture ends anywhere")
def test_a_killed_program_leaves_nothing(t):
    with t.serve() as serve:
        assert NAME in interfaces()
        serve.process.kill()
        expect("status", serve.wait(5), -signal.SIGKILL)
        eventually("the interface is gone", lambda: NAME not in interfaces())


@on(*EVERYWHERE)
def test_a_deleted_interface_ends_the_program(t):
    with t.serve() as serve:
        run("ip", "link", "del", NAME)
        expect("status", serve.wait(5), 1)
        assert "deleted" in serve.text, serve.text


@on("tun4", "tun6")
def test_a_fast_open_client_falls_back(t):
    """Linux asks for a cookie in its SYN (RFC 7413 3.1); we know none, and nothing is lost."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fast-open.pcapng")
        with t.serve("--pcap", path) as serve:
            for _ in range(3):
                with t.net.socket(timeout=None) as s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 10, 0))
                    s.sendto(request(version="1.0"), socket.MSG_FASTOPEN, (t.net.ours, 80))
                    assert read_to_end(s).startswith(b"HTTP/1.0 200")
            serve.ends_well()
        capture = Capture(path)
        capture.is_clean(15)
        kinds = [row["tcp.option_kind"].split(",") for row in capture.rows]
        # it asks once and remembers the answer
        assert sum("34" in k for k in kinds) >= 1, f"no SYN asked for a cookie: {kinds[0]}"


@on("tun4", "tun6", aside=True)
def test_many_threads_close_in_every_order(t):
    """Requests of which each ends another way; afterwards every pool is as empty as before."""
    def work(number):
        for i in range(20):
            with t.net.connect() as s:
                s.sendall(request("/small.bin", version="1.0" if number % 2 else "1.1"))
                if i % 4 == 0:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    continue
                if i % 4 == 1:
                    s.shutdown(socket.SHUT_WR)
                s.recv(100 if i % 4 == 2 else 65536)

    with t.serve() as serve:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))  # raises what a thread raised
        serve.ends_well(12)
        expect("connections that ended", sum(serve.counts().values()), 160)
        expect("open at the end", serve.left()[1], 0)
