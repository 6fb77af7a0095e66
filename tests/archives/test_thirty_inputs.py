"""Thirty bad inputs, each with its number: loading or running one gives one clear error, at once.

Numbers 24 and 28 to 30 are sound archives with values that no operator can take: they are in
`test_hostile_values`, under the same numbers.
"""

from __future__ import annotations

import pickle
import resource
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import treadle
from tests.archives.test_hostile_values import INDEX, INPUT, NUMBERS, model
from tests.frontends.torchscript import archive_writer as w
from tests.frontends.torchscript.test_hostile_source import archive as source_archive
from tests.frontends.torchscript.test_hostile_source import forward
from treadle.errors import (
    ArchiveError,
    CompileError,
    Error,
    ScriptError,
    ScriptSyntaxError,
    UnsupportedError,
)

SECONDS = 10
GROWTH_KIB = 300 << 10
SIX = bytes(24)
RESTORE = ("torch.jit._pickle", "restore_type_tag")


@dataclass(frozen=True, slots=True)
class Bad:
    """An input: what uses it, and the error that this has to give."""

    number: int
    name: str
    use: Callable[[], object]
    match: str
    error: type[Error] = ArchiveError


def file(number: int, name: str, data: Callable[[], bytes], match: str) -> Bad:
    """The bytes of a file, to be loaded."""
    return Bad(number, name, lambda: treadle.load(data()), match)


def zipped(number: int, name: str, match: str, *extra: w.Member, **records: bytes) -> Bad:
    """An archive with these records more, or others; those without contents are left out."""
    given = {key: value for key, value in records.items() if value}
    left_out = next((key for key, value in records.items() if not value), "")
    return file(number, name, lambda: w.write_archive(given, *extra, leave_out=left_out), match)


def pickled(number: int, name: str, parts: bytes, match: str, **records: bytes) -> Bad:
    """An archive whose constants are a tuple of `parts`."""
    constants = {"constants.pkl": w.pickle(w.tuple_of(parts)), "constants/0": SIX, **records}
    return file(number, name, lambda: w.write_archive(constants), match)


def tensor(number: int, name: str, parts: bytes, match: str) -> Bad:
    """An archive whose module has the attribute ``weight`` of `parts`."""
    root = w.pickle(w.instance("__torch__.M", weight=parts))
    return file(number, name, lambda: w.write_archive({"data.pkl": root, "data/0": SIX}), match)


def script(number: int, name: str, body: str, match: str, error: type[Error]) -> Bad:
    """An archive whose ``forward`` has these lines, to be loaded and run."""
    return Bad(number, name, lambda: model(body)(INPUT, INDEX), match, error)


def declared(number: int, name: str, text: str, match: str, error: type[Error]) -> Bad:
    """An archive whose class has these lines more."""
    return Bad(number, name, lambda: source_archive(text), match, error)


