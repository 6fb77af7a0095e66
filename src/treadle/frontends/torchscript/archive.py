"""The container of a TorchScript archive: a ZIP file whose tensor records are mapped, not read.

What the records mean is decided elsewhere: `unpickle` reads the two pickles, the importer the code.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import BinaryIO, Generic, Literal, TypeVar

from treadle.errors import ArchiveError, UnsupportedError
from treadle.frontends.torchscript.file_bytes import Bytes, in_memory, map_file
from treadle.frontends.torchscript.limits import Limits
from treadle.frontends.torchscript.zip_directory import HOW_TO_SAVE, Record, read_directory

T = TypeVar("T")

OLDEST_VERSION, NEWEST_VERSION = 1, 10
_SMALL_RECORD = 64
_PIECE = 1 << 16
_ALIGNMENT = 16


class RecordView(Mapping[str, T], Generic[T]):
    """The records below one folder of an archive, by their path in it, read when asked for."""

    def __init__(self, paths: Mapping[str, str], read: Callable[[str], T]) -> None:
        self._paths = paths
        self._read = read

    def __getitem__(self, path: str) -> T:
        return self._read(self._paths[path])

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, path: object) -> bool:
        return path in self._paths


class Archive:
    """An open TorchScript archive.

    Attributes:
        name: what messages call the file.
        version: the file format version, from 1 to 10.
        byteorder: of the tensors' bytes.
        records: names of all records, without the top directory, in file order.
        code_files: source text by path, such as ``__torch__/model.py``.
        extra_files: bytes by path, as saved with ``_extra_files``.

    An array from `map_record` keeps the file's mapping alive by itself; closing the archive only
    ends what the archive object can read. The mapping is copy-on-write: writing to an array never
    changes the file. The file must not be shortened while it is mapped.
    Thread-safe after `open`, apart from `close`.
    """

    def __init__(self, name: str, whole: Bytes, limits: Limits) -> None:
        self.name = name
        self.limits = limits
        self._whole: Bytes | None = whole
        self._inflated: set[str] = set()
        self._inflated_bytes = 0
        with located(name):
            self._records = _below_one_root(read_directory(whole.data, limits))
            self.records = tuple(self._records)
            _check_kind(self._records)
            self.byteorder = self._read_byteorder()
            self.version = self._read_version()
        self.code_files: Mapping[str, str] = RecordView(
            self._folder("code/", ".py"), self._read_text
        )
        self.extra_files: Mapping[str, bytes] = RecordView(self._folder("extra/", ""), self.read)

    @classmethod
    def open(
        cls,
        source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO,
        limits: Limits | None = None,
    ) -> Archive:
        """The archive in a file, in memory, or in a binary file object from where it stands.

        Raises:
            ArchiveError: if it cannot be read or is not a sound TorchScript archive.
            UnsupportedError: if it is another PyTorch format.
        """
        if isinstance(source, (bytes, bytearray, memoryview)):
            name, whole = "<bytes>", in_memory(source)
        elif isinstance(source, (str, os.PathLike)):
            name = os.fspath(source)
            return cls(name, map_file(name), limits or Limits())
        else:
            name = str(getattr(source, "name", "<file object>"))
            try:
                whole = in_memory(source.read())
            except (OSError, TypeError, ValueError) as error:
                raise ArchiveError(f"{name}: {error}") from error
        return cls(name, whole, limits or Limits())

    def __contains__(self, name: object) -> bool:
        return name in self._records

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; arrays that view it stay valid and keep it mapped."""
        self._whole = None

    def read(self, name: str) -> bytes:
        """The bytes of record `name`, inflated, with their checksum verified.

        Raises:
            ArchiveError: if there is none, it exceeds the limits, or its checksum differs.
        """
        with located(self.name):
            return self._read(name)

    def map_record(self, name: str) -> Bytes:
        """The bytes of record `name` as a writable array: a view of the file where it can be.

        A record that is compressed, or not aligned for the widest element type, is copied. The
        checksum of a mapped record is not verified, since that would read all of it.
        """
        with located(self.name):
            record = self._record(name)
            if record.deflated:
                return in_memory(self._read(name))
            view = self._bytes()[record.offset : record.offset + record.size]
            aligned = view.ctypes.data % _ALIGNMENT == 0
            return view if aligned else in_memory(view)

    def _bytes(self) -> Bytes:
        if self._whole is None:
            raise ArchiveError("the archive is closed")
        return self._whole

    def _record(self, name: str) -> Record:
        if name not in self._records:
            raise ArchiveError(f"record '{name}' is missing")
        return self._records[name]

    def _read(self, name: str) -> bytes:
        record = self._record(name)
        data = self._bytes().data[record.offset : record.offset + record.stored_size]
        payload = self._inflate(record, data) if record.deflated else bytes(data)
        if zlib.crc32(payload) != record.crc:
            raise ArchiveError(f"record '{name}' is damaged: its checksum differs")
        return payload

    def _inflate(self, record: Record, data: memoryview) -> bytes:
        limits = self.limits
        allowed = max(limits.max_inflated_bytes, limits.max_inflation * record.stored_size)
        if record.size > allowed:
            raise ArchiveError(
                f"record '{record.name}' inflates to {record.size} bytes, more than {allowed}"
            )
        self._count_inflated(record)
        stream, payload = zlib.decompressobj(wbits=-zlib.MAX_WBITS), bytearray()
        try:
            for at in range(0, len(data), _PIECE):  # Ctrl-C comes through between two pieces
                room = record.size + 1 - len(payload)
                if room > 0:
                    payload += stream.decompress(data[at : at + _PIECE], room)
        except zlib.error as error:
            raise ArchiveError(f"record '{record.name}' is damaged: {error}") from None
        if len(payload) != record.size or not stream.eof or stream.unused_data:
            raise ArchiveError(
                f"record '{record.name}' is damaged: it does not inflate to {record.size} bytes"
            )
        return bytes(payload)

    def _count_inflated(self, record: Record) -> None:
        if record.name in self._inflated:
            return
        self._inflated.add(record.name)
        self._inflated_bytes += record.size
        allowed = self.limits.max_total_inflated_bytes
        if self._inflated_bytes > allowed:
            raise ArchiveError(f"the compressed records inflate to more than {allowed} bytes")

    def _read_text(self, name: str) -> str:
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError:
            raise ArchiveError(f"{self.name}: record '{name}' is not UTF-8") from None

    def _read_small(self, name: str) -> str:
        """An ASCII record of a few characters, without white space around them."""
        if self._record(name).size > _SMALL_RECORD:
            raise ArchiveError(f"record '{name}' is longer than {_SMALL_RECORD} bytes")
        return self._read(name).decode("ascii", "replace").strip()

    def _read_byteorder(self) -> Literal["little", "big"]:
        if "byteorder" not in self._records:
            return "little"
        match self._read_small("byteorder"):
            case "little":
                return "little"
            case "big":
                return "big"
            case text:
                raise ArchiveError(f"byte order {text!r} is neither little nor big")

    def _read_version(self) -> int:
        supported = f"versions {OLDEST_VERSION} to {NEWEST_VERSION} are supported"
        places = [name for name in (".data/version", "version") if name in self._records]
        if not places:
            raise ArchiveError(f"the archive does not say its version; {supported}")
        texts = {self._read_small(name) for name in places}
        if len(texts) > 1:
            raise ArchiveError(f"the archive says two versions: {' and '.join(sorted(texts))}")
        text = texts.pop()
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise ArchiveError(f"version {text!r} is not a number; {supported}")
        if not OLDEST_VERSION <= int(text) <= NEWEST_VERSION:
            raise ArchiveError(f"the archive has version {int(text)}; {supported}")
        return int(text)

    def _folder(self, prefix: str, suffix: str) -> dict[str, str]:
        """Record names below `prefix`, by what follows it."""
        return {
            name[len(prefix) :]: name
            for name in self._records
            if name.startswith(prefix) and name.endswith(suffix)
        }


