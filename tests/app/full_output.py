#!/usr/bin/env python3
"""What is printed where nothing can be printed is not said to have been: one line, exit status 1.

full_output.py PROGRAM RECORDING SCRIPTS      PROGRAM: rapport; RECORDING: a file of `--record`;
                                              SCRIPTS: a folder of packet scripts
"""
import subprocess
import sys


def verbs(recording, scripts):
    yield ["--help"]
    yield ["demo", "--list"]
    yield ["demo", "life"]
    yield ["demo", "life", "--json"]
    yield ["sim", "--seeds", "1..2"]
    yield ["sim", "--seeds", "1..2", "--json"]
    yield ["replay", recording]
    yield ["replay", recording, "--ladder"]
    yield ["play", scripts]


def main():
    program, recording, scripts = sys.argv[1:]
    wrong = []
    for arguments in verbs(recording, scripts):
        with open("/dev/full", "w") as full:
            run = subprocess.run([program, *arguments], stdout=full, stderr=subprocess.PIPE, text=True,
                                 timeout=60, check=False)
        said = run.stderr
        if run.returncode != 1 or said.count("\n") != 1 or "No space left on device" not in said:
            wrong.append(f"{' '.join(arguments)}: status {run.returncode}, {said!r}")
    print("\n".join(wrong) or "every verb says that its output was lost")
    return 1 if wrong else 0


sys.exit(main())
