#!/usr/bin/env python3
"""`rapport serve` against the kernel's TCP: curl, ss, nft and tshark as judges.

usage: serve.py PROGRAM [NAME...]    all tests, or those whose names contain one of NAME
Exit status: 0 all passed, 1 some failed, 77 cannot run here (says why).
"""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

from lab import (OURS, TUN, Capture, Lab, Serve, connect, dropped, dropping, eventually,
                 interfaces, loss, need_root_and, read_answer, read_to_end, request, run, state_of,
                 state_of_port)

MIB = 1 << 20
BIG, SMALL = 256 * MIB, 65536


class Site:
    """The folder that is served."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "site")
        os.makedirs(os.path.join(self.folder, "sub"))
        self.outside = os.path.join(folder, "secret.txt")
        self.sums = {}
        octets = random.Random(9293)
        self._write("index.html", [b"<h1>hello</h1>\n"])
        self._write("sub/index.html", [b"<h1>below</h1>\n"])
        self._write("empty.txt", [])
        self._write("small.bin", [octets.randbytes(SMALL)])
        self._write("middle.bin", (octets.randbytes(MIB) for _ in range(32)))
        self._write("big.bin", (octets.randbytes(MIB) for _ in range(BIG // MIB)))
        with open(self.outside, "w") as f:
            f.write("nobody may read this\n")
        os.symlink(self.outside, os.path.join(self.folder, "way-out"))
        os.symlink("index.html", os.path.join(self.folder, "way-in"))

    def _write(self, name, pieces):
        digest = hashlib.sha256()
        with open(os.path.join(self.folder, name), "wb") as f:
            for piece in pieces:
                f.write(piece)
                digest.update(piece)
        self.sums[name] = digest.hexdigest()


def fetch(name, limit):
    """(SHA-256, seconds) of what curl gets."""
    with tempfile.NamedTemporaryFile() as got:
        began = time.monotonic()
        run("curl", "-sS", "--max-time", str(limit), "-o", got.name, f"http://{OURS}/{name}",
            timeout=limit + 10)
        seconds = time.monotonic() - began
        return hashlib.file_digest(got, "sha256").hexdigest(), seconds


def expect(what, got, wanted):
    assert got == wanted, f"{what}: {got!r}, wanted {wanted!r}"


# --- tests: each gets the program's path and the site -------------------------------------------


def test_ping(program, site):
    with Serve(program, site.folder), \
         socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
        s.settimeout(2)
        for number in range(3):
            body = struct.pack("!HH", 7, number) + bytes(range(56))
            words = struct.unpack(f"!{(len(body) + 4) // 2}H", struct.pack("!HH", 8 << 8, 0) + body)
            total = sum(words)
            total = (total & 0xFFFF) + (total >> 16)
            total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
            s.sendto(struct.pack("!HH", 8 << 8, total) + body, (OURS, 0))
            reply = s.recv(2048)[20:]
            expect("type and code", reply[:2], b"\0\0")
            expect("what came back", reply[4:], body)


def test_256_mib(program, site):
    with Serve(program, site.folder):
        digest, seconds = fetch("big.bin", 60)
        expect("SHA-256", digest, site.sums["big.bin"])
        print(f"    {BIG * 8 / seconds / 1e9:.2f} Gbit/s")


def test_256_mib_with_loss(program, site):
    with Serve(program, site.folder), loss(50):
        digest, seconds = fetch("big.bin", 200)
        lost = dropped("input"), dropped("output")
        expect("SHA-256", digest, site.sums["big.bin"])
        print(f"    {BIG * 8 / seconds / 1e9:.3f} Gbit/s, packets lost: {lost[0]} and {lost[1]}")
        assert lost[0] > 1000 and lost[1] > 100, f"hardly any loss: {lost}"


def test_200_at_once(program, site):
    with Serve(program, site.folder), contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(connect()) for _ in range(200)]
        established = run("ss", "-Htan", "state", "established", f"dst {OURS}").stdout.splitlines()
        expect("established at once", len(established), 200)
        for s in sockets:
            s.sendall(request("/small.bin"))
        for s in sockets:
            status, _, body = read_answer(s)
            expect("status", status, 200)
            expect("SHA-256", hashlib.sha256(body).hexdigest(), site.sums["small.bin"])


def test_curl_parallel(program, site):
    with Serve(program, site.folder):
        done = run("curl", "-sS", "--parallel", "--parallel-immediate", "--parallel-max", "200",
                   "--max-time", "60", "-o", "/dev/null", "-w", "%{http_code} %{size_download}\n",
                   *[f"http://{OURS}/small.bin?[1-200]"])
        expect("answers", done.stdout.split("\n")[:-1], [f"200 {SMALL}"] * 200)


def test_a_closed_port_is_refused(program, site):
    with Serve(program, site.folder):
        began = time.monotonic()
        done = run("curl", "-sS", "--max-time", "10", f"http://{OURS}:81/", ok=False)
        expect("curl's status", done.returncode, 7)
        assert time.monotonic() - began < 2, "refused, but late"


def test_http(program, site):
    with Serve(program, site.folder), connect() as s:
        for target, status in (
                ("/", 200), ("/index.html", 200), ("/?q=1", 200), ("/sub/", 200), ("/sub", 301),
                ("/way-in", 200), ("/nothing", 404), ("/empty.txt", 200), ("/sub/../index.html", 200),
                ("/%69ndex.html", 200), ("http://x/index.html", 200),
                # ways out of the folder
                ("/way-out", 403), ("/../secret.txt", 403), ("/%2e%2e/secret.txt", 403),
                ("/sub/../../secret.txt", 403), ("/%2e%2e%2fsecret.txt", 403),
                ("//../secret.txt", 403), ("/sub/..%2f..%2f/secret.txt", 403),
                (site.outside, 404), ("/%00", 400), ("/%4", 400), ("/%zz", 400)):
            s.sendall(request(target))
            got, fields, body = read_answer(s)
            expect(f"status of {target}", got, status)
            assert b"nobody may read" not in body, target
            assert "date" in fields and "server" in fields
        s.sendall(request("/sub?x=1"))
        expect("where the folder is", read_answer(s)[1]["location"], "/sub/?x=1")
        s.sendall(request("/index.html", "HEAD") + request("/index.html"))  # one after the other
        status, fields, _ = read_answer(s, head=True)
        expect("HEAD", (status, fields["content-length"], fields["content-type"]),
               (200, "15", "text/html; charset=utf-8"))
        expect("GET behind it", read_answer(s)[2], b"<h1>hello</h1>\n")


def test_bad_requests(program, site):
    cases = (
        ("no request at all", b"\x16\x03\x01\x02\r\n\r\n", 400),
        ("garbage", b"hello\r\n\r\n", 400),
        ("no Host", request(fields=()), 400),
        ("two Hosts", request(fields=("Host: a", "Host: b")), 400),
        ("POST", request(method="POST", fields=("Host: x", "Content-Length: 0")), 405),
        ("unknown method", request(method="BREW"), 501),
        ("version 2", request(version="2.0"), 505),
        ("bad length", request(fields=("Host: x", "Content-Length: -1")), 400),
        ("long body", request(fields=("Host: x", "Content-Length: 1000000")), 413),
        ("long fields", request(fields=("Host: x", "X: " + "y" * 20000)), 431),
        ("long target", request("/" + "y" * 20000), 431),
    )
    with Serve(program, site.folder):
        for what, octets, status in cases:
            with connect() as s:
                s.sendall(octets)
                expect(what, read_answer(s)[0], status)
        with connect() as s:  # still alive
            s.sendall(request())
            expect("afterwards", read_answer(s)[0], 200)


def test_a_slow_request_runs_out_of_time(program, site):
    with Serve(program, site.folder), connect(timeout=40) as s:
        s.sendall(b"GET / HTTP/1.1\r\n")
        began = time.monotonic()
        expect("status", read_to_end(s).split(b"\r\n")[0], b"HTTP/1.1 408 Request Timeout")
        took = time.monotonic() - began
        assert 25 < took < 36, f"after {took:.1f} s, wanted 30"


def test_we_close_first(program, site):
    with Serve(program, site.folder), connect() as s:
        s.sendall(request(version="1.0"))
        assert read_to_end(s).startswith(b"HTTP/1.0 200")
        eventually("CLOSE-WAIT", lambda: state_of(s) == "CLOSE-WAIT")  # ours: FIN-WAIT-2
        port = s.getsockname()[1]
        with dropping("input"):  # our ACK of its FIN is lost
            s.close()
            eventually("LAST-ACK", lambda: state_of_port(port) == "LAST-ACK")  # ours: TIME-WAIT
        eventually("gone: TIME-WAIT answers the FIN again", lambda: state_of_port(port) == "")


def test_the_kernel_closes_first(program, site):
    with Serve(program, site.folder), connect(receive_buffer=4096) as s, connect() as t:
        s.sendall(request("/big.bin"))  # more than it takes: we keep on sending
        eventually("an answer", lambda: s.recv(1))
        with dropping("output"):
            s.shutdown(socket.SHUT_WR)
            eventually("FIN-WAIT-1", lambda: state_of(s) == "FIN-WAIT-1")
        eventually("FIN-WAIT-2", lambda: state_of(s) == "FIN-WAIT-2", 10)  # ours: CLOSE-WAIT
        t.sendall(request())
        expect("status", read_answer(t)[0], 200)
        port = t.getsockname()[1]
        t.close()
        eventually("TIME-WAIT", lambda: state_of_port(port) == "TIME-WAIT")  # ours: LAST-ACK, gone


def test_half_close(program, site):
    with Serve(program, site.folder), connect() as s:
        s.sendall(request("/middle.bin", version="1.0"))
        s.shutdown(socket.SHUT_WR)
        body = read_to_end(s).split(b"\r\n\r\n", 1)[1]
        expect("SHA-256", hashlib.sha256(body).hexdigest(), site.sums["middle.bin"])


def test_capture_without_loss(program, site):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "clean.pcapng")
        with Serve(program, site.folder, "--pcap", path) as serve:
            expect("SHA-256", fetch("middle.bin", 60)[0], site.sums["middle.bin"])
            run("curl", "-sS", "-o", "/dev/null", f"http://{OURS}/[1-20]")
            run("curl", "-sS", f"http://{OURS}:81/", ok=False)
            serve.interrupt()
            expect("status", serve.wait(10), 0)
        capture = Capture(path)
        expect("faults", capture.faults(), {"bad checksums": 0, "malformed": 0})
        expect("repeats", {k: v for k, v in capture.repeats().items() if v}, {})
        good = capture.count("tcp.checksum.status", "1")
        assert good > 20000, f"only {good} segments with a good checksum in the capture"
        print(f"    {good} segments")


def test_capture_with_loss(program, site):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "lossy.pcapng")
        with Serve(program, site.folder, "--pcap", path) as serve, loss(50):
            expect("SHA-256", fetch("middle.bin", 60)[0], site.sums["middle.bin"])
            serve.interrupt()
            expect("status", serve.wait(10), 0)
        capture = Capture(path)
        expect("faults", capture.faults(), {"bad checksums": 0, "malformed": 0})
        repeats = capture.repeats()
        print(f"    {repeats}")
        assert sum(repeats.values()) > 100, "tshark saw no loss: does it look?"


def test_interrupt_counts_reasons(program, site):
    with Serve(program, site.folder) as serve, contextlib.ExitStack() as stack:
        for _ in range(3):  # closed by us
            with connect() as s:
                s.sendall(request(version="1.0"))
                read_to_end(s)
        for _ in range(4):  # closed by the peer
            with connect() as s:
                s.sendall(request())
                read_answer(s)
        with connect() as s:  # reset by the peer
            s.sendall(request())
            read_answer(s)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        idle = [stack.enter_context(connect()) for _ in range(5)]
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
        assert time.monotonic() - began < 3, "all had closed, yet it waited"
        counts = serve.counts()
        expect("counts", {k: counts.get(k, 0) for k in
                          ("closed-by-us", "closed-by-peer", "reset-by-peer", "drained")},
               {"closed-by-us": 8, "closed-by-peer": 4, "reset-by-peer": 1, "drained": 0})


def test_interrupt_finishes_the_answers_under_way(program, site):
    with Serve(program, site.folder) as serve, connect(receive_buffer=65536) as s:
        s.sendall(request("/middle.bin"))
        some = s.recv(1000)
        eventually("it waits for us", lambda: state_of(s) == "ESTAB")
        serve.interrupt()
        time.sleep(0.3)
        body = (some + read_to_end(s)).split(b"\r\n\r\n", 1)[1]
        expect("SHA-256", hashlib.sha256(body).hexdigest(), site.sums["middle.bin"])
        s.close()
        expect("status", serve.wait(10), 0)
        expect("drained", serve.counts().get("drained", 0), 0)
        assert "closing 1 connection, up to 5 s" in serve.text, serve.text


def test_interrupt_resets_the_rest_after_5_s(program, site):
    with Serve(program, site.folder) as serve, connect() as s:
        s.sendall(request())
        read_answer(s)
        serve.interrupt()
        began = time.monotonic()
        expect("a FIN", s.recv(1), b"")
        expect("status", serve.wait(10), 0)
        took = time.monotonic() - began
        assert 4.5 < took < 6.5, f"after {took:.1f} s, wanted 5"
        expect("drained", serve.counts().get("drained"), 1)
        expect("the kernel's end", state_of(s), "")
        refused = connect_is_refused()
        assert refused, "somebody still answers"


def connect_is_refused():
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex((OURS, 80)) != 0


def test_a_second_interrupt_ends_at_once(program, site):
    with Serve(program, site.folder) as serve, connect() as s:
        s.sendall(request())
        read_answer(s)
        serve.interrupt()
        expect("a FIN", s.recv(1), b"")
        began = time.monotonic()
        serve.interrupt()
        expect("status", serve.wait(5), 130)
        assert time.monotonic() - began < 1
        assert "by reason" not in serve.text, f"a heading without a line: {serve.text}"
        assert TUN not in interfaces()


def test_a_killed_program_leaves_nothing(program, site):
    with Serve(program, site.folder) as serve:
        assert TUN in interfaces()
        serve.process.kill()
        expect("status", serve.wait(5), -signal.SIGKILL)
        eventually("the interface is gone", lambda: TUN not in interfaces())


def test_a_deleted_interface_ends_the_program(program, site):
    with Serve(program, site.folder) as serve:
        run("ip", "link", "del", TUN)
        expect("status", serve.wait(5), 1)
        assert "deleted" in serve.text, serve.text


def test_misuse(program, site):
    with Serve(program, site.folder) as first:
        others = ["--address", "10.78.0.2/24", "--host-address", "10.78.0.1/24"]
        cases = (
            ("TUN name taken", [site.folder, "--tun", TUN, *others], TUN),
            ("network taken", [site.folder, "--tun", "rap1"], "overlaps"),
            ("no folder", [site.folder + "-none", "--tun", "rap1", *others], "no folder"),
            ("a file", [site.folder + "/index.html", "--tun", "rap1", *others], "no folder"),
            ("address", [site.folder, "--address", "10.78.0/24"], "--address"),
            ("prefix", [site.folder, "--address", "10.78.0.2/99"], "a prefix of 1 to 30"),
            ("prefix", [site.folder, "--address", "10.78.0.2/31"], "a prefix of 1 to 30"),
            ("network address", [site.folder, "--address", "10.78.0.0/24"], "--address"),
            ("no prefix", [site.folder, "--host-address", "10.78.0.1"], "--host-address"),
            ("other networks", [site.folder, "--address", "10.79.0.2/24", *others[2:]],
             "different networks"),
            ("equal", [site.folder, "--address", "10.78.0.1/24", *others[2:]], "both"),
            ("MTU", [site.folder, "--mtu", "67"], "--mtu"),
            ("port", [site.folder, "--port", "0"], "--port"),
            ("port", [site.folder, "--port", "65536"], "--port"),
            ("name", [site.folder, "--tun", "much-too-long-a-name", *others], "1 to 15"),
            ("capture", [site.folder, "--tun", "rap1", "--pcap", "/nowhere/x.pcapng", *others],
             "--pcap"),
            ("option", [site.folder, "--nothing"], "--nothing"),
        )
        for what, arguments, word in cases:
            done = run(program, "serve", *arguments, ok=False)
            expect(f"status ({what})", done.returncode, 2)
            expect(f"one line ({what})", (done.stdout, done.stderr.count("\n")), ("", 1))
            assert word in done.stderr, f"{what}: {done.stderr}"
        expect("interfaces", interfaces(), ["lo", TUN])
        with connect() as s:
            s.sendall(request())
            expect("the first one still serves", read_answer(s)[0], 200)
        first.interrupt()
        expect("status", first.wait(10), 0)


def test_without_permission(program, site):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        copy = shutil.copy(program, os.path.join(folder, "rapport"))
        done = subprocess.run([copy, "serve", "/", "--tun", TUN], capture_output=True, text=True,
                              user=65534, group=65534, extra_groups=[], timeout=10)
    expect("status", done.returncode, 2)
    expect("one line", (done.stdout, done.stderr.count("\n")), ("", 1))
    assert "CAP_NET_ADMIN" in done.stderr, done.stderr
    assert TUN not in interfaces()


# Tests that mostly wait run beside the others, each in a laboratory of its own.
ASIDE = ("256_mib_with_loss", "a_slow_request_runs_out_of_time")


def all_tests():
    return {name[5:]: test for name, test in globals().items() if name.startswith("test_")}


def run_tests(names, program, site):
    """The names of those that failed."""
    failed = []
    lab = Lab()
    with lab:
        for name in names:
            began = time.monotonic()
            try:
                all_tests()[name](program, site)
                expect("interfaces left", interfaces(), ["lo"])
                print(f"ok   {name} ({time.monotonic() - began:.1f} s)")
            except Exception:  # a test that breaks must not hide the others
                failed.append(name)
                print(f"FAIL {name}\n{traceback.format_exc()}")
    if lab.exists():
        failed.append(f"{lab.name} is still there")
    return failed


def run_aside(name, program, site):
    """Forks; returns the child's pid and where its output will be."""
    output = tempfile.TemporaryFile("w+")
    child = os.fork()
    if child == 0:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        os._exit(1 if run_tests([name], program, site) else 0)
    return child, output


def gather(child, output):
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    output.seek(0)
    print(output.read(), end="")
    return status


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = os.path.abspath(sys.argv[1])
    need_root_and("ip", "nft", "ss", "curl", "tshark")
    sys.stdout.reconfigure(line_buffering=True)
    words = sys.argv[2:]
    wanted = [n for n in all_tests() if not words or any(w in n for w in words)]
    with tempfile.TemporaryDirectory(prefix="rapport-interop-") as folder:
        os.chmod(folder, 0o755)
        site = Site(folder)
        aside = {name: run_aside(name, program, site) for name in wanted if name in ASIDE}
        failed = run_tests([n for n in wanted if n not in ASIDE], program, site)
        failed += [name for name, child in aside.items() if gather(*child) != 0]
    print(f"{len(failed)} failed: {', '.join(failed)}" if failed else "all passed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
