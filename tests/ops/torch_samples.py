"""Calls of torch's functions, as torch's samples of its own tests make them, made with Treadle too.

Everything is compared: results, arguments written into, refusals. `scripts/op_db.py` runs all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode, resolve_name

import treadle
from tests.ops.torch_differences import RANDOM, ROUNDED, difference, is_short, shown
from treadle.eager.table import FUNCTIONS

OUT_OF_SCOPE = {
    "sparse": "sparse tensors",
    "nested": "nested tensors",
    "quantize": "quantised tensors",
    "fake": "quantised tensors",
    "backward": "gradients",
    "requires_grad": "gradients",
    "grad": "gradients",
    "autograd": "gradients",
    "lstm_mps": "other devices",
    "spmm": "sparse tensors",
    "sym_": "numbers of torch's own compiler",
    "chalf": "complex numbers of 16-bit parts",
    "trace": "`treadle.trace` records what runs; `Tensor.trace` is the function",
}
"""Parts of names of functions that Treadle does not have, and why."""
REFUSED = {
    "complex numbers": "complex numbers where Treadle takes floats alone",
    "parts must both be f32 or f64": "complex numbers of 16-bit parts",
    "got c64": "complex numbers where Treadle takes floats alone",
    "expected floats with a last dim of 2, got f16": "complex numbers of 16-bit parts",
    "training mode": "statistics that move on",
    "updates its statistics": "statistics that move on",
    "of integers": "means of integers",
    "must ascend": "edges out of order",
    "of f32, f64 or complex": "functions of 16-bit matrices",
    "batch_norm: input must have at least 2 dims": "batches without channels",
}
"""Parts of messages of calls that are refused on purpose, and why."""
ACCEPTED = {
    "Expected out tensor": "results are cast to the dtype of out",
    "expects Long tensor out": "results are cast to the dtype of out",
    "got scalar type ComplexFloat for argument 'out'": "results are cast to the dtype of out",
    "weights cannot be negative": "numbers that only data tell",
    "some elements of the input tensor and the written-to tensor": "results that overlap operands",
    "more than one element of the written-to tensor": "outs that were expanded, in plans",
    "has no attribute 'reciprocal'": "calls of methods of what is no tensor",
}
"""Parts of torch's messages of calls that Treadle accepts on purpose, and why."""
FIRST_DTYPES = (torch.float32, torch.int64, torch.complex64, torch.bool)


@dataclass(slots=True)
class Found:
    """What became of the calls of one operator: how many were the same, and why others were not."""

    name: str
    same: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    differences: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def differs(self, kind: str, example: str) -> None:
        """Count a call that differs, and keep the first of each kind."""
        self.differences[kind] += 1
        self.examples.setdefault(kind, example)


class Comparison(TorchFunctionMode):
    """While it is active, every call of torch is repeated with Treadle and noted in `found`."""

    def __init__(self, found: Found, *, errors: bool) -> None:
        super().__init__()
        self.found, self.errors = found, errors

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Torch's result, after the same call of Treadle was compared with it."""
        name = resolve_name(func)
        kwargs = kwargs or {}
        reason = _why_out_of_scope(name, (args, kwargs))
        if reason:
            self.found.skipped[reason] += 1
            return func(*args, **kwargs)
        memo: dict[int, Any] = {}
        given, keywords = to_ours(args, memo), to_ours(kwargs, memo)
        call = f"{name}({', '.join(map(shown, args))}{_shown_keywords(kwargs)})"
        try:
            expected = func(*args, **kwargs)
        except Exception as refusal:
            if self.errors:
                self._compare_refusal(name, given, keywords, f"{call}: {refusal}")
            raise
        if not self.errors:
            self._compare(name, (args, kwargs, expected), given, keywords, call)
        return expected

    def _compare(
        self, name: str, torchs: tuple[Any, ...], given: Any, keywords: Any, call: str
    ) -> None:
        try:
            result = find(name)(*given, **keywords)
        except (AttributeError, KeyError) as error:
            self.found.differs("missing", f"{name}: {error}")
        except treadle.Error as error:
            reason = _first_of(REFUSED, str(error))
            if reason:
                self.found.skipped[reason] += 1
            else:
                self.found.differs("refused", f"{call}: {error}")
        except Exception as error:
            self.found.differs("fails", f"{call}: {type(error).__name__}: {error}")
        else:
            base = name.rpartition(".")[2].removesuffix("_with_indices")
            exact = not _draws(base, *torchs[:2])
            reason = difference((given, keywords, result), torchs, base if exact else "random")
            if result is NotImplemented:
                self.found.skipped["reflected operators, which Python does not call"] += 1
            elif reason and base in ROUNDED and any(map(is_short, tensors_in(torchs))):
                self.found.skipped["16-bit floats, which torch rounds between steps"] += 1
            elif reason:
                self.found.differs("differs", f"{call}: {reason}")
            else:
                self.found.same += 1

    def _compare_refusal(self, name: str, given: Any, keywords: Any, call: str) -> None:
        try:
            find(name)(*given, **keywords)
        except (treadle.Error, AttributeError):
            self.found.same += 1
        except TypeError as error:
            if "unexpected keyword" not in str(error):
                raise
            self.found.skipped["keywords that Treadle has not got"] += 1
        except Exception as error:
            self.found.differs("fails", f"{call}: {type(error).__name__}: {error}")
        else:
            reason = _first_of(ACCEPTED, call)
            if reason:
                self.found.skipped[reason] += 1
            else:
                self.found.differs("accepts", call)


