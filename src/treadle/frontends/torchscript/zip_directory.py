"""The directory of a ZIP file: where each record lies, with every header checked.

Stricter than ZIP: each ambiguity that lets two readers see different files in one archive is an
error. Knows nothing of what the records hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from struct import Struct

from treadle.errors import ArchiveError
from treadle.frontends.torchscript.limits import Limits

HOW_TO_SAVE = "torch.jit.save(torch.jit.script(model), path) writes an archive"
_LOCAL = Struct("<4s5H3L2H")
_CENTRAL = Struct("<4s6H3L5H2L")
_END = Struct("<4s4H2LH")
_END64 = Struct("<4sQ2H2L4Q")
_LOCATOR64 = Struct("<4sLQL")
_EXTRA = Struct("<2H")

_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13
_DESCRIPTOR = 1 << 3
_STORED, _DEFLATED = 0, 8
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_ZIP64_EXTRA = 1


@dataclass(frozen=True, slots=True)
class Record:
    """One file inside the ZIP: `stored_size` bytes from `offset`, `size` once inflated."""

    name: str
    offset: int
    stored_size: int
    size: int
    crc: int
    deflated: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of the central directory."""

    name: bytes
    flags: int
    method: int
    crc: int
    stored_size: int
    size: int
    header_offset: int


def read_directory(data: memoryview, limits: Limits) -> list[Record]:
    """The records of the ZIP file `data`, in the order of its central directory.

    Raises:
        ArchiveError: if `data` is not a ZIP file, is cut short, has a record outside of the file,
            two records that overlap or share a name, an encrypted or unknown kind of record, a
            name that could leave its directory, or a local header unlike the directory's.
    """
    if len(data) == 0:
        raise ArchiveError("the file is empty")
    count, start, end = _find_directory(data)
    if count > limits.max_records:
        raise ArchiveError(
            f"the archive has {count} records, at most {limits.max_records} are read"
        )
    entries = _central_entries(data, count, start, end)
    records, spans = [], []
    names: set[str] = set()
    for entry in entries:
        record, span = _locate(data, entry, start)
        if record.name in names:
            raise ArchiveError(f"two records are named '{record.name}'")
        names.add(record.name)
        records.append(record)
        spans.append((*span, record.name))
    _check_disjoint(spans)
    return records


def _find_directory(data: memoryview) -> tuple[int, int, int]:
    """Number of records, and where the central directory starts and ends."""
    end = _find_end(data)
    _, disk, first_disk, here, count, size, offset, _ = _END.unpack_from(data, end)
    limit = end
    locator = end - _LOCATOR64.size
    if locator >= 0 and _has(data, locator, b"PK\x06\x07"):
        limit, wide = _read_end64(data, locator)
        narrow = (here, count, size, offset)
        tops = (_MAX16, _MAX16, _MAX32, _MAX32)
        if any(n not in (w, top) for n, w, top in zip(narrow, wide, tops, strict=True)):
            raise ArchiveError("the two end records of the ZIP directory disagree")
        here, count, size, offset = wide
    if disk or first_disk or here != count:
        raise ArchiveError("the ZIP file is split over several disks")
    if offset + size > limit:
        raise ArchiveError(
            f"the ZIP directory claims bytes {offset} to {offset + size}, but must end by {limit}"
        )
    return count, offset, offset + size


def _has(data: memoryview, at: int, signature: bytes) -> bool:
    return bytes(data[at : at + len(signature)]) == signature


def _find_end(data: memoryview) -> int:
    """Offset of the end record, whose comment must reach the end of the file exactly."""
    start = max(0, len(data) - _END.size - _MAX16)
    tail = bytes(data[start:])
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        if at + _END.size <= len(tail):
            comment = _END.unpack_from(tail, at)[-1]
            if at + _END.size + comment == len(tail):
                return start + at
        at = tail.rfind(b"PK\x05\x06", 0, at)
    if _has(data, 0, b"PK\x03\x04"):
        raise ArchiveError("the ZIP file is cut short: it has no end record")
    if _has(data, 0, b"\x80"):
        raise ArchiveError(
            f"not a TorchScript archive but a pickle, as torch.save wrote until 1.6; {HOW_TO_SAVE}"
        )
    raise ArchiveError("not a TorchScript archive: not a ZIP file")


def _read_end64(data: memoryview, locator: int) -> tuple[int, tuple[int, int, int, int]]:
    """Offset of the zip64 end record, and its counts, size and offset of the directory."""
    _, disk, at, disks = _LOCATOR64.unpack_from(data, locator)
    if disk or disks != 1:
        raise ArchiveError("the ZIP file is split over several disks")
    if at + _END64.size > locator or not _has(data, at, b"PK\x06\x06"):
        raise ArchiveError("the zip64 end record is not where the ZIP file says")
    _, _, _, _, disk, first_disk, here, count, size, offset = _END64.unpack_from(data, at)
    if disk or first_disk:
        raise ArchiveError("the ZIP file is split over several disks")
    return at, (here, count, size, offset)


