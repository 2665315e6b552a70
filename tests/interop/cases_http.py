"""`rapport serve` asked over HTTP: good requests and bad ones, ways out of the folder, uploads, TLS."""

import contextlib
import os
import subprocess
import tempfile
import time

from capture import Capture
from folder import MIDDLE, SMALL
from lab import expect, run
from run import EVERYWHERE, on
from http_talk import fetch, file_sha256, read_answer, read_to_end, request, sha256


@on(*EVERYWHERE)
def test_200_at_once(t):
    with t.serve(), contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(t.net.connect()) for _ in range(200)]
        established = run("ss", "-Htan", "state", "established",
                          f"dst {t.net.bracketed(t.net.ours)}").stdout.splitlines()
        expect("established at once", len(established), 200)
        for s in sockets:
            s.sendall(request("/small.bin"))
        for s in sockets:
            status, _, body = read_answer(s)
            expect("status", status, 200)
            expect("SHA-256", sha256(body), t.site.sums["small.bin"])


def test_curl_parallel(t):
    with t.serve():
        done = run("curl", "-sS", "--parallel", "--parallel-immediate", "--parallel-max", "200",
                   "--max-time", "60", "-o", "/dev/null", "-w", "%{http_code} %{size_download}\n",
                   t.net.url("small.bin?").replace("[", r"\[").replace("]", r"\]") + "[1-200]")
        expect("answers", done.stdout.split("\n")[:-1], [f"200 {SMALL}"] * 200)


@on("tun4")
def test_good_requests(t):
    with t.serve(), t.net.connect() as s:
        for target, status in (
                ("/", 200), ("/index.html", 200), ("/?q=1", 200), ("/sub/", 200), ("/sub", 301),
                ("/way-in", 200), ("/nothing", 404), ("/empty.txt", 200), ("/sub/../index.html", 200),
                ("/%69ndex.html", 200), ("http://x/index.html", 200),
                # ways out of the folder
                ("/way-out", 403), ("/../secret.txt", 403), ("/%2e%2e/secret.txt", 403),
                ("/sub/../../secret.txt", 403), ("/%2e%2e%2fsecret.txt", 403),
                ("//../secret.txt", 403), ("/sub/..%2f..%2f/secret.txt", 403),
                (t.site.outside, 404), ("/%00", 400), ("/%4", 400), ("/%zz", 400)):
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


@on("tun4")
def test_bad_requests(t):
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
    with t.serve():
        for what, octets, status in cases:
            with t.net.connect() as s:
                s.sendall(octets)
                expect(what, read_answer(s)[0], status)
        with t.net.connect() as s:  # still alive
            s.sendall(request())
            expect("afterwards", read_answer(s)[0], 200)


@on("tun4", aside=True)
def test_a_slow_request_runs_out_of_time(t):
    with t.serve(), t.net.connect(timeout=40) as s:
        s.sendall(b"GET / HTTP/1.1\r\n")
        began = time.monotonic()
        expect("status", read_to_end(s).split(b"\r\n")[0], b"HTTP/1.1 408 Request Timeout")
        took = time.monotonic() - began
        assert 25 < took < 36, f"after {took:.1f} s, wanted 30"


@on("tun4", "tun6", tools=("wget",))
def test_wget_resumes_a_download(t):
    with t.serve(), tempfile.TemporaryDirectory() as folder:
        got = os.path.join(folder, "got")
        with open(t.site.path("middle.bin"), "rb") as whole, open(got, "wb") as part:
            part.write(whole.read(MIDDLE // 3))
        done = run("wget", "-nv", "-c", "-O", got, t.net.url("middle.bin"))
        expect("SHA-256", file_sha256(got), t.site.sums["middle.bin"])
        assert f"/{MIDDLE - MIDDLE // 3}]" in done.stderr or "[" in done.stderr, done.stderr


@on(*EVERYWHERE)
def test_an_upload_arrives(t):
    with tempfile.TemporaryDirectory() as folder:
        with t.serve("--upload", folder=folder):
            done = run("curl", "-gsSf", "-T", t.site.path("middle.bin"), "-o", "/dev/null",
                       "-w", "%{http_code}", t.net.url("middle.bin"))
            expect("status", done.stdout, "201")
            expect("SHA-256", file_sha256(os.path.join(folder, "middle.bin")),
                   t.site.sums["middle.bin"])
            expect("nothing else is there", os.listdir(folder), ["middle.bin"])


def make_certificate(folder, address):
    """(certificate, key) for an address, by openssl."""
    certificate, key = (os.path.join(folder, n) for n in ("certificate.pem", "key.pem"))
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=rapport test",
        "-addext", f"subjectAltName=IP:{address}")
    return certificate, key


@on(*EVERYWHERE, tools=("openssl",))
def test_https(t):
    name = t.site.big(4)
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = make_certificate(folder, t.net.ours)
        path = os.path.join(folder, "https.pcapng")
        with t.serve("--tls", certificate, key, "--pcap", path) as serve:
            url = t.net.url(name, scheme="https", port=443)
            expect("SHA-256", fetch(url, 60, "--cacert", certificate)[0],
                   t.site.sums[name])
            done = run("curl", "-gsS", url, ok=False)
            expect("curl without the certificate", done.returncode, 60)
            with t.net.connect(443) as s:  # not TLS at all: nobody waits for ever, nobody dies
                s.sendall(request())
                with contextlib.suppress(ConnectionResetError):  # it had more to say than we read
                    assert b"200 OK" not in read_to_end(s)
            expect("still there", fetch(url, 60, "--cacert", certificate)[0],
                   t.site.sums[name])
            serve.ends_well()
        print(f"    {Capture(path).is_sound(1000)} segments")


@on("tun4", tools=("openssl",))
def test_misuse_of_tls(t):
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = make_certificate(folder, t.net.ours)
        for first, second in ((key, certificate), (certificate, certificate), ("/nowhere", key)):
            done = subprocess.run([t.program, "serve", t.site.folder, *t.net.options(), "--tls",
                                   first, second], capture_output=True, text=True, timeout=10)
            expect("status", done.returncode, 2)
            expect("lines", (done.stdout, done.stderr.count("\n")), ("", 1))
            assert "--tls" in done.stderr, done.stderr
