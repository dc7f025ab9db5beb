"""Models for other programs: written, run by their format's runtime alone, and only then put in place."""

from kzoo.export.export import export

__all__ = ["export"]
