"""Contexts that mean nothing here: gradient modes, records of a profiler, autocast that is off."""

from __future__ import annotations

import ast

from treadle.frontends.torchscript.symbols import IGNORED_CONTEXT, ClassSymbol, Item, Special
from treadle.frontends.torchscript.type_tests import TypeTests
from treadle.ir.op import NEW_OBJECT
from treadle.ir.types import ClassType, Type

AUTOCASTS: dict[str, Special] = {
    "torch.amp.autocast_mode": Special("autocast"),
    "torch.cpu.amp.autocast_mode": Special("cpu_autocast"),
    "torch.cuda.amp.autocast_mode": Special("no_grad"),  # changes what runs on a GPU, nothing else
}
"""What the class ``autocast`` of each of torch's modules stands for."""
_PROFILER = "__torch__.torch.autograd.profiler.record_function"


class Contexts(TypeTests):
    """Imports contexts."""

    def _no_grad(self, node: ast.Call, hint: Type | None) -> Item:
        """Gradient modes mean nothing here: a `with` skips them."""
        return IGNORED_CONTEXT

    def _new(self, node: ast.Call, hint: Type | None) -> Item:
        """``Class.__new__(Class)``."""
        (argument,) = self._expect(node, 1)
        symbol = self.item(argument)
        if not isinstance(symbol, ClassSymbol):
            raise self.error("__new__ takes a class")
        cls = symbol.cls
        if cls.name == _PROFILER:
            return IGNORED_CONTEXT
        module, _, name = cls.name.removeprefix("__torch__.").rpartition(".")
        if name == "autocast" and module in AUTOCASTS:
            return AUTOCASTS[module]
        if cls.kind not in ("class", "module"):
            raise self.error(f"{cls.kind} {cls.name} has no __new__")
        return self.value(NEW_OBJECT, (), ClassType(cls.name), name=cls.name)

    def _autocast(self, node: ast.Call, hint: Type | None) -> Item:
        """``torch.autocast(device_type, dtype, enabled)``."""
        given = self._argument(node, 0, "device_type")
        if not (isinstance(given, ast.Constant) and given.value == "cuda"):
            self._check_off(node, self._argument(node, 2, "enabled"))
        return IGNORED_CONTEXT

    def _cpu_autocast(self, node: ast.Call, hint: Type | None) -> Item:
        """``torch.cpu.amp.autocast(enabled, dtype)``."""
        self._check_off(node, self._argument(node, 0, "enabled"))
        return IGNORED_CONTEXT

    def _argument(self, node: ast.Call, index: int, name: str) -> ast.expr | None:
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        return node.args[index] if index < len(node.args) else named.get(name)

    def _check_off(self, node: ast.Call, enabled: ast.expr | None) -> None:
        if enabled is None or self.condition(enabled).known is not False:
            raise self.unsupported(
                "torch.autocast computes in another dtype where it is enabled, which Treadle does "
                "not do: pass enabled=False, or convert the model to bfloat16",
                node,
            )
