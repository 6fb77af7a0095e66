"""Names of torch's that Treadle leaves out on purpose, and why; `docs/left_out.md` is the page."""

from __future__ import annotations

from fnmatch import fnmatchcase

LEFT_OUT: dict[str, tuple[str, ...]] = {
    "quantised tensors are out of scope": (
        "*quant*", "q_*", "qscheme", "qint*", "quint*", "int_repr", "fbgemm_*",
        "choose_qparams_optimized", "fused_moving_avg_obs_fake_quant",
    ),
    "sparse tensors are out of scope": (
        "*sparse*", "coalesce", "is_coalesced", "ccol_indices*", "col_indices*", "crow_indices*",
        "row_indices*", "indices", "indices_copy", "values", "values_copy", "dense_dim", "to_dense",
        "to_padded_tensor", "smm", "spmm", "dsmm", "hsmm", "hspmm", "saddmm", "sspaddmm",
    ),
    "gradients are not computed": (
        "backward", "*_backward*", "*grad*", "grad_fn", "output_nr", "register_hook", "reinforce",
        "register_post_accumulate_grad_hook", "slice_inverse", "batch_norm_*", "*anomaly*",
    ),
    "there is no device but the processor": (
        "cuda", "cudnn_*", "ipu", "is_ipu", "is_maia", "is_mps", "is_mtia", "is_vulkan*", "is_xla",
        "is_xpu", "is_mkldnn", "mkldnn_*", "to_mkldnn", "miopen_*", "mtia", "xpu", "pin_memory",
        "is_pinned", "record_stream", "get_device*", "set_default_device", "get_default_device",
    ),
    "dims have no names": ("name", "names", "rename*", "refine_names", "align_*"),
    "memory belongs to tensors: `data_ptr` and `set_` are what there is": (
        "storage", "storage_type", "untyped_storage", "is_storage", "is_set_to", "is_shared",
        "share_memory_", "const_data_ptr", "from_file",
    ),
    "complex numbers have parts of 32 or 64 bits": ("chalf", "complex32"),
    "elements have 8 bits or more, floats 16": (
        "float8_*", "float4_*", "bit", "bits*", "int[1-7]", "uint[1-7]", "scaled_mm",
        "scaled_grouped_mm",
    ),
    "models are compiled when they are loaded or scripted: `treadle.load`, `treadle.script`": (
        "compile", "vmap", "cond", "while_loop", "sym_*", "import_ir_module*", "parse_*",
        "unify_type_list", "merge_type_from_type_comment", "get_file_path", "dim_order",
    ),
    "a dtype is chosen where a tensor is made: `dtype=`, `Tensor.to`": (
        "*autocast*", "set_default_dtype", "set_default_tensor_type", "new", "typename",
    ),
    "results are the same at any number of threads, and single precision is single": (
        "*deterministic*", "*float32_matmul_precision", "set_flush_denormal",
    ),
    "torch removed it, or is about to; see `treadle.linalg`": (
        "eig", "symeig", "lstsq", "solve", "matrix_rank", "volatile", "resize", "resize_as",
    ),
    "it serves torch's own parts": (
        "boolean_dispatch", "assert_int_or_pair", "has_torch_function*", "handle_torch_function",
        "as_subclass", "module_load", "compiled_with_cxx11_abi", "init_num_threads", "native_norm",
        "prepare_multiprocessing_environment", "profiler_*", "*warn_always*", "is_distributed",
        "thread_safe_generator", "to_dlpack", "classproperty",
    ),
}  # fmt: skip
"""Patterns of names by the reason why there is none."""
TENSOR_NAMES = frozenset({
    "as_subclass", "backward", "ccol_indices", "chalf", "coalesce", "col_indices", "const_data_ptr",
    "crow_indices", "cuda", "dense_dim", "dequantize", "dim_order", "eig", "get_device",
    "grad_dtype", "grad_fn", "indices", "int_repr", "ipu", "is_coalesced", "is_distributed",
    "is_ipu", "is_maia", "is_mkldnn", "is_mps", "is_mtia", "is_pinned", "is_set_to", "is_shared",
    "is_sparse_csr", "is_vulkan", "is_xla", "is_xpu", "lstsq", "module_load", "mtia", "name", "new",
    "output_nr", "pin_memory", "q_per_channel_axis", "q_per_channel_scales",
    "q_per_channel_zero_points", "q_scale", "q_zero_point", "qscheme", "record_stream",
    "register_hook", "register_post_accumulate_grad_hook", "reinforce", "resize", "resize_as",
    "resize_as_sparse_", "retain_grad", "retains_grad", "row_indices", "share_memory_",
    "slice_inverse", "smm", "solve", "sparse_dim", "sparse_mask", "sparse_resize_",
    "sparse_resize_and_clear_", "sspaddmm", "storage", "storage_type", "symeig", "to_dense",
    "to_mkldnn", "to_padded_tensor", "to_sparse", "to_sparse_bsc", "to_sparse_bsr", "to_sparse_coo",
    "to_sparse_csc", "to_sparse_csr", "untyped_storage", "values", "volatile", "xpu",
})  # fmt: skip
"""What of these torch's tensors have."""


def missing(owner: str, name: str) -> str:
    """What an `AttributeError` says of the attribute `name`, which `owner` has not got."""
    return f"{owner} has no attribute {name!r}{because(name)}"


def because(name: str) -> str:
    """Why there is no `name`, to be put after a message; nothing if it is not left out."""
    for reason, patterns in LEFT_OUT.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return f": {reason}"
    return ""
