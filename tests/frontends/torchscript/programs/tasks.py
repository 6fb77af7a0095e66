"""Longer programs with fork and wait."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: SIM108, UP006, UP035, UP045

from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor

X = torch.arange(6.0).reshape(2, 3)


def double(x: Tensor) -> Tensor:
    return x * 2


def power(n: int, k: int = 2) -> int:
    return n * k + k


def pair(x: Tensor) -> Tuple[Tensor, int]:
    return x + 1, x.numel()


def table(x: Tensor) -> Dict[str, Tensor]:
    return {"plus": x + 1, "minus": x - 1}


def maybe(n: int) -> Optional[int]:
    if n > 2:
        return n
    return None


def texts(n: int) -> List[str]:
    return [str(i) for i in range(n)]


def fork_int(n: int) -> int:
    return torch.jit.wait(torch.jit.fork(power, n)) + 1


def fork_with_default_and_keyword(n: int) -> int:
    a = torch.jit.fork(power, n)
    b = torch.jit.fork(power, n, k=3)
    return torch.jit.wait(a) * 1000 + torch.jit.wait(b)


def fork_tuple(x: Tensor) -> Tensor:
    y, n = torch.jit.wait(torch.jit.fork(pair, x))
    return y * n


def fork_dict(x: Tensor) -> Tensor:
    d = torch.jit.wait(torch.jit.fork(table, x))
    return d["plus"] * d["minus"]


def fork_optional(n: int) -> int:
    r = torch.jit.wait(torch.jit.fork(maybe, n))
    if r is None:
        return -1
    return r


def fork_list(n: int) -> str:
    return "".join(torch.jit.wait(torch.jit.fork(texts, n)))


def fork_in_comprehension(xs: List[int]) -> List[int]:
    futures = [torch.jit.fork(power, x) for x in xs]
    return [torch.jit.wait(f) for f in futures]


def fork_over_dict(d: Dict[str, Tensor]) -> Dict[str, Tensor]:
    futures: Dict[str, torch.jit.Future[Tensor]] = {}
    for k, v in d.items():
        futures[k] = torch.jit.fork(double, v)
    out: Dict[str, Tensor] = {}
    for k in futures:
        out[k] = torch.jit.wait(futures[k])
    return out


def fork_in_tuple(x: Tensor) -> Tensor:
    t = (torch.jit.fork(double, x), torch.jit.fork(double, x + 1))
    return torch.jit.wait(t[0]) + torch.jit.wait(t[1])


def recursive_sum(xs: List[int]) -> int:
    half = len(xs) // 2
    left = torch.jit.fork(total, xs[:half])
    return torch.jit.wait(left) + total(xs[half:])


def total(xs: List[int]) -> int:
    return sum(xs)


def fork_builtin(x: Tensor) -> Tensor:
    return torch.jit.wait(torch.jit.fork(torch.relu, x - 2))


def fork_keeps_aliases(x: Tensor) -> Tensor:
    f = torch.jit.fork(add_one, x)
    torch.jit.wait(f)
    return x


def add_one(x: Tensor) -> Tensor:
    x.add_(1)
    return x


def fork_of_fork(x: Tensor) -> Tensor:
    return torch.jit.wait(torch.jit.fork(fork_tuple, x)) + torch.jit.wait(torch.jit.fork(double, x))


def wait_twice(x: Tensor) -> Tensor:
    f = torch.jit.fork(double, x)
    return torch.jit.wait(f) + torch.jit.wait(f)


def wait_method(x: Tensor) -> Tensor:
    f = torch.jit.fork(double, x)
    return f.wait() - x


def waited_in_branch(x: Tensor, flag: bool) -> Tensor:
    f = torch.jit.fork(double, x)
    if flag:
        return torch.jit.wait(f)
    return x + 0


def failing(n: int) -> int:
    if n > 2:
        raise ValueError("MSG from the task " + str(n))
    return n


def fork_fails(n: int) -> int:
    a = torch.jit.fork(failing, n)
    b = torch.jit.fork(failing, 1)
    return torch.jit.wait(b) + torch.jit.wait(a)


def while_of_forks(n: int) -> int:
    acc = 1
    while acc < n:
        acc = torch.jit.wait(torch.jit.fork(power, acc + 1))
    return acc


def awaited(x: Tensor) -> Tensor:
    a = torch.jit._awaitable(double, x)
    return torch.jit._awaitable_wait(a) + torch.jit._awaitable_wait(a)


def noisy(x: Tensor, n: int) -> Tensor:
    print("runs", n)
    return x + n


def awaited_once(x: Tensor) -> Tensor:
    a = torch.jit._awaitable(noisy, x, 3)
    print("before")
    y = torch.jit._awaitable_wait(a) + torch.jit._awaitable_wait(a)
    print("after")
    return y


def never_awaited(x: Tensor) -> Tensor:
    torch.jit._awaitable(noisy, x, 3)
    return x


def awaited_or_there(x: Tensor, flag: bool) -> Tensor:
    if flag:
        a = torch.jit._awaitable(double, x)
    else:
        a = torch.jit._awaitable_nowait(x)
    return torch.jit._awaitable_wait(a)


def awaited_by_attribute(x: Tensor) -> Tensor:
    a = torch.jit._awaitable(double, x)
    return a.relu() + a.shape[0]


def awaited_pair(x: Tensor) -> Tensor:
    y, n = torch.jit._awaitable_wait(torch.jit._awaitable(pair, x))
    return y * n


def awaitable_fails(n: int) -> int:
    a = torch.jit._awaitable(failing, n)
    print("made")
    return torch.jit._awaitable_wait(a)


CASES = [
    (fork_int, (3,)),
    (fork_with_default_and_keyword, (3,)),
    (fork_tuple, (X,)),
    (fork_dict, (X,)),
    (fork_optional, (1,), (5,)),
    (fork_list, (4,), (0,)),
    (fork_in_comprehension, ([1, 2, 3],), ([],)),
    (fork_over_dict, ({"a": X, "b": X},)),
    (fork_in_tuple, (X,)),
    (recursive_sum, ([1, 2, 3, 4, 5],)),
    (fork_builtin, (X,)),
    (fork_keeps_aliases, (X,)),
    (fork_of_fork, (X,)),
    (wait_twice, (X,)),
    (wait_method, (X,)),
    (waited_in_branch, (X, True), (X, False)),
    (fork_fails, (1,), (5,)),
    (while_of_forks, (100,)),
    (awaited, (X,)),
    (awaited_once, (X,)),
    (never_awaited, (X,)),
    (awaited_or_there, (X, True), (X, False)),
    (awaited_by_attribute, (X,)),
    (awaited_pair, (X,)),
    (awaitable_fails, (1,), (5,)),
]
