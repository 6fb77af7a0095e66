"""Operators that are functions of TorchScript: old versions of operators, and composite ones.

An archive names operators as they were when it was written. `Library.overloads` gives the functions
that a name then stood for, and those that no single operator of Treadle stands for.
Source: torch/csrc/jit/operator_upgraders (behaviour), ATen's native/transformers.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Sequence

from treadle.frontends.torchscript.functional import SOURCE, definition_of
from treadle.frontends.torchscript.given_results import CHECK_OUT, WRITTEN_INTO
from treadle.frontends.torchscript.importer import make_function
from treadle.frontends.torchscript.parser import Source, parse
from treadle.frontends.torchscript.symbols import (
    Builtin,
    FunctionSymbol,
    Namespace,
    Special,
    Symbol,
)
from treadle.ir.program import Class, Function, Program

_UPGRADERS = """
def div_tensor(self: Tensor, other: Tensor) -> Tensor:
  if torch.is_floating_point(self) or torch.is_floating_point(other):
    result = torch.div(self, other)
  else:
    result = torch.div(self, other, rounding_mode="trunc")
  return result

def div_scalar(self: Tensor, other: number) -> Tensor:
  if torch.is_floating_point(self) or isinstance(other, float):
    result = torch.div(self, other)
  else:
    result = torch.div(self, other, rounding_mode="trunc")
  return result

def div_tensor_out(self: Tensor, other: Tensor, *, out: Tensor) -> Tensor:
  if torch.is_floating_point(out):
    result = torch.div(self, other)
  else:
    result = div_tensor(self, other)
  check_out(result, out, False)
  return written_into(result, out)

def div_tensor_in_place(self: Tensor, other: Tensor) -> Tensor:
  if torch.is_floating_point(self) or torch.is_floating_point(other):
    result = torch.div_(self, other)
  else:
    result = torch.div_(self, other, rounding_mode="trunc")
  return result

def div_scalar_in_place(self: Tensor, other: number) -> Tensor:
  if torch.is_floating_point(self) or isinstance(other, float):
    result = torch.div_(self, other)
  else:
    result = torch.div_(self, other, rounding_mode="trunc")
  return result

def full(size: List[int], fill_value: number, *, dtype: Optional[int]=None,
    layout: Optional[int]=None, device: Optional[Device]=None,
    pin_memory: Optional[bool]=None) -> Tensor:
  if dtype is None:
    result = torch.full(size, float(fill_value), dtype=None, layout=layout, device=device)
  else:
    result = torch.full(size, fill_value, dtype=dtype, layout=layout, device=device)
  return result

def linspace(start: number, end: number, steps: Optional[int]=None, *,
    dtype: Optional[int]=None, layout: Optional[int]=None, device: Optional[Device]=None,
    pin_memory: Optional[bool]=None) -> Tensor:
  count = 100
  if steps is not None:
    count = steps
  return torch.linspace(start, end, count, dtype=dtype, layout=layout, device=device)

def logspace(start: number, end: number, steps: Optional[int]=None, base: float=10., *,
    dtype: Optional[int]=None, layout: Optional[int]=None, device: Optional[Device]=None,
    pin_memory: Optional[bool]=None) -> Tensor:
  count = 100
  if steps is not None:
    count = steps
  return torch.pow(base, torch.linspace(start, end, count, dtype=dtype))
"""

_COMPOSITES = """
def check_out(result: Tensor, out: Tensor, exact: bool) -> NoneType:
  given, wanted = prim.dtype(result), prim.dtype(out)
  if exact:
    fits = given == wanted
  else:
    fits = torch.can_cast(given, wanted)
  if not fits:
    raise RuntimeError("the tensor given as out has a dtype that the result cannot be cast to")
  return None

def written_into(result: Tensor, out: Tensor) -> Tensor:
  if torch.size(out) != torch.size(result):
    torch.resize_(out, torch.size(result))
  return torch.copy_(out, result)

def logspace_of_steps(start: number, end: number, steps: int, base: float=10.,
    dtype: Optional[int]=None, layout: Optional[int]=None, device: Optional[Device]=None,
    pin_memory: Optional[bool]=None) -> Tensor:
  return torch.pow(base, torch.linspace(start, end, steps, dtype=dtype))

def tensordot_of_count(a: Tensor, b: Tensor, dims: int=2) -> Tensor:
  return torch.tensordot(a, b, [i - dims for i in range(dims)], [i for i in range(dims)])

