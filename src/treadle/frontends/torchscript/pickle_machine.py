"""The machine that runs pickles: a stack, a memo, and the opcodes that TorchScript uses.

It can only build data: no Python class is looked up, no Python function is called by name. Every
length is checked before it is used.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from treadle.errors import ArchiveError
from treadle.frontends.torchscript.pickle_functions import (
    ClassName,
    Context,
    Function,
    StorageType,
    find_global,
)
from treadle.frontends.torchscript.values import Device, PickledEnum, PickledObject

_PROTOCOL = 2
_MAX_LINE = 4096
_MARKS_PER_LEVEL = 4
_KEYS = (str, int, float, bool, complex, Device)


class Machine:
    """The state of one run: a stack of values cut by marks, and the memo."""

    def __init__(self, data: bytes, context: Context) -> None:
        self._data = data
        self._at = 0
        self._context = context
        self._limits = context.limits
        self._memo: list[object] = []
        self._stack: list[object] = []
        self._marked: list[list[object]] = []

    def run(self) -> object:
        """The value that the pickle leaves at its STOP."""
        start = 0
        try:
            while True:
                start = self._at
                opcode = self._take(1)[0]
                if opcode == _STOP:
                    return self._stop()
                step = _STEPS.get(opcode)
                if step is None:
                    raise ArchiveError(f"opcode {opcode:#04x} is not one TorchScript uses")
                self._context.spend(1)
                step(self)
        except ArchiveError as error:
            path = self._path()
            where = f"{path} (byte {start})" if path else f"byte {start}"
            raise ArchiveError(f"{where}: {error}") from error.__cause__

    def _stop(self) -> object:
        if self._marked or len(self._stack) != 1:
            raise ArchiveError("the pickle does not end with one value")
        if self._at != len(self._data):
            raise ArchiveError("the pickle goes on after its end")
        return self._stack[0]

    def _path(self) -> str:
        """The attributes and keys that lead to where the machine stands."""
        names = []
        for frame in (*self._marked[:16], self._stack):
            last = next((v for v in reversed(frame[-3:]) if type(v) is str), None)
            if last is not None and len(last) < 80 and last != "storage":
                names.append(last)
        return ".".join(names)

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            left = len(self._data) - self._at
            raise ArchiveError(f"the pickle is cut short: {count} bytes wanted, {left} left")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def _number(self, count: int, *, signed: bool = False) -> int:
        return int.from_bytes(self._take(count), "little", signed=signed)

    def _line(self) -> str:
        end = self._data.find(b"\n", self._at, self._at + _MAX_LINE)
        if end < 0:
            raise ArchiveError("the name of a global does not end")
        raw = self._data[self._at : end]
        self._at = end + 1
        return _text(raw)

    def _pop(self) -> object:
        if not self._stack:
            raise ArchiveError("the stack is empty")
        return self._stack.pop()

    def _top(self) -> object:
        if not self._stack:
            raise ArchiveError("the stack is empty")
        return self._stack[-1]

    def _pop_to_mark(self) -> list[object]:
        if not self._marked:
            raise ArchiveError("there is no mark on the stack")
        items, self._stack = self._stack, self._marked.pop()
        return items

    def _mark(self) -> None:
        if len(self._marked) > _MARKS_PER_LEVEL * self._limits.max_depth:
            raise ArchiveError("the marks on the stack are nested too deep")
        self._marked.append(self._stack)
        self._stack = []

    def _protocol(self) -> None:
        version = self._number(1)
        if self._at != 2:
            raise ArchiveError(f"pickle protocol {version} stands at byte {self._at - 2}")
        if version != _PROTOCOL:
            raise ArchiveError(f"pickle protocol {version} is not {_PROTOCOL}")

    def _global(self) -> None:
        module = self._line()
        self._stack.append(find_global(module, self._line()))

    def _put(self, width: int) -> None:
        index = self._number(width)
        value = self._top()
        if index > len(self._memo):
            raise ArchiveError(f"memo entry {index} follows entry {len(self._memo) - 1}")
        if index == len(self._memo):
            self._memo.append(value)
        else:
            self._memo[index] = value

    def _get(self, width: int) -> None:
        index = self._number(width)
        if index >= len(self._memo):
            raise ArchiveError(f"memo entry {index} is not set")
        self._stack.append(self._memo[index])

    def _integer(self, width: int, *, signed: bool = False) -> None:
        self._stack.append(self._number(width, signed=signed))

    def _long(self) -> None:
        length = self._number(1)
        if length > 8:
            raise ArchiveError(f"an integer has {length} bytes, at most 8 are read")
        self._stack.append(self._number(length, signed=True))

    def _float(self) -> None:
        self._stack.append(struct.unpack(">d", self._take(8))[0])

    def _string(self, width: int) -> None:
        length = self._number(width)
        if length > self._limits.max_string_bytes:
            raise ArchiveError(f"a string has {length} bytes")
        self._stack.append(_text(self._take(length)))

    def _tuple(self, count: int) -> None:
        if len(self._stack) < count:
            raise ArchiveError("the stack is empty")
        items = tuple(self._stack[-count:])
        self._stack[-count:] = [items]

    def _marked_tuple(self) -> None:
        items = self._pop_to_mark()
        self._stack.append(tuple(items))

    def _marked_list(self) -> None:
        items = self._pop_to_mark()
        self._stack.append(items)

    def _marked_dict(self) -> None:
        items = self._pop_to_mark()
        target: dict[object, object] = {}
        self._set_items(target, items)
        self._stack.append(target)

    def _append(self) -> None:
        self._extend([self._pop()])

    def _appends(self) -> None:
        self._extend(self._pop_to_mark())

    def _extend(self, items: list[object]) -> None:
        target = self._top()
        if type(target) is not list:
            raise ArchiveError(f"APPEND to a {type(target).__name__}")
        target.extend(items)

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._set_items(self._top(), [key, value])

    def _set_all(self) -> None:
        items = self._pop_to_mark()
        self._set_items(self._top(), items)

    def _set_items(self, target: object, items: list[object]) -> None:
        if type(target) is not dict:
            raise ArchiveError(f"SETITEM on a {type(target).__name__}")
        if len(items) % 2:
            raise ArchiveError("a dict has a key without a value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Hashing a deep tuple would overflow the C stack, so few types are let through.
            if type(key) not in _KEYS:
                raise ArchiveError(f"a dict has a {type(key).__name__} as a key")
            if key in target:
                raise ArchiveError(f"a dict has the key {str(key)[:80]!r} twice")
            target[key] = value

    def _new(self) -> None:
        args, cls = self._pop(), self._pop()
        if type(cls) is not ClassName or type(args) is not tuple or args:
            raise ArchiveError("NEWOBJ takes a class of the archive and no arguments")
        self._stack.append(PickledObject(cls.name))

    def _build(self) -> None:
        state, target = self._pop(), self._top()
        if type(target) is not PickledObject:
            raise ArchiveError(f"BUILD of a {type(target).__name__}")
        if target.state is not None:
            raise ArchiveError(f"an object of {target.type_name} is built twice")
        target.state = state

    def _reduce(self) -> None:
        args, function = self._pop(), self._pop()
        if type(function) is Function and type(args) is tuple:
            self._stack.append(function.call(self._context, args))
        elif type(function) is ClassName and type(args) in (int, float, str):
            self._stack.append(PickledEnum(function.name, args))
        else:
            raise ArchiveError(
                f"REDUCE of a {type(function).__name__} with a {type(args).__name__}"
            )

    def _persistent(self) -> None:
        args = self._pop()
        if type(args) is not tuple or len(args) != 5:
            raise ArchiveError("a persistent id is not that of a storage")
        word, kind, key, device, numel = args
        if type(word) is not str or word != "storage" or type(kind) is not StorageType:
            raise ArchiveError("a persistent id is not that of a storage")
        if type(key) is not str or type(device) is not str or type(numel) is not int:
            raise ArchiveError("a persistent id is not that of a storage")
        storage = self._context.storages.storage(kind.name, key, device, numel)
        self._stack.append(storage)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ArchiveError("a string is not UTF-8") from None


def _push(make: Callable[[], object]) -> Callable[[Machine], None]:
    return lambda machine: machine._stack.append(make())


_STOP = ord(".")
_STEPS: dict[int, Callable[[Machine], None]] = {
    0x80: Machine._protocol,
    0x81: Machine._new,
    0x85: lambda m: m._tuple(1),
    0x86: lambda m: m._tuple(2),
    0x87: lambda m: m._tuple(3),
    0x88: _push(lambda: True),
    0x89: _push(lambda: False),
    0x8A: Machine._long,
    0x8D: lambda m: m._string(8),
    ord("("): Machine._mark,
    ord(")"): _push(tuple),
    ord("G"): Machine._float,
    ord("J"): lambda m: m._integer(4, signed=True),
    ord("K"): lambda m: m._integer(1),
    ord("M"): lambda m: m._integer(2),
    ord("N"): _push(lambda: None),
    ord("Q"): Machine._persistent,
    ord("R"): Machine._reduce,
    ord("X"): lambda m: m._string(4),
    ord("]"): _push(list),
    ord("a"): Machine._append,
    ord("b"): Machine._build,
    ord("c"): Machine._global,
    ord("d"): Machine._marked_dict,
    ord("e"): Machine._appends,
    ord("h"): lambda m: m._get(1),
    ord("j"): lambda m: m._get(4),
    ord("l"): Machine._marked_list,
    ord("q"): lambda m: m._put(1),
    ord("r"): lambda m: m._put(4),
    ord("s"): Machine._set_item,
    ord("t"): Machine._marked_tuple,
    ord("u"): Machine._set_all,
    ord("}"): _push(dict),
}
