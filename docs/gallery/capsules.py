"""Glimpses and capsules.

Layers that decide where to look, and vectors in place of numbers.

Source: none.
"""
