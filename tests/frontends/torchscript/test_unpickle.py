# No postponed annotations here: torch.jit.script evaluates those of the classes below.
"""Pickles that PyTorch wrote, compared with what PyTorch reads back from them."""

import enum
import io
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import pytest
import torch

from treadle.errors import UnsupportedError
from treadle.frontends.torchscript.archive import Archive
from treadle.frontends.torchscript.unpickle import unpickle
from treadle.frontends.torchscript.values import (
    Device,
    PickledEnum,
    PickledObject,
)
from treadle.ir.program import UnsupportedTensor

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

DTYPE_NAMES = (
    "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64",
    "complex128", "bool", "bfloat16", "float8_e5m2", "float8_e4m3fn", "uint16", "uint32", "uint64",
)  # fmt: skip
DTYPES = {
    name: np.dtype(getattr(ml_dtypes, name) if name.startswith(("bf", "float8")) else name)
    for name in DTYPE_NAMES
}


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Word(enum.Enum):
    YES = "yes"


class Pair(NamedTuple):
    number: int
    tensor: torch.Tensor


class Values(torch.nn.Module):
    color: Color
    word: Word
    ints: list[int]
    floats: list[float]
    bools: list[bool]
    strings: list[str]
    tensors: list[torch.Tensor]
    table: dict[str, list[int]]
    by_number: dict[int, tuple[str, float]]
    nothing: int | None
    something: int | None
    nested: list[list[str | None]]

    def __init__(self) -> None:
        super().__init__()
        self.color, self.word = Color.BLUE, Word.YES
        self.ints, self.floats, self.bools = [1, -1, 2**31, -(2**63)], [0.5, -0.0], [True, False]
        self.strings = ["a", "é", "a\0b", "a"]
        self.tensors = [torch.zeros(1), torch.ones(2)]
        self.table, self.by_number = {"b": [1], "a": []}, {7: ("x", 1.5), -1: ("y", float("inf"))}
        self.nothing, self.something, self.nested = None, 3, [["x", None], []]
        self.pair = Pair(4, torch.full((2,), 4.0))
        self.number, self.real, self.z, self.flag = 300, 1e-5, 1 - 2j, True
        self.device = torch.device("cuda:1")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print(self.color, self.word, self.ints, self.floats, self.bools, self.strings)
        print(self.tensors, self.table, self.by_number, self.nothing, self.something, self.nested)
        print(self.pair, self.number, self.real, self.z, self.flag, self.device)
        return x


class Holder(torch.nn.Module):
    """A module whose attributes are the given tensors."""

    def __init__(self, **tensors: torch.Tensor) -> None:
        super().__init__()
        for name, value in tensors.items():
            self.register_buffer(name, value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def _saved(module: torch.nn.Module) -> Archive:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(module), buffer)
    return Archive.open(buffer.getvalue())


def state_of(module: torch.nn.Module) -> dict[str, Any]:
    root = unpickle(_saved(module), "data.pkl")
    assert isinstance(root, PickledObject)
    assert isinstance(root.state, dict)
    return root.state


def check_same(found: object, tensor: torch.Tensor) -> None:
    assert isinstance(found, np.ndarray)
    assert found.shape == tuple(tensor.shape)
    dtype = DTYPES[str(tensor.dtype).removeprefix("torch.")]
    assert found.dtype == dtype
    plain = tensor.resolve_conj().resolve_neg().clone(memory_format=torch.contiguous_format)
    expected = plain.reshape(-1).view(torch.uint8).numpy().tobytes()
    assert np.ascontiguousarray(found).tobytes() == expected