def tensordot_of_lists(a: Tensor, b: Tensor, dims: List[List[int]]) -> Tensor:
  return torch.tensordot(a, b, dims[0], dims[1])

def tensordot_of_pair(a: Tensor, b: Tensor, dims: Tuple[List[int], List[int]]) -> Tensor:
  first, second = dims
  return torch.tensordot(a, b, first, second)

def tensordot_of_tensor(a: Tensor, b: Tensor, dims: Tensor) -> Tensor:
  if torch.numel(dims) == 1:
    result = tensordot_of_count(a, b, int(dims))
  else:
    both: List[List[int]] = dims.tolist()
    result = tensordot_of_lists(a, b, both)
  return result

def heads(x: Tensor, weight: Tensor, bias: Tensor, count: int) -> Tensor:
  y = torch.linear(x, weight, bias)
  size = torch.floordiv(torch.size(y, 2), count)
  y = torch.reshape(y, [torch.size(y, 0), torch.size(y, 1), count, size])
  return torch.transpose(y, 1, 2)

def hidden(mask: Tensor, mask_type: Optional[int]) -> Tensor:
  result = torch.to(mask, 11)
  if mask_type is not None:
    if mask_type == 1:
      result = torch.unsqueeze(torch.unsqueeze(result, 1), 1)
  return result

