"""Calls of torch's functions, as torch's samples of its own tests make them, made with Treadle too.

Everything is compared: results, arguments written into, refusals. `scripts/op_db.py` runs all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils.dlpack import from_dlpack

import treadle
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
}
"""Parts of names of functions that Treadle does not have, and why."""
REFUSED = {"training": "training", "call eval()": "training"}
"""Parts of messages of calls that are refused on purpose, and why."""
RANDOM = frozenset({
    "alpha_dropout", "bernoulli", "bernoulli_", "cauchy_", "dropout", "dropout1d", "dropout2d",
    "dropout3d", "dropout_", "empty", "empty_like", "empty_permuted", "empty_strided",
    "exponential_", "feature_alpha_dropout", "feature_dropout", "fractional_max_pool2d",
    "fractional_max_pool3d", "geometric_", "gumbel_softmax", "log_normal_", "multinomial",
    "native_dropout", "new_empty", "new_empty_strided", "normal", "normal_", "pca_lowrank",
    "poisson", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "random",
    "random_", "randperm", "rrelu", "rrelu_", "svd_lowrank", "uniform_",
})  # fmt: skip
"""Functions whose values are anybody's: shapes and dtypes are compared."""
SIGNS = frozenset({"svd", "eigh", "eig", "qr", "lobpcg"})
"""Functions whose results have columns of either sign (or phase): absolute values are compared."""
TOLERANCES = {
    torch.float64: 1e-7, torch.complex128: 1e-7, torch.float32: 2e-5, torch.complex64: 2e-5,
    torch.float16: 4e-3, torch.bfloat16: 3e-2,
}  # fmt: skip
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
        shown = f"{name}({', '.join(map(_shown, args))}{_shown_keywords(kwargs)})"
        try:
            expected = func(*args, **kwargs)
        except Exception as refusal:
            if self.errors:
                self._compare_refusal(name, given, keywords, f"{shown}: {refusal}")
            raise
        if not self.errors:
            self._compare(name, (args, kwargs, expected), given, keywords, shown)
        return expected

    def _compare(
        self, name: str, torchs: tuple[Any, ...], given: Any, keywords: Any, shown: str
    ) -> None:
        try:
            result = find(name)(*given, **keywords)
        except (AttributeError, KeyError) as error:
            self.found.differs("missing", f"{name}: {error}")
        except treadle.UnsupportedError as error:
            reason = _known_refusal(str(error))
            if reason:
                self.found.skipped[reason] += 1
            else:
                self.found.differs("refused", f"{shown}: {error}")
        except treadle.Error as error:
            self.found.differs("refused", f"{shown}: {error}")
        except Exception as error:
            self.found.differs("fails", f"{shown}: {type(error).__name__}: {error}")
        else:
            base = name.rpartition(".")[2].removesuffix("_with_indices")
            exact = base not in RANDOM or torchs[1].get("_random_samples") is not None
            reason = difference((given, keywords, result), torchs, base if exact else "random")
            if result is NotImplemented:
                self.found.skipped["reflected operators, which Python does not call"] += 1
            elif reason:
                self.found.differs("differs", f"{shown}: {reason}")
            else:
                self.found.same += 1

    def _compare_refusal(self, name: str, given: Any, keywords: Any, shown: str) -> None:
        try:
            find(name)(*given, **keywords)
        except (treadle.Error, AttributeError):
            self.found.same += 1
        except Exception as error:
            self.found.differs("fails", f"{shown}: {type(error).__name__}: {error}")
        else:
            self.found.differs("accepts", shown)


def _known_refusal(message: str) -> str:
    """Why Treadle refuses on purpose, if it does."""
    return next((why for part, why in REFUSED.items() if part in message), "")


def _why_out_of_scope(name: str | None, values: Any) -> str:
    if name is None:
        return "internal functions"
    last = name.removesuffix(".__get__").rpartition(".")[2]
    for part, reason in OUT_OF_SCOPE.items():
        if part in last:
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


def difference(ours: Any, torchs: Any, name: str) -> str:
    """How `ours` differs from `torchs`, structures of tensors and numbers; empty if it does not."""
    if isinstance(torchs, torch.Tensor):
        return _tensor_difference(ours, torchs, name)
    if isinstance(torchs, list | tuple):
        if not isinstance(ours, list | tuple) or len(ours) != len(torchs):
            return f"{_shown(ours)} in place of {_shown(torchs)}"
        differences = (difference(o, t, name) for o, t in zip(ours, torchs, strict=True))
        return next(filter(None, differences), "")
    if isinstance(torchs, dict):
        differences = (difference(ours[k], t, name) for k, t in torchs.items())
        return next(filter(None, differences), "")
    if isinstance(torchs, bool | int | float | complex | str):
        same = ours == torchs or (ours != ours and torchs != torchs) or name in RANDOM
        if isinstance(torchs, float) and isinstance(ours, float) and not same:
            same = bool(np.isclose(ours, torchs, rtol=1e-5))
        return "" if same else f"{ours!r} in place of {torchs!r}"
    return ""


def _tensor_difference(ours: Any, torchs: torch.Tensor, name: str) -> str:
    if torchs.layout is not torch.strided:
        return ""
    if not isinstance(ours, treadle.Tensor):
        return f"{type(ours).__name__} in place of a tensor"
    if tuple(ours.shape) != tuple(torchs.shape):
        return f"shape {list(ours.shape)} in place of {list(torchs.shape)}"
    if str(ours.dtype).rpartition(".")[2] != str(torchs.dtype).rpartition(".")[2]:
        return f"{ours.dtype} in place of {torchs.dtype}"
    if name in RANDOM:
        return ""
    wide = torch.complex128 if torchs.is_complex() else torch.float64
    if torchs.dtype is torch.int64:
        wide = torch.int64
    theirs = torchs.detach().resolve_conj().resolve_neg().to(wide).numpy()
    found = _to_torch(ours).to(wide).numpy()
    if name in SIGNS:
        theirs, found = np.abs(theirs), np.abs(found)
    tolerance = TOLERANCES.get(torchs.dtype, 0.0)
    finite = np.abs(theirs[np.isfinite(theirs)])
    scale = float(finite.max()) if finite.size else 0.0
    limit = tolerance * max(scale, 1e-6)
    close = np.isclose(found, theirs, rtol=tolerance, atol=limit, equal_nan=True)
    if close.all():
        return ""
    first = tuple(np.argwhere(~close)[0])
    return f"{found[first]} in place of {theirs[first]} at {list(map(int, first))}"


def _to_torch(tensor: treadle.Tensor) -> torch.Tensor:
    return from_dlpack(tensor.clone()) if tensor.numel() else torch.empty(tensor.shape)


def _shown(value: Any) -> str:
    if isinstance(value, torch.Tensor | treadle.Tensor):
        return f"{str(value.dtype).rpartition('.')[2]}{list(value.shape)}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value)


def _shown_keywords(keywords: dict[str, Any]) -> str:
    return "".join(f", {k}={_shown(v)}" for k, v in keywords.items())


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
