"""What is fuzzed: five readers of hostile input, and what may come out of each.

A target takes bytes. It may raise `treadle.Error`; anything else that it raises is a bug, and so is
a crash, more than `SECONDS` of time or more than `MEMORY_BYTES` of memory. Every target starts from
archives, and takes what it reads out of them.
"""

from __future__ import annotations

import contextlib
import io
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.frontends.torchscript.archive_writer import Member, write_zip
from tests.fuzz import operators
from tests.fuzz.mutation import Material
from treadle import interpreter
from treadle.compiler import optimise
from treadle.errors import Error
from treadle.frontends.torchscript.archive import Archive
from treadle.frontends.torchscript.limits import Limits
from treadle.frontends.torchscript.loader import LoadedModule, load_program
from treadle.ir import dtypes
from treadle.ir.clone import clone_graph
from treadle.ir.program import Function
from treadle.ir.text import parse_graph, print_graph
from treadle.ir.type_parser import parse_type
from treadle.ir.types import (
    FLOAT,
    INT,
    STR,
    DictType,
    ListType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
)
from treadle.ir.verify import verify
from treadle.ops import OPS
from treadle.passes.abstract import Unplannable
from treadle.passes.specialise import specialise

SECONDS = 10
MEMORY_BYTES = 1 << 30
LIMITS = Limits(max_inflated_bytes=16 << 20, max_total_inflated_bytes=64 << 20)
RUN_SECONDS = 1.0


class Corpus:
    """Archives, and what the targets read in them."""

    def __init__(self, archives: Sequence[bytes]) -> None:
        self.archives = list(archives)
        self.records = [_records(data) for data in archives]
        self.main = [_main_source(records) for records in self.records]

    def replaced(self, data: bytes, name: str | None) -> bytes:
        """The archive that the first byte of `data` chooses, with a record that is the rest.

        `name` is that of the record; None for the source of the archive's module.
        """
        index = data[0] % len(self.archives) if data else 0
        records = {**self.records[index], name or self.main[index]: data[1:]}
        return write_zip([Member(f"a/{key}", value) for key, value in records.items()])

    def loaded(self) -> list[LoadedModule]:
        """The archives as programs."""
        return [load_program(data, restore=interpreter.restore_state) for data in self.archives]


