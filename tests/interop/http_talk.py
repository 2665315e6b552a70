"""HTTP by hand over a socket, and by curl."""

import hashlib
import tempfile
import time

from lab import run


def request(target="/", method="GET", version="1.1", fields=("Host: x",)):
    lines = [f"{method} {target} HTTP/{version}", *fields, "", ""]
    return "\r\n".join(lines).encode()


def read_to_end(s):
    pieces = []
    while piece := s.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def read_answer(s, head=False):
    """(status, fields, body) of one answer; what follows it stays in the socket."""
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        octet = s.recv(1)
        if not octet:
            raise AssertionError(f"the connection ended inside an answer: {text!r}")
        text += octet
    lines = text.decode().split("\r\n")
    fields = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:] if line)}
    body = bytearray()
    length = 0 if head else int(fields.get("content-length", 0))
    while len(body) < length:
        piece = s.recv(length - len(body))
        if not piece:
            raise AssertionError("the connection ended inside a body")
        body += piece
    return int(lines[0].split()[1]), fields, bytes(body)


def sha256(octets):
    return hashlib.sha256(octets).hexdigest()


def file_sha256(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def fetch(url, limit, *more):
    """(SHA-256, seconds) of what curl gets."""
    with tempfile.NamedTemporaryFile() as got:
        began = time.monotonic()
        run("curl", "-gsSf", "--max-time", str(limit), "-o", got.name, *more, url,
            timeout=limit + 10)
        seconds = time.monotonic() - began
        return file_sha256(got.name), seconds