def _central_entries(data: memoryview, count: int, start: int, end: int) -> list[_Entry]:
    entries = []
    at = start
    for _ in range(count):
        if at + _CENTRAL.size > end or not _has(data, at, b"PK\x01\x02"):
            raise ArchiveError(f"the ZIP directory is damaged at byte {at}")
        fields = _CENTRAL.unpack_from(data, at)
        _, _, _, flags, method, _, _, crc, stored, size, n_name, n_extra, n_comment = fields[:13]
        disk, _, _, offset = fields[13], fields[14], fields[15], fields[16]
        body = at + _CENTRAL.size
        at = body + n_name + n_extra + n_comment
        if at > end:
            raise ArchiveError(f"the ZIP directory is damaged at byte {body}")
        name = bytes(data[body : body + n_name])
        extra = bytes(data[body + n_name : body + n_name + n_extra])
        size, stored, offset = _widen(extra, [size, stored, offset])
        if disk not in (0, _MAX16):
            raise ArchiveError("the ZIP file is split over several disks")
        entries.append(_Entry(name, flags, method, crc, stored, size, offset))
    if at != end:
        raise ArchiveError(f"the ZIP directory lists {count} records but goes on after them")
    return entries


def _widen(extra: bytes, narrow: list[int]) -> list[int]:
    """`narrow` with each saturated 32-bit number replaced by its zip64 value."""
    if _MAX32 not in narrow:
        return narrow
    at = 0
    while at + _EXTRA.size <= len(extra):
        tag, length = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size
        if tag == _ZIP64_EXTRA:
            values = extra[at : at + length]
            wide = [int.from_bytes(values[i : i + 8], "little") for i in range(0, len(values), 8)]
            if 8 * narrow.count(_MAX32) > len(values):
                break
            return [wide.pop(0) if n == _MAX32 else n for n in narrow]
        at += length
    raise ArchiveError("a zip64 record lacks its sizes")


def _locate(data: memoryview, entry: _Entry, limit: int) -> tuple[Record, tuple[int, int]]:
    """The record of `entry`, and the bytes it takes with its headers; all of it before `limit`."""
    name = _decode_name(entry.name)
    if entry.flags & _ENCRYPTED:
        raise ArchiveError(f"record '{name}' is encrypted")
    if entry.method not in (_STORED, _DEFLATED):
        raise ArchiveError(f"record '{name}' uses compression method {entry.method}")
    if entry.method == _STORED and entry.stored_size != entry.size:
        raise ArchiveError(f"record '{name}' is not compressed but has two sizes")
    at = entry.header_offset
    if at + _LOCAL.size > limit or not _has(data, at, b"PK\x03\x04"):
        raise ArchiveError(f"record '{name}' has no header at byte {at}")
    fields = _LOCAL.unpack_from(data, at)
    _, _, flags, method, _, _, crc, stored, size, n_name, n_extra = fields
    body = at + _LOCAL.size
    payload = body + n_name + n_extra
    end = payload + entry.stored_size
    if end > limit:
        raise ArchiveError(
            f"record '{name}' claims {entry.stored_size} bytes from {payload}, past the end"
        )
    if bytes(data[body : body + n_name]) != entry.name or (flags, method) != (
        entry.flags,
        entry.method,
    ):
        raise ArchiveError(f"the header of record '{name}' differs from the directory")
    extra = bytes(data[body + n_name : payload])
    found = (crc, stored, size)
    wanted = (entry.crc, entry.stored_size, entry.size)
    if flags & _DESCRIPTOR:
        _check_deferred(name, found, wanted)
        end += _descriptor_size(data, end, limit, name, wanted)
    elif (crc, *_widen(extra, [size, stored])) != (
        entry.crc,
        entry.size,
        entry.stored_size,
    ):
        raise ArchiveError(f"the header of record '{name}' differs from the directory")
    deflated = entry.method == _DEFLATED
    record = Record(name, payload, entry.stored_size, entry.size, entry.crc, deflated)
    return record, (at, end)


def _check_deferred(name: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """A header that defers its numbers to a descriptor has them empty, saturated, or right."""
    if any(f not in (0, _MAX32, w) for f, w in zip(found, wanted, strict=True)):
        raise ArchiveError(f"the header of record '{name}' differs from the directory")


def _descriptor_size(
    data: memoryview, at: int, limit: int, name: str, wanted: tuple[int, int, int]
) -> int:
    """Size of the data descriptor at `at`: with or without signature, 32 or 64 bits."""
    crc, stored, size = wanted
    for width in (4, 8):
        if max(stored, size) >> (8 * width):
            continue
        plain = b"".join(
            n.to_bytes(w, "little") for n, w in ((crc, 4), (stored, width), (size, width))
        )
        for form in (b"PK\x07\x08" + plain, plain):
            if at + len(form) <= limit and _has(data, at, form):
                return len(form)
    raise ArchiveError(f"the descriptor after record '{name}' differs from the directory")


def _decode_name(raw: bytes) -> str:
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ArchiveError(f"record name {raw[:80]!r} is not UTF-8") from None
    parts = name.replace("\\", "/").split("/")
    if not name or "\0" in name or parts[0] == "" or ".." in parts:
        raise ArchiveError(f"record name {name[:80]!r} is not a path inside the archive")
    return name


def _check_disjoint(spans: list[tuple[int, int, str]]) -> None:
    spans.sort()
    for (_, end, name), (start, _, other) in pairwise(spans):
        if start < end:
            raise ArchiveError(f"records '{name}' and '{other}' overlap")
