"""The program under test as a child that never outlives its test."""

import json
import re
import signal
import socket
import subprocess

from http_talk import read_to_end
from lab import eventually, run


class Program:
    """`rapport VERB ...` as a child; a context manager that leaves no process behind. An end that
    nobody waited for, a crash or what a sanitizer found, fails the test."""

    def __init__(self, *command, **more):
        self.command = list(command)
        self.more = more
        self.text = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, **self.more)
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.kill()
        elif self.text is None and kind is None:
            raise AssertionError(f"{self.command} ended with {self.wait(5)} by itself:\n{self.text}")
        if self.text is None:
            self.process.communicate()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def wait(self, seconds):
        """The exit status; standard output and error are in `text`."""
        out, err = self.process.communicate(timeout=seconds)
        self.out, self.text = out, out + err
        return self.process.returncode

    def processor_seconds(self):
        """That it has used until now."""
        with open(f"/proc/{self.process.pid}/stat") as f:
            user, system = f.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / 100


class Serve(Program):
    """`rapport serve`, once it serves."""

    def __enter__(self):
        super().__enter__()
        self.greeting = self.process.stdout.readline()
        if not self.greeting.startswith("serving "):
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"serve did not start: {self.greeting}{out}{err}")
        if "--tap" in self.command:  # an address is probed for seconds before it is used (RFC 5227)
            ours = self.command[self.command.index("--address") + 1].split("/")[0]
            eventually(f"{ours} is used", lambda: run("ping", "-c", "1", "-W", "1", ours,
                                                      ok=False).returncode == 0, 20)
        return self

    def status(self):
        """The document that it tells over its --status-socket."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.command[self.command.index("--status-socket") + 1])
            return json.loads(read_to_end(s))

    def state(self, port):
        """Ours of the connection whose other end is this port; "": gone."""
        return next((row["state"] for row in self.status()["connections"]
                     if row["remote"].endswith(f":{port}")), "")

    def counts(self):
        """What it printed at its end: {"closed-by-us": 3, ...}."""
        return {k: int(v)
                for k, v in re.findall(r"^  ([a-z-]+) +(\d+)(?:  \(.*\))?$", self.text, re.M)}

    def left(self):
        """(in TIME-WAIT, open) at its end."""
        return tuple(map(int, re.search(r"left: (\d+) in TIME-WAIT, (\d+) open", self.text).groups()))

    def ends_well(self, seconds=10):
        """SIGINT, and everything ends with status 0."""
        self.interrupt()
        status = self.wait(seconds)
        assert status == 0, f"status {status}: {self.text}"
        eventually("its interface is gone", lambda: "rap0" not in interfaces_now())


def interfaces_now():
    with open("/proc/net/dev") as f:
        return [line.split(":")[0].strip() for line in f if ":" in line]
