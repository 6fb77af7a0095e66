"""Programs with ``with``: what is entered is left, after errors too."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: UP006, UP035

from typing import Any, List

import torch


class Ctx:
    def __init__(self, log: List[str], name: str):
        self.log = log
        self.name = name

    def __enter__(self) -> int:
        self.log.append("enter " + self.name)
        return 5

    def __exit__(self, t: Any, v: Any, tb: Any) -> None:
        self.log.append("exit " + self.name)


def with_two(n: int) -> List[str]:
    log: List[str] = []
    with Ctx(log, "a") as x, Ctx(log, "b"):
        log.append(str(x))
    return log


def with_return(n: int) -> List[str]:
    log: List[str] = []
    with Ctx(log, "a"):
        if n > 1:
            log.append("early")
            return log
        log.append("late")
    return log


def with_break(n: int) -> List[str]:
    log: List[str] = []
    for i in range(3):
        with Ctx(log, "a"):
            if i == n:
                break
            if i == 1:
                continue
            log.append(str(i))
    return log


def with_raise(n: int) -> int:
    log: List[str] = []
    with Ctx(log, "a"):
        raise ValueError("inside")
    return 1


class CtxPrint:
    def __init__(self):
        self.a = 1

    def __enter__(self):
        print("enter")

    def __exit__(self, t: Any, v: Any, tb: Any):
        print("exit")


def with_raise_print(n: int) -> int:
    with CtxPrint():
        if n > 2:
            raise ValueError("inside")
    return 1


def with_index_error(n: int) -> int:
    x = [1, 2]
    with CtxPrint():
        return x[n]


def autocast_off(x: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", enabled=False):
        return x @ x.t()


def autocast_of_gpus(x: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cuda"):
        y = x @ x.t()
    return y


def autocast_off_by_device(x: torch.Tensor) -> torch.Tensor:
    with torch.cpu.amp.autocast(enabled=False), torch.cuda.amp.autocast(enabled=True):
        y = x @ x.t()
    return y + 1


CASES = [
    (with_two, (3,)),
    (with_return, (3,), (0,)),
    (with_break, (3,), (0,)),
    (with_raise, (3,)),
    (with_raise_print, (3,), (1,)),
    (with_index_error, (3,), (1,)),
    (autocast_off, (torch.ones(2, 3),)),
    (autocast_of_gpus, (torch.ones(2, 3),)),
    (autocast_off_by_device, (torch.ones(2, 3),)),
]
