"""Limits on what an archive may ask for before anything of it runs."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one archive may use while it is read; a file that wants more is refused.

    The defaults leave room for every archive that PyTorch writes in practice.
    """

    max_records: int = 1 << 20
    """Records in one archive."""
    max_inflated_bytes: int = 64 * MIB
    """Size of one compressed record once inflated, unless `max_inflation` allows more."""
    max_inflation: int = 100
    """Ratio of inflated to stored size that is accepted above `max_inflated_bytes`."""
    max_total_inflated_bytes: int = 1024 * MIB
    """Size of all compressed records together once inflated."""
    max_pickle_bytes: int = 256 * MIB
    max_pickle_steps: int = 10_000_000
    """Opcodes of one pickle, plus the list elements its functions go through."""
    max_depth: int = 200
    """Nesting of values."""
    max_string_bytes: int = 16 * MIB
    max_type_chars: int = 64 * 1024
    """Length of a type written as a string."""
    max_rank: int = 64
    max_tensor_bytes: int = 1 << 47
    """Elements times their size, of one tensor; only an expanded one can exceed what is stored."""
