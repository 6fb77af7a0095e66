"""TorchScript: archives that `torch.jit.save` writes, and Python compiled by `script`."""

from treadle.frontends.torchscript.loader import LoadedModule, load_program
from treadle.frontends.torchscript.reachable import compile_reachable
from treadle.frontends.torchscript.script import ScriptedFunction, ScriptedModule, script

__all__ = [
    "LoadedModule",
    "ScriptedFunction",
    "ScriptedModule",
    "compile_reachable",
    "load_program",
    "script",
]