@contextmanager
def located(where: str) -> Iterator[None]:
    """Put ``where: `` before the message of an archive's error that leaves the block."""
    try:
        yield
    except ArchiveError as error:
        raise ArchiveError(f"{where}: {error}") from error.__cause__
    except UnsupportedError as error:
        raise UnsupportedError(f"{where}: {error}") from error.__cause__


def _below_one_root(records: list[Record]) -> dict[str, Record]:
    """Records by their name below the archive's top directory, which must be the only one."""
    if not records:
        raise ArchiveError("the archive has no records")
    root, slash, _ = records[0].name.partition("/")
    inside: dict[str, Record] = {}
    for record in records:
        top, slash, name = record.name.partition("/")
        if not slash:
            raise ArchiveError(
                f"not a TorchScript archive: record '{record.name}' is in no top directory"
            )
        if top != root:
            raise ArchiveError(f"the archive has two top directories, '{root}' and '{top}'")
        if name and not name.endswith("/"):
            inside[name] = replace(record, name=name)
        elif record.size:
            raise ArchiveError(f"directory '{record.name}' has contents")
    return inside


def _check_kind(records: Mapping[str, Record]) -> None:
    """Refuse the other formats that PyTorch keeps in the same container."""
    if "archive_format" in records or "serialized_exported_program.json" in records:
        raise UnsupportedError(
            f"the file is a torch.export program (.pt2), not TorchScript; {HOW_TO_SAVE}"
        )
    if "model.json" in records:
        raise UnsupportedError("the archive has the layout used before PyTorch 1.4; save it again")
    if "constants.pkl" not in records and "data.pkl" in records:
        raise ArchiveError(f"not a TorchScript archive but a file of torch.save; {HOW_TO_SAVE}")
    for name in ("data.pkl", "constants.pkl"):
        if name not in records:
            raise ArchiveError(f"not a TorchScript archive: it has no '{name}'")
