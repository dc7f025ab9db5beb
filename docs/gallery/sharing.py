"""Sharing less, and moving kernels.

From one kernel for all places over kernels that take turns to one for each place; and kernels whose cells go where
the image sends them.

Source: none.
"""
