"""Mutations of inputs: bytes flipped, cut, repeated, spliced, and words of the format put in."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

Mutation = Callable[[random.Random, bytearray, "Material"], None]
NUMBERS = (0, 1, -1, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1)


class Material:
    """What mutations draw from: the corpus, and words that mean something in the format."""

    def __init__(self, corpus: Sequence[bytes], words: Sequence[bytes] = ()) -> None:
        self.corpus, self.words = list(corpus), list(words)

    def mutated(self, rng: random.Random, max_bytes: int = 1 << 16) -> bytes:
        """A member of the corpus after a few mutations."""
        data = bytearray(rng.choice(self.corpus))
        mutations = _GENTLE if rng.random() < 0.6 else _MUTATIONS
        for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
            rng.choice(mutations)(rng, data, self)
        return bytes(data[:max_bytes])


def _span(rng: random.Random, data: bytearray) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((1, 1, 2, 4, 8, 30, 200)))


def _flip(rng: random.Random, data: bytearray, material: Material) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set(rng: random.Random, data: bytearray, material: Material) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.randrange(256)


def _delete(rng: random.Random, data: bytearray, material: Material) -> None:
    start, stop = _span(rng, data)
    del data[start:stop]


def _repeat(rng: random.Random, data: bytearray, material: Material) -> None:
    start, stop = _span(rng, data)
    data[start:start] = data[start:stop] * rng.choice((1, 1, 2, 10, 300))


def _move(rng: random.Random, data: bytearray, material: Material) -> None:
    (start, stop), at = _span(rng, data), rng.randint(0, len(data))
    part = bytes(data[start:stop])
    data[at:at] = part


def _number(rng: random.Random, data: bytearray, material: Material) -> None:
    value, width = rng.choice(NUMBERS), rng.choice((1, 2, 4, 8))
    start = rng.randint(0, len(data))
    raw = (value % (1 << 8 * width)).to_bytes(width, rng.choice(("little", "big")))
    data[start : start + width] = raw


def _digits(rng: random.Random, data: bytearray, material: Material) -> None:
    """A number that is written as text, exchanged for another."""
    places = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
    if places:
        start = stop = rng.choice(places)
        while stop < len(data) and 48 <= data[stop] <= 57:
            stop += 1
        data[start:stop] = str(rng.choice(NUMBERS)).encode()


def _word(rng: random.Random, data: bytearray, material: Material) -> None:
    if material.words:
        start, stop = _span(rng, data)
        data[start : stop if rng.random() < 0.5 else start] = rng.choice(material.words)


def _token(rng: random.Random, data: bytearray, material: Material) -> None:
    """A name, number or sign, exchanged for one of another member."""
    places = list(_TOKEN.finditer(data))
    others = _TOKEN.findall(rng.choice(material.corpus))
    if places and others:
        start, stop = rng.choice(places).span()
        data[start:stop] = rng.choice(others)


def _splice(rng: random.Random, data: bytearray, material: Material) -> None:
    """A piece of another member of the corpus."""
    other = rng.choice(material.corpus)
    first = rng.randint(0, len(other))
    at = rng.randint(0, len(data))
    data[at:at] = other[first : first + rng.choice((4, 20, 100, 500))]


def _line(rng: random.Random, data: bytearray, material: Material) -> None:
    """A line of another member, or one removed, doubled or indented."""
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    kind = rng.randrange(4)
    if kind == 0:
        lines.insert(at, bytearray(rng.choice(rng.choice(material.corpus).split(b"\n"))))
    elif kind == 1:
        del lines[at]
    elif kind == 2:
        lines[at:at] = [lines[at]] * rng.choice((1, 2, 50))
    else:
        lines[at] = bytearray(b"  ") + lines[at]
    data[:] = b"\n".join(lines)


def _cut(rng: random.Random, data: bytearray, material: Material) -> None:
    if rng.random() < 0.3:
        del data[rng.randint(0, len(data)) :]


_TOKEN = re.compile(rb"\w+|[^\w\s]")
_MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _set,
    _delete,
    _repeat,
    _move,
    _number,
    _digits,
    _word,
    _splice,
    _line,
    _cut,
)
_GENTLE: tuple[Mutation, ...] = (_token, _token, _line, _digits, _flip)  # fmt: skip
