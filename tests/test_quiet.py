"""NumPy warns of nothing while it is silenced, with and without a context variable."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import numpy as np
import pytest

from treadle.errors import ShapeError
from treadle.ops import OPS
from treadle.quiet import STATE, switch

ZEROS = np.zeros(1)
WAYS = [None, *filter(None, [STATE])]


@pytest.mark.parametrize("state", WAYS)
def test_nothing_warns_until_it_is_undone(state: tuple[ContextVar[Any], Any] | None) -> None:
    silence, restore = switch(state)
    with np.errstate(all="raise"):
        before = silence()
        assert np.isnan(ZEROS / ZEROS).all()
        restore(before)
        with pytest.raises(FloatingPointError):
            ZEROS / ZEROS


@pytest.mark.parametrize("state", WAYS)
def test_what_the_user_set_is_found_again(state: tuple[ContextVar[Any], Any] | None) -> None:
    silence, restore = switch(state)
    with np.errstate(divide="warn", over="raise", under="call", invalid="ignore"):
        wanted = np.geterr()
        outer = silence()
        inner = silence()
        restore(inner)
        assert set(np.geterr().values()) == {"ignore"}
        restore(outer)
        assert np.geterr() == wanted


def test_numpy_of_today_has_a_variable() -> None:
    assert (STATE is None) == (np.lib.NumpyVersion(np.__version__) < "2.0.0")


def test_a_reference_that_fails_leaves_numpy_as_it_was() -> None:
    reference = OPS["mm"].reference
    assert reference is not None
    before = np.geterr()
    with pytest.raises(ShapeError, match="matmul needs"):
        reference(np.zeros((2, 3)), np.zeros((2, 3)))
    assert np.geterr() == before


def test_references_are_quiet_in_every_thread() -> None:
    reference = OPS["div.Tensor"].reference
    assert reference is not None
    with ThreadPoolExecutor(1) as pool, np.errstate(all="raise"):
        assert np.isnan(pool.submit(reference, ZEROS, ZEROS).result())
        assert np.isnan(reference(ZEROS, ZEROS))
