"""What ``treadle run`` writes: whole files or none, with the modes that they had."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command
from tests.cli.support import DIGITS, PAIR, images, model_with, save_npy


def test_a_link_stays_and_its_target_is_written(treadle: Command) -> None:
    Path("real.npy").write_bytes(b"old")
    Path("link.npy").symlink_to("real.npy")
    assert treadle("run", DIGITS, save_npy(Path("x.npy"), images()), "-o", "link.npy").status == 0
    assert Path("link.npy").is_symlink()
    assert np.load("real.npy").shape == (2, 10)


def test_an_old_file_keeps_its_mode_and_a_new_one_follows_the_umask(treadle: Command) -> None:
    Path("old.npy").touch(mode=0o640)
    save_npy(Path("x.npy"), images())
    before = os.umask(0o027)
    try:
        assert treadle("run", DIGITS, "x.npy", "-o", "old.npy").status == 0
        assert treadle("run", DIGITS, "x.npy", "-o", "new.npy").status == 0
    finally:
        os.umask(before)
    assert Path("old.npy").stat().st_mode & 0o777 == 0o640
    assert Path("new.npy").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("missing/y.npy", "there is no directory missing"),
        ("folder.npy", "it is a directory"),
        ("y.txt", "written as .npy or .npz"),
        ("y", "written as .npy or .npz"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_first(
    treadle: Command, target: str, message: str
) -> None:
    Path("folder.npy").mkdir()
    treadle("run", "not-even-there.pt", "-o", target).refused(f"cannot write {target}", message)


def test_a_folder_without_permission_is_refused(
    treadle: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    treadle("run", DIGITS, "-o", "y.npy").refused("cannot write y.npy: permission denied")


def test_several_outputs_do_not_fit_an_npy_and_leave_the_old_file(treadle: Command) -> None:
    model = model_with(Path("pair.pt"), PAIR)
    Path("out.npy").write_bytes(b"old")
    np.savez("in.npz", x=np.array([1], np.float32), y=np.array([1], np.float32), scale=1)
    treadle("run", model, "in.npz", "-o", "out.npy").refused("0, 1.left, 1.right", ".npz")
    assert Path("out.npy").read_bytes() == b"old"


def test_a_failed_write_leaves_the_old_file_and_no_part(
    treadle: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    save_npy(Path("x.npy"), images())
    Path("y.npy").write_bytes(b"old")
    monkeypatch.setattr(os, "replace", full)
    treadle("run", DIGITS, "x.npy", "-o", "y.npy").refused("cannot write y.npy: No space left")
    assert Path("y.npy").read_bytes() == b"old"
    assert sorted(os.listdir()) == ["x.npy", "y.npy"]
