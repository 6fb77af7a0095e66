"""fork, wait and futures."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.

from __future__ import annotations

import pytest
import torch

from tests.frontends.torchscript.support import check, run_script


def double(x: torch.Tensor) -> torch.Tensor:
    return x * 2


def add(x: torch.Tensor, y: int) -> torch.Tensor:
    return x + y


def one_fork(x: torch.Tensor) -> torch.Tensor:
    future = torch.jit.fork(double, x)
    y = x + 1
    return torch.jit.wait(future) + y


def many_forks(x: torch.Tensor) -> torch.Tensor:
    futures: list[torch.jit.Future[torch.Tensor]] = []
    for i in range(5):
        futures.append(torch.jit.fork(add, x, i))
    total = torch.zeros(2)
    for future in futures:
        total = total + torch.jit.wait(future)
    return total


def forks_within(x: torch.Tensor) -> torch.Tensor:
    return torch.jit.wait(torch.jit.fork(one_fork, x))


def mutation_is_seen_after_wait(x: torch.Tensor) -> torch.Tensor:
    future = torch.jit.fork(torch.add, x, 1)
    x.mul_(1)
    return future.wait() + x


def failing(x: int) -> int:
    raise ValueError("MSG inside")


def failing_fork(x: int) -> int:
    return torch.jit.wait(torch.jit.fork(failing, x))


def future_as_argument(f: torch.jit.Future[torch.Tensor], n: int) -> torch.Tensor:
    return torch.jit.wait(f) + n


def chain(x: torch.Tensor) -> torch.Tensor:
    future = torch.jit.fork(double, x)
    for i in range(20):
        future = torch.jit.fork(future_as_argument, future, i)
    return torch.jit.wait(future)


def fork_in_branch(x: torch.Tensor, n: int) -> torch.Tensor:
    if n > 2:  # noqa: SIM108 - the branch is what is tested
        future = torch.jit.fork(double, x)
    else:
        future = torch.jit.fork(add, x, n)
    return torch.jit.wait(future)


def list_of_futures(x: torch.Tensor) -> torch.Tensor:
    return torch.stack([torch.jit.wait(f) for f in [torch.jit.fork(double, x) for _ in range(3)]])


def no_arguments() -> int:
    return 7


def forks_without_arguments() -> int:
    return torch.jit.wait(torch.jit.fork(no_arguments))


def test_functions_without_arguments_can_be_forked() -> None:
    assert run_script(forks_without_arguments, ()) == 7


def unwaited(x: int) -> int:
    torch.jit.fork(failing, x)
    return x


def test_failures_nobody_waits_for_do_not_stop_the_script() -> None:
    assert run_script(unwaited, (3,)) == 3


CASES = [
    (chain, (torch.ones(2),)),
    (fork_in_branch, (torch.ones(2), 1), (torch.ones(2), 3)),
    (list_of_futures, (torch.ones(2),)),
    (one_fork, (torch.ones(2),)),
    (many_forks, (torch.ones(2),)),
    (forks_within, (torch.ones(2),)),
    (mutation_is_seen_after_wait, (torch.ones(2),)),
    (failing_fork, (1,)),
]


@pytest.mark.parametrize(
    ("function", "args"), [(case[0], args) for case in CASES for args in case[1:]]
)
def test_agrees_with_torch(function, args) -> None:
    check(function, *args)
