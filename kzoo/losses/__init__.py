"""Losses, metrics, initialisers and constraints that families need and Keras lacks; none so far."""
