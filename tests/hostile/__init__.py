"""Hostile inputs: damaged and malicious files, odd settings and values, each made from the number of its case.

`python -m tests.hostile --seeds 0:20000` runs cases and adds up what became of them; CONTRIBUTING.md has the commands.
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]
