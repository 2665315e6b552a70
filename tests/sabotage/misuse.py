#!/usr/bin/env python3
"""What `run` says to words that name nothing and to entries that are wrong, before it builds or plays.

Exit status: 0 all is said, 1 something is not.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import breaks

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def run(run_file, *words):
    command = [sys.executable, "-B", str(run_file), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


def unless(fine, what, done):
    """[] or what is wrong."""
    return [] if fine else [f"{what}: status {done.returncode}\n{done.stdout}{done.stderr}"]


def names(build):
    """Words of the command line."""
    done = run(HERE / "run", "breaks", "no such name", "--build", build)
    fine = done.returncode == 2 and "no break is called so: no such name\n" in done.stderr
    faults = unless(fine, "a name that nothing has", done)
    known = breaks.read_breaks(HERE)[0].name
    for words in (["breaks", "--verbose", known], ["breaks", known, "--verbose"]):
        done = run(HERE / "run", *words, "--build", build)
        faults += unless(done.returncode == 1 and "is not built" in done.stderr, words, done)
    return faults


def wrong_entry(folder):
    """An entry that fits nowhere is told in one line, and nothing is built."""
    copy = folder / "tests/sabotage"
    shutil.copytree(HERE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for each in ("rapport", "docs"):
        (folder / each).symlink_to(ROOT / each)
    text = (copy / "open.txt").read_text()
    (copy / "open.txt").write_text(text.replace("\nold:", "\nold: nothing says so;", 1))
    done = run(copy / "run", "build", "--build", folder / "build")
    fine = done.returncode == 1 and done.stderr.count("\n") == 1 and "open.txt:" in done.stderr
    return unless(fine, "an entry that fits nowhere", done)


def main():
    with tempfile.TemporaryDirectory() as folder:
        faults = names(Path(folder) / "no build") + wrong_entry(Path(folder))
    print("\n".join(faults) or "all is said")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
