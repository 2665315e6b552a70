"""The kernel in each of its dialects: options that it does without, ECN, small and large packets. No
exchange over a road without loss repeats anything."""

import contextlib
import os
import tempfile

from capture import Capture
from cases_bulk import PATIENCE, patient_kernel
from http_talk import fetch, file_sha256
from lab import expect, run, sysctl
from net import loss
from run import EVERYWHERE, on


def exchange(t, *more):
    """Both ways, over a road without loss, and the capture of it."""
    name = t.site.big(4)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "dialect.pcapng")
        with patient_kernel(t) as be_patient, \
             t.serve("--upload", "--pcap", path, *more, folder=folder) as serve:
            be_patient()
            run("cp", t.site.path(name), folder)
            expect("down", fetch(t.net.url(name), PATIENCE)[0], t.site.sums[name])
            run("curl", "-gsSf", "-T", t.site.path(name), t.net.url("back.bin"))
            expect("up", file_sha256(os.path.join(folder, "back.bin")), t.site.sums[name])
            serve.ends_well()
        return Capture(path)


@contextlib.contextmanager
def kernel_with(name, value):
    before = sysctl(name, value)
    try:
        yield
    finally:
        sysctl(name, before)


def test_a_kernel_without_sack(t):
    with kernel_with("net.ipv4.tcp_sack", 0):
        exchange(t).is_clean(4000)
        name = t.site.big(4)  # one loss is mended in a round trip (RFC 6582): more would take long
        with t.serve(), loss(50):
            expect("with loss", fetch(t.net.url(name), PATIENCE)[0], t.site.sums[name])


def test_a_kernel_without_timestamps(t):
    with kernel_with("net.ipv4.tcp_timestamps", 0):
        exchange(t).is_clean(4000)


def test_a_kernel_without_window_scaling(t):
    with kernel_with("net.ipv4.tcp_window_scaling", 0):
        # 64 KiB are soon full: that is no fault of anybody's
        exchange(t).is_clean(4000, but=("zero_window",))


def test_a_kernel_with_nothing(t):
    with kernel_with("net.ipv4.tcp_window_scaling", 0), kernel_with("net.ipv4.tcp_sack", 0), \
         kernel_with("net.ipv4.tcp_timestamps", 0):
        exchange(t).is_clean(4000, but=("zero_window",))


def test_a_kernel_that_offers_ecn(t):
    with kernel_with("net.ipv4.tcp_ecn", 1):
        capture = exchange(t)
        capture.is_clean(4000)
        assert capture.count("tcp.flags", "0x00c2") >= 2, "no SYN offered ECN"


@on("tun4", "tap4")
def test_mtu_576(t):
    exchange(t, "--mtu", "576").is_clean(10000)


@on(*EVERYWHERE)
def test_mtu_1280(t):
    exchange(t, "--mtu", "1280").is_clean(4000)


@on(*EVERYWHERE)
def test_mtu_9000(t):
    capture = exchange(t, "--mtu", "9000")
    capture.is_clean(500)
    longest = max(int(r["frame.len"]) for r in capture.rows)
    assert longest >= 9000, f"the longest frame has {longest} octets"
