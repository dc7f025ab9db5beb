"""Dense layers.

Every input meets every output: what convolution spares, and a cheaper way to it.

Source: none.
"""
