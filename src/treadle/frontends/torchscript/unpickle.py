"""The two pickles of a TorchScript archive, ``data.pkl`` and ``constants.pkl``."""

from __future__ import annotations

from treadle.errors import ArchiveError
from treadle.frontends.torchscript.archive import Archive, located
from treadle.frontends.torchscript.nesting import check_nesting
from treadle.frontends.torchscript.pickle_functions import Context
from treadle.frontends.torchscript.pickle_machine import Machine
from treadle.frontends.torchscript.storage import StorageReader
from treadle.frontends.torchscript.values import PickledObject

_ROOTS = {"data.pkl": (PickledObject, "an object"), "constants.pkl": (tuple, "a tuple")}


def unpickle(archive: Archive, name: str) -> object:
    """The value of the pickle in record `name`, ``data.pkl`` or ``constants.pkl``.

    Python's numbers, strings, lists, dicts and tuples stand for themselves, a tensor is an array
    that views the archive, a NamedTuple is a tuple; for the rest see `values`. What the pickle
    shares is one object: a tied parameter is the same array, and tensors on one storage share its
    memory. There are no cycles, and nesting is limited.

    Raises:
        ArchiveError: if the pickle is damaged, exceeds the limits, or uses an opcode or name that
            TorchScript does not; if a tensor leaves its storage, or a storage its record; if
            ``data.pkl`` is not an object, or ``constants.pkl`` not a tuple.
        UnsupportedError: if the pickle has the layout used before PyTorch 1.4.
    """
    data = archive.read(name)
    context = Context(StorageReader(archive, name.removesuffix(".pkl")), archive.limits)
    with located(f"{archive.name}: {name}"):
        if len(data) > archive.limits.max_pickle_bytes:
            raise ArchiveError(f"the pickle has {len(data)} bytes")
        value = Machine(data, context).run()
        check_nesting(value, archive.limits.max_depth)
        kind, words = _ROOTS.get(name, (object, ""))
        if not isinstance(value, kind):
            raise ArchiveError(f"the pickle holds a {type(value).__name__}, not {words}")
        return value
