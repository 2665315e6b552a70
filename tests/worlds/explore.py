#!/usr/bin/env python3
"""Explores one scenario and looks at the verdict, the ladder, the figures, and the replay of a counterexample.

explore.py PROGRAM SCENARIO FAULTS                      with all rules on every invariant holds in every world
explore.py PROGRAM SCENARIO FAULTS RULE AT INVARIANT    without RULE the shortest counterexample has AT faults
explore.py PROGRAM SCENARIO FAULTS RULE none            without RULE there is none in this model
explore.py PROGRAM --misuse                             what cannot be asked says so, exit status 2
explore.py PROGRAM --trouble                            who dies, is cut short or cannot write says so, status 1

PROGRAM: rapport, beside which rapport-worlds lies. The number of processes must not change the result.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

SECONDS = 280
MISUSE = [
    (["--scenario", "opn"], "opn"),
    (["--scenario", "open", "--faults", "99"], "--faults 99"),
    (["--scenario", "open", "--faults", "-1"], "--faults"),
    (["--scenario", "open", "--jobs", "0"], "--jobs 0"),
    (["--scenario", "open", "--without", "gravity"], "there is no such rule"),
    (["--scenario", "open", "--without", "no-options"], "no rule that could be switched off"),
    (["--faults", "1"], "--scenario"),
    (["--scenario", "open", "--record", "/nonexistent/x"], "cannot write it: No such file or directory"),
    (["--scenario", "open", "--record", ""], "--record"),
]


def explore(program, *arguments):
    return subprocess.run([program, "explore", *arguments], capture_output=True, text=True,
                          timeout=SECONDS, check=False)


def fail(words, run):
    sys.exit(f"{words}\nexit status {run.returncode}\n{run.stdout}{run.stderr}")


def misuse(program):
    for arguments, words in MISUSE:
        run = explore(program, *arguments)
        if run.returncode != 2 or words not in run.stderr or run.stderr.count("\n") != 1:
            fail(f"{arguments}: not refused in one line that says {words}", run)


def trouble(program):
    """A finding is told before it is written; what was not seen is no verdict."""
    full = explore(program, "--scenario", "open-close", "--without", "merged-close", "--record", "/dev/full")
    told = full.stdout.startswith("counterexample: agreement (") and "10.0.0.1:4000" in full.stdout
    if full.returncode != 1 or not told or "No space left on device" not in full.stderr:
        fail("a full disk", full)
    nothing = explore(program, "--scenario", "open", "--faults", "0", "--record", "not-written.rec")
    if nothing.returncode != 0 or "nothing was written" not in nothing.stderr or os.path.exists("not-written.rec"):
        fail("a file that is not written", nothing)
    cut = explore(program, "--scenario", "open-close", "--faults", "0", "--until", "1")
    if cut.returncode != 1 or "worlds, by --until 1\n" not in cut.stdout or "every world" in cut.stdout:
        fail("worlds that were cut short", cut)
    one_dies(program)
    nobody_is_left(program)


def children(process):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
            found = [int(word) for word in file.read().split()]
        if len(found) == 2:
            return found
        time.sleep(0.01)
    return sys.exit("it does not start two processes")


def one_dies(program):
    arguments = [program, "explore", "--scenario", "open-close", "--faults", "2", "--jobs", "2"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as run:
        os.kill(children(run.pid)[0], signal.SIGABRT)
        out = run.communicate(timeout=SECONDS)[0]
    if run.returncode != 1 or "came to a bad end (killed by signal 6" not in out or "every world" in out:
        sys.exit(f"a death is not told, status {run.returncode}\n{out}")
    if "again: rapport explore --scenario open-close --faults " not in out or "  worlds      " not in out:
        sys.exit(f"the worlds of the others are not told\n{out}")


def is_gone(process):
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def nobody_is_left(program):
    arguments = [program, "explore", "--scenario", "reuse", "--faults", "4", "--jobs", "2"]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as run:
        workers = children(run.pid)
        time.sleep(0.2)  # until both have asked to go with it
        run.terminate()
    end = time.monotonic() + SECONDS
    while not all(is_gone(worker) for worker in workers):
        if time.monotonic() > end:
            sys.exit(f"{workers}: left behind")
        time.sleep(0.02)


def figures(program, arguments, jobs):
    run = explore(program, *arguments, "--jobs", str(jobs), "--json")
    if run.returncode not in (0, 1):
        fail("no figures", run)
    return json.loads(run.stdout)


def check_tree(found, faults, run):
    if found["dead_ends"] or found["cut_short"]:
        fail("a world that does not end", run)
    if found["worlds"] != sum(found["worlds_by_faults"]):
        fail("worlds that nobody counted", run)
    counts = dict(found["faults"])
    if "fast-reuse" in found["asked"] and counts.pop("crashed") != 0:
        fail("a crash where none may be", run)
    if faults > 0 and (found["merged"] == 0 or 0 in counts.values()):
        fail("a kind of fault that never happened, or nothing merged", run)


def all_hold(program, arguments, faults):
    run = explore(program, *arguments)
    if run.returncode != 0 or "all hold in every world" not in run.stdout or "counterexample" in run.stdout:
        fail("an invariant does not hold", run)
    check_tree(figures(program, arguments, 2), faults, run)


def is_found(program, arguments, at, invariant):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "found.rec")
        run = explore(program, *arguments, "--record", file)
        first = run.stdout.partition("\n")[0]
        if run.returncode != 0 or not first.startswith(f"counterexample: {invariant} ("):
            fail(f"no counterexample to {invariant}", run)
        for rail in ("client", "server", "10.0.0.1:4000", "10.0.0.2:80"):
            if rail not in run.stdout:
                fail("no ladder", run)
        again = subprocess.run([program, "replay", file], capture_output=True, text=True, timeout=SECONDS,
                               check=False)
        if again.returncode != 0 or "rules off: " + arguments[-1] not in again.stdout:
            fail("its file does not replay without the rule", again)
        alone = figures(program, [*arguments, "--record", file], 1)
        shared = figures(program, [*arguments, "--record", file], 2)
    if alone != shared:
        fail("the number of processes changes the result", run)
    if alone["counterexample"]["faults"] != at or alone["counterexample"]["invariant"] != invariant:
        fail(f"not with {at} faults", run)


def main():
    program, scenario, *rest = sys.argv[1:]
    if scenario == "--misuse":
        return misuse(program)
    if scenario == "--trouble":
        return trouble(program)
    arguments = ["--scenario", scenario, "--faults", rest[0]]
    if len(rest) == 1:
        return all_hold(program, arguments, int(rest[0]))
    arguments += ["--without", rest[1]]
    if rest[2] != "none":
        return is_found(program, arguments, int(rest[2]), rest[3])
    run = explore(program, *arguments)
    if run.returncode != 0 or "no counterexample within this bound" not in run.stdout:
        fail("a counterexample that this model should not have", run)
    return None


if __name__ == "__main__":
    main()
