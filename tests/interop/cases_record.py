"""`rapport serve --record`: what a live server was asked is replayed at a desk, however it ended."""

import os
import re
import signal
import tempfile
import time

from folder import SMALL
from lab import eventually, expect, run
from run import on


def ask(t, times=3):
    for name in ("small.bin", "", "nothing") * times:
        run("curl", "-sS", "--max-time", "20", "-o", "/dev/null", t.net.url(name))


def replay(t, path, *more, status=0):
    done = run(t.program, "replay", path, *more, ok=False)
    expect(f"status ({done.stdout}{done.stderr})", done.returncode, status)
    return done


@on("tun4", "tun6", "tap4")
def test_a_server_under_curl(t):
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/live"
        with t.serve("--record", path) as server:
            ask(t)
            run("curl", "-sS", "--parallel", "--parallel-max", "20", "-o", "/dev/null",
                t.net.url("small.bin?").replace("[", r"\[").replace("]", r"\]") + "[1-40]")
            server.ends_well()
        inputs, octets = map(int, re.search(r"recorded (\d+) inputs, (\d+) octets",
                                            server.text).groups())
        expect("size of the file", os.stat(path).st_size, octets)
        assert octets > 40 * SMALL, octets  # what was served is in it
        done = replay(t, path, "--ladder", "--connection", "1")
        expect("inputs replayed", int(re.search(r"(\d+) inputs to 1 host", done.stdout)[1]), inputs)
        accepted = int(re.search(r"connections (\d+), requests", server.text)[1])
        expect("connections drawn", int(re.search(r"(\d+) connections", done.stdout)[1]), accepted)
        assert "SYN,ACK" in done.stdout, done.stdout
        lines = replay(t, path, "--step", "--until", "50").stdout.splitlines()
        assert any("listen on port 80: listener" in line for line in lines), lines
        assert any("SYN-RECEIVED → ESTABLISHED" in line for line in lines), lines


@on("tun4")
def test_of_a_process_that_dies(t):
    """By its own hand (a broken promise) it leaves all; killed, all but the last second."""
    for how, least in ((signal.SIGABRT, 9), (signal.SIGKILL, 1)):
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/live"
            with t.serve("--record", path) as server:
                ask(t)
                if how == signal.SIGKILL:
                    size = eventually("something is written", lambda: os.stat(path).st_size)
                    assert size > 0
                server.process.send_signal(how)
                expect("its end", server.wait(10), -how)
            eventually("its interface is gone", lambda: not os.path.exists(
                "/sys/class/net/rap0"))
            done = replay(t, path, "--ladder", status=2)
            assert "cut short" in done.stderr, done.stderr
            assert "every answer, event and frame as recorded" in done.stdout, done.stdout
            found = int(re.search(r"(\d+) connection", done.stdout)[1])
            assert found >= least, done.stdout


@on("tun4")
def test_of_a_disk_that_is_full(t):
    with t.serve("--record", "/dev/full") as server:
        ask(t, 5)
        time.sleep(1.5)  # nothing stays in the buffer for longer than a second
        ask(t)
        server.ends_well()
    expect("lines about it", server.text.count("cannot write on: No space left on device"), 1)
    assert "the server goes on" in server.text and "recorded" not in server.text, server.text


@on("tun4")
def test_of_no_file(t):
    done = run(t.program, "serve", t.site.folder, *t.net.options(), "--record", "/nowhere/x",
               ok=False)
    expect("status", done.returncode, 2)
    assert done.stderr.count("\n") == 1 and "--record /nowhere/x" in done.stderr, done.stderr
