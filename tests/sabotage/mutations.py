"""Mutations of rapport/tcp/*.cc: small changes that a program makes without knowing what they break.

The operators keep types, so that what they make compiles. Where they apply is a list of sites; which
of them are drawn depends on the seed and on the text of the site alone, so that a change elsewhere in
the sources leaves most of a draw as it is.
"""

import dataclasses
import hashlib
import re

FIRST_NUMBER = 1001
SWAPS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&",
    "at_or_before": "before", "after": "at_or_after", "at_or_after": "after",
    "earlier": "later", "later": "earlier",
    "std::min": "std::max", "std::max": "std::min", "true": "false", "false": "true",
    "++": "--", "--": "++",
}
SPACED = re.compile(r"(?<= )(<=|>=|==|!=|<|>|&&|\|\|)(?= )")
STARTS_LINE = re.compile(r"(?<=\n)[ ]*(&&|\|\|)(?= )")
CALLED = re.compile(r"(?<![\w:.>])(at_or_before|at_or_after|after|earlier|later)(?=\()")
BEFORE = re.compile(r"(?<![\w:.>])before\(")  # of sequence numbers and of clocks
GROWS = re.compile(r"([\w.>-]+(?:\([^()]*\))?) ([+-])= ([^;{}]*);")
LIMITS = re.compile(r"\bstd::(min|max)\b(?=\(|<)")
WORDS = re.compile(r"\b(true|false)\b")
STEPS = re.compile(r"(?<![\w)\]])(\+\+|--)(?=\w)")
NUMBER = re.compile(r"(?<![\w.'<\[])(\d[\d']*)(?=(_B|_KiB|_ms|_s|U)?\b)(?!['.x\w]*[x.])")
BY_ONE = re.compile(r"(?<= )([+-])(?= (1|1U|1_B)\b)")
CONDITION = re.compile(r"\b(if|while) \(")
ONE_EQUALITY = re.compile(r"[^&|]* [!=]= [^&|]*")
STATEMENT = re.compile(r"(?<=[;{}\n])([ ]*)((?:\(void\))?(?:\+\+|--)?[a-z]\w*(?:(?:\.|->|::|\[|\(| ?[+|&^-]?= |\+\+)"
                       r"[^;{}]*)?;)")
NO_STATEMENT = re.compile(
    r"\s*((return|break|continue|case|default|using|const|constexpr|static|auto|else|for|while|if|"
    r"switch|do|goto)\b|[\w:<>, *&]+ \*?&?\w+( =|;|\{|\[))"
)
# What only the trace sees is left out: no scenario reads it; unit/observe and the golden ladders do.
ONLY_TRACE_FILES = ("tcp/record.cc",)
ONLY_TRACE = re.compile(r"\brecord_\w+\(|cx\.trace\b|\bTrace\w+|\bSendCause\b|\brecord\.|relative_known|\bc\.called\b|\bd\.state\b")


@dataclasses.dataclass
class Mutation:
    operator: str
    file: str
    function: str
    begin: int
    end: int
    new: str
    key: str = ""
    number: int = 0


def sites(source, file):
    """Every mutation of one source."""
    for function in source.functions:
        if function.constant or function.evaluated_early:
            continue
        body = source.code[function.open + 1 : function.close]
        for operator, begin, end, new in in_body(body):
            if ONLY_TRACE.search(statement_around(body, begin, end)):
                continue
            shift = function.open + 1
            yield Mutation(operator, file, function.name, shift + begin, shift + end, new)


