"""C++ sources as the generator of sabotages sees them: code without comments, and where the bodies
of functions lie. It relies on what clang-format and clang-tidy make sure of in rapport/: no macros
but ASSERT, braces everywhere that a body has more than a line, no raw strings.
"""

import bisect
import dataclasses
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S
)
NAME = re.compile(r"(operator\s*[^\s\w]+|[\w:~]+)\s*\(")


def blank(text):
    """The same length and lines, with comments and the insides of literals blanked out."""

    def spaces(match):
        word = match.group()
        if word[0] == "/":
            return re.sub(r"[^\n]", " ", word)
        return word[0] + " " * (len(word) - 2) + word[-1]

    return NOT_CODE.sub(spaces, text)


@dataclasses.dataclass
class Function:
    """A function with a body: text[open] is its brace, text[close] the closing one."""

    name: str
    open: int
    close: int
    constant: bool  # constexpr: it may be asked for when the program is compiled
    evaluated_early: bool  # consteval


class Source:
    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.code = blank(text)
        self.functions = sorted(find_functions(self.code), key=lambda f: f.open)
        self._normal, self._places = normal_of(self.code, text)

    def function_at(self, place):
        """The function whose body holds this place; None outside of all."""
        i = bisect.bisect([f.open for f in self.functions], place) - 1
        if i >= 0 and place < self.functions[i].close:
            return self.functions[i]
        return None

    def occurrences(self, wanted):
        """Where `wanted` stands as whole lines, whatever their indentation and line breaks:
        pairs (begin, end) in the text."""
        wanted = " ".join(wanted.split())
        found = []
        at = self._normal.find(wanted)
        while at >= 0:
            begin, last = self._places[at], self._places[at + len(wanted) - 1]
            if self._opens_line(begin) and self._closes_line(last + 1):
                found.append((begin, last + 1))
            at = self._normal.find(wanted, at + 1)
        return found

    def _opens_line(self, place):
        return self.code[: place].rpartition("\n")[2].strip() == ""

    def _closes_line(self, place):
        return self.code[place:].partition("\n")[0].strip() == ""


def normal_of(code, text):
    """The code with literals back in and runs of white space made one; and where each character of
    it stands."""
    out, places = [], []
    for place, (bare, full) in enumerate(zip(code, text)):
        in_literal = bare == " " and full != " " and not full.isspace() and literal_at(code, place)
        char = full if in_literal else bare
        if char.isspace():
            if out and out[-1] != " ":
                out.append(" ")
                places.append(place)
            continue
        out.append(char)
        places.append(place)
    return "".join(out), places


def literal_at(code, place):
    """Is this blanked character inside of a string? Only then has it quotes around on its line."""
    line_begin = code.rfind("\n", 0, place) + 1
    return code.count('"', line_begin, place) % 2 == 1


def kind_of_block(head):
    """What a brace outside of functions opens: namespace, class, function or something else."""
    head = " ".join(head.split())
    head = re.sub(r"^((public|private|protected)\s*:\s*)+", "", head)
    bare = re.sub(r"^template <[^{}]*?>\s+(?=\w|\[)", "", head)
    if re.match(r"(inline )?namespace\b", bare):
        return "namespace"
    if re.match(r"(struct|class|enum|union)\b", bare) and "(" not in bare.partition(":")[0]:
        return "class"
    if "(" in bare and not re.search(r"[^=!<>]=[^=]", re.sub(r"operator\S+|\([^()]*\)", "", bare)):
        return "function"
    return "other"


def find_functions(code):
    """All functions with bodies. Lambdas belong to the function they stand in."""
    stack = []  # (kind, head, place of the brace)
    start = 0
    for place in re.finditer(r"[{};]", code):
        char, i = place.group(), place.start()
        inside = stack[-1][0] if stack else "namespace"
        if char == "{":
            head = re.sub(r"^[ \t]*#.*$", "", code[start:i], flags=re.M)
            kind = kind_of_block(head) if inside in ("namespace", "class") else "inner"
            if kind == "function" and (head.count("(") != head.count(")")):
                kind = "other"
            stack.append((kind, head, i))
        elif char == "}":
            kind, head, brace = stack.pop()
            if kind == "function":
                yield Function(
                    name=name_in(head),
                    open=brace,
                    close=i,
                    constant=re.search(r"\bconstexpr\b", head) is not None,
                    evaluated_early=re.search(r"\bconsteval\b", head) is not None,
                )
        if not stack or stack[-1][0] in ("namespace", "class"):
            start = i + 1


def name_in(head):
    """The name of the function that this head declares."""
    head = re.sub(r"\[\[[^\]]*\]\]", "", " ".join(head.split()))
    match = NAME.search(head)
    return match.group(1).rpartition("::")[2] if match else "?"
