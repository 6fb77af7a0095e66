"""`Evaluation`: operators whose operands are known while a graph is specialised run at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import Error
from treadle.ir.op import OpDef
from treadle.ops.inplace import FUNCTIONAL
from treadle.passes.abstract import Unplannable, arrays_in, memory_of, mutates_list

MAX_WORK = 100_000
"""Operators run while unrolling, and elements of the lists and dicts that they see."""
MAX_FOLDED_BYTES = 64 << 20


class Evaluation:
    """Runs operators, and remembers the memory of the arrays that they make."""

    def __init__(self) -> None:
        self._work = 0
        self._own: dict[int, np.ndarray] = {}

    def owns(self, memory: np.ndarray) -> bool:
        """Whether `memory` was made here, and nobody else has it."""
        return id(memory) in self._own

    def give_away(self, array: np.ndarray) -> None:
        """Let others have the memory of `array`."""
        self._own.pop(id(memory_of(array)), None)

    def run(self, op: OpDef, args: list[Any], *, containers: bool = False) -> Any:
        """What `op` gives for `args`; with `containers` it may change lists and dicts in them.

        Raises:
            Unplannable: if it fails, has an effect that others see, or there is too much to do.
        """
        if op.reference is None:
            raise Unplannable(f"{op.name} has no rule")
        self._work += 1 + sum(len(a) for a in args if isinstance(a, list | dict))
        if self._work > MAX_WORK:
            raise Unplannable(f"more than {MAX_WORK} steps of unrolling")
        may_change = mutates_list(op) or (containers and op.schema is not None)
        if not may_change and not op.is_pure_on(args):
            self._check_own(op, args)
        try:
            result = op.reference(*args)
        except (
            Error, ArithmeticError, LookupError, MemoryError, TypeError, ValueError
        ) as error:  # fmt: skip
            raise Unplannable(f"{op.name} fails: {error}") from error
        self._note_own(args, result)
        if isinstance(result, np.ndarray) and result.nbytes > MAX_FOLDED_BYTES:
            raise Unplannable(f"{op.name} makes a constant of {result.nbytes} bytes")
        return result

    def _check_own(self, op: OpDef, args: list[Any]) -> None:
        """Refuse an effect, unless it writes into memory that was made here and not yet used.

        Then nobody sees it but later nodes, which run in the same order: masks that are filled in.
        """
        target = args[0] if op.name in FUNCTIONAL else None
        if not isinstance(target, np.ndarray) or id(memory_of(target)) not in self._own:
            raise Unplannable(f"{op.name} has an effect")

    def _note_own(self, args: list[Any], result: Any) -> None:
        """Note the memory of arrays that `result` does not share with `args`."""
        given = arrays_in(args)
        for array in arrays_in(result):
            if not any(np.may_share_memory(array, a) for a in given):
                memory = memory_of(array)
                self._own[id(memory)] = memory
