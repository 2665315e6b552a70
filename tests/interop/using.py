#!/usr/bin/env python3
"""The commands of docs/using.md that need a network, run as they stand there, in a laboratory; what
they print must be what the document shows, but for numbers.

usage: using.py PROGRAM ROOT [SESSION...]    all sessions, or these
       using.py PROGRAM ROOT --print [SESSION...]    prints what the commands print
Exit status: 0 as documented, 1 not so, 77 cannot run here (says why).

`<!-- lab SESSION: TERMINAL -->` stands before a block of commands, which run in a terminal of their
own when those of the terminals before it have begun (a server among them is waited for);
`<!-- lab SESSION: TERMINAL prints -->` before a block of what it prints, standard error included.
When the last terminal has ended, those that still run are interrupted, as by Ctrl-C. A line `...`
stands for any lines. Every block of text in the document must have such a marker, or one that
tools/check_docs knows.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lab import Lab, interfaces, need_root_and

MARKER = re.compile(r"^<!-- lab ([a-z-]+): (\d+)( prints)? -->$")
CHECKED = re.compile(r"^<!-- (from|output of): .* -->$")
QUAD = r"\d+\.\d+\.\d+\.\d+"
SECONDS = 40  # for a session; then it is said what it printed until then


def blocks(lines):
    """(line before, language, lines) of each fenced block."""
    at = 0
    while at < len(lines):
        fence = re.match(r"```(\w*)$", lines[at])
        if fence:
            end = lines.index("```", at + 1)
            yield lines[at - 1], fence.group(1), lines[at + 1:end]
            at = end
        at += 1


def read_document(path):
    """{session: ({terminal: commands}, {terminal: lines})}, and blocks of text that nobody checks."""
    sessions, unchecked = {}, []
    with open(path) as f:
        for before, language, lines in blocks(f.read().splitlines()):
            marker = MARKER.match(before)
            if marker:
                commands, prints = sessions.setdefault(marker.group(1), ({}, {}))
                (prints if marker.group(3) else commands)[int(marker.group(2))] = lines
            elif language == "text" and not CHECKED.match(before):
                unchecked.append(lines[0])
    return sessions, unchecked


def mask(line):
    """Numbers and lengths of time, but in addresses; and columns, whose width follows numbers."""
    line = re.sub(rf"({QUAD})|\d[\d,.]*\d|\d", lambda m: m.group(1) or "#", line.rstrip())
    return re.sub(r"\s+", " ", re.sub(r"# (s|ms|us)\b", "# s", line))


def differs(wanted, got):
    """"" or the first lines of the document that do not come in this order."""
    pieces, at = [[]], 0
    for line in map(mask, wanted):
        if line.strip() == "...":
            pieces.append([])
        else:
            pieces[-1].append(line)
    hay = list(map(mask, got))
    whole = len(pieces) == 1
    for piece in filter(None, pieces):
        spots = (i for i in range(at, len(hay) - len(piece) + 1) if hay[i:i + len(piece)] == piece)
        found = next(spots, None)
        if found is None:
            return "\n".join(piece)
        at = found + len(piece)
    return "" if not whole or len(hay) == len(pieces[0]) else "nothing else, yet there is more"


class Terminal:
    def __init__(self, commands, place, environment):
        self.output = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            ["bash", "-c", "\n".join(commands)], cwd=place, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
            start_new_session=True)

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):  # all of it has ended
            os.killpg(self.process.pid, number)

    def lines(self):
        self.output.seek(0)
        return self.output.read().splitlines()


def listening(port):
    done = subprocess.run(["ss", "-Htlun", f"sport = :{port}"], capture_output=True, text=True)
    return bool(done.stdout)


def begun(commands, terminal):
    """Whether what a terminal runs is there for the others."""
    text = "\n".join(commands)
    if "rapport serve" in text or "rapport listen" in text or "--serve" in text:
        return any(re.search("serving |listening |http://127", line) for line in terminal.lines())
    if terminal.process.poll() is not None:
        return True
    port = re.search(r"nc .*-l (\d+)|http.server (\d+)", text)
    return port is not None and listening(next(filter(None, port.groups())))


def wait_until(predicate, end):
    while not predicate() and time.monotonic() < end:
        time.sleep(0.05)


def forward():
    """As scripts/lab does."""
    with open("/proc/sys/net/ipv4/ip_forward", "w") as f:
        f.write("1")


def play(commands, place, environment):
    """{terminal: lines} of a session."""
    end = time.monotonic() + SECONDS
    terminals = {}
    try:
        for number, lines in sorted(commands.items()):
            terminals[number] = Terminal(lines, place, environment)
            if number != max(commands):
                wait_until(lambda n=number, c=lines: begun(c, terminals[n]), end)
        *others, last = terminals.values()
        wait_until(lambda: last.process.poll() is not None, end)
        for terminal in others:  # what ends by itself may do so
            wait_until(lambda t=terminal: t.process.poll() is not None,
                       min(end, time.monotonic() + 1))
            terminal.signal(signal.SIGINT)
            wait_until(lambda t=terminal: t.process.poll() is not None, end)
    finally:
        for terminal in terminals.values():
            terminal.signal(signal.SIGKILL)
            terminal.process.wait()
    return {number: terminal.lines() for number, terminal in terminals.items()}


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    program, root, names = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
    shows = "--print" in names
    names = [n for n in names if n != "--print"]
    need_root_and("ip", "ss", "nc", "curl", "openssl", "python3", "sysctl")
    sessions, unchecked = read_document(os.path.join(root, "docs", "using.md"))
    faults = [f"a block of text that nobody checks: {line}" for line in unchecked]
    for name, (commands, prints) in sessions.items():
        if names and name not in names:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="rapport-using-") as place, Lab():
            forward()
            shutil.copy(os.path.join(root, "README.md"), place)
            environment = {**os.environ, "XDG_RUNTIME_DIR": place,
                           "PATH": f"{os.path.dirname(program)}:{os.environ['PATH']}"}
            printed = play(commands, place, environment)
            left = [n for n in interfaces() if n != "lo"]
        wrong = [f"{name}: interfaces left: {left}"] if left else []
        for number, lines in printed.items():
            if shows:
                print(f"--- {name} {number}\n" + "\n".join(lines))
            elif missing := differs(prints.get(number, ["..."]), lines):
                wrong.append(f"{name}, terminal {number}: the document says\n{missing}\n"
                             "and it prints\n" + "\n".join(lines))
        print(f"{'FAIL' if wrong else 'ok  '} {name} ({time.monotonic() - began:.1f} s)")
        faults += wrong
    print("\n".join(faults) or "as documented")
    sys.exit(1 if faults or not sessions else 0)


if __name__ == "__main__":
    main()
