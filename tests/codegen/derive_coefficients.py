"""Derive the polynomials of codegen's transcendental functions and print them.

Each is the polynomial of least weighted squares over Chebyshev nodes, which is within a small
factor of the minimax polynomial; the printed error is measured on a dense grid. Run it by hand
(needs mpmath) when an approximation changes; the tables in ``math32`` and ``math64`` come from it.
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp

mp.mp.dps = 60
Function = Callable[[mp.mpf], mp.mpf]


def fit(function: Function, low: float, high: float, degree: int, weight: Function) -> list[mp.mpf]:
    """Coefficients, lowest first, of the polynomial nearest to `function` on [low, high]."""
    count = 4 * (degree + 1)
    nodes = [
        (mp.mpf(low) + high) / 2
        + (mp.mpf(high) - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * count))
        for i in range(count)
    ]
    rows = mp.matrix([[weight(x) * x**j for j in range(degree + 1)] for x in nodes])
    values = mp.matrix([weight(x) * function(x) for x in nodes])
    return list(mp.lu_solve(rows, values))


def report(
    name: str, function: Function, low: float, high: float, degree: int, weight: Function
) -> None:
    """Print a table and its largest weighted error."""
    table = fit(function, low, high, degree, weight)
    worst = mp.mpf(0)
    for i in range(1001):
        x = mp.mpf(low) + (mp.mpf(high) - low) * i / 1000
        if x == 0:
            continue
        error = abs(weight(x) * (mp.polyval(table[::-1], x) - function(x)))
        worst = max(worst, error)
    print(f"# {name} on [{low}, {high}]: error {mp.nstr(worst, 3)}")
    print(f"{name} = (")
    for c in table:
        print(f"    {mp.nstr(c, 18)},")
    print(")")


def fit_quotient(
    function: Function, high: float, degree: int, weight: Function
) -> tuple[list[mp.mpf], list[mp.mpf]]:
    """P and Q of this degree, Q(0) = 1, with ``P(x*x) / Q(x*x)`` nearest to `function`.

    The equations are made linear with the Q of the round before (Sanathanan & Koerner 1963).
    """
    count = 6 * (2 * degree + 1)
    nodes = [
        mp.mpf(high) / 2 * (1 + mp.cos(mp.pi * (2 * i + 1) / (2 * count))) for i in range(count)
    ]
    q = [mp.mpf(1)]
    for _ in range(12):
        rows, values = mp.matrix(count, 2 * degree + 1), mp.matrix(count, 1)
        for i, x in enumerate(nodes):
            z, f = x * x, function(x)
            scale = weight(x) / mp.polyval(q[::-1], z)
            for j in range(degree + 1):
                rows[i, j] = scale * z**j
            for j in range(1, degree + 1):
                rows[i, degree + j] = -scale * f * z**j
            values[i] = scale * f
        solution = list(mp.lu_solve(rows, values))
        p, q = solution[: degree + 1], [mp.mpf(1), *solution[degree + 1 :]]
    return p, q


def report_quotient(
    name: str, function: Function, high: float, degree: int, weight: Function
) -> None:
    """Print both tables and the largest weighted error."""
    p, q = fit_quotient(function, high, degree, weight)
    grid = [mp.mpf(high) * i / 1000 for i in range(1, 1001)]
    worst = max(
        abs(weight(x) * (mp.polyval(p[::-1], x * x) / mp.polyval(q[::-1], x * x) - function(x)))
        for x in grid
    )
    print(f"# {name} on [0, {high}]: error {mp.nstr(worst, 3)}")
    for part, table in (("ABOVE", p), ("BELOW", q)):
        print(f"{name}_{part} = (" + ", ".join(mp.nstr(c, 18) for c in table) + ")")


def one(_x: mp.mpf) -> mp.mpf:
    """Absolute error."""
    return mp.mpf(1)


def _safe(x: mp.mpf) -> mp.mpf:
    return x if x != 0 else mp.mpf("1e-25")


def _atan_root(s: mp.mpf) -> mp.mpf:
    t = mp.sqrt(_safe(s))
    return (mp.atan(t) / t - 1) / _safe(s)


def main() -> None:
    """Print every table."""
    half_ln2 = 0.3466
    report(
        "EXPM1_F32",
        lambda x: (mp.expm1(x) / _safe(x) - 1) / _safe(x),
        -half_ln2,
        half_ln2,
        4,
        lambda x: abs(x) ** 1.5 + 1e-3,
    )
    report(
        "EXPM1_F64",
        lambda x: (mp.expm1(x) / _safe(x) - 1) / _safe(x),
        -half_ln2,
        half_ln2,
        10,
        lambda x: abs(x) ** 1.5 + 1e-3,
    )
    low, high = float(mp.sqrt(0.5)) - 1, float(mp.sqrt(2)) - 1
    report(
        "LOG_F32",
        lambda x: (mp.log1p(_safe(x)) - _safe(x) + _safe(x) ** 2 / 2) / _safe(x) ** 3,
        low,
        high,
        8,
        lambda x: abs(x) ** 2 + 1e-3,
    )
    report(
        "LOG_F64",
        lambda z: (mp.atanh(mp.sqrt(_safe(z))) * 2 / mp.sqrt(_safe(z)) - 2) / _safe(z),
        0,
        0.02944,
        6,
        one,
    )
    report("ERF_SMALL", lambda z: mp.erf(mp.sqrt(_safe(z))) / mp.sqrt(_safe(z)), 0, 1.0, 7, one)
    report("ERF_LARGE", lambda x: -mp.log(mp.erfc(x)), 0.97, 4.0, 9, lambda x: mp.erfc(x))
    report_quotient("CDF", lambda x: (mp.ncdf(x) - 0.5) / x, 5.515, 5, lambda x: x)
    report(
        "SIN_F32",
        lambda z: (mp.sin(mp.sqrt(_safe(z))) / mp.sqrt(_safe(z)) - 1) / _safe(z),
        0,
        0.617,
        3,
        lambda z: z + 1e-3,
    )
    report(
        "COS_F32",
        lambda z: (mp.cos(mp.sqrt(_safe(z))) - 1 + _safe(z) / 2) / _safe(z) ** 2,
        0,
        0.617,
        3,
        lambda z: z**2 + 1e-3,
    )
    report("ATAN_F64", _atan_root, 0, 0.1716, 8, lambda z: z + 1e-3)
    report(
        "ASIN_F64",
        lambda z: (mp.asin(mp.sqrt(_safe(z))) / mp.sqrt(_safe(z)) - 1) / _safe(z),
        0,
        0.25,
        9,
        lambda z: z + 1e-3,
    )


if __name__ == "__main__":
    main()
