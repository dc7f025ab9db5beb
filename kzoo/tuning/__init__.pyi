from .hypermodel import HyperModel

__all__ = ["HyperModel"]
