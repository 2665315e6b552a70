"""`rapport fetch` from servers that others wrote: nginx, python's http.server, openssl under them; and
what it tells when nobody is there."""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time

from capture import Capture
from cases_http import make_certificate
from folder import SMALL
from http_talk import file_sha256
from lab import eventually, expect, run, sysctl
from run import EVERYWHERE, on

ANY = {4: "0.0.0.0", 6: "[::]"}  # the interface, and its address, come with `fetch`


@contextlib.contextmanager
def process(*command, **more):
    """A server that ends with the test."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          **more) as child:
        try:
            yield child
        finally:
            child.terminate()


def listens(port):
    return lambda: run("ss", "-Htln", f"sport = :{port}").stdout


@contextlib.contextmanager
def nginx(t, place, certificate=None):
    """Serves the site at port 80, with a certificate at 443 too."""
    tls = certificate and f"listen {ANY[t.net.family]}:443 ssl; " \
                          f"ssl_certificate {certificate[0]}; ssl_certificate_key {certificate[1]};"
    settings = os.path.join(place, "nginx.conf")
    with open(settings, "w") as f:
        f.write(f"""user root; daemon off; master_process off; pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {place}/b; proxy_temp_path {place}/p;
  fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
  server {{ listen {ANY[t.net.family]}:80; {tls or ''} root {t.site.folder};
    location /moved {{ return 302 /index.html; }} }} }}