def _records(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [n for n in archive.namelist() if not n.endswith(".debug_pkl")]
        return {name.partition("/")[2]: archive.read(name) for name in names}


def _main_source(records: dict[str, bytes]) -> str:
    """The file with the class of the archive's module, which the pickle names first."""
    module = records["data.pkl"].split(b"\n")[0].partition(b"c")[2].decode()
    return f"code/{module.replace('.', '/')}.py"


@dataclass(frozen=True, slots=True)
class Target:
    """One reader.

    Attributes:
        run: reads an input; what it raises besides `Error` is a bug.
        seeds: inputs that it reads well.
        words: pieces that mean something to it.
    """

    run: Callable[[Corpus, bytes], None]
    seeds: Callable[[Corpus], list[bytes]]
    words: tuple[bytes, ...] = ()

    def material(self, corpus: Corpus) -> Material:
        """What mutations start from."""
        return Material(self.seeds(corpus), self.words)


def _read_zip(corpus: Corpus, data: bytes) -> None:
    """A whole archive: every record, then the program."""
    with contextlib.suppress(Error):
        archive = Archive.open(data, LIMITS)
        for name in archive.records:
            with contextlib.suppress(Error):
                archive.read(name)
                archive.map_record(name).sum()
    _load(data)


def _read_pickle(corpus: Corpus, data: bytes) -> None:
    """A pickle, in place of an archive's ``data.pkl``, then of its ``constants.pkl``."""
    with contextlib.suppress(Error):
        _load(corpus.replaced(data, "constants.pkl"))
    _load(corpus.replaced(data, "data.pkl"))


def _read_source(corpus: Corpus, data: bytes) -> None:
    """Source, in place of an archive's own."""
    _load(corpus.replaced(data, None))


def _read_type(corpus: Corpus, data: bytes) -> None:
    """A type: what is printed of it is read as the same type."""
    type_ = parse_type(data.decode("utf-8", "replace"))
    assert parse_type(str(type_)) == type_


def _read_graph(corpus: Corpus, data: bytes) -> None:
    """A graph: what is printed of it is read as the same graph."""
    constants: dict[str, Any] = dict(_CONSTANTS)
    graph = parse_graph(data.decode("utf-8", "replace"), OPS, constants)
    text = print_graph(graph, constants)
    assert print_graph(parse_graph(text, OPS, constants), dict(constants)) == text
    verify(graph)


def _load(data: bytes) -> None:
    """Compile all methods; optimise, specialise and interpret ``forward``."""
    loaded = load_program(data, limits=LIMITS, restore=interpreter.restore_state)
    root = loaded.root
    for function in root.cls.methods.values():
        with contextlib.suppress(Error):
            verify(function.graph())
    forward = root.cls.methods.get("forward")
    if forward is None:
        return
    args = [_argument(p.type) for p in forward.parameters[1:]]
    with contextlib.suppress(Error, Unplannable):
        _specialise(loaded, forward, args)
    settings = interpreter.Settings(deadline=time.monotonic() + RUN_SECONDS, max_depth=100)
    with contextlib.redirect_stdout(io.StringIO()):
        interpreter.call(loaded.program, root, "forward", args, None, settings)


def _specialise(loaded: LoadedModule, forward: Function, args: list[Any]) -> None:
    graph = optimise(clone_graph(forward.graph()), loaded.program, loaded.root)
    specialise(graph, [_abstract(a) for a in args], OPS.by_name)


def _abstract(value: Any) -> Any:
    match value:
        case np.ndarray():
            return TensorType(dtypes.from_numpy(value.dtype), value.shape)
        case list():
            return [_abstract(v) for v in value]
        case tuple():
            return tuple(map(_abstract, value))
        case dict():
            return {k: _abstract(v) for k, v in value.items()}
    return value


def _argument(type_: Type) -> Any:
    match type_:
        case TensorType():
            return np.arange(6, dtype=np.float32).reshape(2, 3)
        case OptionalType(element):
            return _argument(element)
        case ListType(element):
            return [_argument(element), _argument(element)]
        case DictType(key, value):
            return {_argument(key): _argument(value)}
        case TupleType(elements):
            return tuple(map(_argument, elements))
    plain: dict[Type, Any] = {INT: 3, FLOAT: 1.5, STR: "text"}
    return plain.get(type_, True)


def _with_index(corpus: Corpus, names: Sequence[str]) -> list[bytes]:
    pairs = zip(corpus.records, names, strict=True)
    return [bytes([i]) + records[name] for i, (records, name) in enumerate(pairs)]


def _types(corpus: Corpus) -> list[bytes]:
    found = {
        str(value.type)
        for loaded in corpus.loaded()
        for function in loaded.root.cls.methods.values()
        for node in function.graph().walk()
        for value in node.outputs
    }
    return sorted(text.encode() for text in found)


_CONSTANTS = {"w": np.zeros((2, 3), np.float32)}


def _graphs(corpus: Corpus) -> list[bytes]:
    found = []
    for loaded in corpus.loaded():
        for function in loaded.root.cls.methods.values():
            constants: dict[str, Any] = dict(_CONSTANTS)
            text = print_graph(function.graph(), constants)
            if len(constants) == len(_CONSTANTS):
                found.append(text.encode())
    return found


TARGETS: dict[str, Target] = {
    "ops": Target(
        lambda corpus, data: operators.run(data),
        lambda corpus: operators.seeds(),
        tuple(bytes([n]) for n in range(0, 256, 5)),
    ),
    "zip": Target(_read_zip, lambda corpus: corpus.archives, (
        b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"data.pkl", b"version",
        b"../", b"archive/", b"code/__torch__.py", b"\x08\x08", b"FB",
    )),
    "pickle": Target(
        _read_pickle,
        lambda corpus: _with_index(corpus, ["data.pkl"] * len(corpus.archives))
        + _with_index(corpus, ["constants.pkl"] * len(corpus.archives)),
        (
            b"\x80\x02", b"(", b")", b"}", b"]", b"t", b"e", b"a", b"u", b"s", b"R", b"b", b"Q",
            b"N", b"\x81", b"\x85", b"\x86", b"\x87", b"\x88", b"q\x00", b"h\x00",
            b"r\xff\xff\xff\x7f", b"X\xff\xff\xff\xff", b"\x8a\x08", b"K\x02", b"J\xff\xff\xff\xff",
            b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch.jit._pickle\nrestore_type_tag\n",
            b"ctorch.jit._pickle\nbuild_intlist\n", b"ctorch\nFloatStorage\n",
            b"ctorch\nComplexDoubleStorage\n", b"ccollections\nOrderedDict\n", b"ctorch\ndevice\n",
            b"cbuiltins\ncomplex\n", b"c__torch__\nPlaceholderModule\n", b"cposix\nsystem\n",
        ),
    ),
    "source": Target(
        _read_source,
        lambda corpus: _with_index(corpus, corpus.main),
        tuple(
            word.encode()
            for word in (
                "Tensor", "int", "List[int]", "Optional[Tensor]", "Dict[str, int]",
                "Tuple[int, int]", "Future[int]", "annotate(", "unchecked_cast(", "uninitialized(",
                "isinstance(",
                "torch.", "ops.prim.", "torch.append(", "torch.add(", "torch.__getitem__(", "fork(",
                "torch.wait(", "awaitable(", "CONSTANTS.c0", "__torch__.PlaceholderModule", "self",
                "getattr(", "if True:", "else:", "while True:", "for i in range(3):", "return ",
                "pass", "def f():", "class C:", "None", "True", "-1", "0", "9223372036854775807",
                "1e308", "inf", "(", ")", "[", "]", "{", "}", ", ", " = ", ":", "()", "\n  ", '"',
                "\\", "x", "_0", "torch.zeros([3])", "torch.repeat(", "ops.prim.RaiseException(",
            )
        ),
    ),
    "types": Target(_read_type, _types, tuple(
        word.encode()
        for word in (
            "List[", "Dict[", "Tuple[", "Optional[", "Union[", "Future[", "f32[", "Tensor", "int",
            "]", ", ", "()", "NoneType", "__torch__.", "...", "number", "(", ")",
        )
    )),
    "ir": Target(_read_graph, _graphs, tuple(
        word.encode()
        for word in (
            "graph(", "%x", "%0", ": ", "Tensor", "int", " = ", "constant(@w)", "if(", "else",
            "loop(", " with (", "return ", "  ", ", ", "True", "None", "[", "]", "(", ")", "# f:1",
            "add.int", "get_attr(", 'name="', "1.5", "inf", "{", "}", "fork()", "call_method(",
        )
    )),
}  # fmt: skip
