#!/usr/bin/env python3
"""Rules can be switched off in `rapport-worlds` and nowhere else: no trace of a switch, neither a symbol
nor a name, in `rapport` and the libraries that are installed. The same look at `rapport-worlds` and its core
must find them, or this test could not fail.

no_switches.py NM STRINGS WORLDS CORE_WITH_SWITCHES PROGRAM LIBRARY...
"""
import re
import subprocess
import sys

# What only the second build has.
SYMBOLS = re.compile(r"RuleSwitches<true>")


def symbols(nm, path):
    out = subprocess.run([nm, "-C", path], capture_output=True, text=True, check=True).stdout
    return sorted({line.split(" ", 2)[-1] for line in out.splitlines() if SYMBOLS.search(line)})


def names(strings, path, rules):
    out = subprocess.run([strings, "-a", path], capture_output=True, text=True, check=True).stdout
    return [r for r in rules if r in out]


def main():
    nm, strings, worlds, core, *others = sys.argv[1:]
    rules = subprocess.run([worlds, "rules"], capture_output=True, text=True, check=True).stdout.split()
    wrong = []
    if len(rules) < 5:
        wrong.append(f"{worlds} rules: names {len(rules)} rules only")
    if not symbols(nm, core) or len(names(strings, worlds, rules)) != len(rules):
        wrong.append(f"{worlds}: its switches are not found, so this test sees nothing")
    for path in others:
        wrong += [f"{path}: symbol {s}" for s in symbols(nm, path)]
        wrong += [f"{path}: string {s}" for s in names(strings, path, rules)]
    for line in wrong:
        print(line)
    print(f"{len(rules)} rules, {len(others)} files looked at: {'FAILED' if wrong else 'no switch in them'}")
    return 1 if wrong else 0


sys.exit(main())
