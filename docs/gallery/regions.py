"""Pooling to a fixed size, and over learned regions.

However large the image is, the output has one size; the regions are a grid, clusters of features, or selected.

Source: none.
"""
