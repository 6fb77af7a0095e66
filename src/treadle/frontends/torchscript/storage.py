"""Tensors over the records of an archive: element types, byte order, bounds."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from treadle.errors import ArchiveError
from treadle.frontends.torchscript.archive import Archive
from treadle.frontends.torchscript.file_bytes import Bytes
from treadle.ir import dtypes
from treadle.ir.dtypes import DType
from treadle.ir.program import UnsupportedTensor

Array = npt.NDArray[np.generic]

STORAGE_DTYPES: dict[str, DType] = {
    "ByteStorage": dtypes.u8,
    "CharStorage": dtypes.i8,
    "ShortStorage": dtypes.i16,
    "IntStorage": dtypes.i32,
    "LongStorage": dtypes.i64,
    "HalfStorage": dtypes.f16,
    "FloatStorage": dtypes.f32,
    "DoubleStorage": dtypes.f64,
    "ComplexFloatStorage": dtypes.c64,
    "ComplexDoubleStorage": dtypes.c128,
    "BoolStorage": dtypes.bool_,
    "BFloat16Storage": dtypes.bf16,
    "Float8_e5m2Storage": dtypes.f8e5m2,
    "Float8_e4m3fnStorage": dtypes.f8e4m3fn,
    "UInt16Storage": dtypes.u16,
    "UInt32Storage": dtypes.u32,
    "UInt64Storage": dtypes.u64,
}

UNSUPPORTED_STORAGES: dict[str, str] = {
    "ComplexHalfStorage": "complex32",
    "QInt8Storage": "qint8",
    "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
    "Bits1x8Storage": "bits1x8",
    "Bits2x4Storage": "bits2x4",
    "Bits4x2Storage": "bits4x2",
    "Bits8Storage": "bits8",
    "Bits16Storage": "bits16",
    "Float8_e5m2fnuzStorage": "float8_e5m2fnuz",
    "Float8_e4m3fnuzStorage": "float8_e4m3fnuz",
    "Float8_e8m0fnuStorage": "float8_e8m0fnu",
    "Float4_e2m1fn_x2Storage": "float4_e2m1fn_x2",
    **{f"UInt{n}Storage": f"uint{n}" for n in range(1, 8)},
    **{f"Int{n}Storage": f"int{n}" for n in range(1, 8)},
}

_KEY = re.compile(r"[0-9A-Za-z_.-]{1,255}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Storage:
    """A typed storage: `numel` elements of `dtype` in record `record`.

    `dtype` is None for an element type that Treadle lacks, which `type_name` names.
    """

    record: str
    dtype: DType | None
    type_name: str
    numel: int


@dataclass(frozen=True, slots=True)
class Strided:
    """Which elements of a storage a tensor takes; `conj` and `neg` are PyTorch's lazy views."""

    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    conj: bool = False
    neg: bool = False


