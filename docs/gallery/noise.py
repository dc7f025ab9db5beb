"""Noise in training.

What is left out or added in training makes a net rely on no single cell; at inference these layers do nothing.

Source: none.
"""
