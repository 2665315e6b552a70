#!/usr/bin/env python3
"""misuse.py RAPPORT: what `rapport sim` cannot do it says in one line, exit status 2, before it lives a world;
who dies in a world is told, and nobody outlives the program."""

import os
import signal
import subprocess
import sys
import tempfile
import time

SECONDS = 60
MISUSE = [
    (["--seeds", "5.."], "--seeds 5..: A..B"),
    (["--seeds", "..5"], "A..B"),
    (["--seeds", "0..5"], "from 1 to"),
    (["--seeds", "9..5"], "A not above B"),
    (["--seeds", "1..99999999999"], "at most"),
    (["--seeds", "seven"], "A..B"),
    (["--seeds", ""], "A..B"),
    (["--jobs", "0"], "--jobs 0"),
    (["--events", "0"], "--events 0"),
    (["--until", "7"], "--until 7"),
    (["--least", "-1"], "--least"),
    (["--loss", "200%"], "--loss 200%"),
    (["--hosts", "1"], "--hosts 1"),
    (["--out", "/nonexistent"], "--out /nonexistent: cannot write it: No such file or directory"),
    (["--out", "/dev/null"], "Not a directory"),
    (["--out", ""], "--out"),
    (["--seeds", "7", "--record", "/nonexistent/x"], "--record /nonexistent/x: cannot write it: No such file"),
    (["--seeds", "7", "--record", "/"], "Is a directory"),
    (["--seeds", "7", "--record", ""], "--record"),
    (["--record", "x"], "of one seed only"),
    (["--gravity"], "--gravity"),
]


def fail(words, out=""):
    sys.exit(f"{words}\n{out}")


def sim(program, *arguments):
    return subprocess.run([program, "sim", *arguments], capture_output=True, text=True, timeout=SECONDS, check=False)


def misuse(program):
    for arguments, words in MISUSE:
        run = sim(program, *arguments)
        if run.returncode != 2 or words not in run.stderr or run.stderr.count("\n") != 1 or run.stdout:
            fail(f"{arguments}: not refused in one line that says {words}", f"{run.returncode} {run.stdout}{run.stderr}")


def recordings(program):
    """One seed is recorded and replays; a device that takes nothing hides nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "seven.rec")
        if sim(program, "--seeds", "7", "--record", file).returncode != 0:
            fail("seed 7 is not recorded")
        again = subprocess.run([program, "replay", file], capture_output=True, text=True, timeout=SECONDS, check=False)
        if again.returncode != 0 or "sim --seeds 7..7" not in again.stdout:
            fail("its file does not replay", again.stdout + again.stderr)
        if os.listdir(folder) != ["seven.rec"]:
            fail("something was left behind", str(os.listdir(folder)))
    run = sim(program, "--seeds", "7", "--record", "/dev/full")
    if run.returncode != 1 or "1 worlds" not in run.stdout or "No space left on device" not in run.stderr:
        fail("a full disk", run.stdout + run.stderr)


def bounds(program):
    run = sim(program, "--seeds", "1..3", "--events", "10")
    if run.returncode != 0 or "3 of 3 worlds were ended by the bound of 10 events" not in run.stdout:
        fail("which bound cut how many worlds is not told", run.stdout + run.stderr)


def children(process, number):
    """The processes that it started, once there are as many."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
            found = [int(word) for word in file.read().split()]
        if len(found) == number and all(has_worked(child) for child in found):
            return found
        time.sleep(0.02)
    return fail("its processes do not work")


def state(process):
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def has_worked(process):
    fields = state(process)
    return fields is not None and int(fields[11]) > 5  # ticks in user mode: it lives worlds by now


def is_gone(process):
    fields = state(process)
    return fields is None or fields[0] == "Z"


def nobody_is_left(program):
    with subprocess.Popen([program, "sim", "--seeds", "1..9000000", "--jobs", "2"], stdout=subprocess.DEVNULL) as run:
        workers = children(run.pid, 2)
        run.terminate()
        if run.wait(SECONDS) != -signal.SIGTERM:
            fail("it does not end when it is asked to")
    end = time.monotonic() + SECONDS
    while not all(is_gone(worker) for worker in workers):
        if time.monotonic() > end:
            fail(f"{workers}: left behind")
        time.sleep(0.02)


def one_dies(program):
    """The others live on, and the worlds of all are counted but for one."""
    arguments = [program, "sim", "--seeds", "1..1500", "--jobs", "2"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
        os.kill(children(run.pid, 2)[0], signal.SIGKILL)
        out = run.communicate(timeout=SECONDS)[0]
    if run.returncode != 1 or "came to a bad end: its process was killed by signal 9" not in out:
        fail("a death is not told", out)
    if "again: rapport sim --seeds " not in out or "\n1499 worlds" not in out:
        fail("the worlds of the others do not count", out)


def main():
    program = sys.argv[1]
    misuse(program)
    recordings(program)
    bounds(program)
    nobody_is_left(program)
    one_dies(program)


if __name__ == "__main__":
    main()
