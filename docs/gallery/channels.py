"""Pooling across channels.

Maps become fewer, where several filters look for variants of one thing.

Source: none.
"""
