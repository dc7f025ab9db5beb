"""Normalization.

Values on one scale: over the batch, over the channels, over a neighbourhood.

Source: none.
"""
