"""Bad tensors in pickles: storages, views and flags that do not fit (FORMATS section 7)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.frontends.torchscript import archive_writer as w
from tests.frontends.torchscript.test_unpickle_hostile import check_refused, read, value_of
from treadle.errors import UnsupportedError
from treadle.ir.program import UnsupportedTensor


@pytest.mark.parametrize(
    "args",
    [
        (),
        (b"N", b"N", b")", b"}"),
        (w.name("torch", "device"), w.name("torch", "Tensor"), b")", b"}"),
        (w.tensor(), w.name("torch", "Tensor"), b")", b"}"),
        (w.name("torch._utils", "_rebuild_tensor_v2"), b"N", b")", b"}"),
        (w.name("torch._utils", "_rebuild_tensor_v2"), w.name("torch", "Tensor"), b")", b"}"),
    ],
)
def test_rebuild_from_type_without_its_parts(args: tuple[bytes, ...]) -> None:
    check_refused(
        w.call("torch._tensor", "_rebuild_from_type_v2", *args), "not called with|0 parts"
    )


@pytest.mark.parametrize(
    ("source", "match"),
    [
        (w.storage(key="9"), "storage record 'constants/9' is missing"),
        (w.storage(key="../../etc/passwd"), r"'\.\./\.\./etc/passwd' is not a record's name"),
        (w.storage(key="../constants/0"), "is not a record's name"),
        (w.storage(key=""), "is not a record's name"),
        (w.storage(numel=7), "has 24 bytes, too few for 7 of float32"),
        (w.storage(numel=-1), "has -1 elements"),
        (w.storage(numel=2**62), "too few for 4611686018427387904 of float32"),
        (w.storage(numel=2**62 + 1), "too few for 4611686018427387905"),
        (w.storage("ComplexDouble"), "too few for 6 of complex128"),
        (w.storage("Evil"), "'torch EvilStorage', which TorchScript does not use"),
        (b"N", "a tensor has no storage"),
    ],
)
def test_bad_storages(source: bytes, match: str) -> None:
    check_refused(w.tensor(source), match)


@pytest.mark.parametrize(
    ("offset", "size", "stride", "match"),
    [
        (1, (2, 3), (3, 1), "leaves storage 'constants/0' of 6 elements"),
        (6, (1,), (1,), "leaves storage"),
        (2**62, (1,), (1,), "leaves storage"),
        (-1, (2, 3), (3, 1), "negative offset -1"),
        (0, (-2, 3), (3, 1), "negative size"),
        (0, (-2, -3), (3, 1), "negative size"),
        (0, (2, 3), (-3, 1), "negative stride"),
        (5, (6,), (-1,), "negative stride"),
        (0, (2, 3), (2**40, 1), "leaves storage"),
        (0, (2, 3), (2**62, 2**62), "leaves storage"),
        (0, (5,), (2**62,), "leaves storage"),
        (0, (2**32, 2**32), (0, 0), "too large"),
        (0, (2**62, 4), (0, 0), "too large"),
        (0, (2**62, 2**62, 0), (1, 1, 1), "too large"),
        (0, (2, 3), (1,), "2 sizes but 1 strides"),
        (0, (1,) * 65, (1,) * 65, "rank 65, at most 64"),
    ],
)
def test_views_that_leave_their_storage(
    offset: int, size: tuple[int, ...], stride: tuple[int, ...], match: str
) -> None:
    check_refused(w.tensor(None, offset, size, stride), match)


def test_extreme_but_sound_views() -> None:
    one = value_of(w.tensor(None, 5, (1,) * 64, (2**62,) * 64))
    assert isinstance(one, np.ndarray)
    assert one.sum() == 5.0
    empty = value_of(w.tensor(None, 2**62, (0, 3), (2**62, 1)))
    assert isinstance(empty, np.ndarray)
    assert empty.shape == (0, 3)
    wide = value_of(w.tensor(None, 2, (2**40,), (0,)))
    assert isinstance(wide, np.ndarray)
    assert wide[-1] == 2.0


def test_one_key_with_two_types_is_read_if_the_bytes_suffice() -> None:
    both = w.tensor() + w.tensor(w.storage("Double", numel=3), 0, (3,), (1,))
    value = read(w.pickle(w.tuple_of(both)))
    assert isinstance(value, tuple)
    floats, doubles = value
    assert np.shares_memory(floats, doubles)
    check_refused(w.tensor() + w.tensor(w.storage("Double", numel=4)), "too few for 4 of float64")


def test_bool_storage_holds_bools() -> None:
    source = w.storage("Bool", numel=2)
    good = value_of(w.tensor(source, 0, (2,), (1,)), **{"constants/0": b"\x00\x01"})
    assert isinstance(good, np.ndarray)
    assert good.tolist() == [False, True]
    bad = {"constants/0": b"\x01\x07"}
    check_refused(w.tensor(source, 0, (2,), (1,)), "holds the byte 7 as a bool", **bad)


@pytest.mark.parametrize(
    ("flags", "match"),
    [
        ((b"N",), "flags are not"),
        ((b"}(" + w.text("evil") + b"\x88u",), "flags are not"),
        ((b"}(" + w.text("neg") + b"Nu",), "flags are not"),
        ((b"}", b"}"), "has 8 parts"),
    ],
)
def test_bad_flags(flags: tuple[bytes, ...], match: str) -> None:
    check_refused(w.tensor(None, 0, (1,), (1,), *flags), match)


def test_negated_integers_are_refused() -> None:
    flags = b"}(" + w.text("neg") + b"\x88u"
    source = w.storage("Long", numel=3)
    check_refused(w.tensor(source, 0, (1,), (1,), flags), "int64 is marked as negated")


def test_lazy_views_do_not_multiply_memory() -> None:
    flags = b"}(" + w.text("neg") + b"\x88uq\x00"
    first = w.tensor(None, 0, (2**40,), (0,), flags)
    value = read(w.pickle(w.tuple_of(first)))
    assert isinstance(value, tuple)
    assert value[0].shape == (2**40,)


def test_sparse_and_quantized_are_values_that_fail_later() -> None:
    sparse = value_of(w.call("torch._utils", "_rebuild_sparse_tensor", b"K\x01", b")"))
    assert isinstance(sparse, UnsupportedTensor)
    with pytest.raises(UnsupportedError, match="sparse tensors are not supported"):
        sparse.fail()
    check_refused(
        w.call("torch._utils", "_rebuild_qtensor", b"N"), "quantized tensor has no storage"
    )


@pytest.mark.parametrize("kind", ["Short", "Float", "ComplexDouble", "Byte", "BFloat16"])
def test_big_endian_is_swapped_into_a_copy(kind: str) -> None:
    dtype = {"Short": "i2", "Float": "f4", "ComplexDouble": "c16", "Byte": "u1", "BFloat16": "u2"}
    values = np.arange(3).astype(dtype[kind])
    part = values.view("f8") if kind == "ComplexDouble" else values
    record = part.byteswap().tobytes()
    source = w.storage(kind, numel=3)
    value = value_of(
        w.tensor(source, 0, (3,), (1,)), **{"constants/0": record, "byteorder": b"big"}
    )
    assert isinstance(value, np.ndarray)
    np.testing.assert_array_equal(value.view(values.dtype), values)
