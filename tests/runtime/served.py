"""What processes that start afresh are asked to do; they import it by its name."""

from __future__ import annotations

from importlib import resources

import treadle

DIGITS = str(resources.files("treadle") / "data" / "digits.pt")


def scores(images: treadle.Tensor) -> treadle.Tensor:
    """What the bundled model gives for `images`."""
    result: treadle.Tensor = treadle.load(DIGITS)(images)
    return result
