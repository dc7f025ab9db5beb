"""Pooling.

A window of cells becomes one: what it holds matters more than where.

Source: none.
"""
