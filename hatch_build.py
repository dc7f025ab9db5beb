"""Build hook of hatchling: the README and the URLs of a package, whose links must work on a package index.

README's links are relative, as in a checkout. Where the repository is known, from KZOO_REPOSITORY or the variables of
GitHub Actions, the package has them as absolute links into the tag of its version; otherwise only their text is left.

Source: hatch.pypa.io, "Metadata hook plugins"; docs.github.com, "Variables" (GITHUB_SERVER_URL, GITHUB_REPOSITORY).
"""

import os
import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOT = Path(__file__).parent
FENCE = re.compile(r"(^```.*?^```$)", flags=re.DOTALL | re.MULTILINE)
RELATIVE = r"(?!\w+:|#)([^)\s]+)"  # the target of a link that is not absolute
IMAGES = (".png", ".svg", ".gif", ".jpg")


class CustomMetadataHook(MetadataHookInterface):
    """Sets the dynamic fields of pyproject.toml, `readme` and `urls`."""

    def update(self, metadata):
        url, tag = repository(), f"v{metadata['version']}"
        text = package_readme((ROOT / "README.md").read_text("utf-8"), url, tag)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
        metadata["urls"] = project_urls(url, tag)


def repository():
    """Returns the URL of the repository, "" if it is not known."""
    given = os.environ.get("KZOO_REPOSITORY", "")
    if not given and os.environ.get("GITHUB_REPOSITORY"):
        given = f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{os.environ['GITHUB_REPOSITORY']}"
    return given.rstrip("/")


def project_urls(url, tag):
    """Returns the URLs of the project, as package indexes show them."""
    pages = {"Documentation": f"{url}/blob/{tag}/docs", "Changelog": f"{url}/blob/{tag}/CHANGELOG.md"}
    return {"Repository": url, **pages, "Issues": f"{url}/issues"} if url else {}


def package_readme(text, url, tag):
    """Returns README's text without relative links: with absolute ones, or with their text if `url` is "".

    >>> package_readme("[all](docs/a.md) ![of it](b.png) [x](#y)", "https://e.org/k", "v1")
    '[all](https://e.org/k/blob/v1/docs/a.md) ![of it](https://e.org/k/raw/v1/b.png) [x](#y)'
    >>> package_readme("[![of it](b.png)](docs/a.md) [x](https://e.org)", "", "v1")
    'of it [x](https://e.org)'
    """
    parts = FENCE.split(text)  # every second one is code
    parts[::2] = [_without_relative_links(part, url, tag) for part in parts[::2]]
    return "".join(parts)


def _without_relative_links(text, url, tag):
    if not url:
        text = re.sub(rf"!\[([^\]]*)\]\({RELATIVE}\)", r"\1", text)
        return re.sub(rf"\[([^\]]*)\]\({RELATIVE}\)", r"\1", text)

    def absolute(match):
        view = "raw" if match[1].lower().endswith(IMAGES) else "blob"
        return f"]({url}/{view}/{tag}/{match[1]})"

    return re.sub(rf"\]\({RELATIVE}\)", absolute, text)
