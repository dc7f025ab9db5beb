"""Filters with few parameters, and morphology.

Kernels that a formula gives instead of free weights; and the largest and smallest value in place of the sum.

Source: none.
"""
