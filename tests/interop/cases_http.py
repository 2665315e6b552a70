"""`rapport serve` asked over HTTP: good requests and bad ones, ways out of the folder, uploads, TLS."""

import contextlib
import os
import re
import subprocess
import tempfile
import time

from capture import Capture
from folder import MIDDLE, SMALL
from lab import eventually, expect, run
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


def chunked(octets, size=16384):
    """As Transfer-Encoding: chunked sends them (RFC 9112 7.1)."""
    pieces = [octets[at:at + size] for at in range(0, len(octets), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@on("tun4", "tap6")
def test_huge_bodies_are_refused_in_words(t):
    """The answer arrives, though the client has sent on: no reset overtakes it (RFC 9112 9.6)."""
    octets = bytes(600_000)
    fields = ("Host: x", "Transfer-Encoding: chunked")
    with tempfile.TemporaryDirectory() as folder:
        with t.serve("--upload", "--upload-limit", "100K", folder=folder) as serve:
            for what, sent in (
                    ("PUT that says so", request("/a", "PUT", fields=(
                        "Host: x", f"Content-Length: {len(octets)}")) + octets),
                    ("PUT in chunks", request("/a", "PUT", fields=fields) + chunked(octets)),
                    ("GET in chunks", request(fields=fields) + chunked(octets))):
                with t.net.connect() as s:
                    s.sendall(sent)
                    time.sleep(0.3)  # whatever else came is there before we look
                    expect(what, read_to_end(s).split(b"\r\n")[0],
                           b"HTTP/1.1 413 Payload Too Large")
            serve.ends_well()
            expect("resets", serve.counts().get("unread-data", 0), 0)
        expect("files", os.listdir(folder), [])


@on("tun4", "tap6")
def test_one_connection_too_many_hears_why(t):
    """The limit is a client's; its request, which nobody reads, draws no reset (RFC 6585 4)."""
    with t.serve("--per-client", "3") as serve, contextlib.ExitStack() as stack:
        held = [stack.enter_context(t.net.connect()) for _ in range(3)]
        for s in held:
            s.sendall(request())
            expect("status", read_answer(s)[0], 200)
        for _ in range(5):
            with t.net.connect() as s:
                s.sendall(request())
                time.sleep(0.1)
                answer = read_to_end(s)
                expect("status", answer.split(b"\r\n")[0], b"HTTP/1.1 429 Too Many Requests")
                assert b"Retry-After: " in answer, answer
        held.pop().close()

        def served():
            with t.net.connect() as s:
                s.sendall(request(version="1.0"))
                return b" 200 OK" in read_to_end(s)

        eventually("a place is free again", served)
        stack.close()
        serve.ends_well()
        told = re.search(r"too many connections of one client: (\d+)", serve.text)
        assert told and int(told.group(1)) >= 5, serve.text


@on("tun4")
def test_conditions_of_an_upload_hold_when_it_is_whole(t):
    """RFC 9110 13.1: what was so when the header came need not be so at the end."""
    def upload(name, condition):
        s = t.net.connect()
        s.sendall(request(f"/{name}", "PUT", fields=("Host: x", "Content-Length: 8", condition)))
        s.sendall(b"late")
        return s

    with tempfile.TemporaryDirectory() as folder:
        with t.serve("--upload", folder=folder):
            put = ("curl", "-gsSf", "-X", "PUT", "--data-binary")
            with upload("new", "If-None-Match: *") as s:
                time.sleep(0.2)
                run(*put, "early", t.net.url("new"))
                s.sendall(b"late")
                expect("status", read_answer(s)[0], 412)
            with open(os.path.join(folder, "new")) as f:
                expect("the file of the first", f.read(), "early")
            etag = re.search(r"(?im)^etag: (.*)$", run("curl", "-gsSI", t.net.url("new")).stdout)
            with upload("new", f"If-Match: {etag.group(1)}") as s:
                time.sleep(0.2)
                run(*put, "changed meanwhile", t.net.url("new"))
                s.sendall(b"late")
                expect("status", read_answer(s)[0], 412)
            with open(os.path.join(folder, "new")) as f:
                expect("what came between", f.read(), "changed meanwhile")
            with upload("other", "If-None-Match: *") as s:
                s.sendall(b"late")
                expect("status", read_answer(s)[0], 201)
            expect("nothing else is there", sorted(os.listdir(folder)), ["new", "other"])


@on("tun4", aside=True)
def test_a_slow_body_runs_out_of_time(t):
    with tempfile.TemporaryDirectory() as folder, t.serve("--upload", folder=folder) as serve:
        with t.net.connect(timeout=50) as s:
            s.sendall(request("/slow", "PUT", fields=("Host: x", "Content-Length: 1000000")))
            s.sendall(b"some of it")
            began = time.monotonic()
            expect("status", read_to_end(s).split(b"\r\n")[0], b"HTTP/1.1 408 Request Timeout")
            took = time.monotonic() - began
            assert took > 25, f"after {took:.1f} s, wanted 30"
        serve.ends_well()
        expect("files", os.listdir(folder), [])


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
        done = run("wget", "-S", "--progress=dot:mega", "-c", "-O", got, t.net.url("middle.bin"))
        expect("SHA-256", file_sha256(got), t.site.sums["middle.bin"])
        for words in ("HTTP/1.1 206 Partial Content",
                      f"Content-Range: bytes {MIDDLE // 3}-{MIDDLE - 1}/{MIDDLE}",
                      f"Content-Length: {MIDDLE - MIDDLE // 3}"):
            assert words in done.stderr, f"no {words!r}: {done.stderr[:2000]}"


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