def _draws(base: str, args: Any, keywords: Any) -> bool:
    """Whether values of the result are anybody's."""
    if base in RANDOM:
        return keywords.get("_random_samples") is None
    place = 10 if base == "multi_head_attention_forward" else 4
    given = args[place] if "attention" in base and len(args) > place else 0.0
    return bool(keywords.get("dropout_p", given))


def _first_of(reasons: dict[str, str], message: str) -> str:
    """The reason whose part is in `message`, if there is one."""
    return next((why for part, why in reasons.items() if part in message), "")


def _why_out_of_scope(name: str | None, values: Any) -> str:
    if name is None:
        return "internal functions"
    parts = name.removesuffix(".__get__").split(".")
    own = parts[1] if parts[0] == "aten" else parts[-1]
    for part, reason in OUT_OF_SCOPE.items():
        if part in own:
            return reason
    tensors = list(tensors_in(values))
    if any(t.layout is not torch.strided for t in tensors):
        return "sparse tensors"
    if any(isinstance(v, torch.nn.Module) for v in values[1].values()):
        return "modules of torch as arguments"
    return "quantised tensors" if any(t.is_quantized for t in tensors) else ""


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """The tensors in lists, tuples and dictionaries."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from tensors_in(item)


def to_ours(value: Any, memo: dict[int, Any]) -> Any:
    """`value` with copies of tensors, the same for the same, and dtypes as Treadle's."""
    if isinstance(value, torch.Tensor):
        if id(value) not in memo:
            memo[id(value)] = _copy(value.detach().resolve_conj().resolve_neg())
        return memo[id(value)]
    if isinstance(value, torch.Size):
        return tuple(value)
    if isinstance(value, list | tuple):
        items = [to_ours(v, memo) for v in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return {k: to_ours(v, memo) for k, v in value.items()}
    if isinstance(value, torch.dtype | torch.memory_format | torch.layout):
        return getattr(treadle, str(value).rpartition(".")[2], value)
    return str(value) if isinstance(value, torch.device) else value


def _copy(tensor: torch.Tensor) -> treadle.Tensor:
    """A copy of `tensor` with its strides, in a copy of all the memory that it is a part of."""
    whole = torch.empty(0, dtype=tensor.dtype).set_(tensor.untyped_storage())
    if not whole.numel():
        return treadle.from_dlpack(tensor.clone())
    memory = treadle.from_dlpack(whole.clone())
    return memory.as_strided(tensor.shape, tensor.stride(), int(tensor.storage_offset()))


def find(name: str) -> Callable[..., Any]:
    """Treadle's function for torch's ``torch.linalg.inv``, ``torch.Tensor.T.__get__`` ...

    Raises:
        AttributeError: if there is none.
    """
    if name.startswith("aten."):
        return FUNCTIONS[name.split(".")[1]]
    attribute = name.removesuffix(".__get__")
    found: Any = treadle
    for part in attribute.removeprefix("torch.").removeprefix("functional.").split("."):
        if found is treadle.Tensor and attribute == name:
            return lambda self, *args, **kwargs: getattr(self, part)(*args, **kwargs)
        if found is treadle.Tensor:
            return lambda self: getattr(self, part)
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def _shown_keywords(keywords: dict[str, Any]) -> str:
    return "".join(f", {k}={shown(v)}" for k, v in keywords.items())


def compare(info: Any, dtype: torch.dtype, *, errors: bool = False) -> Found:
    """Run the samples of one entry of torch's table."""
    found = Found(f"{info.name}.{info.variant_test_name}".removesuffix("."))
    if errors:
        wrong = info.error_inputs("cpu") if info.error_inputs_func is not None else ()
        samples = [w.sample_input for w in wrong]
    else:
        samples = list(info.sample_inputs("cpu", dtype, requires_grad=False))
    for sample in samples:
        with Comparison(found, errors=errors):
            try:
                info(sample.input, *sample.args, **sample.kwargs)
            except Exception:
                if not errors:
                    found.skipped["torch refuses"] += 1
    return found


def dtypes_of(info: Any, wanted: Sequence[torch.dtype]) -> list[torch.dtype]:
    """Those of `wanted` that torch's operator takes; without any, the first of the usual ones."""
    taken = info.supported_dtypes("cpu")
    if wanted:
        return [dtype for dtype in wanted if dtype in taken]
    return [dtype for dtype in FIRST_DTYPES if dtype in taken][:1]
