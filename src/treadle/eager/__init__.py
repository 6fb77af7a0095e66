"""Eager execution: torch's functions on `treadle.Tensor` and NumPy arrays, one operator at a time.

`functions` makes a function per operator, `matching` finds the overload a call means, `execute`
runs it through a plan of one operator; `creation` and `random` make tensors.
"""
