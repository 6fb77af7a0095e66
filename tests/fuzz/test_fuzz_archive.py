"""Random archives and pickles: whatever the bytes, the only outcome besides a value is an Error."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Iterator

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.frontends.torchscript import archive_writer as w
from treadle.errors import Error
from treadle.frontends.torchscript.archive import Archive
from treadle.frontends.torchscript.limits import Limits
from treadle.frontends.torchscript.unpickle import unpickle
from treadle.frontends.torchscript.values import PickledObject

LIMITS = Limits(max_inflated_bytes=1 << 20, max_total_inflated_bytes=1 << 22)
MAX_PEAK_BYTES = 32 << 20
FUZZ = settings(
    max_examples=150,
    deadline=2000,
    suppress_health_check=[HealthCheck.too_slow],
)

SIX = np.arange(6, dtype=np.float32).tobytes()
RESTORE = ("torch.jit._pickle", "restore_type_tag")
DATA = w.pickle(
    w.instance(
        "__torch__.net.Net",
        weight=w.tensor() + b"q\x00",
        tied=b"h\x00",
        view=w.tensor(None, 1, (2,), (2,)),
        lazy=w.tensor(None, 0, (2,), (1,), b"}(" + w.text("neg") + b"\x88u"),
        wide=w.tensor(w.storage("Double", numel=3), 0, (4, 3), (0, 1)),
        half=w.tensor(w.storage("BFloat16", numel=12), 2, (3,), (3,)),
        odd=w.tensor(w.storage("QInt8", numel=24), 0, (3,), (1,)),
        table=w.call(*RESTORE, b"}" + w.text("a") + b"K\x01s", w.text("Dict[str, int]")),
        ints=w.call("torch.jit._pickle", "build_intlist", b"](K\x01M\x01\x02J\xff\xff\xff\xffe"),
        color=w.name("__torch__.net", "Color") + b"K\x02R",
        device=w.call("torch", "device", w.text("cpu")),
        z=w.call("builtins", "complex", w.floating(1.0), w.floating(2.0)),
        sub=w.instance("__torch__.net.Sub", training=b"\x88", none=b"N"),
    )
)
CONSTANTS = w.pickle(w.tuple_of(w.tensor(), w.text("é"), b")" + b"\x85" * 3))
CODE = b"class Net(Module):\n  weight : Tensor\n" * 20


def _archive(data: bytes = DATA, constants: bytes = CONSTANTS) -> bytes:
    members = [
        w.Member("net/extra/labels.txt", b"a b c"),
        w.Member("net/data/0", SIX, descriptor=True, padding=13),
        w.Member("net/data.pkl", data, descriptor=True),
        w.Member("net/code/__torch__/net.py", CODE, deflate=True, descriptor=True),
        w.Member("net/constants/0", SIX, zip64=True),
        w.Member("net/constants.pkl", constants, deflate=True, descriptor=True, zip64=True),
        w.Member("net/.data/version", b"6\n"),
        w.Member("net/byteorder", b"little"),
    ]
    return w.write_zip(members, zip64_end=True)


ARCHIVE = _archive()


@contextlib.contextmanager
def _bounded_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MAX_PEAK_BYTES
    finally:
        tracemalloc.stop()


def _read_everything(data: bytes) -> None:
    """Use all of an archive; every part may fail with an Error, and with nothing else."""
    with _bounded_memory(), contextlib.suppress(Error):
        archive = Archive.open(data, LIMITS)
        for name in archive.records:
            with contextlib.suppress(Error):
                archive.read(name)
                archive.map_record(name).sum()
        for files in (archive.code_files, archive.extra_files):
            for path in files:
                with contextlib.suppress(Error):
                    files[path]
        for name in ("data.pkl", "constants.pkl"):
            with contextlib.suppress(Error):
                _touch(unpickle(archive, name))


def _touch(value: object) -> None:
    """Read the first and last element of every tensor below `value`."""
    if isinstance(value, np.ndarray):
        if value.size:
            value[(0,) * value.ndim], value[(-1,) * value.ndim]
            assert value.flags.writeable
    elif isinstance(value, PickledObject):
        _touch(value.state)
    elif isinstance(value, dict):
        for item in value.values():
            _touch(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _touch(item)


@st.composite
def mutations(draw: st.DrawFn, seed: bytes) -> bytes:
    """`seed` with a few bytes changed, removed, repeated or moved."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 12)))
        kind = draw(st.sampled_from(("flip", "set", "delete", "repeat", "copy", "number", "cut")))
        if kind == "flip" and start < len(data):
            data[start] ^= 1 << draw(st.integers(0, 7))
        elif kind == "set" and start < len(data):
            data[start] = draw(st.integers(0, 255))
        elif kind == "delete":
            del data[start:stop]
        elif kind == "repeat":
            data[start:start] = data[start:stop]
        elif kind == "copy":
            source = draw(st.integers(0, len(data)))
            data[start:stop] = data[source : source + stop - start]
        elif kind == "number":
            width = draw(st.sampled_from((2, 4, 8)))
            top = 1 << (8 * width)
            number = draw(st.sampled_from((0, 1, top - 1, top // 2, top // 2 - 1)))
            data[start : start + width] = number.to_bytes(width, "little")
        elif kind == "cut" and draw(st.booleans()):
            del data[start:]
    return bytes(data)


TOKENS = (
    *(bytes([opcode]) for opcode in b"()NQR]abdelstu}\x81\x85\x86\x87\x88\x89"),
    *(b"q%c" % n for n in range(4)),
    *(b"h%c" % n for n in range(4)),
    *(w.integer(n) for n in (0, 1, 2, 6, -1, 2**40, 2**62, -(2**63))),
    *(w.text(word) for word in ("storage", "0", "9", "cpu", "neg", "conj", "List[int]", "List[")),
    *(w.name("torch", kind + "Storage") for kind in ("Float", "Bool", "ComplexDouble", "QInt8")),
    *(w.name("torch._utils", f"_rebuild_{kind}") for kind in ("tensor_v2", "qtensor")),
    *(w.name("torch.jit._pickle", f"build_{kind}list") for kind in ("int", "double", "tensor")),
    w.name(*RESTORE),
    w.name("torch._tensor", "_rebuild_from_type_v2"),
    w.name("torch._utils", "_rebuild_sparse_tensor"),
    w.name("torch", "Tensor"),
    w.name("torch", "device"),
    w.name("torch", "per_tensor_affine"),
    w.name("builtins", "complex"),
    w.name("__torch__.net", "Net"),
    w.name("collections", "OrderedDict") + b")R",
    w.floating(0.5),
    w.storage(),
    w.storage("Long", numel=3),
    w.tuple_of(w.integer(2), w.integer(3)),
    w.tensor(),
)


def test_the_seed_is_read_without_an_error() -> None:
    archive = Archive.open(ARCHIVE, LIMITS)
    for name in ("data.pkl", "constants.pkl"):
        _touch(unpickle(archive, name))
    assert archive.code_files["__torch__/net.py"].encode() == CODE


@FUZZ
@given(mutations(ARCHIVE))
def test_mutated_archives(data: bytes) -> None:
    _read_everything(data)


@FUZZ
@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    _read_everything(data)


@FUZZ
@given(mutations(DATA))
def test_mutated_pickles(data: bytes) -> None:
    _read_everything(_archive(data))


@FUZZ
@given(st.lists(st.sampled_from(TOKENS), max_size=40))
def test_random_sequences_of_opcodes(tokens: list[bytes]) -> None:
    _read_everything(_archive(constants=w.pickle(b"(", *tokens, b"t")))


@FUZZ
@given(
    st.integers(-4, 2**63 - 1) | st.integers(-1, 7),
    st.lists(st.integers(-1, 7) | st.sampled_from((2**31, 2**32, 2**62, 2**63 - 1)), max_size=5),
    st.lists(st.integers(-1, 7) | st.sampled_from((2**31, 2**32, 2**62, 2**63 - 1)), max_size=5),
    st.sampled_from(("Float", "Double", "Byte", "ComplexDouble", "Half")),
    st.integers(-1, 25) | st.sampled_from((2**31, 2**62, 2**63 - 1)),
)
def test_random_views(
    offset: int, size: list[int], stride: list[int], kind: str, numel: int
) -> None:
    source = w.storage(kind, numel=numel)
    view = w.tensor(source, offset, tuple(size), tuple(stride[: len(size)]))
    _read_everything(_archive(constants=w.pickle(w.tuple_of(view))))
