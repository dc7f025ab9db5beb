"""Writes constraints.txt: the versions of all packages that kzoo with its tests needs, as they are installed here.

Usage: python -m docs.constraints    (in the environment whose tests have passed, as `.ci/run` makes one)
"""

import platform
import sys
import sysconfig
from pathlib import Path

from kzoo.analysis.installed import PACKAGE, needed

FILE = Path(__file__).resolve().parents[1] / "constraints.txt"
EXTRAS = ("", "dev")


def constraints():
    """Returns the lines of the file. Raises SystemExit if a package is missing."""
    found = {each.name.lower().replace("_", "-"): each for extra in EXTRAS for each in needed(extra=extra, deep=True)}
    missing = [name for name, each in found.items() if each.version is None]
    if missing:
        sys.exit(f"these are not installed: {', '.join(sorted(missing))}; pip install -e '.[dev]'")
    return [f"{name}=={found[name].version}" for name in sorted(found)]


def main():
    """Writes the file."""
    place = f"Python {'.'.join(platform.python_version_tuple()[:2])} on {sysconfig.get_platform()}"
    head = [
        f"# The versions that {PACKAGE}'s tests passed with, on {place}: pip install -c constraints.txt {PACKAGE}",
        "# python -m docs.constraints",
    ]
    FILE.write_text("\n".join([*head, *constraints(), ""]))


if __name__ == "__main__":
    main()
