"""What cannot be: one clear line, exit status 2, nothing left behind."""

import os
import shutil
import subprocess
import tempfile

from lab import expect, interfaces, run
from net import NAME
from run import on
from http_talk import read_answer, request


@on("tun4")
def test_misuse(t):
    folder = t.site.folder
    with t.serve() as first:
        others = ["--address", "10.78.0.2/24", "--host-address", "10.78.0.1/24"]
        cases = (
            ("TUN name taken", [folder, "--tun", NAME, *others], NAME),
            ("name of a real one", [folder, "--tun", "lo", *others], "'lo'"),
            ("network taken", [folder, "--tun", "rap1"], "overlaps"),
            ("no folder", [folder + "-none", "--tun", "rap1", *others], "no folder"),
            ("a file", [folder + "/index.html", "--tun", "rap1", *others], "no folder"),
            ("address", [folder, "--address", "10.78.0/24"], "--address"),
            ("prefix", [folder, "--address", "10.78.0.2/99"], "a prefix of 1 to 30"),
            ("prefix", [folder, "--address", "10.78.0.2/31"], "a prefix of 1 to 30"),
            ("network address", [folder, "--address", "10.78.0.0/24"], "--address"),
            ("no prefix", [folder, "--host-address", "10.78.0.1"], "--host-address"),
            ("other networks", [folder, "--address", "10.79.0.2/24", *others[2:]],
             "different networks"),
            ("equal", [folder, "--address", "10.78.0.1/24", *others[2:]], "both"),
            ("MTU", [folder, "--mtu", "67"], "--mtu"),
            ("faults", [folder, "--fault", "loss=2"], "--fault"),
            ("port", [folder, "--port", "0"], "--port"),
            ("port", [folder, "--port", "65536"], "--port"),
            ("name", [folder, "--tun", "much-too-long-a-name", *others], "1 to 15"),
            ("capture", [folder, "--tun", "rap1", "--pcap", "/nowhere/x.pcapng", *others],
             "--pcap"),
            ("option", [folder, "--nothing"], "--nothing"),
        )
        for what, arguments, word in cases:
            done = run(t.program, "serve", *arguments, ok=False)
            expect(f"status ({what})", done.returncode, 2)
            expect(f"one line ({what})", (done.stdout, done.stderr.count("\n")), ("", 1))
            assert word in done.stderr, f"{what}: {done.stderr}"
        expect("interfaces", interfaces(), ["lo", NAME])
        with t.net.connect() as s:
            s.sendall(request())
            expect("the first one still serves", read_answer(s)[0], 200)
        first.ends_well()


@on("tun4")
def test_without_permission(t):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        copy = shutil.copy(t.program, os.path.join(folder, "rapport"))
        done = subprocess.run([copy, "serve", "/", "--tun", NAME], capture_output=True, text=True,
                              user=65534, group=65534, extra_groups=[], timeout=10)
    expect("status", done.returncode, 2)
    expect("one line", (done.stdout, done.stderr.count("\n")), ("", 1))
    assert "CAP_NET_ADMIN" in done.stderr and "scripts/lab" in done.stderr, done.stderr
    assert NAME not in interfaces()
