"""Writing archives that PyTorch loads: code, pickles, tensors, in PyTorch's container."""

from treadle.saving.archive import save

__all__ = ["save"]
