"""Methods that assign to attributes or warn are planned: their effects are those of torch."""

import io
import threading
import warnings
from collections.abc import Iterator
from typing import Any, Dict, List  # noqa: UP035  TorchScript's attributes want them

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import treadle
from treadle.errors import ScriptError

pytestmark = [pytest.mark.torch, pytest.mark.native]

TORCH_ERRORS = (RuntimeError, torch.jit.Error)


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def both(module: nn.Module) -> tuple[Any, treadle.Module]:
    """The module as torch runs it, and as Treadle does from its archive."""
    scripted = torch.jit.script(module.eval())
    buffer = io.BytesIO()
    torch.jit.save(scripted, buffer)
    return scripted, treadle.load(buffer.getvalue())


def same(ours: Any, theirs: Any) -> None:
    """Check a structure of results."""
    if isinstance(theirs, list | tuple):
        for one, other in zip(ours, theirs, strict=True):
            same(one, other)
    elif isinstance(theirs, Tensor):
        np.testing.assert_allclose(np.asarray(ours), theirs.numpy(), rtol=1e-5, atol=1e-6)
        assert np.asarray(ours).dtype == theirs.numpy().dtype
    else:
        assert ours == theirs


class Positions(nn.Module):
    """Keeps what follows from the shape of its input, and says what it has done."""

    table: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.table = None
        self.size = 0
        self.levels = torch.jit.Attribute([torch.zeros(1)], List[Tensor])  # noqa: UP006
        self.linear = nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        n, table = x.shape[0], self.table
        if table is None or table.shape[0] != n:
            table = torch.zeros(n, 4)
            table[:, 1] = torch.arange(n, dtype=torch.float32)
            self.table = table
        self.levels = [x]
        for _ in range(2):
            self.levels.append(self.levels[-1] * 2)
        self.size = n
        return self.linear(self.levels[2]) + table


@pytest.mark.parametrize("sizes", [(3, 3, 2, 5, 4, 3), (1, 0, 1)])
def test_attributes_that_follow_shapes_are_planned(sizes: tuple[int, ...]) -> None:
    theirs, ours = both(Positions())
    for n in sizes:
        x = torch.randn(n, 3)
        assert ours.explain(x.numpy()).planned
        same(ours(x.numpy()), theirs(x))
        for name in ("table", "size", "levels"):
            same(getattr(ours, name), getattr(theirs, name))


class Counting(nn.Module):
    """A number that never comes back, and a state that is replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.register_buffer("h", torch.zeros(2, 3))

    def forward(self, x: Tensor, again: bool) -> Tensor:
        if not again:
            self.count += 1
        self.h = torch.tanh(self.h + x) * self.count
        return self.h * 2


def test_numbers_are_as_torch_has_them_whether_they_come_back_or_not() -> None:
    theirs, ours = both(Counting())
    for again in (False, False, False, True, True, True, True, False):
        x = torch.randn(2, 3)
        same(ours(x.numpy(), again), theirs(x, again))
        same([ours.h, ours.count], [theirs.h, theirs.count])


def test_results_share_memory_with_attributes_as_in_torch() -> None:
    class Sharing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("h", torch.zeros(2, 3))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            old = self.h
            self.h = x.relu()
            return self.h.t(), old

    theirs, ours = both(Sharing())
    for _ in range(3):
        x = torch.rand(2, 3)
        results, expected = ours(x.numpy()), theirs(x)
        np.asarray(results[0])[0, 0] = 7.0
        expected[0][0, 0] = 7.0
        same(results, expected)
        same(ours.h, theirs.h)


class Failing(nn.Module):
    """Assigns and warns before and after what may fail."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("a", torch.zeros(1))
        self.register_buffer("b", torch.zeros(1))

    def forward(self, x: Tensor, index: Tensor) -> Tensor:
        self.a = x + 1
        warnings.warn("before", stacklevel=2)
        y = x.index_select(0, index)
        warnings.warn("behind", stacklevel=2)
        self.b = y + 1
        return y


