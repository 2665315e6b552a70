#!/usr/bin/env python3
"""Asks `rapport why` one question: the harm is there without the rule, not with it, and is no narration.

why.py PROGRAM QUESTION      PROGRAM: rapport, beside which rapport-worlds lies
why.py PROGRAM --list        every question has a line, and a test here

The same question and seed must print the same bytes; with other seeds the harm must be there too.
"""

import json
import subprocess
import sys

SECONDS = 120
ROOM = 0.05  # of what a computed number may differ from what is computed here

# --record that nothing could be written for.
MISUSE = [
    ("--record", "not-written"),
    ("--list", "--record", "not-written"),
    ("no-time-wait", "--record", ""),
    ("no-options", "--record", "not-written"),
]

# Question -> figure -> what must hold of (with, without).
NONE_THEN_SOME = ("no harm with the rule, some without", lambda w, o: w == 0 and o > 0)
FEWER = ("less with the rule", lambda w, o: 0 < w < o)
MORE = ("more with the rule", lambda w, o: w > o > 0)
SAME = ("the same", lambda w, o: w == o > 0)


def exactly(with_, without):
    return (f"{with_} and {without}", lambda w, o: (w, o) == (with_, without))


EXPECTED = {
    "two-way-handshake": {
        "misread": NONE_THEN_SOME,
        "unwanted": exactly(0, 1),
        "unwanted_text": NONE_THEN_SOME,
        "unwanted_memory": FEWER,
    },
    "merged-close": {"client_read": exactly(1, 0), "lost": exactly(0, 1)},
    "no-time-wait": {
        "resets": exactly(0, 1),
        "misread": NONE_THEN_SOME,
        "time_wait": ("2MSL and none", lambda w, o: w >= 2e9 and o == 0),
    },
    "short-time-wait": {"resets": exactly(0, 1), "time_wait": ("2MSL and less", lambda w, o: w >= 2e9 > o > 0)},
    "time-wait-assassination": {
        "misread": NONE_THEN_SOME,
        "rst_in_time_wait": ("as many or more with the rule", lambda w, o: w >= o > 0),
        "time_wait": ("2MSL and less", lambda w, o: w == 10e9 > o > 0),
    },
    "four-way-handshake": {"segments": exactly(3, 4), "octets": FEWER, "first_text": SAME},
    "close-wait-leak": {
        "slots_after_a_day": exactly(0, 64),
        "memory_after_a_day": NONE_THEN_SOME,
        "turned_away": exactly(0, 36),
    },
    "predictable-isn": {
        "octets_believed": NONE_THEN_SOME,
        "tries": MORE,
        "candidates": MORE,
        "tries_expected": MORE,
    },
    "no-challenge-ack": {
        "resets": exactly(0, 1),
        "octets_lost": NONE_THEN_SOME,
        "tries": MORE,
        "challenges": exactly(1, 0),
        "tries_certain": MORE,
        "time_certain": MORE,
    },
    "no-paws": {
        "octets_wrong": NONE_THEN_SOME,
        "octets_read": SAME,
        "refused": exactly(1, 0),
        "age": ("younger than MSL", lambda w, o: 0 < w <= 30e9 and 0 < o <= 30e9),
    },
    "no-options": {"throughput": MORE, "time": FEWER},
}
FOUND = {"two-way-handshake", "merged-close", "no-time-wait", "short-time-wait", "time-wait-assassination"}
ONE_SEED = {"no-paws", "time-wait-assassination"}  # 4 GiB, and 16,000 worlds, take seconds; no draw decides


