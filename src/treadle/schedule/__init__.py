"""Decisions: from a specialised graph to kernels, places in memory, and an order of steps.

`schedule.make_schedule` is the entry. Nothing here measures, compiles or runs anything.
"""
