#!/usr/bin/env python3
"""`rapport` against the kernel: stock clients and servers, ss, nft and tshark as judges.

usage: run.py PROGRAM MODULE [NAME...]    the tests of cases_MODULE.py, or those whose names contain
                                          one of NAME ("closes_first", "tun6")
RAPPORT_INTEROP_LARGE=1: the transfers of full size, as scripts/soak runs them.
Exit status: 0 all passed, 1 some failed, 77 cannot run here (says why).
"""

import dataclasses
import importlib
import os
import re
import signal
import sys
import tempfile
import time
import traceback

from capture import unsound
from folder import Site
from lab import Lab, expect, interfaces, need_root_and
from net import Net
from program import Program, Serve

TOOLS = ("ip", "nft", "ss", "curl", "ping", "tshark", "mergecap")
USUAL = ("tun4", "tun6")  # where a test runs that does not say
EVERYWHERE = (*USUAL, "tap4", "tap6")
SECONDS, CHILD_SECONDS = 570, 540  # for a module (ctest: 600), and for what runs beside it


def on(*nets, aside=False, tools=(), uncaptured=""):
    """Says where a test runs, which programs it takes, and whether it mostly waits: those run
    beside the others, each in a laboratory of its own. `uncaptured`: why tshark does not read what
    passes in it; it does else."""

    def mark(test):
        test.nets, test.aside, test.tools, test.uncaptured = nets, aside, tools, uncaptured
        return test

    return mark


@dataclasses.dataclass
class Trial:
    """What a test gets."""

    program: str
    site: Site
    net: Net
    captures: str = ""  # where a capture of each program goes, the beginning of their names
    captured: int = 0

    def options(self, *more):
        """Of the device, for one program, and `more` of them. What it captures is read at the end,
        unless the test captures for itself."""
        if not self.captures or "--pcap" in more:
            return [*self.net.options(), *more]
        self.captured += 1
        return [*self.net.options(), *more, "--pcap", f"{self.captures}.{self.captured}.pcapng"]

    def serve(self, *more, **settings):
        return Serve(self.program, "serve", settings.pop("folder", self.site.folder),
                     *self.options(*more), **settings)

    def watched(self, *more, **settings):
        """With a status socket, so that it tells its own side of each connection."""
        return self.serve(*more, "--status-socket", self.site.socket(), **settings)

    def verb(self, *words, **settings):
        return Program(self.program, *words, *self.options(), **settings)

    @property
    def large(self):
        return os.environ.get("RAPPORT_INTEROP_LARGE") == "1"


def all_tests(module):
    """{"name tun4": (test, net)} in the order of the file."""
    tests = {}
    for name, test in vars(module).items():
        if not name.startswith("test_") or getattr(test, "__module__", "") != module.__name__:
            continue
        for net in getattr(test, "nets", None) or USUAL:
            tests[f"{name[5:]} {net}"] = (test, Net(net[:3], int(net[3:])))
    return tests


def run_tests(tests, program, site):
    """{name: what was wrong} of those that failed."""
    failed = {}
    for name, (test, net) in tests.items():
        began = time.monotonic()
        lab = Lab()
        try:
            with lab:
                captures = "" if getattr(test, "uncaptured", "") else site.capture(name)
                test(Trial(program, site, net, captures))
                expect("interfaces left", interfaces(), ["lo"])
            assert not lab.exists(), "the namespace is still there"
            print(f"ok   {name} ({time.monotonic() - began:.1f} s)")
        except Exception:  # a test that breaks must not hide the others
            failed[name] = traceback.format_exc()
            print(f"FAIL {name} ({time.monotonic() - began:.1f} s)\n{failed[name]}")
    return failed


def limit(seconds):
    """What hangs fails, with the place where it hangs, before ctest kills the whole module."""
    def too_long(*_):
        signal.alarm(5)  # for those that come behind it
        raise TimeoutError(f"not done {seconds} s after the module began")

    if os.environ.get("RAPPORT_INTEROP_LARGE") != "1":
        signal.signal(signal.SIGALRM, too_long)
        signal.alarm(seconds)


def run_aside(name, test, program, site):
    """Forks; returns the child's pid and where its output will be."""
    output = tempfile.TemporaryFile("w+")
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        limit(CHILD_SECONDS)
        status = 1
        try:
            status = 1 if run_tests({name: test}, program, site) else 0
        finally:
            sys.stdout.flush()
            os._exit(status)
    return child, output


def gather(child, output):
    """What was wrong; "": nothing."""
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    output.seek(0)
    text = output.read()
    print(text, end="")
    return "" if status == 0 else text or f"ended with {status} and said nothing"


def complaint(text):
    """Of a traceback: the place that raised last, and what it said."""
    lines = [line for line in text.splitlines() if line.strip()]
    said = [n for n, line in enumerate(lines) if re.match(r"[A-Za-z_.]+(: |$)", line)]
    last = said[-1] if said else max(0, len(lines) - 1)
    return [line[:500] for line in lines[max(0, last - 5):last + 10]]


def summary(failed):
    """Behind everything else, for whoever sees only the end of a log."""
    lines = []
    for name, text in failed.items():
        lines += [f"failed: {name}", *(f"    {line}" for line in complaint(text))]
    return "\n".join(lines)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    program, words = os.path.abspath(sys.argv[1]), sys.argv[3:]
    module = importlib.import_module(f"cases_{sys.argv[2]}")
    tests = {n: t for n, t in all_tests(module).items() if not words or any(w in n for w in words)}
    needed = {tool for test, _ in tests.values() for tool in getattr(test, "tools", ())}
    need_root_and(*TOOLS, *sorted(needed))
    sys.stdout.reconfigure(line_buffering=True)
    limit(SECONDS)
    with tempfile.TemporaryDirectory(prefix="rapport-interop-") as folder:
        os.chmod(folder, 0o755)
        site = Site(folder)
        waiting = {n: t for n, t in tests.items() if getattr(t[0], "aside", False)}
        aside = {n: run_aside(n, t, program, site) for n, t in waiting.items()}
        failed = run_tests({n: t for n, t in tests.items() if n not in aside}, program, site)
        told = {name: gather(*child) for name, child in aside.items()}
        began = time.monotonic()
        wrong, files, segments = unsound(site.captures)
        print(f"tshark: {segments} segments in {files} captures ({time.monotonic() - began:.1f} s)")
    failed |= {name: text for name, text in told.items() if text}
    failed |= {name: failed.get(name, "") + text for name, text in wrong.items()}
    print(f"{summary(failed)}\n{len(failed)} failed: {', '.join(failed)}" if failed else "all passed")
    sys.exit(1 if failed or not tests else 0)


if __name__ == "__main__":
    main()
