"""The part of ``torch.nn`` that are functions; layers with parameters come with a model's file."""

from treadle.nn import functional as functional

__all__ = ["functional"]