class StorageReader:
    """Builds the tensors of one pickle; those on one storage share its memory."""

    def __init__(self, archive: Archive, folder: str) -> None:
        self._archive = archive
        self._folder = folder
        self._bytes: dict[str, Bytes] = {}
        self._elements: dict[tuple[str, DType, bool, bool], Array] = {}

    def storage(self, type_name: str, key: str, device: str, numel: int) -> Storage:
        """The storage with the arguments of a pickle's persistent id.

        Raises:
            ArchiveError: if the type is unknown, the record is missing, or `numel` elements take
                more bytes than it has.
        """
        if not _KEY.fullmatch(key):
            raise ArchiveError(f"storage key {key[:80]!r} is not a record's name")
        if numel < 0:
            raise ArchiveError(f"storage '{key}' has {numel} elements")
        record = f"{self._folder}/{key}"
        if type_name in UNSUPPORTED_STORAGES:
            return Storage(record, None, UNSUPPORTED_STORAGES[type_name], numel)
        dtype = STORAGE_DTYPES[type_name]
        if device == "meta":
            return Storage(record, None, f"{dtype.torch_name} on the meta device", numel)
        stored = len(self._record_bytes(record))
        if numel * dtype.itemsize > stored:
            raise ArchiveError(
                f"storage '{record}' has {stored} bytes, too few for {numel} of {dtype.torch_name}"
            )
        return Storage(record, dtype, dtype.torch_name, numel)

    def tensor(self, storage: Storage, view: Strided) -> Array | UnsupportedTensor:
        """The tensor that takes the elements `view` of `storage`, as a view of the archive.

        Raises:
            ArchiveError: if an element lies outside of the storage, or a limit is exceeded.
        """
        itemsize = storage.dtype.itemsize if storage.dtype else 1
        numel = self._check_bounds(storage, view, itemsize)
        if storage.dtype is None:
            return UnsupportedTensor(f"tensors of {storage.type_name} are not supported")
        if numel == 0:
            return np.empty(view.size, storage.dtype.numpy)
        elements = self._storage_elements(storage.record, storage.dtype, view.conj, view.neg)
        # The stride of a dimension of size 1 is free, and might not fit into NumPy's integers.
        limit = self._archive.limits.max_tensor_bytes
        strides = tuple(min(step * itemsize, limit) for step in view.stride)
        # NumPy exports no buffer of ml_dtypes' types, so the bytes are passed on.
        buffer = elements.view(np.uint8)
        offset = view.offset * itemsize
        array: Array = np.ndarray(view.size, elements.dtype, buffer, offset, strides)
        return array

    def _check_bounds(self, storage: Storage, view: Strided, itemsize: int) -> int:
        """Number of elements of the view, all of them inside the storage."""
        size, stride, limits = view.size, view.stride, self._archive.limits
        if len(size) != len(stride):
            raise ArchiveError(f"a tensor has {len(size)} sizes but {len(stride)} strides")
        if len(size) > limits.max_rank:
            raise ArchiveError(f"a tensor has rank {len(size)}, at most {limits.max_rank} is read")
        if any(n < 0 for n in size):
            raise ArchiveError(f"a tensor has a negative size: {_shown(size)}")
        if any(step < 0 for step in stride):
            raise ArchiveError(f"a tensor has a negative stride: {_shown(stride)}")
        if view.offset < 0:
            raise ArchiveError(f"a tensor has the negative offset {view.offset}")
        extent = numel = 1
        for n in size:
            extent *= max(n, 1)
            numel *= n
        if extent * itemsize > limits.max_tensor_bytes:
            raise ArchiveError(f"a tensor of sizes {_shown(size)} is too large")
        last = sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if numel and view.offset + last >= storage.numel:
            raise ArchiveError(
                f"a tensor with offset {view.offset}, sizes {_shown(size)} and strides "
                f"{_shown(stride)} leaves storage '{storage.record}' of {storage.numel} elements"
            )
        return numel

    def _record_bytes(self, record: str) -> Bytes:
        if record not in self._bytes:
            if record not in self._archive:
                raise ArchiveError(f"storage record '{record}' is missing")
            self._bytes[record] = self._archive.map_record(record)
        return self._bytes[record]

    def _storage_elements(self, record: str, dtype: DType, conj: bool, neg: bool) -> Array:
        """All elements of a record, in the machine's byte order, with the lazy views applied.

        A lazy conjugate or negative is computed once for the whole storage, so that a small file
        cannot ask for many copies.
        """
        conj = conj and dtype.is_complex
        key = (record, dtype, conj, neg)
        if key not in self._elements:
            self._elements[key] = self._make_elements(record, dtype, conj, neg)
        return self._elements[key]

    def _make_elements(self, record: str, dtype: DType, conj: bool, neg: bool) -> Array:
        if neg and dtype.kind not in "fc":
            raise ArchiveError(f"a tensor of {dtype.torch_name} is marked as negated")
        if conj or neg:
            plain = self._storage_elements(record, dtype, False, False)
            conjugate = np.conjugate(plain) if conj else plain
            changed: Array = np.negative(conjugate) if neg else conjugate
            return changed
        stored = self._record_bytes(record)
        whole = stored[: stored.size - stored.size % dtype.itemsize]
        if dtype is dtypes.bool_ and whole.size and whole.max() > 1:
            raise ArchiveError(f"storage '{record}' holds the byte {whole.max()} as a bool")
        if self._archive.byteorder != sys.byteorder and dtype.itemsize > 1:
            part = dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize
            whole = np.ascontiguousarray(whole.reshape(-1, part)[:, ::-1]).reshape(-1)
        elements: Array = whole.view(dtype.numpy)
        return elements


def _shown(numbers: tuple[int, ...]) -> str:
    """`numbers` for a message, however many there are."""
    text = ", ".join(str(n) for n in numbers[:8])
    return f"[{text}, ...]" if len(numbers) > 8 else f"[{text}]"
