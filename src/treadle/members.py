"""What a module consists of, under the names that PyTorch's modules have for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from treadle.errors import InputError
from treadle.ir.program import Object, UnsupportedTensor
from treadle.structure import wrapped
from treadle.tensor import Tensor

if TYPE_CHECKING:
    from typing_extensions import Self

_CONTAINERS = ("ModuleList", "ModuleDict", "Sequential")


class Members(ABC):
    """Parameters, buffers and submodules of an object of the program; containers are indexed.

    Tensors share their memory with the module. Into those that the module itself changes one may
    write, and the next run sees it; the others are read-only (see `passes.sealing`).
    """

    _object: Object

    @abstractmethod
    def _member(self, value: Object) -> Self:
        """The module for an object that this one holds."""

    @abstractmethod
    def _shown(self, owner: Object, name: str) -> Any:
        """An attribute of `owner`, read-only if plans may hold it."""

    @property
    def original_name(self) -> str:
        """The name of the class in Python."""
        return self._object.cls.name.rpartition(".")[2]

    def named_modules(
        self, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Self]]:
        """This module and all below it, with their dotted names; shared ones appear once."""
        for name, inner in _objects(self._object, prefix, remove_duplicate):
            yield name, self._member(inner)

    def modules(self) -> Iterator[Self]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Self]]:
        """The modules right below this one, with their names."""
        for name, inner in _submodules(self._object):
            yield name, self._member(inner)

    def children(self) -> Iterator[Self]:
        """The modules right below this one."""
        return (module for _, module in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Parameters with their dotted names; they share the archive's memory."""
        return self._tensors("parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Tensor]:
        """All parameters."""
        return (tensor for _, tensor in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Buffers with their dotted names."""
        return self._tensors("buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers."""
        return (tensor for _, tensor in self.named_buffers(recurse=recurse))

    def state_dict(self) -> dict[str, Tensor]:
        """Parameters and buffers by dotted name, shared ones under each of their names."""
        found: dict[str, Tensor] = {}
        for name, inner in _objects(self._object, "", False):
            for kind in ("parameters", "buffers"):
                for key, _ in _tensors_of(inner, kind):
                    found[_dotted(name, key)] = Tensor(self._shown(inner, key))
        return found

    def get_submodule(self, target: str) -> Self:
        """The module with a dotted name; this one if that is empty.

        Raises:
            AttributeError: if there is none.
        """
        inner = self._object
        for name in target.split(".") if target else ():
            found = dict(_submodules(inner)).get(name)
            if found is None:
                raise AttributeError(f"{inner.cls.name} has no submodule {name!r}")
            inner = found
        return self._member(inner)

    def get_parameter(self, target: str) -> Tensor:
        """The parameter with a dotted name."""
        return self._named("parameters", target)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer with a dotted name."""
        return self._named("buffers", target)

    def _named(self, kind: str, target: str) -> Tensor:
        path, _, name = target.rpartition(".")
        inner = self.get_submodule(path)._object
        if name not in dict(_tensors_of(inner, kind)):
            raise AttributeError(f"{inner.cls.name} has no {kind[:-1]} {name!r}")
        return Tensor(self._shown(inner, name))

    def _tensors(
        self, kind: str, prefix: str, recurse: bool, once: bool
    ) -> Iterator[tuple[str, Tensor]]:
        objects = _objects(self._object, prefix, once) if recurse else [(prefix, self._object)]
        seen: set[int] = set()
        for name, inner in objects:
            for key, array in _tensors_of(inner, kind):
                if not once or id(array) not in seen:
                    seen.add(id(array))
                    yield _dotted(name, key), Tensor(self._shown(inner, key))

    def _tree(self, kind: str) -> str:
        """This module and those below it, as PyTorch prints them."""
        parts = [
            f"  ({name}): " + part._tree(kind).replace("\n", "\n  ")
            for name, part in self.named_children()
        ]
        head = f"{kind}(original_name={self.original_name}"
        return "\n".join([head, *parts, ")"]) if parts else f"{head})"

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self._parts())

    def __iter__(self) -> Iterator[Any]:
        parts = self._parts()
        return iter(parts) if self.original_name == "ModuleDict" else self.children()

    def __contains__(self, key: object) -> bool:
        return key in self._parts()

    def __getitem__(self, key: int | slice | str) -> Any:
        """A module of a container; several for a slice."""
        parts = self._parts()
        if isinstance(key, str):
            if key not in parts:
                raise KeyError(f"no module {key!r}; there are: {', '.join(parts) or 'none'}")
            return self._member(parts[key])
        members = list(parts.values())
        if isinstance(key, slice):
            return [self._member(part) for part in members[key]]
        if not -len(members) <= key < len(members):
            raise IndexError(f"index {key} is out of range for {len(members)} modules")
        return self._member(members[key])

    def _view(self, name: str) -> Callable[[], list[Any]] | None:
        """``keys``, ``values`` or ``items``, which a ModuleDict has, and no other module."""
        if self.original_name != "ModuleDict" or name not in ("keys", "values", "items"):
            return None
        parts = {key: self._member(part) for key, part in self._parts().items()}
        return lambda: list(getattr(parts, name)())

    def _parts(self) -> dict[str, Object]:
        """The members of a ModuleList, ModuleDict or Sequential."""
        if self.original_name not in _CONTAINERS:
            raise TypeError(
                f"{self.original_name} is no ModuleList, ModuleDict or Sequential: "
                "its modules are attributes, see named_children()"
            )
        return dict(_submodules(self._object))

    def _set_training(self, mode: bool) -> None:
        for _, inner in _objects(self._object, "", True):
            if isinstance(inner.attributes.get("training"), bool):
                inner.attributes["training"] = mode

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """This module, if it is what it is to become: on the CPU, of the dtype that it has.

        Raises:
            InputError: if it would have to be moved or converted.
        """
        own = {_bare(p.dtype) for p in self.parameters() if p.dtype.is_floating_point}
        same = {"cpu", "cpu:0", "True", "False", "None", *(own if len(own) == 1 else ())}
        wanted = [_bare(value) for value in (*args, *kwargs.values())]
        if any(name not in same for name in wanted):
            raise InputError(
                f"a compiled module stays on the CPU and keeps its dtypes, got {', '.join(wanted)}:"
                " convert it in PyTorch, before torch.jit.save"
            )
        return self

    def float(self) -> Self:
        """This module, if its parameters are float32; else an `InputError`, as from `to`."""
        return self.to("float32")

    def double(self) -> Self:
        """This module, if its parameters are float64; else an `InputError`, as from `to`."""
        return self.to("float64")

    def half(self) -> Self:
        """This module, if its parameters are float16; else an `InputError`, as from `to`."""
        return self.to("float16")

    def cpu(self) -> Self:
        """This module."""
        return self


def _bare(value: Any) -> str:
    """``float32`` of ``torch.float32`` and of ``treadle.float32``."""
    return str(value).rpartition(".")[2]


def _dotted(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _submodules(owner: Object) -> Iterator[tuple[str, Object]]:
    for name, value in owner.attributes.items():
        if isinstance(value, Object) and value.cls.kind == "module":
            yield name, value


def _objects(root: Object, prefix: str, once: bool) -> Iterator[tuple[str, Object]]:
    """`root` and the modules below it, depth first, with dotted names."""
    seen: set[int] = set()
    pending = [(prefix, root)]
    while pending:
        name, inner = pending.pop()
        if once and id(inner) in seen:
            continue
        seen.add(id(inner))
        yield name, inner
        below = [(_dotted(name, key), part) for key, part in _submodules(inner)]
        pending += reversed(below)


def _tensors_of(owner: Object, kind: str) -> Iterator[tuple[str, np.ndarray]]:
    names = owner.cls.parameters if kind == "parameters" else owner.cls.buffers
    for name, value in owner.attributes.items():
        if name in names and isinstance(value, np.ndarray):
            yield name, value


def attribute_of(owner: Members, value: Any) -> Any:
    """An attribute as the user sees it: modules and script objects with their own attributes.

    Raises:
        UnsupportedError: for a tensor that Treadle cannot represent.
    """
    if isinstance(value, UnsupportedTensor):
        value.fail()
    return owner._member(value) if isinstance(value, Object) else wrapped(value)
