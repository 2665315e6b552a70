"""A laboratory for tests against the kernel: a network namespace of our own, and what every test
needs in it. Everything that was made is taken away again, also when a test fails.

The process that makes a Lab enters its namespace, so that its sockets and its children live there.
"""

import ctypes
import os
import re
import shutil
import subprocess
import sys
import time

SKIPPED = 77  # ctest: SKIP_RETURN_CODE
CLONE_NEWNET = 0x40000000


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(SKIPPED)


def need_root_and(*tools):
    """Ends the test as skipped where it cannot run."""
    if os.geteuid() != 0:
        skip("interop tests make network namespaces: run them as root")
    missing = [t for t in tools if shutil.which(t) is None]
    if missing:
        skip(f"missing programs: {' '.join(missing)} (see scripts/bootstrap test)")
    if not os.path.exists("/dev/net/tun"):
        skip("/dev/net/tun is missing")


def run(*command, ok=True, timeout=60, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, **more)
    if ok and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: status {done.returncode}: "
                             f"{done.stdout[-500:]}{done.stderr.strip()}")
    return done


def expect(what, got, wanted):
    assert got == wanted, f"{what}: {got!r}, wanted {wanted!r}"


def eventually(what, predicate, seconds=5.0):
    """The first true value of predicate(), within some seconds."""
    end = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def set_namespace(descriptor):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Lab:
    """A network namespace that this process has entered."""

    made = 0

    def __init__(self):
        Lab.made += 1
        self.name = f"rapport-{os.getpid()}-{Lab.made}"
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)

    def __enter__(self):
        made = run("ip", "netns", "add", self.name, ok=False)
        if made.returncode != 0:
            skip(f"cannot make a network namespace: {made.stderr.strip()}")
        try:
            self._enter(f"/run/netns/{self.name}")
            run("ip", "link", "set", "lo", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        set_namespace(self.home)
        run("ip", "netns", "del", self.name)
        os.close(self.home)

    @staticmethod
    def _enter(path):
        there = os.open(path, os.O_RDONLY)
        set_namespace(there)
        os.close(there)

    def exists(self):
        return self.name in run("ip", "netns", "list").stdout.split()


def interfaces():
    return re.findall(r"^\d+: ([^:@]+)", run("ip", "-o", "link").stdout, re.M)


def sysctl(name, value):
    """Sets it, inside this namespace; returns what it was."""
    path = "/proc/sys/" + name.replace(".", "/")
    with open(path) as f:
        before = f.read().strip()
    with open(path, "w") as f:
        f.write(str(value))
    return before