def _native_multi_head_attention(query: Tensor, key: Tensor, value: Tensor, embed_dim: int,
    num_head: int, qkv_weight: Tensor, qkv_bias: Tensor, proj_weight: Tensor, proj_bias: Tensor,
    mask: Optional[Tensor]=None, need_weights: bool=True, average_attn_weights: bool=True,
    mask_type: Optional[int]=None) -> Tuple[Tensor, Tensor]:
  n = embed_dim
  q = heads(query, qkv_weight[:n], qkv_bias[:n], num_head)
  k = heads(key, qkv_weight[n:2 * n], qkv_bias[n:2 * n], num_head)
  v = heads(value, qkv_weight[2 * n:], qkv_bias[2 * n:], num_head)
  if need_weights:
    scores = torch.matmul(q, torch.transpose(k, 2, 3)) * (n // num_head) ** -0.5
    if mask is not None:
      scores = torch.masked_fill(scores, hidden(mask, mask_type), -inf)
    weights = torch.softmax(scores, -1)
    mixed = torch.matmul(weights, v)
    if average_attn_weights:
      weights = torch.mean(weights, [1])
  else:
    weights = torch.zeros([0])
    if mask is not None:
      keep = torch.logical_not(hidden(mask, mask_type))
      mixed = torch.scaled_dot_product_attention(q, k, v, keep)
    else:
      mixed = torch.scaled_dot_product_attention(q, k, v)
  joined = torch.reshape(torch.transpose(mixed, 1, 2), torch.size(query))
  return torch.linear(joined, proj_weight, proj_bias), weights

def _nested_tensor_from_mask_left_aligned(t: Tensor, mask: Tensor) -> bool:
  return False

def _transformer_encoder_layer_fwd(src: Tensor, embed_dim: int, num_heads: int,
    qkv_weight: Tensor, qkv_bias: Tensor, proj_weight: Tensor, proj_bias: Tensor, use_gelu: bool,
    norm_first: bool, eps: float, norm_weight_1: Tensor, norm_bias_1: Tensor,
    norm_weight_2: Tensor, norm_bias_2: Tensor, ffn_weight_1: Tensor, ffn_bias_1: Tensor,
    ffn_weight_2: Tensor, ffn_bias_2: Tensor, mask: Optional[Tensor]=None,
    mask_type: Optional[int]=None) -> Tensor:
  x = src
  if norm_first:
    x = torch.layer_norm(x, [embed_dim], norm_weight_1, norm_bias_1, eps)
  attended, _ = _native_multi_head_attention(x, x, x, embed_dim, num_heads, qkv_weight, qkv_bias,
      proj_weight, proj_bias, mask, False, True, mask_type)
  x = attended + src
  if not norm_first:
    x = torch.layer_norm(x, [embed_dim], norm_weight_1, norm_bias_1, eps)
  y = x
  if norm_first:
    y = torch.layer_norm(y, [embed_dim], norm_weight_2, norm_bias_2, eps)
  y = torch.linear(y, ffn_weight_1, ffn_bias_1)
  if use_gelu:
    y = torch.gelu(y)
  else:
    y = torch.relu(y)
  y = torch.linear(y, ffn_weight_2, ffn_bias_2) + x
  if not norm_first:
    y = torch.layer_norm(y, [embed_dim], norm_weight_2, norm_bias_2, eps)
  return y
"""

_OLD: dict[str, tuple[int, tuple[str, ...]]] = {
    "aten::div": (4, ("div_tensor", "div_scalar", "div_tensor_out")),
    "aten::div_": (4, ("div_tensor_in_place", "div_scalar_in_place")),
    "aten::full": (5, ("full",)),
    "aten::linspace": (8, ("linspace",)),
    "aten::logspace": (9, ("logspace",)),
}  # the operator changed with this version of the file format
_TENSOR_CASTS = {
    "byte": 0, "char": 1, "short": 2, "int": 3, "long": 4, "half": 5, "float": 6, "double": 7,
    "bool": 11, "bfloat16": 15,
}  # fmt: skip
_CASTS = "".join(
    f"def to_{name}(self: Tensor) -> Tensor:\n  return torch.to(self, {code})\n\n"
    for name, code in _TENSOR_CASTS.items()
)
_COMPOSITE: dict[str, tuple[str, ...]] = {
    "aten::_native_multi_head_attention": ("_native_multi_head_attention",),
    # What needs masks aligned to the left takes them all where they are not: there are no nested
    # tensors here.
    "aten::_nested_tensor_from_mask_left_aligned": ("_nested_tensor_from_mask_left_aligned",),
    "aten::_transformer_encoder_layer_fwd": ("_transformer_encoder_layer_fwd",),
    "aten::logspace": ("logspace_of_steps",),
    "aten::tensordot": tuple(
        f"tensordot_of_{kind}" for kind in ("count", "lists", "pair", "tensor")
    ),
    CHECK_OUT: ("check_out",),
    WRITTEN_INTO: ("written_into",),
    **{f"aten::{name}": (f"to_{name}",) for name in _TENSOR_CASTS},
}  # fmt: skip
_SPECIALS = frozenset({"float", "int", "isinstance", "range"})
_PREFIX = "treadle.library."
_OPERATORS = {"torch": "aten"}


class Library:
    """The functions that stand for operators in one program.

    Args:
        program: where the functions go when they are first used.
        version: of the file format; None for scripts, which mean today's operators.
    """

    declares_attributes = False
    defers_unsupported = False

    def __init__(self, program: Program, version: int | None = None) -> None:
        self._program = program
        self._version = version

    def overloads(self, name: str) -> Sequence[Function]:
        """What stands for operator `name`, to be tried before its own overloads."""
        until, functions = _OLD.get(name, (0, ()))
        if self._version is None or self._version >= until:
            composite = definition_of(name)
            functions = (composite,) if composite else _COMPOSITE.get(name, ())
        return [self._function(function) for function in functions]

    def _function(self, name: str) -> Function:
        qualified = _PREFIX + name
        if qualified not in self._program.functions:
            source, node = _definitions()[name]
            self._program.functions[qualified] = make_function(source, self, node, qualified)
        return self._program.functions[qualified]

    def lookup(self, name: str) -> Symbol | None:
        """What a name in the library's own source stands for."""
        if name in _definitions():
            return FunctionSymbol(self._function(name))
        if name in _SPECIALS:
            return Special(name)
        return Namespace(name) if name in ("torch", "prim") else None

    def member(self, path: str, name: str) -> Symbol | None:
        """``torch.name``: today's operator."""
        return Builtin(f"{_OPERATORS.get(path, path)}::{name}")

    def library(self, name: str) -> Sequence[Function]:
        """Nothing: the library's own source means today's operators."""
        return ()

    def find_class(self, name: str) -> Class | None:
        """There are no classes here."""
        return None

    def prepare(self, function: Function) -> bool:
        """Nothing to do: the functions say what they return."""
        return True


@functools.cache
def _definitions() -> dict[str, tuple[Source, ast.FunctionDef]]:
    found = {}
    texts = {"upgraders": _UPGRADERS, "composites": _COMPOSITES + _CASTS, "functional": SOURCE}
    for file, text in texts.items():
        source = Source(text, f"treadle/{file}")
        for node in parse(source).body:
            assert isinstance(node, ast.FunctionDef)
            found[node.name] = (source, node)
    return found
