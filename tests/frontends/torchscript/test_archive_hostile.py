"""The bad containers of FORMATS section 7 (rows 1 to 8, 25 and 26) and more of their kind."""

from __future__ import annotations

import io
import pickle
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from tests.frontends.torchscript.archive_writer import Member, write_archive, write_zip
from treadle.errors import ArchiveError, UnsupportedError
from treadle.frontends.torchscript.archive import Archive

CODE = b"class M(Module):\n  pass\n"


def _refused(data: bytes, match: str, error: type[Exception] = ArchiveError) -> None:
    with pytest.raises(error, match=match):
        Archive.open(data)


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.pt"
    path.touch()
    with pytest.raises(ArchiveError, match=r"empty\.pt: the file is empty"):
        Archive.open(path)
    _refused(b"", "<bytes>: the file is empty")


def test_missing_file_and_directory(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"none\.pt: No such file"):
        Archive.open(tmp_path / "none.pt")
    with pytest.raises(ArchiveError, match="not a regular file"):
        Archive.open(tmp_path)
    with pytest.raises(ArchiveError, match="not a regular file"):
        Archive.open("/dev/zero")
    with pytest.raises(ArchiveError, match="null"):
        Archive.open("a\0b")


def test_file_object_that_gives_text() -> None:
    with pytest.raises(ArchiveError, match="file object"):
        Archive.open(io.StringIO("text"))  # type: ignore[arg-type]


