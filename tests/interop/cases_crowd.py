"""Many connections at once and one after the other: wrk and ab, zero failures, nothing dropped, and
the pools as empty at the end as they were in the beginning."""

import contextlib
import itertools
import json
import re
import socket

from http_talk import read_to_end, request
from lab import eventually, expect, run
from net import NAME, tx_dropped
from run import EVERYWHERE, on

CROWD = 1000
MANY = "100,000 packets and more: tshark would read for a minute"


def status(path):
    """The document that `rapport status --json` prints."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        return json.loads(read_to_end(s))


def alive(path):
    """What lives in each pool of the stack, by its own count."""
    return status(path)["population"]


def wrk(t, seconds, *more, connections=CROWD):
    """Requests answered; any error fails."""
    done = run("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", *more,
               t.net.url("index.html"), timeout=seconds + 60)
    assert "Socket errors" not in done.stdout and "Non-2xx" not in done.stdout, done.stdout
    return int(re.search(r"(\d+) requests in", done.stdout).group(1))


def ab(t, requests, *more, connections=CROWD):
    """Any failed request fails."""
    done = run("ab", "-q", "-s", "30", "-n", str(requests), "-c", str(connections), *more,
               t.net.url("index.html"), timeout=300)
    numbers = dict(re.findall(r"^([A-Za-z0-9 -]+): +(\d+)", done.stdout, re.M))
    expect("complete", int(numbers["Complete requests"]), requests)
    expect("failed", int(numbers["Failed requests"]), 0)
    assert "Non-2xx" not in done.stdout, done.stdout
    return numbers


def ends_empty(t, serve):
    """All connections have ended, nothing of ours was lost, nothing is left but TIME-WAIT."""
    # What wrk left behind when its time was over still waits to be accepted, in order: it has been
    # when a connection that came later is answered.
    with t.net.connect(timeout=60) as s:
        s.sendall(request(version="1.0"))
        read_to_end(s)
    expect("packets that our queue did not take", tx_dropped(NAME), 0)
    serve.ends_well()
    expect("open at the end", serve.left()[1], 0)
    unexpected = {k: v for k, v in serve.counts().items()
                  if k not in ("closed-by-us", "closed-by-peer", "closed-together",
                               "reset-by-peer", "unread-data", "data-after-close")}
    expect("other reasons", unexpected, {})


@on(*EVERYWHERE, tools=("wrk",), uncaptured=MANY)
def test_wrk_with_keep_alive(t):
    """All of them within one moment, and none is turned away for want of a place in a queue."""
    path = t.site.outside + ".status"
    with t.serve("--status-socket", path) as serve:
        requests = wrk(t, 5)
        assert requests > CROWD, requests
        drops = status(path)["drops"]
        expect("full queues", {k: v for k, v in drops.items() if "queue-full" in k}, {})
        ends_empty(t, serve)
        print(f"    {requests / 5:.0f} requests/s")


@on("tun4", "tun6", tools=("wrk",), uncaptured=MANY)
def test_wrk_with_a_connection_for_each_request(t):
    with t.serve() as serve:
        requests = wrk(t, 5, "-H", "Connection: close")
        assert requests > CROWD, requests
        ends_empty(t, serve)
        print(f"    {requests / 5:.0f} requests/s")


@on("tun4", "tun6", tools=("ab",), uncaptured=MANY)
def test_ab_with_keep_alive(t):
    with t.serve() as serve:
        numbers = ab(t, 20000, "-k")
        expect("kept alive", int(numbers["Keep-Alive requests"]), 20000)
        ends_empty(t, serve)


@on(*EVERYWHERE, tools=("ab",), uncaptured=MANY)
def test_ab_with_a_connection_for_each_request(t):
    with t.serve() as serve:
        ab(t, 5000)
        ends_empty(t, serve)


def leaked(rounds):
    """Octets a request, of (requests, octets of malloc in use afterwards) round by round.

    Resident memory tells little: pools and heap keep what they have once touched, as much as was
    ever alive at once, and on a busy machine such records come late (of buffers of 128 KiB a small
    answer touches a page, another one each time). What malloc has given is exact. It may rise by a
    buffer that is kept for the next answer, 64 at most, at some rounds; a leak grows in every
    round, with the requests: what the best round shows is an upper bound of it."""
    return min((after - before) / requests
               for (_, before), (requests, after) in itertools.pairwise(rounds))


@on("tun4", aside=True)
def test_a_ninth_asks_for_the_status(t):
    """Eight that do not read what they asked for hold up a ninth for their 5 s, no longer."""
    path = t.site.outside + ".ninth"
    with t.serve("--status-socket", path) as serve, contextlib.ExitStack() as stack:
        for _ in range(800):  # more to tell than fits into a socket's buffers
            stack.enter_context(t.net.connect())
        eventually("all are told of", lambda: len(status(path)["connections"]) > 800)
        for _ in range(8):
            stack.enter_context(socket.socket(socket.AF_UNIX)).connect(path)
        done = run(t.program, "status", path, "--state", "listen")
        assert "LISTEN" in done.stdout, done.stdout
        stack.close()
        serve.ends_well()


@on("tun4", tools=("wrk",), uncaptured=MANY)
def test_many_requests_leave_nothing(t):
    """A million, and no octet more than before."""
    path = t.site.outside + ".status"
    with t.serve("--status-socket", path) as serve:
        pools, rounds, done = alive(path), [], 0
        while done < 1_000_000 or len(rounds) < 6:
            requests = wrk(t, 4, connections=100)
            eventually(f"every pool is as before: {pools}", lambda: alive(path) == pools, 10)
            rounds.append((requests, status(path)["heap_octets"]))
            done += requests
        print(f"    {done} requests; malloc: {', '.join(f'{octets}' for _, octets in rounds)}")
        assert leaked(rounds) < 1, f"{leaked(rounds):.1f} octets a request: {rounds}"
        ends_empty(t, serve)