""")
    with process("nginx", "-c", settings, "-p", place, "-e", os.path.join(place, "error.log")):
        eventually("nginx listens", listens(80), 10)
        yield


def fetched(t, url, *more, status=0, timeout=120):
    """Standard output and error of a `fetch` that ends with this status."""
    done = subprocess.run([t.program, "fetch", url, *t.options(*more)], capture_output=True,
                          timeout=timeout)
    expect(f"status ({done.stderr.decode().strip()})", done.returncode, status)
    return done.stdout, done.stderr.decode()


def host_url(t, path, **more):
    return t.net.url(path, address=t.net.host, **more)


@on(*EVERYWHERE, tools=("nginx",))
def test_from_nginx(t):
    with tempfile.TemporaryDirectory() as place, nginx(t, place):
        got = os.path.join(place, "got")
        path = os.path.join(place, "fetch.pcapng")
        expect("nothing but the body", fetched(t, host_url(t, "index.html")),
               (b"<h1>hello</h1>\n", ""))
        expect("said", fetched(t, host_url(t, "small.bin"), "-o", got, "--pcap", path)[1], "")
        expect("SHA-256", file_sha256(got), t.site.sums["small.bin"])
        Capture(path).is_sound(SMALL // 1500)


@on(*EVERYWHERE, tools=("nginx",), uncaptured="64 MiB as fast as it goes: nothing new for tshark")
def test_64_mib_from_nginx(t):
    with tempfile.TemporaryDirectory() as place, nginx(t, place):
        got = os.path.join(place, "got")
        name = t.site.big(64)
        began = time.monotonic()
        fetched(t, host_url(t, name), "-o", got)
        print(f"    {t.site.sizes[name] * 8 / (time.monotonic() - began) / 1e9:.2f} Gbit/s")
        expect("SHA-256", file_sha256(got), t.site.sums[name])


@on("tun4", "tap6", tools=("nginx", "ping"))
def test_a_slow_reader_holds_up_nobody_else(t):
    """Standard output is a pipe that is full: the program waits for it, its stack goes on."""
    name = t.site.big(8)
    with tempfile.TemporaryDirectory() as place, nginx(t, place):
        with subprocess.Popen([t.program, "fetch", host_url(t, name), *t.options()],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as us:
            digest = hashlib.sha256(us.stdout.read(4096))
            time.sleep(1)  # the pipe is full
            done = run("ping", f"-{t.net.family}", "-c", "5", "-i", "0.2", "-W", "2", t.net.ours,
                       ok=False)
            assert " 5 received" in done.stdout, f"it answers nobody: {done.stdout}"
            while piece := us.stdout.read(1 << 20):
                digest.update(piece)
            expect("status", us.wait(30), 0)
            expect("SHA-256", digest.hexdigest(), t.site.sums[name])


@on("tun4", tools=("nginx",))
def test_an_interrupt_ends_a_fetch_that_nobody_reads(t):
    name = t.site.big(8)
    with tempfile.TemporaryDirectory() as place, nginx(t, place):
        with subprocess.Popen([t.program, "fetch", host_url(t, name), *t.options()],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as us:
            us.stdout.read(4096)
            time.sleep(0.5)
            us.send_signal(signal.SIGINT)
            expect("status", us.wait(10), 130)


@on("tun4", "tun6", tools=("nginx",))
def test_nginx_says_no(t):
    with tempfile.TemporaryDirectory() as place, nginx(t, place):
        got = os.path.join(place, "got")
        assert "404" in fetched(t, host_url(t, "nothing"), "-o", got, status=1)[1]
        assert "/index.html" in fetched(t, host_url(t, "moved"), "-o", got, status=1)[1]
        assert not os.path.exists(got), "a file, yet there was nothing to put into it"


@on(*EVERYWHERE, tools=("nginx", "openssl"))
def test_https_from_nginx(t):
    with tempfile.TemporaryDirectory() as place:
        certificate = make_certificate(place, t.net.host)
        with nginx(t, place, certificate):
            got = os.path.join(place, "got")
            url = host_url(t, "middle.bin", scheme="https", port=443)
            fetched(t, url, "-o", got, "--cacert", certificate[0])
            expect("SHA-256", file_sha256(got), t.site.sums["middle.bin"])
            os.remove(got)
            assert "not trusted" in fetched(t, url, "-o", got, status=1)[1]
            assert not os.path.exists(got), "a file of somebody whom nobody trusts"


@on(*EVERYWHERE)
def test_from_python(t):
    """HTTP/1.0: the end of the connection is the end of the answer."""
    with tempfile.TemporaryDirectory() as place, \
         process(sys.executable, "-m", "http.server", "8000", "--bind", ANY[t.net.family].strip("[]"),
                 "--directory", t.site.folder):
        eventually("it listens", listens(8000), 10)
        got = os.path.join(place, "got")
        fetched(t, host_url(t, "middle.bin", port=8000), "-o", got)
        expect("SHA-256", file_sha256(got), t.site.sums["middle.bin"])


# --- nobody is there ------------------------------------------------------------------------------


def tells(t, address, seconds, *words):
    """It goes on trying (RFC 9293 3.9.2.2, MUST-56), yet says at once why nobody answers."""
    began = time.monotonic()
    text = fetched(t, t.net.url(address=address), "--timeout", str(seconds), status=1)[1]
    took = time.monotonic() - began
    assert took > seconds - 0.5, f"gave up after {took:.1f} s: {text}"
    assert any(word in text for word in words), f"none of {words} in {text!r}"


@on(*EVERYWHERE)
def test_a_closed_port(t):
    began = time.monotonic()
    text = fetched(t, host_url(t, "", port=81), status=1)[1]
    assert "refused: the peer's TCP answered our SYN with a reset" in text, text
    assert time.monotonic() - began < 5, "refused, but late"


@on("tap4", "tap6", aside=True)
def test_nobody_on_the_link(t):
    """Three questions (ARP, RFC 826; neighbour solicitations, RFC 4861 7.2.2) and no answer: the
    host, or the address, cannot be reached."""
    tells(t, t.net.nobody, 6, "host unreachable", "address unreachable")


@on("tun4", "tun6", aside=True)
def test_nobody_behind_the_host(t):
    """The host forwards, has no way there, and says so (RFC 1812 5.2.7.1, RFC 4443 3.1)."""
    v6 = t.net.family == 6
    sysctl("net.ipv6.conf.all.forwarding" if v6 else "net.ipv4.ip_forward", 1)
    tells(t, "fd00:99::9" if v6 else "10.99.0.9", 3, "net unreachable", "no route", "unreachable")
