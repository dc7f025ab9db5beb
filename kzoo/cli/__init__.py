"""The command line: each command reads its arguments, calls the library and prints; it contains no arithmetic.

A command imports what it needs after its arguments are checked: TensorFlow takes seconds to import.
"""

from kzoo.cli.program import main

__all__ = ["main"]