def ask(program, *arguments):
    command = [program, "why", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_figures(question, answer):
    figures = {f["name"]: f for f in answer["figures"]}
    missing = EXPECTED[question].keys() - figures.keys()
    if missing:
        sys.exit(f"{question}: no figures {sorted(missing)}")
    for name, (words, holds) in EXPECTED[question].items():
        f = figures[name]
        if not holds(f["with"], f["without"]):
            sys.exit(f"{question}, {name}: {f['with']} with the rule, {f['without']} without; wanted: {words}")
    if not answer["shown"]:
        sys.exit(f"{question}: not shown")
    return figures


def near(a, b):
    return abs(a - b) <= ROOM * b


def check_more(question, answer, figures):
    """What is computed must agree with what was measured beside it."""
    without = {name: f["without"] for name, f in figures.items()}
    tables = {t["name"]: t for t in answer["tables"]}
    assert ("the explorer looked at" in answer["world"]) == (question in FOUND), answer["world"]
    if question == "two-way-handshake":
        held = [row["values"] for row in tables["memory_over_time"]["rows"]]
        assert all(with_ <= without for with_, without in held), held
        assert sum(without for _, without in held) > 10 * sum(with_ for with_, _ in held), held
        held = [row["values"] for row in tables["memory_after"]["rows"]]
        assert all(with_ <= without for with_, without in held) and held[-1] == [0, 0], held
    if question in ("no-time-wait", "time-wait-assassination"):
        words = " ".join(answer["why"])
        assert "misread 0 octets: PAWS refused 1 segment" in words, words
    if question == "no-challenge-ack":
        assert without["tries"] <= without["tries_certain"] < 2**32, without
    if question == "predictable-isn":
        assert without["tries"] <= without["candidates"] < 2**32, without
    if question == "close-wait-leak":
        held = [row["values"] for row in tables["slots_over_time"]["rows"] if row["words"].startswith("the server")]
        assert held[-1] == [0, 64, 0], held  # keep-alive found it out
        assert max(column for _, column, _ in held) == 64, held
    if question == "no-options":
        rows = {row["words"]: row["values"][0] for row in tables["one_by_one"]["rows"]}
        assert near(rows["without window scale only"], rows["none"]), rows
        window_a_round_trip = 65535 * 8 * 10  # 100 ms
        assert rows["none"] < window_a_round_trip < rows["all three"], rows


def check_question(program, question):
    first = ask(program, question, "--json")
    if ask(program, question, "--json") != first:
        sys.exit(f"{question}: the same seed printed other bytes")
    answer = json.loads(first)
    check_more(question, answer, check_figures(question, answer))
    text = ask(program, question, "--no-ladder", "--width", "100") if question not in ONE_SEED else None
    if text is not None and not all(f["words"].split()[0] in text for f in answer["figures"]):
        sys.exit(f"{question}: a figure is not printed\n{text}")
    if question in ONE_SEED:
        return
    for seed in ("2", "77"):
        other = json.loads(ask(program, question, "--json", "--seed", seed))
        check_more(question, other, check_figures(question, other))


def check_list(program):
    answered = ask(program, "--list").splitlines()
    names = [line for line in answered if not line.startswith(" ")]
    listed = [line.split()[0] for line in names]
    for at, line in enumerate(answered):  # each is followed by its harm
        if line in names and not (at + 1 < len(answered) and ", " in answered[at + 1] and answered[at + 1][0] == " "):
            sys.exit(f"{line}: no harm beside it")
    if sorted(listed) != sorted(EXPECTED):
        sys.exit(f"listed: {listed}\ntested: {list(EXPECTED)}")
    if ask(program).splitlines() != names:
        sys.exit("without a question their names are wanted")
    wrong = subprocess.run([program, "why", "no-such"], capture_output=True, text=True, timeout=SECONDS)
    if wrong.returncode != 2 or not all(name in wrong.stderr for name in listed):
        sys.exit(f"a wrong question: exit status {wrong.returncode}\n{wrong.stderr}")
    for arguments in MISUSE:
        refused = subprocess.run([program, "why", *arguments], capture_output=True, text=True, timeout=SECONDS)
        if refused.returncode != 2 or "--record: " not in refused.stderr or refused.stderr.count("\n") != 1:
            sys.exit(f"{arguments}: exit status {refused.returncode}\n{refused.stderr}")


def main():
    program, question = sys.argv[1:]
    if question == "--list":
        check_list(program)
    else:
        check_question(program, question)


if __name__ == "__main__":
    main()
