"""The bad pickles of FORMATS section 7 (rows 9 to 20) and more of their kind."""

from __future__ import annotations

import struct
import time
import tracemalloc

import numpy as np
import pytest

from tests.frontends.torchscript import archive_writer as w
from treadle.errors import ArchiveError, UnsupportedError
from treadle.frontends.torchscript.archive import Archive
from treadle.frontends.torchscript.limits import Limits
from treadle.frontends.torchscript.unpickle import unpickle
from treadle.frontends.torchscript.values import PickledObject

RESTORE = ("torch.jit._pickle", "restore_type_tag")
SIX = np.arange(6, dtype=np.float32).tobytes()


def read(pickle: bytes, limits: Limits | None = None, **records: bytes) -> object:
    """The value of `pickle`, as constants.pkl of an archive with ``constants/0`` of 24 bytes."""
    stored = {"constants/0": SIX, "constants.pkl": pickle, **records}
    return unpickle(Archive.open(w.write_archive(stored), limits), "constants.pkl")


def value_of(*parts: bytes, **records: bytes) -> object:
    """The only element of the tuple around `parts`."""
    value = read(w.pickle(w.tuple_of(*parts)), None, **records)
    assert isinstance(value, tuple)
    (element,) = value
    return element


def check_refused(parts: bytes, match: str, **records: bytes) -> None:
    with pytest.raises(ArchiveError, match=match):
        value_of(parts, **records)