def in_body(body):
    """(operator, begin, end, new text) of every site of a function's body."""
    for pattern, operator in (
        (SPACED, None), (STARTS_LINE, "&& and ||"), (CALLED, "sequence order"),
        (LIMITS, "min and max"), (WORDS, "true and false"), (STEPS, "++ and --"),
    ):
        for match in pattern.finditer(body):
            word = match.group(1) if pattern is not LIMITS else match.group()
            begin = match.end() - len(word)
            yield operator or kind_of(word), begin, match.end(), SWAPS[word]
    for match in BY_ONE.finditer(body):
        yield "plus and minus one", match.start(), match.end(), "-" if match.group() == "+" else "+"
    for match in NUMBER.finditer(body):
        value = int(match.group(1).replace("'", ""))
        for new in sorted(neighbours(value)):
            yield "constant", match.start(), match.end(), str(new)
    for match in CONDITION.finditer(body):
        close = closing(body, match.end() - 1)
        condition = body[match.end() : close]
        if ONE_EQUALITY.fullmatch(condition):
            continue  # the same as the comparison flipped
        if ";" not in condition and not re.match(r"(const )?[\w:]+[*&]? ?[*&]?\w+ = ", condition):
            yield "negated", match.end(), close, f"!({condition})"
    for match in BEFORE.finditer(body):
        a, b = halves(body[match.end() : (close := closing(body, match.end() - 1))])
        yield "sequence order", match.start(), close + 1, f"!before({b}, {a})"
    for match in GROWS.finditer(body):
        sign = "-" if match.group(2) == "+" else "+"
        new = f"{match.group(1)} = {match.group(1)} {sign} ({match.group(3)});"
        yield "+= and -=", match.start(), match.end(), new
    for match in STATEMENT.finditer(body):
        text = match.group(2)
        opens = body[: match.start()].rstrip()[-1:] in ("", ";", "{", "}", ":", ")")
        if opens and not NO_STATEMENT.match(text) and text.count("(") == text.count(")"):
            yield "removed", match.start(2), match.end(2), ";"


def statement_around(body, begin, end):
    """From the end of the statement before to the end of this one."""
    return body[max(body.rfind(c, 0, begin) for c in ";{}") + 1 : body.find(";", end - 1)]


def neighbours(value):
    """What stands instead of a number: one more, one less, or half and double of a large one."""
    return {value // 2, value * 2} if value >= 100 else {value + 1, max(value - 1, 0)} - {value}


def kind_of(word):
    if word in ("&&", "||"):
        return "&& and ||"
    return "comparison"


def halves(arguments):
    """The two arguments of a call."""
    depth = 0
    for i, char in enumerate(arguments):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            return arguments[:i], arguments[i + 1 :].strip()
    raise ValueError(arguments)


def closing(body, opening):
    """The parenthesis that closes the one at `opening`."""
    depth = 0
    for i in range(opening, len(body)):
        depth += {"(": 1, ")": -1}.get(body[i], 0)
        if depth == 0:
            return i
    raise ValueError("parentheses do not match")


def give_keys(found, sources):
    """What names a mutation: its place in words, what stands there and what would."""
    seen = {}
    for m in found:
        text = sources[m.file].text
        begin = text.rfind("\n", 0, m.begin) + 1
        end = text.find("\n", m.end)
        old = " ".join(text[begin:end].partition("  //")[0].split())
        new = " ".join((text[begin : m.begin] + m.new + text[m.end : end]).partition("  //")[0].split())
        key = f"{m.file} {m.function}: {old} -> {new}"
        seen[key] = seen.get(key, 0) + 1
        m.key = key if seen[key] == 1 else f"{key} ({seen[key]})"


def draw(sources, count, seed, rejected=()):
    """`count` mutations of tcp/*.cc, numbered; the same for the same seed."""
    found = [m for file, source in sorted(sources.items())
             if file.startswith("tcp/") and file.endswith(".cc") and file not in ONLY_TRACE_FILES
             for m in sites(source, file)]
    give_keys(found, sources)
    found = [m for m in found if m.key not in rejected]
    found.sort(key=lambda m: hashlib.sha256(f"{seed}\n{m.key}".encode()).digest())
    drawn = sorted(found[:count], key=lambda m: (m.file, m.begin, m.new))
    for number, mutation in enumerate(drawn, FIRST_NUMBER):
        mutation.number = number
    return drawn, len(found)
