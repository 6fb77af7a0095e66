"""Everything that a module may hold goes to an archive of Treadle's and back into torch."""

import io
from enum import Enum
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

import treadle

DTYPES = (
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16,
    torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128,
)  # fmt: skip


class Shade(Enum):
    DARK = 1
    LIGHT = 2


class Point(NamedTuple):
    x: torch.Tensor
    n: int


@torch.jit.script
class Counter:
    def __init__(self, start: int) -> None:
        self.n = start
        self.seen: list[int] = []

    def step(self, by: int) -> int:
        self.n += by
        self.seen.append(self.n)
        return self.n


@torch.jit.interface
class Layer(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pass


class Twice(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2


class Everything(nn.Module):
    layer: Layer
    table: dict[str, list[torch.Tensor]]
    maybe: torch.Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.layer = Twice()
        self.linear = nn.Linear(3, 3)
        self.tied = nn.Linear(3, 3)
        self.tied.weight = self.linear.weight
        self.shade = Shade.LIGHT
        self.table = {"a": [torch.ones(3)], "b": []}
        self.maybe = None
        self.pair = (1, "text")
        self.numbers = [1.5, float("inf")]
        self.z = 1 + 2j
        self.device = torch.device("cpu")

    def forward(self, x: torch.Tensor) -> Point:
        counter = Counter(3)
        y = self.tied(self.layer(self.linear(x))) + counter.step(self.pair[0])
        if self.shade == Shade.LIGHT:
            y = y + self.table["a"][0]
        return Point(y, len(counter.seen))

    @torch.jit.export
    def shades(self) -> tuple[Shade, complex, str]:
        return self.shade, self.z, self.pair[1]


class Hooked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Twice()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) + 1


def before(self: Any, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    return (inputs[0] + 10,)


def after(self: Any, inputs: tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
    return output - inputs[0]


def round_trip(module: nn.Module, **options: Any) -> tuple[Any, Any, treadle.Module]:
    """What torch reads of its own archive, of the one that Treadle wrote after it; Treadle's."""
    first = io.BytesIO()
    torch.jit.save(torch.jit.script(module.eval()), first)
    ours = treadle.load(first.getvalue())
    second = io.BytesIO()
    ours.save(second, **options)
    treadle.load(second.getvalue())
    return (
        torch.jit.load(io.BytesIO(first.getvalue())),
        torch.jit.load(io.BytesIO(second.getvalue())),
        ours,
    )


def assert_same_tensors(got: Any, want: Any) -> None:
    for name, tensor in want.state_dict().items():
        other = got.state_dict()[name]
        assert other.dtype == tensor.dtype, name
        assert torch.equal(other, tensor), name
        assert other.stride() == tensor.stride() or (other.is_contiguous() and not tensor.numel())


def test_all_kinds_of_attributes_and_methods() -> None:
    want, got, _ = round_trip(Everything())
    x = torch.randn(2, 3)
    assert torch.equal(got(x).x, want(x).x)
    assert got(x).n == want(x).n == 1
    assert got.shades()[0].value == want.shades()[0].value
    assert got.shades()[1:] == want.shades()[1:]
    assert got.linear.weight.data_ptr() == got.tied.weight.data_ptr()
    for name in ("pair", "numbers", "z", "maybe", "device"):
        assert getattr(got, name) == getattr(want, name)
    assert_same_tensors(got, want)


def test_hooks_run() -> None:
    module = Hooked()
    module.register_forward_pre_hook(before)
    module.inner.register_forward_hook(after)
    want, got, _ = round_trip(module)
    x = torch.arange(3.0)
    assert torch.equal(got(x), want(x))
    assert torch.equal(got(x), (x + 10) + 1)


class Holder(nn.Module):
    def __init__(self, tensor: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("kept", tensor)

    def forward(self) -> torch.Tensor:
        return self.kept


LAYOUTS = {
    "plain": lambda t: t,
    "transposed": lambda t: t.t(),
    "with gaps": lambda t: t[:, ::2],
    "expanded": lambda t: t[:1].expand(5, 4),
    "from the middle": lambda t: t[1:, 1:],
    "a number": lambda t: t[0, 0],
    "nothing": lambda t: t[:0],
    "nothing of a row": lambda t: t[:, :0],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tensors_of_each_dtype_and_layout(dtype: torch.dtype, layout: str) -> None:
    tensor = LAYOUTS[layout](torch.arange(12).reshape(3, 4).to(dtype))
    want, got, ours = round_trip(Holder(tensor))
    assert_same_tensors(got, want)
    assert torch.equal(got(), want())
    assert tuple(ours().shape) == tuple(tensor.shape)
    assert str(ours.kept.dtype).rpartition(".")[2] == str(dtype).rpartition(".")[2]


def test_extra_files_of_all_contents() -> None:
    contents = {"a.txt": "grün", "deep/b.bin": bytes(range(256)), "empty": b""}
    _, got, ours = round_trip(Twice(), extra_files=contents)
    assert torch.equal(got(torch.ones(2)), torch.full((2,), 2.0))
    buffer = io.BytesIO()
    treadle.jit.save(ours, buffer, extra_files=contents)
    theirs = dict.fromkeys(contents, "")
    torch.jit.load(io.BytesIO(buffer.getvalue()), _extra_files=theirs)
    read: dict[str, Any] = dict.fromkeys(contents, "")
    treadle.load(buffer.getvalue(), extra_files=read)
    assert (
        theirs == read == {k: v.encode() if isinstance(v, str) else v for k, v in contents.items()}
    )
