"""The order in which TorchScript tries overloads, of operators that declare them in another.

Source: ``torch._C._jit_get_schemas_for_operator`` of PyTorch 2.13, with which a test compares it.
"""

from __future__ import annotations

ORDER: dict[str, str] = {
    "aten::Complex": (
        "Scalar Tensor_Tensor int_bool bool_int float_bool bool_float float_int int_float "
        "int_int bool_bool float_float Tensor_float float_Tensor Tensor_int int_Tensor "
        "Tensor_bool bool_Tensor"
    ),
    "aten::__and__": "Scalar Tensor bool int",
    "aten::__contains__": "int_list str_list str int bool float complex Tensor float_list",
    "aten::__iand__": "Tensor Scalar",
    "aten::__ilshift__": "Tensor Scalar",
    "aten::__interpolate": "scale_list size_list_scale_list - size_list",
    "aten::__ior__": "Tensor Scalar",
    "aten::__irshift__": "Tensor Scalar",
    "aten::__ixor__": "Tensor Scalar",
    "aten::_convolution": "deprecated -",
    "aten::acos": "- int float complex Scalar",
    "aten::acosh": "- int float complex Scalar",
    "aten::add": (
        "Tensor Scalar t str int complex float int_complex complex_int float_complex "
        "complex_float int_float float_int -"
    ),
    "aten::all": "- dim dims int float bool",
    "aten::any": "- dim dims str int float bool",
    "aten::as_tensor": "bool float int complex - list",
    "aten::asin": "- int float complex Scalar",
    "aten::asinh": "- int float complex Scalar",
    "aten::atan": "- int float complex Scalar",
    "aten::atanh": "- int float complex Scalar",
    "aten::ceil": "- int float Scalar",
    "aten::copy": "- t Dict_str Dict_int Dict_bool Dict_float Dict_complex Dict_Tensor",
    "aten::copysign": "Tensor Scalar int float int_float float_int -",
    "aten::cos": "- int float complex Scalar",
    "aten::cosh": "- int float complex Scalar",
    "aten::count": "- int float bool Tensor str",
    "aten::div_": "Tensor Tensor_mode Scalar Scalar_mode",
    "aten::divide_": "Tensor Tensor_mode Scalar_mode Scalar",
    "aten::divmod": "int float int_float float_int",
    "aten::eq": (
        "Tensor Scalar int_list device bool enum int complex float int_float float_int "
        "float_complex complex_float - str float_list Tensor_list bool_list str_list"
    ),
    "aten::eq_": "Scalar Tensor",
    "aten::erf": "- int float Scalar",
    "aten::exp": "- int float complex Scalar",
    "aten::expm1": "- int float Scalar",
    "aten::eye": "- m",
    "aten::floor": "- int float Scalar",
    "aten::floor_divide_": "Tensor Scalar",
    "aten::gcd": "- int",
    "aten::ge": "Tensor Scalar int float int_float float_int - str",
    "aten::ge_": "Scalar Tensor",
    "aten::gradient": (
        "scalarint scalararray array scalarrayint scalarrayarray tensorarrayint tensorarray"
    ),
    "aten::greater_": "Scalar Tensor",
    "aten::greater_equal_": "Scalar Tensor",
    "aten::gt": "Tensor Scalar int float int_float float_int - str",
    "aten::gt_": "Scalar Tensor",
    "aten::index": (
        "Tensor Tensor_hacked_twin str list_int list_float list_bool list_Tensor list_str"
    ),
    "aten::ldexp": "Tensor -",
    "aten::le": "Tensor Scalar int float int_float float_int - str",
    "aten::le_": "Scalar Tensor",
    "aten::len": "t Tensor str Dict_str Dict_int Dict_bool Dict_float Dict_complex Dict_Tensor",
    "aten::less_": "Scalar Tensor",
    "aten::less_equal_": "Scalar Tensor",
    "aten::linalg_matrix_rank": "- tol_tensor atol_rtol_tensor atol_rtol_float",
    "aten::linspace": "Tensor_Tensor Tensor_Scalar Scalar_Tensor -",
    "aten::list": "- t",
    "aten::log": (
        "- int float complex Scalar int_int float_float complex_complex int_float float_int "
        "int_complex complex_int float_complex complex_float Scalar_Scalar"
    ),
    "aten::log10": "- int float complex Scalar",
    "aten::log1p": "- int float Scalar",
    "aten::logspace": "Tensor_Tensor Tensor_Scalar Scalar_Tensor -",
    "aten::lt": "Tensor Scalar int float int_float float_int - str",
    "aten::lt_": "Scalar Tensor",
    "aten::max": "other - dim",
    "aten::median": "- dim",
    "aten::min": "other - dim",
    "aten::nanmedian": "- dim",
    "aten::ne": (
        "Tensor Scalar int_list device bool enum int complex float int_float float_int "
        "float_complex complex_float - str float_list Tensor_list bool_list str_list"
    ),
    "aten::ne_": "Scalar Tensor",
    "aten::neg": "- int float complex Scalar",
    "aten::not_equal_": "Scalar Tensor",
    "aten::pow": (
        "Tensor_Tensor Tensor_Scalar Scalar int complex float int_float float_int "
        "float_complex complex_float Scalar_Scalar int_to_int"
    ),
    "aten::pow_": "Scalar Tensor",
    "aten::randint": "- generator low low_generator",
    "aten::random_": "from to -",
    "aten::remove": "int float bool Tensor str",
    "aten::repeat_interleave": "self_Tensor self_int",
    "aten::result_type": "Tensor Scalar Scalar_Tensor Scalar_Scalar",
    "aten::round": "- decimals int float Scalar",
    "aten::scatter": "value src reduce value_reduce",
    "aten::select": "int t",
    "aten::sin": "- int float complex Scalar",
    "aten::sinh": "- int float complex Scalar",
    "aten::size": "int -",
    "aten::slice": "Tensor t str",
    "aten::sort": "- stable int float bool str any",
    "aten::split": "Tensor sizes str -",
    "aten::sqrt": "- int float complex Scalar",
    "aten::squeeze": "- dim dims",
    "aten::stride": "int -",
    "aten::sum": "dim_IntList - int float complex bool",
    "aten::sym_size": "int -",
    "aten::sym_stride": "int -",
    "aten::tan": "- int float complex Scalar",
    "aten::tanh": "- int float complex Scalar",
    "aten::tensor": "bool float int complex -",
    "aten::to": "device dtype other dtype_layout prim_Device prim_dtype prim_other",
    "prim::is_cpu": "-",
    "prim::max": (
        "int float int_float float_int - int_list self_int float_list self_float bool_list "
        "self_bool"
    ),
    "prim::min": (
        "int float int_float float_int - int_list self_int float_list self_float bool_list "
        "self_bool"
    ),
}
"""By torch's names of operators, the names of overloads; ``-`` for the one without a name."""


def position(operator: str, overload: str) -> int:
    """The place of an overload among those of its operator, as far as there is an order."""
    names = ORDER.get(operator, "").split()
    name = overload or "-"
    return names.index(name) if name in names else len(names)
