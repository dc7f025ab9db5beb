"""Activations.

A function of each number, without which layers of sums would be one sum.

Source: none.
"""
