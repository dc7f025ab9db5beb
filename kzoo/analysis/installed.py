"""What is installed of the packages that kzoo and its extras need, from the installed packages' metadata."""

import importlib.metadata
from collections.abc import Iterator
from typing import NamedTuple

from packaging.requirements import Requirement

PACKAGE = "kzoo"
SHOWN = 4  # packages in one line
PURPOSES = {  # of the extras, in the order of pyproject.toml
    "gpu": "training on NVIDIA GPUs",
    "export": "ONNX, LiteRT and OpenVINO",
    "flow": "the optical flow of moving_digits",
    "explore": "kzoo explore",
    "test": "kzoo's tests",
    "bench": "comparisons with other libraries",
    "dev": "working on kzoo",
}


class Needed(NamedTuple):
    """A package that another one requires: its requirement without extras, and the installed version or None."""

    name: str
    wanted: str
    version: str | None
    fits: bool

    @property
    def problem(self) -> str | None:
        """What is wrong with it, None if it is installed as required.

        >>> Needed("onnx", ">=1.20", "1.2", False).problem, Needed("onnx", "", None, False).problem
        ('onnx 1.2, not >=1.20', 'onnx')
        """
        if self.fits:
            return None
        return f"{self.name}{self.wanted}" if self.version is None else f"{self.name} {self.version}, not {self.wanted}"


def needed(package: str = PACKAGE, extra: str = "", deep: bool = False) -> Iterator[Needed]:
    """Yields the packages that an extra of a package adds, or those that it always requires if `extra` is "".

    Those that the extras of these packages add are among them, and with `deep` all that they require themselves.
    Raises importlib.metadata.PackageNotFoundError if the package itself is not installed.
    """
    return _needed(package, extra, deep, set())


def _needed(package, extra, deep, seen):
    for text in importlib.metadata.requires(package) or ():
        requirement = Requirement(text)
        if not _applies(requirement, extra) or (extra and _applies(requirement, "")):
            continue
        key = (requirement.name.lower(), *sorted(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            version = None
        fits = version is not None and requirement.specifier.contains(version, prereleases=True)
        if requirement.name != PACKAGE:
            yield Needed(requirement.name, str(requirement.specifier), version, fits)
        if version is not None:
            for inner in (*sorted(requirement.extras), *([""] if deep else [])):
                yield from _needed(requirement.name, inner, deep, seen)


def _applies(requirement, extra):
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def extras() -> list[str]:
    """Returns the names of kzoo's extras."""
    return importlib.metadata.metadata(PACKAGE).get_all("Provides-Extra") or []


def describe_extra(extra: str) -> str:
    """Returns what an extra is for, and that it is installed or what is missing."""
    problems = [each.problem for each in needed(extra=extra) if each.problem]
    if not problems:
        return f"installed; {PURPOSES[extra]}"
    named = ", ".join(problems[:SHOWN]) + (f" and {len(problems) - SHOWN} more" if len(problems) > SHOWN else "")
    return f"missing for {PURPOSES[extra]}: {named}; pip install '{PACKAGE}[{extra}]'"
