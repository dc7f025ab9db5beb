"""constraints.txt: one version of each package, which fits what pyproject.toml requires."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def test_versions_fit_what_is_required():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pinned = dict(line.split("==") for line in lines)
    assert len(pinned) == len(lines) > 100 and list(pinned) == sorted(pinned)
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    extras = project["optional-dependencies"]
    tested = [name for name in extras if name not in ("gpu", "bench")]
    for text in (*project["dependencies"], *(each for name in tested for each in extras[name])):
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name != "kzoo":
            assert name in pinned, f"{text} is not in constraints.txt: python -m docs.constraints"
            fits = requirement.specifier.contains(pinned[name], prereleases=True)
            assert fits, f"constraints.txt has {name} {pinned[name]}, not {text}: python -m docs.constraints"
