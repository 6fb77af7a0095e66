"""`Tensor`: an array with torch's methods and operators, over the memory of a NumPy array."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from treadle._native import TensorBase, define_tensors
from treadle.eager import dtypes
from treadle.eager.device import CPU
from treadle.eager.device import device as Device  # noqa: N812  the property has its name
from treadle.eager.dlpack import export_array
from treadle.eager.indexing import get_item, set_item
from treadle.eager.methods import OWNER, fill_in
from treadle.eager.printing import format_array
from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError, ShapeError, UnsupportedError
from treadle.ir.formats import PRESERVE, copied_strides, has_format, laid_out, operand_of
from treadle.left_out import TENSOR_NAMES, missing

if TYPE_CHECKING:
    from treadle._methods import Methods
else:
    from treadle.eager.operators import Operators as Methods

Array = np.ndarray[Any, Any]
_is_row_major = TensorBase.is_contiguous


class Size(tuple[int, ...]):
    """The sizes of a tensor's dimensions: a tuple."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"treadle.Size({list(self)})"

    def numel(self) -> int:
        """The number of elements of a tensor of this size."""
        result = 1
        for dim in self:
            result *= dim
        return result


class Tensor(Methods):
    """Elements of one dtype in a grid; views share memory with what they were made from.

    `data` is an array, whose memory the tensor shares, or what NumPy makes an array of. Every
    operator of Treadle whose first argument is a tensor is also a method.
    """

    __slots__ = ()
    __array_priority__ = 1000  # so that `array + tensor` is a tensor

    if not TYPE_CHECKING:  # `Methods` says what there is

        def __getattr__(self, name: str) -> Any:
            """Methods beyond those written here: the operators, which the first miss fills in."""
            if name.startswith("_"):
                raise AttributeError(missing(OWNER, name))
            fill_in(Tensor)
            return getattr(self, name)

    def __dir__(self) -> list[str]:
        fill_in(Tensor)
        return sorted({*object.__dir__(self)} - TENSOR_NAMES)

    # --- what it is ------------------------------------------------------------------------------

    @property
    def device(self) -> Device:
        """Where the elements are."""
        return CPU

    @property
    def requires_grad(self) -> bool:
        """False: Treadle computes no gradients."""
        return False

    @property
    def T(self) -> Tensor:  # noqa: N802  torch's name
        """The tensor with its dimensions reversed, as a view."""
        return Tensor(self._array.T)

    @property
    def mT(self) -> Tensor:  # noqa: N802  torch's name
        """The tensor with its last two dimensions exchanged, as a view.

        Raises:
            ShapeError: if there are fewer than two.
        """
        if self._array.ndim < 2:
            raise ShapeError(f"mT: expected at least 2 dims, got {list(self._array.shape)}")
        return Tensor(np.swapaxes(self._array, -1, -2))

    @property
    def mH(self) -> Tensor:  # noqa: N802  torch's name
        """The conjugate of `mT`; not a view for complex numbers."""
        return Tensor(self.mT._array.conj()) if self.is_complex() else self.mT

    @property
    def H(self) -> Tensor:  # noqa: N802  torch's name
        """The conjugate of the transposed matrix; not a view for complex numbers.

        Raises:
            ShapeError: if there are other than two dimensions.
        """
        if self._array.ndim != 2:
            raise ShapeError(f"H: expected 2 dims, got {list(self._array.shape)}")
        return self.mH

    @property
    def real(self) -> Tensor:
        """The real parts as a view; of real numbers the tensor itself."""
        return Tensor(self._array.real) if self.is_complex() else self

    @property
    def imag(self) -> Tensor:
        """The imaginary parts as a view.

        Raises:
            UnsupportedError: of real numbers.
        """
        if not self.is_complex():
            raise UnsupportedError("imag: only complex tensors have imaginary parts")
        return Tensor(self._array.imag)

    @property
    def data(self) -> Tensor:
        """The tensor over the same memory."""
        return Tensor(self._array)

    @property
    def grad(self) -> None:
        """None: Treadle computes no gradients."""
        return

    @property
    def is_leaf(self) -> bool:
        """True, as of tensors that need no gradients."""
        return True

    @property
    def is_cpu(self) -> bool:
        """True: there are no other devices."""
        return True

    @property
    def is_cuda(self) -> bool:
        """False: there are no other devices."""
        return False

    @property
    def is_sparse(self) -> bool:
        """False: all elements are stored."""
        return False

    @property
    def is_nested(self) -> bool:
        """False: rows have one length."""
        return False

    @property
    def is_meta(self) -> bool:
        """False: there is memory behind all tensors."""
        return False

    @property
    def layout(self) -> int:
        """`treadle.strided`: all elements are stored."""
        return 0

    @property
    def is_quantized(self) -> bool:
        """False: elements are stored as they are."""
        return False

    def is_contiguous(self, memory_format: int = 0) -> bool:
        """Whether the elements lie without gaps in a format, row by row by default."""
        if not memory_format:
            return _is_row_major(self)
        return has_format(*operand_of(self._array), memory_format)

    def type(self, dtype: Any = None) -> Any:
        """The tensor as `dtype`; without it, the dtype's name."""
        return str(self.dtype) if dtype is None else self.to(dtypes.as_dtype(dtype))

    # --- to other objects ------------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy:
            return np.array(self._array, dtype=dtype)
        return self._array if dtype is None else np.asarray(self._array, dtype=dtype)

    def __array_wrap__(
        self, array: Array, context: Any = None, return_scalar: bool = False
    ) -> Tensor:
        """What NumPy's functions of elements give: tensors, as torch has it."""
        return Tensor(array)

    def __dlpack__(self, **options: Any) -> Any:
        return export_array(self._array, {k: v for k, v in options.items() if v is not None})

    def __dlpack_device__(self) -> tuple[int, int]:
        kind, index = self._array.__dlpack_device__()
        return int(kind), int(index)

    def __reduce__(self) -> tuple[Any, ...]:
        return Tensor, (self._array,)

    def __repr__(self) -> str:
        return format_array(self._array)

    def __format__(self, spec: str) -> str:
        if self._array.ndim == 0:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    def __iter__(self) -> Iterator[Tensor]:
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-dim tensor")
        return (Tensor(self._array[i, ...]) for i in range(len(self._array)))

    def __contains__(self, value: Any) -> bool:
        return bool((self._array == getattr(value, "_array", value)).any())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self._array.dtype.kind not in "biu":
            raise TypeError("only tensors of one integer can be used as an index")
        return int(self.item())

    # --- parts -----------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Tensor:
        return Tensor(get_item(self._array, index))

    def __setitem__(self, index: Any, value: Any) -> None:
        set_item(self._array, index, value)


