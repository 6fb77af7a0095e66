"""The source of the functions in `library`: old versions of operators, and composite ones.

A nested tensor is here a padded one with a column more: whether a position is kept. So whatever is
no part of PyTorch's encoders refuses its shape, and nothing asks what is in a mask.
"""

UPGRADERS = """
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

COMPOSITES = """
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
  return True

def _nested_tensor_from_mask(t: Tensor, mask: Tensor, mask_check: bool=True) -> Tensor:
  return torch.cat([t, torch.unsqueeze(torch.to(mask, prim.dtype(t)), -1)], -1)

def to_padded_tensor(self: Tensor, padding: float,
    output_size: Optional[List[int]]=None) -> Tensor:
  size = torch.size(self, -1) - 1
  kept = torch.squeeze(torch.slice(self, -1, size), -1) != 0
  first = torch.arange(torch.size(kept, 1)) < torch.sum(kept, [1], True)
  is_aligned = torch.all(torch.eq(first, kept))
  shown = torch.unsqueeze(torch.logical_or(kept, torch.logical_not(is_aligned)), -1)
  return torch.where(shown, torch.slice(self, -1, 0, size), padding)

def _transformer_encoder_layer_fwd(src: Tensor, embed_dim: int, num_heads: int,
    qkv_weight: Tensor, qkv_bias: Tensor, proj_weight: Tensor, proj_bias: Tensor, use_gelu: bool,
    norm_first: bool, eps: float, norm_weight_1: Tensor, norm_bias_1: Tensor,
    norm_weight_2: Tensor, norm_bias_2: Tensor, ffn_weight_1: Tensor, ffn_bias_1: Tensor,
    ffn_weight_2: Tensor, ffn_bias_2: Tensor, mask: Optional[Tensor]=None,
    mask_type: Optional[int]=None) -> Tensor:
  is_nested = torch.size(src, -1) == embed_dim + 1
  x, kept = src, src
  hidden, hidden_type = mask, mask_type
  if is_nested:
    x, kept = torch.slice(src, -1, 0, embed_dim), torch.slice(src, -1, embed_dim)
    hidden, hidden_type = torch.squeeze(kept, -1) == 0, 1
  y = encoder_layer(x, embed_dim, num_heads, qkv_weight, qkv_bias, proj_weight, proj_bias,
      use_gelu, norm_first, eps, norm_weight_1, norm_bias_1, norm_weight_2, norm_bias_2,
      ffn_weight_1, ffn_bias_1, ffn_weight_2, ffn_bias_2, hidden, hidden_type)
  if is_nested:
    y = torch.cat([y, kept], -1)
  return y

def detect_is_causal_mask(mask: Optional[Tensor], is_causal: Optional[bool]=None,
    size: Optional[int]=None) -> bool:
  result = False
  if is_causal is not None:
    result = is_causal
  return result

def encoder_layer(src: Tensor, embed_dim: int, num_heads: int,
    qkv_weight: Tensor, qkv_bias: Tensor, proj_weight: Tensor, proj_bias: Tensor, use_gelu: bool,
    norm_first: bool, eps: float, norm_weight_1: Tensor, norm_bias_1: Tensor,
    norm_weight_2: Tensor, norm_bias_2: Tensor, ffn_weight_1: Tensor, ffn_bias_1: Tensor,
    ffn_weight_2: Tensor, ffn_bias_2: Tensor, mask: Optional[Tensor],
    mask_type: Optional[int]) -> Tensor:
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
