"""The pages: a layer in all its dimensions, its text from the docstrings, its picture from a function.

Source: none.
"""

import ast
import inspect
import re
import sys
import textwrap
from typing import Any, NamedTuple

import keras

from kzoo.analysis.catalogue import families, source

PAGES = {}
LABELS = re.compile(r"(?:^|(?<=[.;)]) )((?:Shapes|Weights|Arguments|Units|Errors|Source|Sources)\b[^.:`]*: )", re.M)


class Page(NamedTuple):
    """One page; `classes` are those of every dimension."""

    name: str
    classes: list
    what: str
    source: str
    picture: Any

    @property
    def ours(self):
        return self.classes[0].__module__.startswith("kzoo.")

    @property
    def told(self):
        """The class that tells what the layer does: that of images, where there is one."""
        return next((cls for cls in self.classes if cls.__name__.endswith("2D")), self.classes[0])

    @property
    def group(self):
        return self.picture.__module__


def page(name, what=None, said=None):
    """Registers a function that returns rows of panels, with the caption as its docstring, as the picture of a layer.

    kzoo's layers are known by their docstrings; for one of Keras's own `what` and its source are told here.
    """

    def register(picture):
        if name in PAGES:
            raise ValueError(f"page: two pictures of {name}")
        if name in families():
            made = Page(name, families()[name], what, said, picture)
            text = inspect.getdoc(made.told).splitlines()[0]
            made = made._replace(what=text, source=source(made.told.__module__))
        else:
            names = [name, *(f"{name}{rank}D" for rank in (1, 2, 3))]
            classes = [getattr(keras.layers, found) for found in names if hasattr(keras.layers, found)]
            made = Page(name, classes, what, said, picture)
        PAGES[name] = made
        return picture

    return register


def signature(cls):
    """How a layer is called, the arguments that it hands on to the classes above it among them.

    >>> from kzoo.layers.tiled_conv import TiledConv2D
    >>> signature(TiledConv2D)[:64]
    "TiledConv2D(filters, kernel_size, tile=2, strides=1, padding='val"
    """
    found = {}
    for parent in cls.__mro__:
        if "__init__" in vars(parent) and (parent is cls or parent.__module__.startswith("kzoo.")):
            names = inspect.signature(parent.__init__).parameters
            for name, parameter in names.items():
                if name != "self" and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                    found.setdefault(name, str(parameter))
            if not any(p.kind is p.VAR_KEYWORD for p in names.values()):
                break
    return f"{cls.__name__}({', '.join(found.values())})"


def code(picture):
    """What a reader runs to get a picture's panels: the function's body, below the imports and helpers that it uses."""
    text, module = textwrap.dedent(inspect.getsource(picture)), sys.modules[picture.__module__]
    function = ast.parse(text).body[0]
    body = textwrap.dedent("\n".join(text.splitlines()[function.body[1].lineno - 1 :]))  # below the caption
    used, imports, helpers = _names(function.body), [], []
    whole = ast.parse(inspect.getsource(module)).body
    for node in whole:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list and node.name in used:
            helpers += [inspect.getsource(getattr(module, node.name)), ""]
            used |= _names(node.body)
    for node in whole:
        if isinstance(node, ast.Import | ast.ImportFrom):
            node.names = [alias for alias in node.names if (alias.asname or alias.name) in used]
            imports += [ast.unparse(node)] * bool(node.names)
    return "\n".join([*imports, "", *helpers, re.sub(r"^return ", "rows = ", body, flags=re.M)])


def _names(lines):
    return {node.id for line in lines for node in ast.walk(line) if isinstance(node, ast.Name)}


def markdown(cls):
    """A class of kzoo: its signature, its docstring with a line for each labelled part, its example."""
    text, _, example = inspect.getdoc(cls).partition(">>> ")
    text = " ".join(text.split())
    text = re.sub(r"\*(?=[^`]*(?:`[^`]*`[^`]*)*$)", r"\\*", text)  # an asterisk outside of code is one
    text = LABELS.sub(lambda found: f"\n- **{found[1].strip()}** ", text)
    return "\n".join(
        [
            f"### {cls.__name__}",
            "",
            *textwrap.wrap(f"`{signature(cls)}`", 118, subsequent_indent="  ", break_on_hyphens=False),
            "",
            text,
            "",
            *(["```python", f">>> {example.strip()}", "```", ""] if example else []),
        ]
    )


def text_of(page):
    """The Markdown of a page."""
    caption = " ".join(inspect.getdoc(page.picture).split())
    module = "kzoo.layers" if page.ours else "keras.layers"
    names = ", ".join(f"`{module}.{cls.__name__}`" for cls in page.classes)
    return "\n".join(
        [
            f"# {page.name}",
            "",
            f"{page.what}",
            "",
            f"![{page.name}](figures/{page.name}.png)",
            "",
            caption,
            "",
            f"{names}. Source: {page.source.rstrip('.')}.",
            "",
            *(map(markdown, page.classes) if page.ours else [f"`{signature(page.told)}`", ""]),
            "### The picture",
            "",
            "```python",
            code(page.picture).rstrip(),
            "```",
            "",
            f"Made by `python -m docs.gallery {page.name}`; [all layers](README.md).",
            "",
        ]
    )


def contents():
    """The Markdown of docs/layers/README.md: the pages by group, each group told by its module's docstring."""
    lines = [
        "# The layers",
        "",
        "kzoo's layers among Keras's own, each on a real image or signal. In the pictures black is 0 and white the",
        "largest value of a panel, unless the caption says otherwise; where values have a sign, blue is above zero and",
        "red below. Made by `python -m docs.gallery`.",
        "",
    ]
    for group in dict.fromkeys(found.group for found in PAGES.values()):
        title, _, told = inspect.getdoc(sys.modules[group]).partition("\n")
        lines += [f"## {title.rstrip('.')}", "", told.rpartition("Source:")[0].strip(), ""]
        lines += ["| layer | what it does |", "|---|---|"]
        for found in (found for found in PAGES.values() if found.group == group):
            of = "" if found.ours else " (Keras)"
            thumb = f'<a href="{found.name}.md"><img src="figures/{found.name}.png" width="480" alt="{found.name}"></a>'
            what = found.what.replace("|", r"\|")
            lines.append(f"| {thumb} | **[{found.name}]({found.name}.md)**{of}<br>{what} |")
        lines.append("")
    return "\n".join(lines)
