"""Tests of the graph IR."""
