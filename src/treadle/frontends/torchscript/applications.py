"""Applications: an operator's name becomes the overload that a call means, as a node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from treadle.frontends.torchscript.emitter import Emitter
from treadle.frontends.torchscript.given_results import (
    CHECK_OUT,
    RESULT_NAMES,
    TAKES_DTYPE_OF_OUT,
    WRITTEN_INTO,
    casts_into_out,
)
from treadle.frontends.torchscript.resolve import CallArguments, Signature, convert, match
from treadle.frontends.torchscript.symbols import Item
from treadle.frontends.torchscript.unsupported import (
    is_refused,
    refusal,
)
from treadle.ir.graph import Node, Value
from treadle.ir.op import (
    AWAITABLE,
    CALL_FUNCTION,
    NEW_OBJECT,
    RAISE,
    TUPLE_UNPACK,
    WAIT,
    OpDef,
    unsupported,
)
from treadle.ir.types import (
    ANY,
    TENSOR,
    ClassType,
    FutureType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
    UnionType,
)
from treadle.left_out import because
from treadle.ops import OPS

_SAME = {"prim::data": "aten::detach"}
"""Operators that mean the same where nothing has gradients."""

_RECORD = "__torch__.torch.classes.profiler._RecordFunction"


def _narrower(call: CallArguments) -> str:
    """What may help with arguments that could be of several types."""
    for value in (*call.positional, *call.keywords.values()):
        if isinstance(value.type, OptionalType):
            return ", which `is not None` or `assert` make narrower"
        if isinstance(value.type, UnionType) or value.type == ANY:
            return ", which isinstance makes narrower"
    return ""


class Applications(Emitter):
    """Applies operators."""

    def materialize(self, item: Item) -> Value:
        """`item` as a value of the graph."""
        raise NotImplementedError

    def require(self, value: Value, type_: Type, what: str) -> Value:
        """`value` with the implicit conversions to `type_`, or an error that says `what` it is."""
        converted = convert(self, value, type_, None, conversions=True)
        if converted is None:
            raise self.error(f"{what} has type {value.type}, expected {type_}")
        return converted

    def apply(
        self,
        name: str,
        args: Sequence[Item],
        kwargs: dict[str, Item] | None = None,
        result: Type | None = None,
    ) -> Value:
        """Apply the overload of operator `name` that fits, as TorchScript chooses it."""
        call = CallArguments([self.materialize(a) for a in args], {})
        call.keywords.update({k: self.materialize(v) for k, v in (kwargs or {}).items()})
        is_tensor = bool(call.positional) and isinstance(call.positional[0].type, TensorType)
        name = "aten::abs" if name == "prim::abs" and is_tensor else _SAME.get(name, name)
        if name in ("aten::wait", "prim::awaitable_wait"):
            return self._wait(call)
        if name == "prim::awaitable_nowait" and len(call.positional) == 1:
            return self._ready(call.positional[0])
        if name == "prim::RaiseException":
            self.emit(RAISE, [*call.positional, *call.keywords.values()])
            return self.none()
        if name.startswith("profiler::"):
            return self._profiler(name, call)
        found = self._library_call(name, call)
        if found is not None:
            return found
        places = RESULT_NAMES.get(name, ("out",))
        if call.keywords.keys() >= set(places):
            return self._apply_into(name, call, places)
        overloads = OPS.tried(name)
        if not overloads:
            reason = because(name.removeprefix("aten::"))
            return self._unsupported(
                name, call, f"operator {name}({call}) is not supported{reason}"
            )
        return self._matched(name, overloads, call, result)

    def _library_call(self, name: str, call: CallArguments) -> Value | None:
        """A call of the function that stands for operator `name`, if one takes the arguments."""
        for function in self.scope.library(name):
            found = self._attempt(Signature.of_function(function), call, True)
            if not isinstance(found, str):
                return self.value(CALL_FUNCTION, found.inputs, function.result, name=function.name)
        return None

    def _apply_into(self, name: str, call: CallArguments, places: tuple[str, ...]) -> Value:
        """``out=``: compute, then write what comes out into the tensors that are given for it."""
        targets = [call.keywords.pop(place) for place in places]
        if name in TAKES_DTYPE_OF_OUT and "dtype" not in call.keywords:
            call.keywords["dtype"] = self.apply("prim::dtype", targets[:1])
        computed = self.apply(name, call.positional, dict(call.keywords))
        exact = self.constant(not casts_into_out(name))
        type_, parts = computed.type, [computed]
        if isinstance(type_, TupleType):
            parts = self.emit(TUPLE_UNPACK, (computed,), type_.elements).outputs
        pairs = list(zip(parts, targets, strict=True))
        for pair in pairs:
            self.apply(CHECK_OUT, (*pair, exact))
        written = [self.apply(WRITTEN_INTO, pair) for pair in pairs]
        return self.tuple(written, type_) if isinstance(type_, TupleType) else written[0]

    def _profiler(self, name: str, call: CallArguments) -> Value:
        """Records of what a profiler sees mean nothing here."""
        if name == "profiler::_record_function_exit":
            return self.none()
        if name == "profiler::_call_end_callbacks_on_jit_fut" and len(call.positional) == 2:
            return call.positional[1]
        cls = self.find_class(_RECORD)
        if name != "profiler::_record_function_enter_new" or cls is None:
            raise self.unsupported(f"operator {name}({call}) is not supported")
        return self.value(NEW_OBJECT, (), ClassType(cls.name), name=cls.name)

    def _matched(
        self, name: str, overloads: Sequence[OpDef], call: CallArguments, result: Type | None
    ) -> Value:
        reasons: list[str] = []
        for conversions in (False, True) if len(overloads) > 1 else (True,):
            reasons.clear()
            for op in overloads:
                assert op.schema is not None
                signature = Signature.of_schema(op.schema)
                found = self._attempt(signature, call, conversions)
                if isinstance(found, str):
                    reasons.append(f"{op.schema.text}: {found}")
                    continue
                types = [found.substitute(r.type) for r in op.schema.results]
                return self._results(self.emit(op, found.inputs, [result] if result else types))
        message = f"no overload of {name} takes ({call}){_narrower(call)}:"
        return self._unsupported(name, call, message + "".join(f"\n  {r}" for r in reasons[:8]))

    def _unsupported(self, name: str, call: CallArguments, message: str) -> Value:
        """A node that raises when it is reached, where the result is a tensor as far as we know."""
        if is_refused(name):
            raise self.unsupported(refusal(name))
        error = self.unsupported(message)
        has_tensor = any(isinstance(v.type, TensorType) for v in call.positional)
        if not (has_tensor and self.scope.defers_unsupported):
            raise error
        inputs = [*call.positional, *call.keywords.values()]
        message = str(error)
        return self.value(unsupported(message), inputs, TENSOR, message=message)

    def _attempt(self, signature: Signature, call: CallArguments, conversions: bool) -> Any:
        """Match, and take back the nodes of conversions if that fails."""
        block, last = self.block, self.block.end.prev
        found = match(self, signature, call, conversions)
        if isinstance(found, str):
            while block.end.prev is not last:
                block.erase(block.end.prev)
        return found

    def call_signature(self, signature: Signature, call: CallArguments) -> list[Value]:
        """The inputs of a call of a function with one signature."""
        found = self._attempt(signature, call, True)
        if isinstance(found, str):
            raise self.error(f"{signature.name}({call}): {found}")
        inputs: list[Value] = found.inputs
        return inputs

    def _results(self, node: Node) -> Value:
        if not node.outputs:
            return self.none()
        if len(node.outputs) == 1:
            return node.output
        names = tuple(r.name for r in node.op.schema.results) if node.op.schema else ()
        types = tuple(v.type for v in node.outputs)
        return self.tuple(node.outputs, TupleType(types, None, names if all(names) else ()))

    def _ready(self, value: Value) -> Value:
        """An Await that holds `value` already."""
        node = self.emit(AWAITABLE)
        node.add_block().set_returns([value])
        return node.add_output(FutureType(value.type, "Await"))

    def _wait(self, call: CallArguments) -> Value:
        future = call.positional[0] if len(call.positional) == 1 else None
        if future is None or not isinstance(future.type, FutureType):
            raise self.error(f"wait takes a Future, got ({call})")
        return self.value(WAIT, (future,), future.type.element)
