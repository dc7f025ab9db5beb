"""Configs: their settings and defaults, how they are read, checked and compared."""
