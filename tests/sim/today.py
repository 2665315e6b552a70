#!/usr/bin/env python3
"""today.py RAPPORT FOLDER: 5,000 random worlds whose seeds follow from the date. RAPPORT_TODAY, a day
as 2026-11-22, repeats another one's. Recordings of seeds that break something go to FOLDER."""

import datetime
import os
import subprocess
import sys

WORLDS = 5000


def main() -> int:
    program, folder = sys.argv[1:3]
    text = os.environ.get("RAPPORT_TODAY")
    day = datetime.date.fromisoformat(text) if text else datetime.date.today()
    first = day.toordinal() * WORLDS
    print(f"{day}: seeds {first}..{first + WORLDS - 1}", flush=True)
    seeds = f"{first}..{first + WORLDS - 1}"
    return subprocess.run(
        [program, "sim", "--seeds", seeds, "--no-models", "--jobs", "2", "--out", folder], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
