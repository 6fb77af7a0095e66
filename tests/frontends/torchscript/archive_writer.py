"""Archives and pickles written byte by byte, so that tests can also write wrong ones."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

PROTO = b"\x80\x02"
STOP = b"."
EMPTY_TUPLE_PICKLE = PROTO + b")" + STOP


@dataclass(frozen=True, slots=True)
class Member:
    """A record to write; a field that is not None replaces the right value in both headers."""

    name: str
    data: bytes = b""
    deflate: bool = False
    descriptor: bool = False
    zip64: bool = False
    padding: int = 0
    crc: int | None = None
    size: int | None = None
    stored: int | None = None
    flags: int | None = None
    method: int | None = None
    offset: int | None = None
    local_name: str | None = None
    local_size: int | None = None


def write_zip(members: list[Member], comment: bytes = b"", zip64_end: bool = False) -> bytes:
    """The bytes of a ZIP file with `members`."""
    body, directory = b"", b""
    for member in members:
        local, central = _write_member(member, len(body))
        body += local
        directory += central
    start, size, count = len(body), len(directory), len(members)
    end = b""
    if zip64_end:
        end += struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start)
        end += struct.pack("<4sLQL", b"PK\x06\x07", 0, start + size, 1)
    end += struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, size, start, len(comment))
    return body + directory + end + comment


def _write_member(member: Member, at: int) -> tuple[bytes, bytes]:
    payload = member.data
    if member.deflate:
        stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        payload = stream.compress(member.data) + stream.flush()
    crc = zlib.crc32(member.data) if member.crc is None else member.crc
    size = len(member.data) if member.size is None else member.size
    stored = len(payload) if member.stored is None else member.stored
    flags = (8 if member.descriptor else 0) if member.flags is None else member.flags
    method = (8 if member.deflate else 0) if member.method is None else member.method
    offset = at if member.offset is None else member.offset
    name = member.name.encode()
    extra = struct.pack("<2H", 0x4246, member.padding) + b"Z" * member.padding
    numbers = (crc, stored, size)
    central_numbers = numbers
    central_extra = b""
    if member.zip64:
        central_numbers = (crc, 0xFFFFFFFF, 0xFFFFFFFF)
        central_extra = struct.pack("<2H2Q", 1, 16, size, stored)
    local_numbers = (0, 0, 0) if member.descriptor else central_numbers
    if member.local_size is not None:
        local_numbers = (crc, stored, member.local_size)
    extra += b"" if member.descriptor else central_extra
    local_name = name if member.local_name is None else member.local_name.encode()
    local = struct.pack(
        "<4s5H3L2H", b"PK\x03\x04", 20, flags, method, 0, 0, *local_numbers, len(name), len(extra)
    )
    local += local_name + extra + payload
    if member.descriptor:
        form = "<4sL2Q" if member.zip64 else "<4s3L"
        local += struct.pack(form, b"PK\x07\x08", *numbers)
    central = struct.pack("<4s6H", b"PK\x01\x02", 20, 20, flags, method, 0, 0)
    central += struct.pack("<3L", *central_numbers)
    central += struct.pack("<5H2L", len(name), len(central_extra), 0, 0, 0, 0, offset)
    return local, central + name + central_extra


def write_archive(
    records: Mapping[str, bytes] | None = None, *extra: Member, leave_out: str = ""
) -> bytes:
    """An archive with small valid pickles; `records` replace or add, `leave_out` removes one."""
    contents = {
        "data.pkl": pickle(instance("__torch__.M")),
        "code/__torch__.py": b"class M(Module):\n  pass\n",
        "constants.pkl": EMPTY_TUPLE_PICKLE,
        "version": b"3\n",
        **(records or {}),
    }
    contents.pop(leave_out, None)
    members = [Member(f"archive/{name}", data) for name, data in contents.items()]
    return write_zip([*members, *extra])


def pickle(*parts: bytes) -> bytes:
    """A whole pickle of the given opcodes."""
    return PROTO + b"".join(parts) + STOP


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return b"X" + struct.pack("<L", len(raw)) + raw


def integer(value: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", value)


def floating(value: float) -> bytes:
    return b"G" + struct.pack(">d", value)


def name(module: str, attribute: str) -> bytes:
    return b"c" + module.encode() + b"\n" + attribute.encode() + b"\n"


def tuple_of(*parts: bytes) -> bytes:
    return b"(" + b"".join(parts) + b"t"


def list_of(*parts: bytes) -> bytes:
    return b"](" + b"".join(parts) + b"e"


def call(module: str, attribute: str, *args: bytes) -> bytes:
    return name(module, attribute) + tuple_of(*args) + b"R"


def instance(type_name: str, **attributes: bytes) -> bytes:
    module, _, cls = type_name.rpartition(".")
    state = b"}(" + b"".join(text(key) + value for key, value in attributes.items()) + b"u"
    return name(module, cls) + b")\x81" + state + b"b"


def storage(kind: str = "Float", key: str = "0", numel: int = 6, device: str = "cpu") -> bytes:
    parts = (text("storage"), name("torch", f"{kind}Storage"), text(key), text(device))
    return tuple_of(*parts, integer(numel)) + b"Q"


def tensor(
    source: bytes | None = None,
    offset: int = 0,
    size: tuple[int, ...] = (2, 3),
    stride: tuple[int, ...] = (3, 1),
    *flags: bytes,
) -> bytes:
    return call(
        "torch._utils",
        "_rebuild_tensor_v2",
        storage() if source is None else source,
        integer(offset),
        tuple_of(*map(integer, size)),
        tuple_of(*map(integer, stride)),
        b"\x89",
        name("collections", "OrderedDict") + b")R",
        *flags,
    )
