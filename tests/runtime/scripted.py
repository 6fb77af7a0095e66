"""Scripts that fork and wait; a script needs a file for its source."""

from __future__ import annotations

import treadle


def add(x: treadle.Tensor) -> treadle.Tensor:
    """One more."""
    return x + 1


def after(future: treadle.jit.Future[treadle.Tensor]) -> treadle.Tensor:
    """One more than a future's result."""
    return treadle.jit.wait(future) + 1


def fan(x: treadle.Tensor, n: int) -> treadle.Tensor:
    """The sum of `n` forks."""
    futures: list[treadle.jit.Future[treadle.Tensor]] = []
    for _ in range(n):
        futures.append(treadle.jit.fork(add, x))
    total = treadle.zeros_like(x)
    for future in futures:
        total = total + treadle.jit.wait(future)
    return total


def chain(x: treadle.Tensor, n: int) -> treadle.Tensor:
    """`n` forks, each of which waits for the one before."""
    future = treadle.jit.fork(add, x - 1)
    for _ in range(n):
        future = treadle.jit.fork(after, future)
    return treadle.jit.wait(future)


def loop(x: treadle.Tensor, n: int) -> treadle.Tensor:
    """Waits in a loop for one fork or the other."""
    for _ in range(n):
        future = treadle.jit.fork(add, x) if bool(x.sum() > 0) else treadle.jit.fork(add, x * 0)
        x = future.wait()
    return x


def returned(x: treadle.Tensor) -> treadle.jit.Future[treadle.Tensor]:
    """A future that its caller waits for."""
    return treadle.jit.fork(add, x)
