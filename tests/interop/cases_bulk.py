"""Large transfers both ways: sums, speed told but never judged, captures without a fault, loss."""

import contextlib
import os
import tempfile

from capture import Capture
from folder import MIB
from lab import expect, run, sysctl
from net import NAME, dropped, loss, tx_dropped
from run import EVERYWHERE, on
from http_talk import fetch, file_sha256, sha256

LONG = "up to 1 GiB: tshark would read for a minute"
PATIENCE = 500  # seconds: how fast a busy machine is, is nobody's fault


@contextlib.contextmanager
def patient_kernel(t):
    """On a busy machine our process waits for a processor for longer than the kernel, whose round
    trips take microseconds, waits until it probes for lost tails (RFC 8985) or retransmits. Those
    repetitions say nothing about either: inside, it waits for seconds."""
    before = sysctl("net.ipv4.tcp_early_retrans", 0)  # no tail loss probe
    try:
        yield lambda: run("ip", f"-{t.net.family}", "route", "change", f"{t.net.network}", "dev",
                          NAME, "proto", "kernel", "src" if t.net.family == 4 else "metric",
                          t.net.host if t.net.family == 4 else "256", "rto_min", "3s")
    finally:
        sysctl("net.ipv4.tcp_early_retrans", before)


def speed(octets, seconds):
    return f"{octets * 8 / seconds / 1e9:.2f} Gbit/s"


def large_file(t):
    return t.site.big(1024 if t.large or str(t.net) in ("tun4", "tun6") else 256)


@on(*EVERYWHERE, uncaptured=LONG)
def test_download(t):
    name = large_file(t)
    with t.serve():
        digest, seconds = fetch(t.net.url(name), PATIENCE)
        expect("SHA-256", digest, t.site.sums[name])
        expect("packets that our queue did not take", tx_dropped(), 0)
        print(f"    {speed(t.site.sizes[name], seconds)}")


@on(*EVERYWHERE, uncaptured=LONG)
def test_upload(t):
    name = large_file(t)
    with tempfile.TemporaryDirectory() as folder, t.serve("--upload", folder=folder):
        done = run("curl", "-gsSf", "-T", t.site.path(name), "-o", "/dev/null", "-w",
                   "%{http_code} %{speed_upload}", "--max-time", str(PATIENCE), t.net.url("got.bin"),
                   timeout=PATIENCE + 10)
        status, octets_per_second = done.stdout.split()
        expect("status", status, "201")
        expect("SHA-256", file_sha256(os.path.join(folder, "got.bin")), t.site.sums[name])
        expect("packets that our queue did not take", tx_dropped(), 0)
        print(f"    {speed(float(octets_per_second), 1)}")


@on(*EVERYWHERE)
def test_captures_without_loss_are_clean(t):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "clean.pcapng")
        with patient_kernel(t) as be_patient, \
             t.serve("--upload", "--pcap", path, folder=folder) as serve:
            be_patient()
            run("cp", t.site.path("middle.bin"), folder)
            expect("SHA-256", fetch(t.net.url("middle.bin"), PATIENCE)[0], t.site.sums["middle.bin"])
            run("curl", "-gsSf", "-T", t.site.path("middle.bin"), t.net.url("back.bin"))
            for _ in range(20):
                run("curl", "-gsS", "-o", "/dev/null", t.net.url("middle.bin"), "-r", "0-99")
            run("curl", "-gsS", t.net.url(port=81), ok=False)
            serve.ends_well()
        print(f"    {Capture(path).is_clean(30000)} segments")


def test_captures_with_loss_are_sound(t):
    name = t.site.big(8)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "lossy.pcapng")
        with t.serve("--pcap", path) as serve, loss(50):
            expect("SHA-256", fetch(t.net.url(name), PATIENCE)[0], t.site.sums[name])
            serve.interrupt()
            expect("status", serve.wait(10), 0)
        capture = Capture(path)
        capture.is_sound(5000)
        repeats = capture.repeats()
        print(f"    {repeats}")
        assert sum(repeats.values()) > 100, "tshark saw no loss: does it look?"


@on(*EVERYWHERE, aside=True)
def test_4_mib_each_way_with_every_tenth_packet_lost(t):
    octets = os.urandom(4 * MIB)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("there.bin", "source.bin"):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(octets)
        with t.serve("--upload", folder=folder), loss(10):
            expect("down", fetch(t.net.url("there.bin"), PATIENCE)[0], sha256(octets))
            run("curl", "-gsSf", "--max-time", str(PATIENCE), "-T", os.path.join(folder, "source.bin"),
                t.net.url("back.bin"), timeout=PATIENCE + 10)
            lost = dropped("input"), dropped("output")
        expect("up", file_sha256(os.path.join(folder, "back.bin")), sha256(octets))
        print(f"    packets lost: {lost[0]} and {lost[1]}")
        assert min(lost) > 100, f"hardly any loss: {lost}"


@on("tun4", "tun6", aside=True, uncaptured="it damages packets, as it was told to")
def test_a_bad_road_of_our_own(t):
    """--fault: losses, copies, damage and overtaking, both ways, and the sums are right."""
    faults = "loss=1%,duplicate=1%,reorder=2%,corrupt=1%,delay=2ms,reorder-delay=5ms,seed=9293"
    name = t.site.big(4)
    with t.serve("--fault", faults):
        expect("SHA-256", fetch(t.net.url(name), PATIENCE)[0], t.site.sums[name])
