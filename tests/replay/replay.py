#!/usr/bin/env python3
"""Recordings that are part of the tree must replay to the same fingerprints, with every compiler.

usage: replay.py PROGRAM              replays them, and records and replays the same anew
       replay.py PROGRAM --write      records them anew: after a change of the core that is meant

Exit status: 0 all is the same, 1 something is not. What is recorded is in RECORDED: the name of the
file and the arguments of PROGRAM, to which --record FILE is added. `serve` is of a live server that
curl asked for two files (`rapport serve . --record FILE` in scripts/lab); it is made anew by hand.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUFFIX = ".rapport-replay"
RECORDED = {
    "life": ["demo", "life"],
    "lossy": ["demo", "life", "--seed", "7", "--loss", "20%", "--duplicate", "10%",
              "--reorder", "10%"],
    "half-open": ["demo", "half-open"],
    "close-wait": ["demo", "close-wait"],
    "negotiation": ["demo", "negotiation"],
    "time-wait-reuse": ["demo", "time-wait-reuse"],
    "challenge-ack": ["demo", "challenge-ack"],
    "world": ["sim", "--seeds", "11"],
}


PAGE = ("--width", "100", "--color", "never")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def record(program, name, path):
    """None, or what went wrong."""
    page = PAGE if RECORDED[name][0] == "demo" else ()
    done = run(program, *RECORDED[name], "--record", str(path), *page)
    return None if done.returncode == 0 else f"{name}: cannot be recorded: {done.stderr}"


def replayed(program, path):
    """None, or what went wrong."""
    done = run(program, "replay", str(path))
    if done.returncode == 0 and "every answer, event and frame as recorded" in done.stdout:
        return None
    return f"{path.name}: status {done.returncode}\n{done.stdout}{done.stderr}"


def same_story(program, name, path):
    """The replay's ladder and trace are those of the play itself. None, or what is otherwise."""
    if RECORDED[name][0] != "demo":
        return None  # it draws nothing by itself
    played = run(program, *RECORDED[name], *PAGE).stdout
    again = run(program, "replay", str(path), "--ladder", *PAGE).stdout
    ladders = again.split("\n\n", 1)[1].rsplit("\n", 2)[0]  # without title and summary
    if ladders not in played:
        return f"{name}: its ladder is another one\n{again}"
    trace = run(program, *RECORDED[name], "--json").stdout
    if run(program, "replay", str(path), "--json").stdout != trace:
        return f"{name}: its trace is another one"
    return None


def stopped(program, path):
    """Where --until stops, the ladder says what --step says, and loses nothing that arrives later.
    None, or where it does not."""
    def lost(ladder):
        return sum(line.count("lost") for line in ladder.splitlines() if "✗" in line)

    whole = run(program, "replay", str(path), "--ladder", *PAGE).stdout
    steps = run(program, "replay", str(path), "--step", *PAGE).stdout.splitlines()[1:-1]
    lost_before, states = 0, {}
    for number, step in enumerate(steps, 1):
        ladder = run(program, "replay", str(path), "--ladder", "--until", str(number), *PAGE).stdout
        for state in re.findall(r"→ ([A-Z0-9-]+)", step):
            states[state] = states.get(state, 0) + 1
        moved = [s for s in states if len(re.findall(rf"(?<![A-Z-]){s}(?![A-Z0-9-])", ladder)) < states[s]]
        if moved and "│" in ladder:  # before the first frame nothing is drawn
            return f"{path.name}: --until {number}: {moved} not in the ladder\n{ladder}"
        if not lost_before <= lost(ladder) <= lost(whole):
            return f"{path.name}: --until {number}: something is lost that is not\n{ladder}"
        lost_before = lost(ladder)
    return None


def damaged(program, path, folder):
    """Every cut and some flipped octets are told with status 2, in one line. None, or which not."""
    octets = path.read_bytes()
    broken = folder / "broken"
    step = max(1, len(octets) // 40)
    cases = [octets[:n] for n in range(0, len(octets), step)]
    cases += [octets[:n] + bytes([octets[n] ^ 0x40]) + octets[n + 1:]
              for n in range(0, len(octets), step)]
    for case in cases:
        broken.write_bytes(case)
        done = run(program, "replay", str(broken))
        if done.returncode != 2 or done.stderr.count("\n") != 1 or "at octet" not in done.stderr:
            return f"{path.name}, damaged: status {done.returncode}, {done.stderr}"
    return None


def check(program):
    faults = []
    kept = sorted(HERE.glob("*" + SUFFIX))
    if not set(RECORDED) <= {path.stem for path in kept}:
        faults.append("not all of RECORDED are here: replay.py PROGRAM --write")
    faults += [replayed(program, path) for path in kept]
    with tempfile.TemporaryDirectory() as folder:
        for name in RECORDED:
            path = Path(folder) / (name + SUFFIX)
            faults.append(record(program, name, path) or replayed(program, path)
                          or same_story(program, name, path))
        faults += [stopped(program, HERE / (name + SUFFIX)) for name in ("life", "lossy")]
        faults.append(damaged(program, HERE / ("life" + SUFFIX), Path(folder)))
    faults = [fault for fault in faults if fault]
    print("\n".join(faults) or f"{len(kept)} recordings replayed, {len(RECORDED)} made anew")
    return 1 if faults else 0


def write(program):
    faults = [record(program, name, HERE / (name + SUFFIX)) for name in RECORDED]
    print("\n".join(fault for fault in faults if fault))
    return 1 if any(faults) else 0


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[2] == "--write":
        sys.exit(write(sys.argv[1]))
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(check(sys.argv[1]))
