"""Borders.

What an image is taken to be beyond its edge decides what a convolution finds there.

Source: none.
"""
