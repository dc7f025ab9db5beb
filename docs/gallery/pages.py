"""The pages of docs/layers/: text from the layers' docstrings, pictures from functions."""

import ast
import inspect
import re
import sys
import textwrap
from typing import Any, NamedTuple

import keras

from kzoo.analysis import catalogue

PAGES = {}
LABELS = re.compile(r"(?:^|(?<=[.;)]) )((?:Shapes|Weights|Arguments|Units|Errors|Source|Sources)\b[^.:`]*: )", re.M)


class Page(NamedTuple):
    """A page about one layer; `classes` are those of all its dimensions."""

    name: str
    classes: list
    what: str
    source: str
    picture: Any

    @property
    def in_kzoo(self):
        return self.classes[0].__module__.startswith("kzoo.")

    @property
    def documented(self):
        """The class whose docstring describes the layer: the 2D one, if there is one."""
        return next((cls for cls in self.classes if cls.__name__.endswith("2D")), self.classes[0])

    @property
    def group(self):
        return self.picture.__module__


def page(name, what=None, source=None):
    """Registers a function as the picture of a layer. It returns rows of panels; its docstring is the caption.

    kzoo's layers, of kzoo.augmentation too, are described by their docstrings. For Keras's layers pass `what` they do
    and a `source`.
    """
    augmentation = keras.saving.get_custom_objects().get(f"kzoo>{name}")
    ours = catalogue.families() | ({name: [augmentation]} if augmentation else {})

    def register(picture):
        if name in PAGES:
            raise ValueError(f"page: two pictures of {name}")
        if name in ours:
            made = Page(name, ours[name], what, source, picture)
            text = inspect.getdoc(made.documented).splitlines()[0]
            made = made._replace(what=text, source=catalogue.source(made.documented.__module__))
        else:
            names = [name, *(f"{name}{rank}D" for rank in (1, 2, 3))]
            classes = [getattr(keras.layers, found) for found in names if hasattr(keras.layers, found)]
            made = Page(name, classes, what, source, picture)
        PAGES[name] = made
        return picture

    return register


def signature(cls):
    """Returns a layer's call signature, with the arguments that it passes on to its base classes.

    >>> from kzoo.layers.tiled_conv import TiledConv2D
    >>> signature(TiledConv2D)[:52]
    'TiledConv2D(filters, kernel_size, tile=2, strides=1,'
    """
    arguments = {}
    for parent in cls.__mro__:
        if "__init__" in vars(parent) and (parent is cls or parent.__module__.startswith("kzoo.")):
            names = inspect.signature(parent.__init__).parameters
            for name, parameter in names.items():
                if name != "self" and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                    arguments.setdefault(name, str(parameter.replace(annotation=parameter.empty)))
            if not any(p.kind is p.VAR_KEYWORD for p in names.values()):
                break
    return f"{cls.__name__}({', '.join(arguments.values())})"


def code(picture):
    """Returns code that makes a picture's panels: the function's body, after the imports and helpers that it uses."""
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
    """Returns a class's section of a page: its signature, its docstring with a line for each label, its example."""
    text, _, example = inspect.getdoc(cls).partition(">>> ")
    text = " ".join(text.split())
    text = re.sub(r"\*(?=[^`]*(?:`[^`]*`[^`]*)*$)", r"\\*", text)  # escape asterisks outside of code
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
    """Returns the Markdown of a page."""
    caption = " ".join(inspect.getdoc(page.picture).split())
    module = ".".join(page.documented.__module__.split(".")[:2]) if page.in_kzoo else "keras.layers"
    names = ", ".join(f"`{module}.{cls.__name__}`" for cls in page.classes)
    source = "" if page.source in (None, "none") else f" Source: {page.source.rstrip('.')}."
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
            f"{names}.{source}",
            "",
            *(map(markdown, page.classes) if page.in_kzoo else [f"`{signature(page.documented)}`", ""]),
            "### The picture",
            "",
            "```python",
            code(page.picture).rstrip(),
            "```",
            "",
            f"Written by `python -m docs.gallery {page.name}`; [all layers](README.md).",
            "",
        ]
    )


def contents():
    """Returns the Markdown of docs/layers/README.md: the pages by group, each introduced by its module's docstring."""
    lines = [
        "# The layers",
        "",
        "kzoo's layers and Keras's, each applied to a real image or signal. In the pictures black is 0 and white the",
        "largest value of a panel, unless the caption says otherwise. In signed maps blue is above zero and red below.",
        "This folder is written by `python -m docs.gallery`.",
        "",
    ]
    for group in dict.fromkeys(found.group for found in PAGES.values()):
        title, _, text = inspect.getdoc(sys.modules[group]).partition("\n")
        lines += [f"## {title.rstrip('.')}", "", text.strip(), ""]
        lines += ["| layer | what it does |", "|---|---|"]
        for found in (found for found in PAGES.values() if found.group == group):
            of = "" if found.in_kzoo else " (Keras)"
            thumb = f'<a href="{found.name}.md"><img src="figures/{found.name}.png" width="480" alt="{found.name}"></a>'
            what = found.what.replace("|", r"\|")
            lines.append(f"| {thumb} | **[{found.name}]({found.name}.md)**{of}<br>{what} |")
        lines.append("")
    return "\n".join(lines)
