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
def test_wrong_arguments_touch_nothing(t):
    """Whatever is wrong is said before an interface is made: the kernel tells of none."""
    url, folder = f"http://{t.net.host}/", t.site.folder
    cases = (
        ("fetch", "ftp://x/"), ("fetch", url, "-o", "/nowhere/x"), ("fetch", url, "-o", folder),
        ("fetch", url, "--timeout", "0"), ("fetch", url, "--timeout", "soon"),
        ("fetch", url, "--mtu", "1"), ("fetch", url, "--pcap", "/nowhere/x"),
        ("fetch", url, "--pcap", folder), ("fetch", "http://no-such-host.invalid/"),
        ("fetch", f"https://{t.net.host}/", "--cacert", "/nowhere/x"),
        ("fetch", f"https://{t.net.host}/", "--cacert", f"{folder}/index.html"),
        ("fetch", "http://[fd00:99::1]/"), ("connect", "fd00:99::1", "80"),
        ("connect", "no-such-host.invalid", "80"), ("connect", t.net.host, "0"),
        ("connect", t.net.host, "80", "--wait", "x"),
        ("fetch", "http://localhost/"), ("fetch", f"http://{t.net.ours}/"),
        ("connect", "127.0.0.1", "80"), ("connect", "::1", "80"), ("connect", "0.0.0.0", "80"),
        ("connect", "127.0.0.1", "80", "--udp"), ("connect", t.net.ours, "80"),
        ("connect", "224.0.0.1", "80", "--udp"), ("connect", "255.255.255.255", "80", "--udp"),
        ("connect", "10.77.0.255", "80"), ("serve", "--tls"), ("serve", folder, "--tls", "one"),
        ("connect", t.net.host, "80", "--fault", "loss=2"),
        ("listen", "0"), ("listen", "80", "--wait", "-1"), ("listen", "80", "--backlog", "0"),
        ("listen", "80", "--host-address", "10.78.0.1/24"),
        ("serve", folder, "--port", "0"), ("serve", folder, "--per-client", "0"),
        ("serve", folder, "--backlog", "x"), ("serve", folder, "--upload-limit", "5T"),
        ("serve", folder, "--upload-limit", "1048577G"), ("serve", folder, "--upload-limit", "G"),
        ("serve", folder, "--status-socket", "/nowhere/x"), ("serve", folder + "-none"),
        ("serve", folder, "--tls", "/nowhere/x", "/nowhere/y"),
        ("serve", folder, "--pcap", "/nowhere/x"),
    )
    with subprocess.Popen(["ip", "-o", "monitor", "link"], stdout=subprocess.PIPE,
                          text=True) as monitor:
        try:
            for words in cases:
                done = run(t.program, *words, "--tun", NAME, "--address", f"{t.net.ours}/24",
                           ok=False)
                expect(f"status of {words}", done.returncode, 2)
                expect(f"lines of {words}", (done.stdout, done.stderr.count("\n")), ("", 1))
            run("ip", "link", "add", "witness0", "type", "veth", "peer", "witness1")
            told = ""
            while "witness0" not in told:  # all that came before has been told by now
                told = monitor.stdout.readline()
                assert NAME not in told, told
            run("ip", "link", "del", "witness0")
        finally:
            monitor.terminate()


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
