"""Models for the commands: the bundled archive with another ``forward``, and inputs as files."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.support import DATA

DIGITS = DATA / "digits.pt"
_NETWORK = "digits/code/__torch__/network.py"


def model_with(path: Path, forward: str) -> Path:
    """Write the bundled archive to `path` with `forward` (parameters, arrow, indented body)."""

    def edit(source: str) -> str:
        head = source[: source.index("  def forward")]
        return f"{head}  def forward(self: __torch__.network.DigitsNet{forward}\n"

    return edited_model(path, edit)


def edited_model(path: Path, edit: Callable[[str], str]) -> Path:
    """Write the bundled archive to `path` with its network's source edited."""
    with zipfile.ZipFile(DIGITS) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, edit(content.decode()).encode() if name == _NETWORK else content)
    return path


PAIR = """, x: Tensor, y: Tensor, scale: int) -> Tuple[Tensor, Dict[str, Tensor]]:
    sum = torch.add(x, y, alpha=scale)
    return (sum, {"left": torch.neg(x), "right": torch.neg(y)})
"""


def save_npy(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def images(count: int = 2) -> np.ndarray:
    """Held-out digits."""
    with np.load(DATA / "heldout.npz") as held_out:
        found: np.ndarray = held_out["images"][:count]
    return found
