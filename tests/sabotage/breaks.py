"""The data of tests/sabotage: breaks, one file a tag, and why some mutations survive.

An entry is a few lines `word: value` and ends with an empty line; `#` opens a comment. Of a break:
  name:    what is wrong then, in a few words; unique
  rule:    the id that it breaks; a scenario test with this id must fail
  file:    below rapport/
  in:      the function, where `old` stands in several; (optional)
  old:     one whole statement or line of it; indentation, line breaks and comments do not count
  new:     what stands there instead; empty: nothing
  ladder:  shows   where `rapport demo life` prints another ladder then (optional)
"""

import csv
import dataclasses

TAGS = ("open", "order", "recovery", "closing", "timers", "windows", "options", "defence")
RULE_TABLES = ("segment-arrives.csv", "rfc9293-requirements.csv", "related-rfcs.csv")
AT_LEAST = 150
AT_LEAST_A_TAG = 12
# Where SEGMENT ARRIVES and what it owes is: each of these must be broken somewhere.
STEP_FILES = (
    "acceptability", "acknowledgment", "acks", "arrival", "calls_close", "calls_data", "calls_open",
    "demux", "emit", "half_open", "handshake", "icmp", "isn", "listen", "negotiation", "output",
    "probe", "promote", "reassembly", "recovery", "reset", "teardown", "text", "time_wait",
    "timeouts", "urgent",
)


class Fault(Exception):
    """Something is wrong with the data; says where."""


@dataclasses.dataclass
class Break:
    tag: str
    where: str  # file:line of the entry
    name: str
    rule: str
    file: str
    old: str
    new: str
    function: str | None
    shows: bool
    number: int = 0


def entries(path):
    """The entries of a data file: pairs (line number, {word: value})."""
    entry, first = {}, 0
    for number, line in enumerate([*path.read_text().splitlines(), ""], 1):
        if line.startswith("#"):
            continue
        if not line.strip():
            if entry:
                yield first, entry
            entry = {}
            continue
        word, colon, value = line.partition(":")
        if not colon or word in entry:
            raise Fault(f"{path.name}:{number}: '{line}' is no line `word: value`, or said twice")
        if not entry:
            first = number
        entry[word] = value.strip()


def read_breaks(folder):
    """All breaks, numbered from 1."""
    found = []
    for tag in TAGS:
        path = folder / f"{tag}.txt"
        for line, entry in entries(path):
            where = f"{path.name}:{line}"
            missing = {"name", "rule", "file", "old", "new"} - entry.keys()
            unknown = entry.keys() - {"name", "rule", "file", "old", "new", "in", "ladder"}
            if missing or unknown or entry.get("ladder", "shows") != "shows":
                raise Fault(f"{where}: missing {sorted(missing)}, not understood {sorted(unknown)}")
            found.append(
                Break(tag=tag, where=where, name=entry["name"], rule=entry["rule"],
                      file=entry["file"], old=entry["old"], new=entry["new"],
                      function=entry.get("in"), shows="ladder" in entry, number=len(found) + 1)
            )
    return found


def rule_ids(rules):
    """Every id of the rule tables."""
    ids = set()
    for table in RULE_TABLES:
        with open(rules / table, newline="") as file:
            ids |= {row["id"] for row in csv.DictReader(file)}
    return ids


def check_breaks(found, rules):
    """What the collection as a whole promises; a list of faults."""
    known = rule_ids(rules)
    faults = [f"{b.where}: {b.rule} is no rule" for b in found if b.rule not in known]
    names = [b.name for b in found]
    faults += [f"{b.where}: another break is called so" for b in found if names.count(b.name) > 1]
    places = [(b.file, b.function, b.old, b.new) for b in found]
    faults += [f"{b.where}: told twice" for b, p in zip(found, places) if places.count(p) > 1]
    if len(found) < AT_LEAST:
        faults.append(f"{len(found)} breaks, fewer than {AT_LEAST}")
    for tag in TAGS:
        count = sum(b.tag == tag for b in found)
        if count < AT_LEAST_A_TAG:
            faults.append(f"{tag}: {count} breaks, fewer than {AT_LEAST_A_TAG}")
    broken = {b.file for b in found}
    faults += [f"tcp/{step}.cc is broken nowhere" for step in STEP_FILES
               if f"tcp/{step}.cc" not in broken]
    return faults