@pytest.mark.parametrize("index", [1, 4])
def test_what_comes_before_an_error_has_happened(index: int) -> None:
    theirs, ours = both(Failing())
    x, indices = torch.randn(3), torch.tensor([index, 0])
    for _ in range(2):
        messages = []
        for model, error, inputs in (
            (theirs, TORCH_ERRORS, (x, indices)),
            (ours, (ScriptError, IndexError), (x.numpy(), indices.numpy())),
        ):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                if index < 3:
                    model(*inputs)
                else:
                    with pytest.raises(error):
                        model(*inputs)
            messages.append([str(w.message) for w in caught])
        assert messages[0] == messages[1] == (["before", "behind"] if index < 3 else ["before"])
        same([ours.a, ours.b], [theirs.a, theirs.b])
    assert ours.explain(x.numpy(), indices.numpy()).planned


class Lists(nn.Module):
    """Lists that change in place, and one list under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = torch.jit.Attribute([], List[Tensor])  # noqa: UP006
        self.one = torch.jit.Attribute([], List[int])  # noqa: UP006
        self.two = torch.jit.Attribute([], List[int])  # noqa: UP006
        self.by_name = torch.jit.Attribute({}, Dict[str, Tensor])  # noqa: UP006

    def forward(self, x: Tensor) -> Tensor:
        self.kept.append(x * 2)
        if len(self.kept) > 2:
            self.kept = [x]
        self.one = [1, 2]
        self.two = self.one
        self.two.append(x.size(0))
        self.by_name["last"] = self.kept[0] + len(self.one)
        return self.kept[-1] + self.by_name["last"]

    @torch.jit.export
    def extend(self) -> List[int]:  # noqa: UP006
        self.one.append(9)
        return self.two


def test_lists_that_others_see_stay_what_they_are() -> None:
    theirs, ours = both(Lists())
    for _ in range(5):
        x = torch.randn(2)
        same(ours(x.numpy()), theirs(x))
        same(ours.extend(), theirs.extend())
        same([ours.kept, ours.one, ours.two], [theirs.kept, theirs.one, theirs.two])


def test_a_buffer_that_is_written_in_place_keeps_its_memory() -> None:
    class Writing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("cache", torch.zeros(4, 3))
            self.place = 0

        def forward(self, x: Tensor) -> Tensor:
            self.cache[self.place] = x
            self.place = (self.place + 1) % 4
            return self.cache.sum(0)

    theirs, ours = both(Writing())
    held = np.asarray(ours.cache)
    for _ in range(6):
        x = torch.randn(3)
        same(ours(x.numpy()), theirs(x))
    same(held, theirs.cache)


@torch.jit.script
class Pair:
    """Two tensors, and how often they were swapped."""

    def __init__(self, first: Tensor, second: Tensor) -> None:
        self.first = first
        self.second = second
        self.swaps = 0

    def swap(self) -> None:
        self.first, self.second = self.second, self.first
        self.swaps += 1


def test_objects_that_a_call_makes_dissolve() -> None:
    class Swapping(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            pairs = [Pair(x, y), Pair(y, x * 3)]
            for i in range(x.size(0)):
                pairs[i % 2].swap()
            if pairs[0].swaps > 1:
                pairs[1].first = pairs[0].second
            return pairs[0].first - pairs[1].first * pairs[1].swaps

    theirs, ours = both(Swapping())
    for n in (0, 1, 2, 3, 5):
        x, y = torch.randn(n, 2), torch.randn(n, 2)
        assert ours.explain(x.numpy(), y.numpy()).planned
        same(ours(x.numpy(), y.numpy()), theirs(x, y))


def test_several_threads_see_whole_states() -> None:
    _, ours = both(Positions())
    reference = both(Positions())[0]
    reference.load_state_dict(
        {k: torch.tensor(np.asarray(v)) for k, v in ours.state_dict().items()}
    )
    inputs = [torch.randn(n, 3) for n in (2, 3, 4, 5)]
    expected = [reference(x) for x in inputs]
    failures: list[BaseException] = []

    def client(x: Tensor, wanted: Tensor) -> None:
        try:
            for _ in range(20):
                same(ours(x.numpy()), wanted)
        except BaseException as error:
            failures.append(error)

    threads = [
        threading.Thread(target=client, args=pair) for pair in zip(inputs, expected, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
