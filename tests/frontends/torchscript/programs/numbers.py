"""Longer programs with numbers: wrap-around, division, conversions, complex numbers, ``math``."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: UP006, UP035

import cmath
import math
from typing import List, Tuple

import torch


def wrap_around(n: int) -> List[int]:
    big = 9223372036854775807
    return [big + n, -big - n - 1, big * 2, big * big, -(-big - 1)]


def hash_of_text(s: str) -> int:
    h = 5381
    for c in s:
        h = h * 33 + ord(c)
    return h


def linear_congruence(seed: int, n: int) -> List[int]:
    out: List[int] = []
    for _ in range(n):
        seed = seed * 6364136223846793005 + 1442695040888963407
        out.append(seed)
    return out


def floor_and_modulo(a: int, b: int) -> List[int]:
    return [a // b, a % b, -a // b, -a % b, a // -b, a % -b, (a // b) * b + a % b]


def float_floor_and_modulo(a: float, b: float) -> List[float]:
    return [a // b, a % b, -a // b, -a % b, a // -b, a % -b]


def mixed_division(a: int, b: float) -> List[float]:
    return [a / b, b / a, a // b, b % a, a * b, a - b]


def true_division(a: int, b: int) -> Tuple[float, float]:
    return a / b, -a / b


def powers(a: int, b: float) -> List[float]:
    return [float(a**2), a**b, b**a, b**2, 2**0.5, float(2**10)]


def shifts(a: int, b: int) -> List[int]:
    return [a << b, a >> b, (-a) >> b, 1 << 62, 1 << 63]


def bits(a: int, b: int) -> List[int]:
    return [a & b, a | b, a ^ b, -a & 255]


def comparisons(a: int, b: float) -> List[bool]:
    return [a < b, a <= b, a == b, a != b, a > b, a >= b, b < a]


def rounding(x: float) -> List[float]:
    return [round(x), float(math.floor(x)), float(math.ceil(x)), float(int(x))]


def conversions(x: float) -> List[int]:
    return [int(x), int(-x), int(x * 10), int(True), int(x > 1.0)]


def min_max(a: int, b: float) -> List[float]:
    return [min(a, b), max(a, b), float(min(a, 3)), max(b, 0.0), min(1.0, b)]


def abs_of(a: int, b: float) -> Tuple[int, float]:
    return abs(a), abs(b)


def sums(xs: List[float], ys: List[int]) -> Tuple[float, int]:
    return sum(xs), sum(ys)


def divmods(a: int, b: int) -> List[int]:
    q, r = divmod(a, b)
    return [q, r]


def math_functions(x: float) -> List[float]:
    return [
        math.sqrt(x), math.exp(x), math.log(x), math.sin(x), math.cos(x), math.tan(x),
        math.atan(x), math.sinh(x), math.cosh(x), math.tanh(x), math.expm1(x), math.log1p(x),
        math.asinh(x), math.degrees(x), math.radians(x), math.fabs(-x),
        math.copysign(x, -1.0), math.pow(x, 3.0), math.erf(x), math.erfc(x),
    ]  # fmt: skip


def math_of_ints(n: int) -> List[float]:
    return [math.sqrt(n), math.exp(n), math.log(n), float(math.floor(n)), math.pow(n, 2)]


def math_constants(n: int) -> List[float]:
    return [math.pi * n, math.e, math.inf, -math.inf]


def math_tests(x: float) -> List[bool]:
    return [math.isfinite(x), math.isinf(x), math.isnan(x)]


def log_of_zero(x: float) -> float:
    return math.log(x)


def sqrt_of_negative(x: float) -> float:
    return math.sqrt(x)


def complex_arithmetic(a: complex, b: complex) -> List[complex]:
    return [a + b, a - b, a * b, a / b, -a, a + 1, 2.0 * b]


def complex_made(x: float, y: float) -> complex:
    return complex(x, y) + 1j


def complex_equal(a: complex, b: complex) -> Tuple[bool, bool]:
    return a == b, a != b


def complex_printed(z: complex) -> str:
    print(z, [z])
    return str(z)


def int_float_in_list(n: int) -> List[float]:
    return [1.0 * n, float(n)]


def number_texts(n: int, x: float) -> List[str]:
    return [str(n), str(x), hex(n), bin(n), oct(n), chr(n), str(n > 2), str(None)]


def parse_numbers(xs: List[str]) -> List[float]:
    return [float(x) for x in xs]


def bool_arithmetic(a: bool, b: bool) -> List[int]:
    return [int(a) + int(b), int(a and b), int(a or b), int(a ^ b), int(a == b)]


def collatz(n: int) -> List[int]:
    out = [n]
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        out.append(n)
    return out


def power_mod(base: int, exponent: int, modulus: int) -> int:
    result = 1
    base = base % modulus
    while exponent > 0:
        if exponent & 1:
            result = result * base
        result = result % modulus
        exponent >>= 1
        base = base * base % modulus
    return result


def popcount(n: int) -> int:
    count = 0
    while n != 0:
        n &= n - 1
        count += 1
    return count


def trapezoid(a: float, b: float, n: int) -> float:
    h = (b - a) / n
    total = (math.sin(a) + math.sin(b)) / 2.0
    for i in range(1, n):
        total += math.sin(a + i * h)
    return total * h


def tensor_and_number(x: torch.Tensor, n: int, f: float) -> List[torch.Tensor]:
    return [x + n, n - x, f / x, x * f, x**n, x // n, x % n, n * x, f - x, x > n, n >= x]


def number_of_tensor(x: torch.Tensor) -> Tuple[int, float, bool]:
    return int(x), float(x), bool(x)


def complex_functions(z: complex) -> List[complex]:
    return [cmath.exp(z), cmath.sqrt(z), cmath.log(z), cmath.sin(z), cmath.cos(z)]


def complex_angle(z: complex) -> float:
    return cmath.phase(z)


CASES = [
    (wrap_around, (1,), (1000,)),
    (hash_of_text, ("a long enough text to wrap around",), ("",)),
    (linear_congruence, (42, 5)),
    (floor_and_modulo, (7, 2), (7, 3), (-7, 3), (0, 5), (6, 3)),
    (float_floor_and_modulo, (7.5, 2.0), (0.0, 3.0), (-7.25, 0.5)),
    (mixed_division, (7, 2.5), (-3, 0.5)),
    (true_division, (7, 2), (1, 3)),
    (powers, (3, 0.5), (2, -1.5)),
    (shifts, (5, 2), (1, 0)),
    (bits, (12, 10), (-1, 7)),
    (comparisons, (1, 1.0), (1, 2.5), (3, 2.5)),
    (rounding, (2.5,), (3.5,), (-2.5,), (2.4,), (-0.5,)),
    (conversions, (2.75,), (-0.5,)),
    (min_max, (2, 3.5), (4, -1.0)),
    (abs_of, (-3, -2.5), (3, 2.5)),
    (sums, ([1.5, 2.5], [1, 2, 3]), ([], [])),
    (divmods, (7, 2), (-7, 2), (7, -2)),
    (math_functions, (0.5,), (2.0,)),
    (math_of_ints, (4,)),
    (math_constants, (2,)),
    (math_tests, (1.0,), (float("inf"),), (float("nan"),)),
    (log_of_zero, (0.0,), (-1.0,), (1.0,)),
    (sqrt_of_negative, (-1.0,), (4.0,)),
    (complex_arithmetic, (1 + 2j, 3 - 1j)),
    (complex_made, (1.0, 2.0)),
    (complex_equal, (1 + 2j, 1 + 2j), (1j, 2j)),
    (complex_printed, (1.5 - 2j,)),
    (int_float_in_list, (3,)),
    (number_texts, (65, 2.5), (97, -0.0)),
    (parse_numbers, (["1", "2.5", "-1e3", "inf"],), (["x"],)),
    (bool_arithmetic, (True, False), (True, True)),
    (collatz, (7,), (1,)),
    (power_mod, (3, 200, 1000007), (2, 0, 7)),
    (popcount, (255,), (0,), (-1,)),
    (trapezoid, (0.0, 3.0, 50)),
    (tensor_and_number, (torch.tensor([1.5, 2.0, 4.0]), 2, 0.5), (torch.tensor([3, 4]), 2, 1.5)),
    (number_of_tensor, (torch.tensor(2.5),), (torch.tensor([0]),)),
    (complex_functions, (1 + 2j,)),
    (complex_angle, (1 + 2j,), (-1 + 0j,)),
]
