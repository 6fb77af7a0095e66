"""Types in the syntax of TorchScript's source."""

from __future__ import annotations

from treadle.ir.types import (
    DictType,
    FutureType,
    ListType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
    UnionType,
)


def type_text(type_: Type) -> str:
    """`type_` as archives write it: tensors without dtype and shape."""
    match type_:
        case TensorType():
            return "Tensor"
        case OptionalType(element):
            return f"Optional[{type_text(element)}]"
        case ListType(element):
            return f"List[{type_text(element)}]"
        case DictType(key, value):
            return f"Dict[{type_text(key)}, {type_text(value)}]"
        case UnionType(options):
            return f"Union[{', '.join(map(type_text, options))}]"
        case FutureType(element, kind):
            return f"{kind}[{type_text(element)}]"
        case TupleType(elements, None):
            return f"Tuple[{', '.join(map(type_text, elements)) or '()'}]"
    return str(type_)