def test_well_formed_tensor_reads() -> None:
    np.testing.assert_array_equal(value_of(w.tensor()), np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize(
    ("pickle", "match"),
    [
        (w.call("posix", "system", w.text("true")), "'posix system'"),
        (w.call("builtins", "eval", w.text("1")), "'builtins eval'"),
        (w.name("torch", "load"), "'torch load'"),
        (w.name("__torch__x", "M"), "'__torch__x M'"),
        (w.name("__torch__.a b", "M"), "'__torch__.a b.M' is not the name of a class"),
        (w.name("__torch__", "M()"), "is not the name of a class"),
        (b"(iposix\nsystem\n", "opcode 0x69 is not one TorchScript uses"),
        (w.text("posix") + w.text("system") + b"\x93", "opcode 0x93"),
        (b"Pid\n", "opcode 0x50"),
        (b"\x82\x01", "opcode 0x82"),
        (b"cposix", "the name of a global does not end"),
        (b"c" + b"a" * 10_000, "the name of a global does not end"),
    ],
)
def test_names_and_opcodes_outside_of_the_vocabulary(pickle: bytes, match: str) -> None:
    check_refused(pickle, match)


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('true')", "List[", "Dict[str", "", "List[int]]", "(" * 10_000],
)
def test_types_that_are_none(text: str) -> None:
    check_refused(w.call(*RESTORE, b"]", w.text(text)), "type syntax error")


def test_type_nested_too_deep_or_too_long() -> None:
    deep = "List[" * 100_000 + "int" + "]" * 100_000
    check_refused(w.call(*RESTORE, b"]", w.text(deep)), "600003 characters long")
    deep = "List[" * 5_000 + "int" + "]" * 5_000
    check_refused(w.call(*RESTORE, b"]", w.text(deep)), "type syntax error")


@pytest.mark.parametrize(
    ("pickle", "match"),
    [
        (w.pickle(b"Nr" + struct.pack("<L", 2**31)), "memo entry 2147483648 follows"),
        (w.pickle(b"j" + struct.pack("<L", 2**31)), "memo entry 2147483648 is not set"),
        (w.pickle(b"h\x00"), "memo entry 0 is not set"),
        (w.pickle(b"q\x00"), "stack is empty"),
        (w.pickle(), "does not end with one value"),
        (w.pickle(b"N", b"N"), "does not end with one value"),
        (w.pickle(b")", b"("), "does not end with one value"),
        (w.pickle(b")") + b"x", "goes on after its end"),
        (w.PROTO + b")", "cut short: 1 bytes wanted, 0 left"),
        (b"", "cut short"),
        (b"\x80\x04).", "protocol 4 is not 2"),
        (b")" + w.PROTO + b".", "protocol 2 stands at byte 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_stack_memo_and_frame(pickle: bytes, match: str) -> None:
    with pytest.raises(ArchiveError, match=match):
        read(pickle)


@pytest.mark.parametrize("opcode", b"abdelQRstu\x81\x85\x86\x87")
def test_opcodes_on_an_empty_stack(opcode: int) -> None:
    with pytest.raises(ArchiveError, match=r"stack is empty|no mark"):
        read(w.pickle(bytes([opcode])))


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        (b"X\xff\xff\xff\xff123", "a string has 4294967295 bytes"),
        (b"\x8d" + struct.pack("<Q", 2**63) + b"123", "a string has 9223372036854775808 bytes"),
        (b"X\x00\x00\x01\x00123", r"65536 bytes wanted, \d+ left"),
        (b"X\x01\x00\x00\x00\xff", "not UTF-8"),
        (b"\x8a\x09" + bytes(9), "an integer has 9 bytes"),
        (b"\x8a\xff", "an integer has 255 bytes"),
    ],
)
def test_lengths_are_checked_before_use(parts: bytes, match: str) -> None:
    tracemalloc.start()
    check_refused(parts, match)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_nested_tuples() -> None:
    check_refused(b")" + b"\x85" * 100_000, "nested more than 200 deep")
    assert value_of(b")" + b"\x85" * 198) is not None
    check_refused(b")" + b"\x85" * 199, "nested more than 200 deep")


def test_nested_lists_dicts_and_objects() -> None:
    check_refused(b"]" * 5_000 + b"a" * 4_999, "nested more than 200 deep")
    deep = b"N"
    for _ in range(300):
        deep = w.instance("__torch__.N", next=deep)
    check_refused(deep, "nested more than 200 deep")


def test_nested_marks() -> None:
    check_refused(b"(" * 100_000, "marks on the stack are nested too deep")


def test_sharing_does_not_hide_depth() -> None:
    # A chain of 150, built and finished first, then put below another chain of 150.
    chain = b")" + b"\x85" * 150 + b"q\x00"
    check_refused(b"](" + chain + b"h\x00" + b"\x85" * 150 + b"e", "nested more than 200 deep")


@pytest.mark.parametrize(
    "parts",
    [
        b"]q\x00h\x00a",
        b"]q\x00(h\x00ta",
        b"]q\x00(h\x00h\x00e",
        b"}q\x00" + w.text("a") + b"h\x00s",
        w.name("__torch__", "M") + b")\x81q\x00h\x00b",
    ],
)
def test_containers_that_contain_themselves(parts: bytes) -> None:
    check_refused(parts, "contains itself")


def test_doubling_list_stays_shared() -> None:
    parts = b"]q\x00"
    for index in range(40):
        parts += b"](h%ch%ceq%c" % (index, index, index + 1)
    start = time.process_time()
    value = read(w.pickle(w.tuple_of(parts)))
    assert time.process_time() - start < 10
    assert isinstance(value, tuple)
    outer = value[-1]
    assert outer[0] is outer[1]


def test_deep_tuple_as_key_is_never_hashed() -> None:
    check_refused(b"})" + b"\x85" * 100_000 + b"Ns", "a tuple as a key")


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        (b"](" + w.text("a") + b"Nu", "SETITEM on a list"),
        (b"]" + w.text("a") + b"Ns", "SETITEM on a list"),
        (b"}Na", "APPEND to a dict"),
        (b"})a", "APPEND to a dict"),
        (w.tensor() + b"Na", "APPEND to a ndarray"),
        (b"}(" + w.text("a") + b"u", "a key without a value"),
        (b"}(]Nu", "a list as a key"),
        (b"}(NNu", "a NoneType as a key"),
        (b"}(" + w.tensor() + b"Nu", "a ndarray as a key"),
        (b"}(" + (w.text("a") + b"N") * 2 + b"u", "the key 'a' twice"),
        (b"K\x01)R", "REDUCE of a int with a tuple"),
        (w.name("collections", "OrderedDict") + b"NR", "REDUCE of a Function with a NoneType"),
        (w.name("__torch__", "Color") + b")R", "REDUCE of a ClassName with a tuple"),
        (w.call("collections", "OrderedDict", b"N"), "OrderedDict is called with arguments"),
        (w.name("collections", "OrderedDict") + b")\x81", "NEWOBJ takes a class"),
        (w.name("__torch__", "M") + b"(Nt\x81", "NEWOBJ takes a class"),
        (w.name("__torch__", "M") + w.tensor() + b"\x81", "NEWOBJ takes a class"),
        (b"]}b", "BUILD of a list"),
        (w.instance("__torch__.M") + b"}b", "built twice"),
        (w.call("torch.jit._pickle", "build_intlist", b"](\x88e"), "a bool in the list"),
        (w.call("torch.jit._pickle", "build_intlist", b")"), "not called with a list"),
        (w.call("torch.jit._pickle", "build_tensorlist", b"](Ne"), "a NoneType in the list"),
        (w.call(*RESTORE, b"]"), "not called with a value and a type"),
        (w.call(*RESTORE, b"]", b"N"), "not called with a value and a type"),
        (w.call("builtins", "complex", b"K\x01", b"K\x01"), "not called with two numbers"),
        (w.call("torch", "device", b"K\x01"), "not called with the name of a device"),
        (w.call("torch", "device", w.text("cpu:x")), "not called with the name of a device"),
        (w.storage(), "a Storage outside of a tensor"),
        (w.name("torch", "FloatStorage"), "a StorageType outside of a tensor"),
        (w.instance("__torch__.M", f=w.name("torch", "device")), "a Function outside"),
        (w.tuple_of(*[w.tensor()] * 5) + b"Q", "not that of a storage"),
        (b"NQ", "not that of a storage"),
    ],
)
def test_operations_on_the_wrong_kind(parts: bytes, match: str) -> None:
    check_refused(parts, match)


def test_roots_of_the_wrong_kind() -> None:
    with pytest.raises(ArchiveError, match=r"constants\.pkl: the pickle holds a dict, not a tuple"):
        read(w.pickle(b"}"))
    archive = Archive.open(w.write_archive({"data.pkl": w.pickle(b")")}))
    with pytest.raises(ArchiveError, match=r"data\.pkl: the pickle holds a tuple, not an object"):
        unpickle(archive, "data.pkl")


def test_error_names_the_attribute() -> None:
    inner = w.instance("__torch__.Conv", bias=b"N", weight=w.tensor(w.storage(key="9")))
    root = w.pickle(w.instance("__torch__.Net", x=b"K\x01", conv1=inner))
    archive = Archive.open(w.write_archive({"data.pkl": root}))
    with pytest.raises(ArchiveError, match=r"<bytes>: data\.pkl: conv1\.weight \(byte \d+\): stor"):
        unpickle(archive, "data.pkl")


def test_layout_before_1_4_is_unsupported() -> None:
    old = w.call("torch.jit._pickle", "build_tensor_from_id", b"K\x00")
    with pytest.raises(UnsupportedError, match=r"constants\.pkl: .*before PyTorch 1\.4"):
        value_of(old)


def test_custom_class_is_left_to_the_reader_of_the_code() -> None:
    value = value_of(w.instance("__torch__.torch.classes.ns.Evil"))
    assert isinstance(value, PickledObject)
    assert value.type_name == "__torch__.torch.classes.ns.Evil"


def test_limits_on_work_and_size() -> None:
    with pytest.raises(ArchiveError, match="more than 100 steps"):
        read(w.pickle(w.tuple_of(b"N" * 200)), Limits(max_pickle_steps=100))
    with pytest.raises(ArchiveError, match="the pickle has 203 bytes"):
        read(w.pickle(b"N" * 200), Limits(max_pickle_bytes=100))
    with pytest.raises(ArchiveError, match="a string has 5 bytes"):
        read(w.pickle(w.text("hello")), Limits(max_string_bytes=4))
    ints = (
        w.name("torch.jit._pickle", "build_intlist")
        + b"q\x00"
        + w.tuple_of(b"](" + b"K\x01" * 500 + b"e")
    )
    again = b"q\x01Rh\x00h\x01R" * 2
    with pytest.raises(ArchiveError, match="more than 1500 steps"):
        read(w.pickle(w.tuple_of(ints + again)), Limits(max_pickle_steps=1500))
