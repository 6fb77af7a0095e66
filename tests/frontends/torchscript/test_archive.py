from __future__ import annotations

import gc
import io
import os
from pathlib import Path

import numpy as np
import pytest

from tests.frontends.torchscript.archive_writer import Member, write_archive, write_zip
from treadle.errors import ArchiveError
from treadle.frontends.torchscript.archive import Archive
from treadle.frontends.torchscript.limits import Limits


def _padded(data: bytes) -> bytes:
    """An archive whose record ``data/0`` starts at a multiple of 64."""
    header = 30 + len("archive/data/0") + 4
    first = Member("archive/data/0", data, descriptor=True, padding=-header % 64)
    rest = [
        Member("archive/data.pkl", b"", descriptor=True, zip64=True),
        Member("archive/constants.pkl"),
        Member("archive/version", b"3\n"),
    ]
    return write_zip([first, *rest], zip64_end=True)


def test_records_are_named_without_the_top_directory() -> None:
    archive = Archive.open(write_archive({"data/0": b"1234"}))
    assert archive.records == (
        "data.pkl",
        "code/__torch__.py",
        "constants.pkl",
        "version",
        "data/0",
    )
    assert "data/0" in archive
    assert "data/1" not in archive


def test_every_kind_of_source_opens(tmp_path: Path) -> None:
    data = write_archive()
    path = tmp_path / "model.pt"
    path.write_bytes(data)
    for source in (path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)):
        with Archive.open(source) as archive:
            assert archive.version == 3
    with path.open("rb") as file:
        assert Archive.open(file).read("version") == b"3\n"


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("descriptor", [False, True])
@pytest.mark.parametrize("zip64", [False, True])
def test_every_form_of_record_reads(deflate: bool, descriptor: bool, zip64: bool) -> None:
    text = b"x = 1\n" * 100
    member = Member("archive/code/a.py", text, deflate, descriptor, zip64)
    archive = Archive.open(write_archive(None, member))
    assert archive.code_files["a.py"] == text.decode()


def test_zip64_end_record_and_comment_are_accepted() -> None:
    members = [Member(f"m/{name}") for name in ("data.pkl", "constants.pkl")]
    members.append(Member("m/.data/version", b"6"))
    archive = Archive.open(write_zip(members, comment=b"PK\x05\x06 hello", zip64_end=True))
    assert archive.version == 6


def test_directory_entries_are_no_records() -> None:
    data = write_archive(None, Member("archive/code/"))
    assert "code/" not in Archive.open(data).records


def test_code_and_extra_files_are_mappings() -> None:
    archive = Archive.open(
        write_archive(
            {
                "extra/labels.txt": b"cat\ndog",
                "code/__torch__/a.py": "# é".encode(),
                "code/__torch__/a.py.debug_pkl": b"?",
            }
        )
    )
    assert set(archive.code_files) == {"__torch__.py", "__torch__/a.py"}
    assert archive.code_files["__torch__/a.py"] == "# é"
    assert dict(archive.extra_files) == {"labels.txt": b"cat\ndog"}
    assert len(archive.extra_files) == 1


@pytest.mark.parametrize("version", [1, 10])
@pytest.mark.parametrize("place", ["version", ".data/version"])
def test_version_is_read_from_both_places(version: int, place: str) -> None:
    records = {place: f"{version}\n".encode()}
    members = [Member("m/data.pkl"), Member("m/constants.pkl")]
    members += [Member(f"m/{name}", text) for name, text in records.items()]
    data = write_zip(members)
    assert Archive.open(data).version == version


def test_byteorder_defaults_to_little() -> None:
    assert Archive.open(write_archive()).byteorder == "little"
    assert Archive.open(write_archive({"byteorder": b"big"})).byteorder == "big"


def test_mapped_record_is_a_view_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(_padded(bytes(range(64))))
    archive = Archive.open(path)
    first, second = archive.map_record("data/0"), archive.map_record("data/0")
    assert np.shares_memory(first, second)
    assert first.ctypes.data % 64 == 0
    first[0] = 99
    assert second[0] == 99
    assert Archive.open(path).map_record("data/0")[0] == 0, "the file itself must not change"


def test_arrays_outlive_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(_padded(bytes(range(64))))
    with Archive.open(path) as archive:
        array = archive.map_record("data/0")
    del archive
    gc.collect()
    path.unlink()
    assert array.tolist() == list(range(64))


def test_mapping_ends_with_its_last_array(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(_padded(bytes(64)))

    def is_mapped() -> bool:
        return str(path) in Path("/proc/self/maps").read_text()

    if not os.path.exists("/proc/self/maps"):
        pytest.skip("needs /proc")
    with Archive.open(path) as archive:
        array = archive.map_record("data/0")
    assert is_mapped()
    del array
    assert not is_mapped()


def test_closed_archive_says_so() -> None:
    archive = Archive.open(write_archive())
    archive.close()
    archive.close()
    with pytest.raises(ArchiveError, match="the archive is closed"):
        archive.read("version")


@pytest.mark.parametrize("padding", range(8))
def test_unaligned_or_compressed_records_are_copied_aligned(padding: int) -> None:
    payload = np.arange(5, dtype=np.float64)
    for deflate in (False, True):
        member = Member("archive/data/7", payload.tobytes(), deflate, padding=padding)
        record = Archive.open(write_archive(None, member)).map_record("data/7")
        assert record.ctypes.data % 16 == 0
        assert record.flags.writeable
        np.testing.assert_array_equal(record.view(np.float64), payload)


def test_empty_record_maps_to_no_bytes() -> None:
    assert Archive.open(write_archive({"data/0": b""})).map_record("data/0").size == 0


def test_limits_are_settable() -> None:
    data = write_archive(None, Member("archive/code/a.py", b"0" * 5000, deflate=True))
    small = Limits(max_inflated_bytes=4000, max_inflation=2)
    with pytest.raises(ArchiveError, match=r"'code/a\.py' inflates to 5000 bytes"):
        Archive.open(data, small).code_files["a.py"]
    total = Limits(max_total_inflated_bytes=4999)
    with pytest.raises(ArchiveError, match="more than 4999 bytes"):
        Archive.open(data, total).code_files["a.py"]
    with pytest.raises(ArchiveError, match="5 records, at most 4"):
        Archive.open(data, Limits(max_records=4))
