"""A look at source text before Python's parser sees it: bounds what could exhaust the parser.

Python's parser and its tree are recursive, so nesting is counted here, on tokens: brackets and
chains of operators both make trees deep.
"""

from __future__ import annotations

import keyword
import re
import string
from dataclasses import dataclass, field

from treadle.errors import ScriptSyntaxError

MAX_BRACKETS = 200
MAX_DEPTH = 600
MAX_SOURCE_CHARS = 64 << 20
MAX_ELIF = 200

_TOKEN = re.compile(
    r"""
    (?P<string>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*')
    |(?P<comment>\#[^\n]*)
    |(?P<join>\\\r?\n)
    |(?P<name>[^\W\d]\w*)
    |(?P<number>\d[\w.]*)
    |(?P<open>[(\[{])
    |(?P<close>[)\]}])
    |(?P<newline>\n)
    |(?P<separator>[,;])
    |(?P<operator>[^\s\w])
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERATOR_NAMES = frozenset(
    {"not", "lambda", "if", "else", "for", "in", "and", "or", "is", "await"}
)
_LITERAL = re.compile(r"""\#[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.DOTALL)
_KEYWORDS = "|".join(keyword.kwlist)
_UNUSUAL = re.compile(rf"\\|\.\s*(?:{_KEYWORDS})\b|\n[ ]+(?:{_KEYWORDS}) : ")
_WEIGHTLESS = dict.fromkeys(map(ord, f"{string.ascii_letters}{string.digits}_,"))


@dataclass(slots=True)
class _Level:
    """A bracket level: the depth outside of it, and the operators since the last comma."""

    base: int
    chain: int = 0


@dataclass(slots=True)
class _Nesting:
    levels: list[_Level] = field(default_factory=lambda: [_Level(0)])
    elifs: int = 0

    def operator(self) -> None:
        self.levels[-1].chain += 1

    def open(self) -> None:
        top = self.levels[-1]
        top.chain += 1
        self.levels.append(_Level(top.base + top.chain))

    def close(self) -> None:
        if len(self.levels) > 1:
            self.levels.pop()

    def separate(self) -> None:
        self.levels[-1].chain = 0

    @property
    def problem(self) -> str | None:
        top = self.levels[-1]
        if len(self.levels) > MAX_BRACKETS or top.base + top.chain > MAX_DEPTH:
            return f"an expression is nested deeper than {MAX_BRACKETS}"
        if self.elifs > MAX_ELIF:
            return f"more than {MAX_ELIF} elif follow each other"
        return None


def check_source(text: str, file: str) -> str:
    """Check that `text` can be given to Python's parser without exhausting it.

    Returns:
        The text, in which attributes that are Python's keywords, such as ``self.lambda``, begin
        with a full-width letter: the tokenizer then sees no keyword, and the parser normalises the
        identifier (PEP 3131), so that the tree holds the right name.

    Raises:
        ScriptSyntaxError: if it is too long or too deeply nested, or has a string with a prefix.
    """
    if len(text) > MAX_SOURCE_CHARS:
        raise ScriptSyntaxError(f"{file}: the source has {len(text)} characters")
    if _is_plain(text):
        return text
    nesting, line, previous = _Nesting(), 1, ("", "")
    escapes: list[int] = []
    for match in _TOKEN.finditer(text):
        kind, token = str(match.lastgroup), match[0]
        if kind == "comment":
            continue
        if kind == "string" and previous[0] == "name" and text[match.start() - 1].isalnum():
            raise ScriptSyntaxError(f"{file}:{line}: a string has a prefix")
        if kind == "name" and keyword.iskeyword(token) and _is_attribute(text, match, previous):
            escapes.append(match.start())
            kind = "attribute"
        previous = (kind, token)
        if kind == "newline" and len(nesting.levels) == 1:
            nesting.separate()
        _count(nesting, kind, token)
        if nesting.problem:
            raise ScriptSyntaxError(f"{file}:{line}: {nesting.problem}")
        line += token.count("\n")
    return _escape(text, escapes)


def _is_plain(text: str) -> bool:
    """Whether no statement of `text` has enough brackets and operators to be nested too deeply.

    Most sources are plain, and this look at whole lines takes a fraction of the time of one at
    tokens. Whatever a look at tokens could find wrong, or would change, is not called plain. Every
    operator counts, those that are words by the character beside them.
    """
    code = _LITERAL.sub('"', text)
    if _UNUSUAL.search(code) or code.count("elif") > MAX_ELIF:
        return False
    if any(part[-1:].isalnum() for part in code.split('"')[:-1]):
        return False
    level = opened = weight = 0
    for line in code.translate(_WEIGHTLESS).split("\n"):
        opening = line.count("(") + line.count("[") + line.count("{")
        level += opening - line.count(")") - line.count("]") - line.count("}")
        opened += opening
        weight += len(line) + 1  # the end of a line may stand between two words
        if opened > MAX_BRACKETS or weight > MAX_DEPTH:
            return False
        if level <= 0:
            level = opened = weight = 0
    return True


def _is_attribute(text: str, match: re.Match[str], previous: tuple[str, str]) -> bool:
    """Whether a keyword is the name of an attribute: ``x.lambda``, or ``lambda : T`` in a class."""
    if previous == ("operator", "."):
        return True
    return previous[0] == "newline" and text.startswith(" : ", match.end())


def _escape(text: str, positions: list[int]) -> str:
    for at in reversed(positions):
        wide = chr(ord(text[at]) + 0xFEE0)
        text = f"{text[:at]}{wide}{text[at + 1 :]}"
    return text


def _count(nesting: _Nesting, kind: str, token: str) -> None:
    if kind == "open":
        nesting.open()
    elif kind == "close":
        nesting.close()
    elif kind == "separator":
        nesting.separate()
    elif kind == "operator" or (kind == "name" and token in _OPERATOR_NAMES):
        nesting.operator()
    elif token == "elif":
        nesting.elifs += 1
    elif token in ("def", "while"):
        nesting.elifs = 0
