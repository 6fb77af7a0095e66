"""Arithmetic of numbers, alone and with tensors."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.

from __future__ import annotations

import math

import pytest
import torch

from tests.frontends.torchscript.support import check


def integers(a: int, b: int) -> tuple[int, int, int, int, int, float]:
    return a + b, a - b, a * b, a // b, a % b, a / b


def powers(a: int, b: int) -> tuple[float, float, float]:
    return a**b, float(a) ** b, a ** (b / 2)


def floats(a: float, b: float) -> tuple[float, float, float, float, float, float]:
    return a + b, a - b, a * b, a // b, a % b, a / b


def mixed(a: int, b: float) -> tuple[float, float, float, float, float, float, bool, bool]:
    return a + b, a - b, a * b, a // b, a % b, a / b, a < b, a == b


def bits(a: int, b: int) -> tuple[int, int, int, int, int]:
    return a & b, a | b, a ^ b, a << 3, a >> 2


def wrap(a: int) -> tuple[int, int, int]:
    return a + 1, a * 3, -a


def casts(a: int, b: float, c: str) -> tuple[int, float, bool, int, float, str, str]:
    return int(b), float(a), bool(a), int("12"), float(c), str(a), str(b)


def roundings(x: float) -> tuple[int, int, float, float, float]:
    return math.floor(x), math.ceil(x), round(x), abs(x), math.fabs(x)


def functions(x: float) -> list[float]:
    return [
        math.sqrt(x), math.exp(x), math.log(x), math.sin(x), math.cos(x), math.tan(x),
        math.atan(x), math.sinh(x), math.cosh(x), math.tanh(x), math.log10(x), math.log1p(x),
        math.expm1(x), math.erf(x), math.erfc(x), math.gamma(x), math.lgamma(x), math.degrees(x),
        math.radians(x), math.atan2(x, 2.0), math.fmod(x, 0.7), math.pow(x, 1.5), math.pi,
        math.copysign(x, -1.0),
    ]  # fmt: skip


def smallest(a: int, b: int, x: float) -> tuple[int, int, float, int, float]:
    return min(a, b), max(a, b), min(x, 1.5), min([3, a, b]), max([x, 2.0])


def logic(a: bool, b: bool) -> tuple[bool, bool, bool, bool, bool]:
    return a and b, a or b, not a, a == b, a != b


def compare(a: int, b: int) -> tuple[bool, bool, bool, bool, bool, bool]:
    return a < b, a <= b, a > b, a >= b, a == b, a != b


def number_before_tensor(x: torch.Tensor) -> list[torch.Tensor]:
    return [2 * x, 1 + x, 3 - x, 2.0 / x, 1.5 + x, 2 - x]


def tensor_before_number(x: torch.Tensor) -> list[torch.Tensor]:
    return [x * 2, x + 1, x - 3, x / 2, x**2, x > 1, x == 2, -x, x * True]


def tensors(x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    return [x * y, x + y, x - y, x / y, x < y, x >= y]


def from_tensor(x: torch.Tensor) -> tuple[int, float, bool]:
    return int(x), float(x), bool(x)


def augmented(a: int, x: float) -> tuple[int, float]:
    a += 3
    a *= 2
    a -= 1
    a = a // 2
    x /= 4
    x += a
    return a, x


def constants() -> tuple[float, float, float, int, float]:
    return float("inf"), -float("inf"), 1e-5, -9223372036854775807, 1.0


def infinities(x: float) -> tuple[bool, bool, float, float]:
    return math.isnan(x), math.isinf(x), math.inf, -math.inf


def division_by_zero(a: int) -> int:
    return a // (a - a)


def modulo(a: int, b: int) -> int:
    return a % b


CASES = [
    (integers, (7, 3), (-7, 3), (7, -3), (-7, -3), (2**62, 2**62 - 1)),
    (powers, (2, 3), (-2, 2), (0, 0), (3, -2)),
    (floats, (7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (1.0, 0.1)),
    (mixed, (7, 2.0), (-7, 2.0), (2, 2.0)),
    (bits, (12, 10), (-5, 3)),
    (wrap, (2**63 - 1,), (-(2**63),)),
    (casts, (3, -2.7, "1.5"), (0, 1e10, "1e3")),
    (roundings, (2.5,), (-2.5,), (3.7,), (-0.2,)),
    (functions, (0.5,), (2.25,)),
    (smallest, (1, 2, 0.5), (5, -2, 3.5)),
    (logic, (True, False), (True, True), (False, False)),
    (compare, (1, 2), (2, 2), (3, 2)),
    (number_before_tensor, (torch.tensor([1.0, 2.0, 4.0]),), (torch.tensor([1, 2, 4]),)),
    (tensor_before_number, (torch.tensor([1.0, 2.0, 4.0]),), (torch.tensor([1, 2, 4]),)),
    (tensors, (torch.tensor([1.0, 2.0]), torch.tensor([3.0, 0.5]))),
    (from_tensor, (torch.tensor(3.0),), (torch.tensor([0]),)),
    (augmented, (4, 2.5)),
    (constants, ()),
    (infinities, (math.inf,), (math.nan,), (1.0,)),
    (modulo, (5, 3), (-5, 3)),
]


@pytest.mark.parametrize(
    ("function", "args"), [(case[0], args) for case in CASES for args in case[1:]]
)
def test_agrees_with_torch(function, args) -> None:
    check(function, *args)