class Evil:
    """What a pickle would call."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("evil"),)


def raw_pickle() -> bytes:
    return pickle.dumps(Evil(), protocol=2)


def with_directory_at(offset: int) -> bytes:
    data = bytearray(w.write_archive())
    struct.pack_into("<L", data, len(data) - 6, len(data) + offset)
    return bytes(data)


CODE = "code/__torch__.py"


def bomb() -> w.Member:
    """A source of 2 GiB, in 2 MiB."""
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    piece = stream.compress(bytes(1 << 20)) + stream.flush(zlib.Z_FULL_FLUSH)
    payload = piece * 2048 + stream.flush()
    return w.Member(f"archive/{CODE}", payload, method=8, size=1 << 31)


def nested_type(depth: int) -> bytes:
    return w.call(*RESTORE, b"]", w.text("List[" * depth + "int" + "]" * depth))


def doubled(times: int) -> bytes:
    parts = b"]q\x00"
    for index in range(times):
        parts += b"](h%ch%ceq%c" % (index, index, index + 1)
    return parts


TWO_GIB = w.Member("archive/data/0", b"12", stored=2**31, size=2**31)
DEFAULT = "  def forward(self, x: Tensor=evil()) -> Tensor:\n    return x\n"
FORKS = "def __forked_function():\n  return (self).forward(x, i, )\n"

INPUTS = (
    file(1, "empty file", bytes, "the file is empty"),
    file(1, "half of an archive", lambda: w.write_archive()[:200], "cut short"),
    file(1, "not a zip", lambda: b"\x89PNG\r\n" * 10, "not a ZIP file"),
    file(2, "raw pickle", raw_pickle, "not a TorchScript archive but a pickle"),
    file(3, "directory past the end", lambda: with_directory_at(100), "must end by"),
    zipped(3, "record of 2 GiB in 2 KB", "claims 2147483648 bytes", TWO_GIB),
    file(4, "source inflating to 2 GiB", lambda: w.write_archive(None, bomb(), leave_out=CODE),
         "inflates to 2147"),
    zipped(5, "record ../../tmp/x", "not a path inside", w.Member("../../tmp/x")),
    tensor(5, "storage key", w.tensor(w.storage(key="../../etc/passwd")), "not a record's name"),
    zipped(6, "duplicate record", "two records are named", w.Member("archive/data.pkl")),
    zipped(6, "two top directories", "'archive' and 'other'", w.Member("other/x")),
    *(
        zipped(7, f"checksum of {name}", "its checksum differs",
               w.Member(f"archive/{name}", data, crc=1), **{name: b""})
        for name, data in (
            ("data.pkl", b"\x80\x02N."),
            ("constants.pkl", w.EMPTY_TUPLE_PICKLE),
            (CODE, b"class M(Module):\n  pass\n"),
        )
    ),
    zipped(8, "version 999", "version 999; versions 1 to 10 are supported", version=b"999\n"),
    zipped(8, "version three", "'three' is not a number; versions 1 to 10", version=b"three"),
    zipped(8, "no version", "does not say its version; versions 1 to 10", version=b""),
    pickled(9, "GLOBAL", w.call("posix", "system", w.text("true")), "'posix system'"),
    pickled(9, "INST", b"(iposix\nsystem\n", "opcode 0x69"),
    pickled(9, "STACK_GLOBAL", w.text("posix") + w.text("system") + b"\x93", "opcode 0x93"),
    pickled(10, "type string", w.call(*RESTORE, b"]", w.text("__import__('os').system('true')")),
            "type syntax error"),
    pickled(11, "memo index 2^31", b"Nr" + struct.pack("<L", 2**31), "memo entry 2147483648"),
    pickled(11, "unset memo", b"h\x07", "memo entry 7 is not set"),
    pickled(11, "stack underflow", b"\x87", "stack is empty"),
    zipped(11, "no STOP", "cut short", **{"constants.pkl": b"\x80\x02)"}),
    pickled(12, "string of 4 GiB", b"X\xff\xff\xff\xff123", "a string has 4294967295 bytes"),
    pickled(12, "string of 2^63", b"\x8d" + struct.pack("<Q", 2**63) + b"12", "a string has 92233"),
    pickled(13, "200,000 nested tuples", b")" + b"\x85" * 200_000, "nested more than 200 deep"),
    pickled(13, "list in itself", b"]q\x00h\x00a", "contains itself"),
    pickled(14, "SETITEMS on a list", b"](" + w.text("a") + b"Nu", "SETITEM on a list"),
    pickled(14, "REDUCE of an int", b"K\x01)R", "REDUCE of a int"),
    zipped(14, "constants.pkl a dict", "holds a dict", **{"constants.pkl": w.pickle(b"}")}),
    pickled(15, "_rebuild_from_type_v2", w.call("torch._tensor", "_rebuild_from_type_v2"),
            "is not called with"),
    tensor(16, "record missing", w.tensor(w.storage(key="9")), r"weight.*'data/9' is missing"),
    tensor(16, "record too short", w.tensor(w.storage(numel=7)), "weight.*too few for 7"),
    tensor(17, "offset past the end", w.tensor(None, 6, (1,), (1,)), "leaves storage"),
    tensor(17, "negative offset", w.tensor(None, -1), "negative offset"),
    tensor(17, "negative size", w.tensor(None, 0, (-2, 3)), "negative size"),
    tensor(17, "stride 2^40", w.tensor(None, 0, (2, 3), (2**40, 1)), "leaves storage"),
    tensor(17, "negative stride", w.tensor(None, 5, (6,), (-1,)), "negative stride"),
    tensor(18, "numel overflows", w.tensor(None, 0, (2**32, 2**32), (0, 0)), "too large"),
    tensor(18, "stride times size overflows", w.tensor(None, 0, (5,), (2**62,)), "leaves storage"),
    tensor(19, "ComplexDouble on a Float key", w.tensor(w.storage("ComplexDouble")),
           "too few for 6 of complex128"),
    tensor(20, "unknown storage class", w.tensor(w.storage("Evil")), "'torch EvilStorage'"),
    declared(21, "attribute missing", "  weight : Tensor\n", "M.weight is missing", ArchiveError),
    Bad(21, "attribute of the wrong type",
        lambda: source_archive(forward("return x"), "  training : int\n"),
        "M.training is declared int, but is a bool"),
    file(21, "unknown class",
         lambda: w.write_archive({"data.pkl": w.pickle(w.instance("__torch__.Gone"))}),
         "class __torch__.Gone is not in the archive's code"),
    script(22, "nested expression", f"return {'(' * 100_000}x{')' * 100_000}",
           r"__torch__.py:\d+", ScriptSyntaxError),
    declared(22, "nested type", f"  y : {'List[' * 100_000}int{']' * 100_000}\n",
             r"__torch__.py:\d+", ScriptSyntaxError),
    pickled(22, "nested type string", nested_type(5000), "type syntax error"),
    script(23, "recursion", "return (self).forward(x, i, )", "calls itself", CompileError),
    script(23, "fork bomb", f"{FORKS}return torch.wait(fork(__forked_function))",
           "recursive calls are not supported", CompileError),
    *(
        script(25, name, body, rf"{name}.*__torch__.py:\d+", UnsupportedError)
        for name, body in (
            ("aten::from_file", "return torch.from_file('/etc/passwd', False, 10)"),
            ("aten::save", "torch.save(x, 'evil')\nreturn x"),
            ("prim::rpc_sync", "return ops.prim.rpc_sync('a', 'b')"),
            ("prim::PythonOp", "return ops.prim.PythonOp(x)"),
        )
    ),
    script(25, "torch.classes.evil", "return __torch__.torch.classes.evil.Run(x)", "evil", Error),
    script(26, "__import__", "return __import__('os')", "'__import__' is not def", CompileError),
    script(26, "x.__class__", "return x.__class__", "__class__", CompileError),
    script(26, "import", "import os\nreturn x", "no import statement", ScriptSyntaxError),
    declared(26, "call in a default", DEFAULT, "not a literal", ScriptSyntaxError),
    script(27, "unchecked_cast", "return unchecked_cast(Tensor, 5)",
           "expected a value of type Tensor, got int", ScriptError),
    script(27, "uninitialized", "y = uninitialized(Tensor)\nreturn torch.add(y, 1)",
           "uninitialised", ScriptError),
    script(27, "uninitialized result", "return uninitialized(Tensor)", "uninit", ScriptError),
)  # fmt: skip


@pytest.mark.parametrize("bad", INPUTS, ids=lambda bad: f"{bad.number:02}-{bad.name}")
def test_bad_input(bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    peak, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(bad.error, match=bad.match):
        bad.use()
    assert time.process_time() - start < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < peak + GROWTH_KIB
    assert list(tmp_path.iterdir()) == []


def test_13_what_is_doubled_40_times_stays_shared() -> None:
    constants = w.pickle(w.tuple_of(doubled(40)))
    module = treadle.load(w.write_archive({"constants.pkl": constants}))
    assert module.original_name == "M"


def test_20_sparse_indices_are_not_looked_at() -> None:
    sparse = w.call("torch._utils", "_rebuild_sparse_tensor", b"K\x01", b")")
    code = b"class M(Module):\n  weight : Tensor\n"
    root = w.pickle(w.instance("__torch__.M", weight=sparse))
    module = treadle.load(w.write_archive({"data.pkl": root, CODE: code}))
    with pytest.raises(UnsupportedError, match="sparse tensors are not supported"):
        module.weight  # noqa: B018 - reading it is what is tested


def test_all_thirty_are_there() -> None:
    assert {bad.number for bad in INPUTS} | NUMBERS == set(range(1, 31))
