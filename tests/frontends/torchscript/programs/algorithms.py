"""Small algorithms on lists and dicts."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: F401, UP006, UP035

from typing import Dict, List, Optional, Tuple

import torch


def matrix_multiply(a: List[List[int]], b: List[List[int]]) -> List[List[int]]:
    out: List[List[int]] = []
    for row in a:
        line: List[int] = []
        for j in range(len(b[0])):
            total = 0
            for k in range(len(b)):
                total += row[k] * b[k][j]
            line.append(total)
        out.append(line)
    return out


def bubble_sort(xs: List[int]) -> List[int]:
    n = len(xs)
    for i in range(n):
        swapped = False
        for j in range(n - 1 - i):
            if xs[j] > xs[j + 1]:
                xs[j], xs[j + 1] = xs[j + 1], xs[j]
                swapped = True
        if not swapped:
            break
    return xs


def binary_search(xs: List[int], x: int) -> int:
    lo, hi = 0, len(xs)
    while lo < hi:
        mid = (lo + hi) // 2
        if xs[mid] == x:
            return mid
        if xs[mid] < x:
            lo = mid + 1
        else:
            hi = mid
    return -1


def stack_machine(code: List[str]) -> List[float]:
    stack: List[float] = []
    for word in code:
        if word == "+":
            b = stack.pop()
            a = stack.pop()
            stack.append(a + b)
        elif word == "*":
            b = stack.pop()
            a = stack.pop()
            stack.append(a * b)
        elif word == "dup":
            stack.append(stack[-1])
        elif word.isdigit():
            stack.append(float(word))
        else:
            raise ValueError("MSG unknown word " + word)
    return stack


def breadth_first(edges: Dict[int, List[int]], start: int) -> List[int]:
    seen = {start: True}
    queue = [start]
    order: List[int] = []
    while len(queue) > 0:
        v = queue.pop(0)
        order.append(v)
        if v in edges:
            for w in edges[v]:
                if w not in seen:
                    seen[w] = True
                    queue.append(w)
    return order


CASES = [
    (matrix_multiply, ([[1, 2], [3, 4]], [[5, 6], [7, 8]])),
    (bubble_sort, ([3, 1, 2],), ([1, 2],), ([],)),
    (binary_search, ([1, 3, 5, 7], 5), ([1, 3], 4), ([], 1)),
    (stack_machine, (["2", "3", "+", "dup", "*"],), (["q"],), (["+"],)),
    (breadth_first, ({0: [1, 2], 1: [3], 2: [3]}, 0)),
]