def test_values_of_every_attribute_type() -> None:
    state = state_of(Values())
    assert state["color"] == PickledEnum(f"__torch__.{__name__}.Color", 2)
    assert state["word"] == PickledEnum(f"__torch__.{__name__}.Word", "yes")
    module = Values()
    plain = [
        "ints",
        "floats",
        "bools",
        "strings",
        "table",
        "by_number",
        "nothing",
        "something",
        "nested",
        "number",
        "real",
        "z",
        "flag",
    ]
    for name in plain:
        expected = getattr(module, name)
        assert state[name] == expected, name
        assert type(state[name]) is type(expected), name
    assert list(state["table"]) == ["b", "a"]
    assert str(state["floats"][1]) == "-0.0"
    for found, tensor in zip(state["tensors"], module.tensors, strict=True):
        check_same(found, tensor)
    assert state["pair"][0] == 4
    check_same(state["pair"][1], module.pair.tensor)
    assert state["device"] == Device("cuda", 1)
    assert str(state["device"]) == "cuda:1"


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3), (3, 5)])
def test_every_dtype_and_shape(name: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    dtype = getattr(torch, name)
    tensor = (torch.rand(shape) * 100).to(dtype)
    if dtype.is_complex:
        tensor = tensor + 1j
    check_same(state_of(Holder(t=tensor))["t"], tensor)


@pytest.mark.parametrize(
    "view",
    [
        lambda t: t.t(),
        lambda t: t[1:, ::2],
        lambda t: t[:1].expand(5, 6),
        lambda t: t[3, 5],
        lambda t: t.as_strided((2, 2), (1, 1), 3),
        lambda t: t.unsqueeze(1).permute(2, 1, 0),
        lambda t: t[2:2],
    ],
)
def test_strided_views_are_views(view: Any) -> None:
    whole = torch.arange(24.0).reshape(4, 6)
    tensor = view(whole)
    found = state_of(Holder(whole=whole, part=tensor))
    check_same(found["part"], tensor)
    if tensor.numel():
        assert np.shares_memory(found["part"], found["whole"])
        assert tuple(s // 4 for s in found["part"].strides) == tensor.stride()


def test_views_on_one_storage_see_each_other() -> None:
    whole = torch.zeros(4)
    state = state_of(Holder(a=whole[:3], b=whole[1:]))
    state["a"][2] = 7.0
    assert state["b"].tolist() == [0.0, 7.0, 0.0]


def test_tied_parameters_are_one_array() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    module[1].weight = module[0].weight
    state = state_of(module)
    first, second = state["0"].state, state["1"].state
    assert first["weight"] is second["weight"]
    assert first["bias"] is not second["bias"]


@pytest.mark.parametrize("names", ["conj part plain", "imag imag_part", "both"])
def test_lazy_conjugate_and_negative(names: str) -> None:
    z = torch.tensor([1 + 2j, 3 - 4j])
    # PyTorch writes one element type per storage, so complex and real views are saved apart.
    views = {"conj": z.conj(), "part": z.conj()[1:], "plain": z}
    views |= {"imag": z.conj().imag, "imag_part": z.conj()[1:].imag, "both": torch._neg_view(z)}
    tensors = {name: views[name] for name in names.split()}
    state = state_of(Holder(**tensors))
    for name, tensor in tensors.items():
        check_same(state[name], tensor)


def test_constants_of_traced_and_scripted_code() -> None:
    constant = torch.arange(6).reshape(2, 3)
    traced = torch.jit.trace(lambda x: x + constant, torch.zeros(2, 3))
    buffer = io.BytesIO()
    torch.jit.save(traced, buffer)
    constants = unpickle(Archive.open(buffer.getvalue()), "constants.pkl")
    assert isinstance(constants, tuple)
    check_same(constants[0], constant)


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (lambda: torch.ones(2, dtype=torch.complex32), "complex32"),
        (lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8), "quint8"),
        (
            lambda: torch.quantize_per_channel(
                torch.ones(2, 2), torch.ones(2), torch.zeros(2), 0, torch.qint8
            ),
            "qint8",
        ),
        (lambda: torch.eye(3).to_sparse(), "sparse"),
        (lambda: torch.ones(2).to(torch.float8_e4m3fnuz), "float8_e4m3fnuz"),
        (lambda: torch.ones(2, device="meta"), "meta device"),
    ],
)
def test_unsupported_tensors_fail_only_when_used(tensor: Any, reason: str) -> None:
    state = state_of(Holder(odd=tensor(), plain=torch.ones(1)))
    check_same(state["plain"], torch.ones(1))
    assert isinstance(state["odd"], UnsupportedTensor)
    with pytest.raises(UnsupportedError, match=reason):
        state["odd"].fail()
    with pytest.raises(UnsupportedError, match=reason):
        np.asarray(state["odd"])


def test_saved_to_a_file_and_mapped(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    module = torch.nn.Linear(4, 3)
    torch.jit.script(module).save(str(path), _extra_files={"note.txt": "hello"})
    with Archive.open(path) as archive:
        root = unpickle(archive, "data.pkl")
        assert archive.extra_files["note.txt"] == b"hello"
    assert isinstance(root, PickledObject)
    assert isinstance(root.state, dict)
    weight = root.state["weight"]
    assert weight.ctypes.data % 64 == 0
    check_same(weight, module.weight.detach())
    assert str(path) in Path("/proc/self/maps").read_text()


def test_one_pickle_read_twice_gives_the_same_memory(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.jit.script(torch.nn.Linear(4, 3)).save(str(path))
    archive = Archive.open(path)
    first, second = (unpickle(archive, "data.pkl").state["weight"] for _ in range(2))  # type: ignore[attr-defined]
    assert np.shares_memory(first, second)
