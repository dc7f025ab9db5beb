"""README and URLs of a package: no relative links, which a package index could not follow."""

import doctest
import importlib.util
import re
import sys
import tomllib
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
URL = "https://example.org/kzoo"
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def hook():
    """The build hook, without hatchling, which only builds install."""
    name = "hatchling.metadata.plugin.interface"
    stub = types.ModuleType(name)
    stub.MetadataHookInterface = object
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, name, stub)
        spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("url", [URL, ""])
def test_no_link_of_the_package_is_relative(hook, url):
    text = (ROOT / "README.md").read_text()
    relative = [link for link in LINK.findall(hook.FENCE.sub("", text)) if "://" not in link and link[0] != "#"]
    assert len(relative) > 20 and all((ROOT / link.partition("#")[0]).exists() for link in relative), relative
    made = hook.package_readme(text, url, "v1")
    links = LINK.findall(hook.FENCE.sub("", made))
    assert all(link.startswith(("https://", "#")) for link in links)
    assert sum(link.startswith(URL) for link in links) == (len(relative) if url else 0)
    assert hook.FENCE.findall(made) == hook.FENCE.findall(text) and len(hook.FENCE.findall(text)) > 5


def test_metadata(hook, monkeypatch):
    for name in ("KZOO_REPOSITORY", "GITHUB_REPOSITORY", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)

    def metadata():
        made = {"version": "1.2"}
        hook.CustomMetadataHook().update(made)
        return made

    assert metadata()["urls"] == {} and metadata()["readme"]["content-type"] == "text/markdown"
    monkeypatch.setenv("GITHUB_REPOSITORY", "some/kzoo")
    assert metadata()["urls"]["Issues"] == "https://github.com/some/kzoo/issues"
    monkeypatch.setenv("KZOO_REPOSITORY", f"{URL}/")
    assert metadata()["urls"]["Changelog"] == f"{URL}/blob/v1.2/CHANGELOG.md"
    assert f"{URL}/raw/v1.2/docs/figures/mnist1d.png" in metadata()["readme"]["text"]


def test_doctests(hook):
    assert doctest.testmod(hook) == (0, 2)


def test_pyproject_leaves_these_fields_to_the_hook():
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)
    assert sorted(project["project"]["dynamic"]) == ["readme", "urls"]
    assert "custom" in project["tool"]["hatch"]["metadata"]["hooks"]
    assert project["project"]["license-files"] == ["LICENSE"]