def test_every_truncation_is_refused() -> None:
    data = write_archive({"data/0": bytes(16)})
    for length in range(len(data)):
        with pytest.raises(ArchiveError):
            Archive.open(data[:length])
    _refused(data[: len(data) // 2], "cut short")


def test_not_a_zip() -> None:
    _refused(b"\x89PNG\r\n" * 10, "not a TorchScript archive: not a ZIP file")


def test_raw_pickle_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    _refused(pickle.dumps(Evil(), protocol=2), "not a TorchScript archive but a pickle")
    assert not (tmp_path / "ran").exists()


def test_other_formats_of_torch_are_named() -> None:
    plain = {"data.pkl": b"", "version": b"3"}
    members = [Member(f"m/{name}", data) for name, data in plain.items()]
    _refused(write_zip(members), "a file of torch.save")
    _refused(write_archive({"archive_format": b"pt2"}), r"\.pt2", UnsupportedError)
    _refused(write_archive({"model.json": b"{}"}), "before PyTorch 1.4", UnsupportedError)
    _refused(write_archive(leave_out="data.pkl"), "no 'data.pkl'")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("readme.txt", "hello")
    _refused(buffer.getvalue(), "record 'readme.txt' is in no top directory")
    _refused(write_zip([]), "no records")


def test_directory_past_the_end() -> None:
    data = bytearray(write_archive())
    struct.pack_into("<L", data, len(data) - 6, len(data) + 100)
    _refused(bytes(data), "must end by")
    struct.pack_into("<L", data, len(data) - 6, 3)
    _refused(bytes(data), "ZIP directory is damaged at byte 3")


@pytest.mark.parametrize("zip64", [False, True])
def test_record_larger_than_the_file(zip64: bool) -> None:
    member = Member("archive/data/0", b"12", zip64=zip64, stored=2**31, size=2**31)
    _refused(write_archive(None, member), "'archive/data/0' claims 2147483648 bytes")


def test_sizes_near_2_to_the_64_do_not_wrap() -> None:
    member = Member("archive/data/0", zip64=True, stored=2**64 - 64, size=2**64 - 64)
    _refused(write_archive(None, member), "claims 18446744073709551552 bytes")


@pytest.mark.parametrize("claimed", [2**31, 100])
def test_deflate_bomb_is_stopped(claimed: int) -> None:
    bomb = Member("archive/code/a.py", bytes(1 << 26), deflate=True, size=claimed)
    archive = Archive.open(write_archive(None, bomb))
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(ArchiveError, match="inflate"):
        archive.code_files["a.py"]
    assert time.process_time() - start < 10
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "name",
    ["../../tmp/x", "archive/../x", "/etc/passwd", "archive\\..\\x", "archive/a\0b", ""],
)
def test_names_that_leave_the_archive(name: str) -> None:
    _refused(write_archive(None, Member(name)), "is not a path inside the archive")


def test_name_that_is_not_utf8() -> None:
    data = write_archive(None, Member("archive/zz")).replace(b"archive/zz", b"archive/\xff\xfe")
    _refused(data, "is not UTF-8")


def test_duplicate_record() -> None:
    _refused(write_archive(None, Member("archive/data.pkl")), "two records are named")


def test_two_top_directories() -> None:
    _refused(write_archive(None, Member("other/x")), "directories, 'archive' and 'other'")


def test_records_that_overlap() -> None:
    first = Member("archive/data/0", bytes(100))
    whole = write_zip([first])
    inner = Member("archive/data/1", b"x", offset=0, local_name="archive/data/0")
    _refused(write_zip([first, inner]), "header of record 'archive/data/1' differs")
    nested = write_zip([Member("archive/data/1", b"x")])[: 30 + 14 + 4 + 1]
    outer = Member("archive/data/0", nested)
    hidden = Member("archive/data/1", b"x", offset=whole.index(b"archive/data/0") + 14 + 4)
    _refused(write_zip([outer, hidden]), "overlap")


@pytest.mark.parametrize("name", ["data.pkl", "code/a.py", "version"])
@pytest.mark.parametrize("deflate", [False, True])
def test_wrong_checksum(name: str, deflate: bool) -> None:
    member = Member(f"archive/{name}", b"3", deflate=deflate, crc=1)
    data = write_archive(None, member, leave_out=name)
    with pytest.raises(ArchiveError, match=f"'{name}' is damaged: its checksum differs"):
        Archive.open(data).read(name)


def test_damaged_deflate_stream() -> None:
    for payload, word in ((b"\xff" * 9, "invalid"), (b"\x01", "does not inflate")):
        member = Member("archive/code/a.py", payload, method=8, size=30)
        archive = Archive.open(write_archive(None, member))
        with pytest.raises(ArchiveError, match=word):
            archive.code_files["a.py"]


@pytest.mark.parametrize(
    ("version", "match"),
    [
        (b"999\n", "version 999; versions 1 to 10 are supported"),
        (b"0\n", "version 0; versions 1 to 10"),
        (b"-3", "'-3' is not a number"),
        (b"three", "'three' is not a number; versions 1 to 10"),
        (b"\xb2", "is not a number"),
        (b"", "'' is not a number"),
        (b"1" * 100, "longer than 64 bytes"),
    ],
)
def test_bad_versions(version: bytes, match: str) -> None:
    _refused(write_archive({"version": version}), match)


def test_missing_or_ambiguous_version() -> None:
    _refused(write_archive(leave_out="version"), "does not say its version; versions 1 to 10")
    _refused(write_archive({".data/version": b"6"}), "two versions: 3 and 6")


def test_bad_byteorder() -> None:
    _refused(write_archive({"byteorder": b"middle"}), "'middle' is neither little nor big")


@pytest.mark.parametrize(
    ("member", "match"),
    [
        (Member("archive/x", CODE, local_name="archive/y"), "header of record 'archive/x' differs"),
        (Member("archive/x", CODE, local_size=3), "header of record 'archive/x' differs"),
        (Member("archive/x", CODE, flags=8), "descriptor after record 'archive/x' differs"),
        (Member("archive/x", CODE, flags=1), "'archive/x' is encrypted"),
        (Member("archive/x", CODE, method=12), "compression method 12"),
        (Member("archive/x", CODE, size=3), "not compressed but has two sizes"),
        (Member("archive/x", CODE, offset=1), "'archive/x' has no header at byte 1"),
        (Member("archive/x", CODE, offset=2**31), "has no header at byte 2147483648"),
        (Member("archive/x/", CODE), "directory 'archive/x/' has contents"),
        (Member("archive/x", size=0xFFFFFFFF, stored=0xFFFFFFFF), "lacks its sizes"),
    ],
)
def test_headers_that_lie(member: Member, match: str) -> None:
    _refused(write_archive(None, member), match)


def test_end_records_that_disagree() -> None:
    members = [Member("m/data.pkl"), Member("m/constants.pkl"), Member("m/version", b"3")]
    data = bytearray(write_zip(members, zip64_end=True))
    struct.pack_into("<H", data, len(data) - 12, 2)
    struct.pack_into("<H", data, len(data) - 14, 2)
    _refused(bytes(data), "end records of the ZIP directory disagree")


def test_source_that_is_not_utf8() -> None:
    archive = Archive.open(write_archive({"code/a.py": b"\xff"}))
    with pytest.raises(ArchiveError, match=r"'code/a\.py' is not UTF-8"):
        archive.code_files["a.py"]


def test_missing_record() -> None:
    archive = Archive.open(write_archive())
    for read in (archive.read, archive.map_record):
        with pytest.raises(ArchiveError, match=r"record 'data/\.\./x' is missing"):
            read("data/../x")