def _to_contiguous(tensor: Tensor, memory_format: int = 0) -> Tensor:
    """A copy of `tensor` whose elements lie in a format, row by row by default; itself if they do.

    Raises:
        ShapeError: if they are to lie with channels last, but are no images.
        InputError: if the format is to be preserved.
    """
    array = tensor._array
    if memory_format == PRESERVE and not array.flags.c_contiguous:
        raise InputError("contiguous: preserve_format is no order of elements")
    if memory_format > PRESERVE:
        wanted = copied_strides(*operand_of(array), memory_format)
        if has_format(*operand_of(array), memory_format):
            return tensor
        made = laid_out(np.empty(array.nbytes, np.uint8), array.dtype, array.shape, wanted)
        np.copyto(made, array)
        return Tensor(made)
    if array.flags.c_contiguous:
        return tensor
    order = sorted(range(array.ndim), key=lambda d: -array.strides[d])
    base = array.transpose(order)
    if not base.flags.c_contiguous:
        return Tensor(np.ascontiguousarray(array))
    place = [order.index(d) for d in range(array.ndim)]
    result: Tensor = FUNCTIONS["permute_copy"](Tensor(base), place)
    return result


def _to_array(data: Any) -> Array:
    if isinstance(data, Tensor):
        return data._array
    array = np.asarray(data)
    dtypes.dtype_of_array(array)
    return array


define_tensors(Size, dtypes.dtype_of_array, _to_array, _to_contiguous)
