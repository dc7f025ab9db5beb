"""The interface of an export format. Each file in `kzoo/export/formats/` defines one and is found by being there."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.checks import require
from kzoo.types import PathLike, Shape

if TYPE_CHECKING:
    import keras

    from kzoo.export.verification_inputs import Batch

Runner = Callable[..., list[Any]]  # run({input name: array}, signature) -> arrays


class ExportFormat:
    """A format that models are exported to: how it is written, opened, verified, recognized and shown on a card.

    The instance `FORMAT` of a file in `kzoo/export/formats/` is the format of the file's name. Modules there import
    Keras, TensorFlow and runtimes only within functions: names and labels are needed where none of them is loaded.
    """

    name: str  # in configs and on the command line; the name of its file
    label: str  # in tables and messages
    order: int  # in lists: lower comes first
    file: str  # default name of the exported file or folder
    runtime: str  # the package that runs it
    runtime_imports: tuple[str, ...] = ()  # other runtimes that it imports, as Keras imports TensorFlow
    packages: tuple[str, ...] = ()  # packages of the extra `export` that writing and running need
    oldest_keras: str = "3.6"  # the oldest version that writes it
    tolerance: float | None = 1e-4  # largest accepted difference relative to the largest output; None: any finite one
    memory: tuple[float, float] = (6e8, 50)  # measured peak in bytes of writing and verifying: constant, per parameter
    float32: bool = True  # whether the model is rewritten to compute in float32
    quantized: bool = False  # whether its inputs and outputs can be integers
    code: str  # Python for a model card that runs `{file}` on `{x}` and assigns `outputs`; {input}, {output}: names

    def check_data(self, model: "keras.Model", *, integer: bool = False, **data: Any) -> None:
        """Raises Refusal if the data that `export` received does not suffice or does not fit this format."""
        expected = "integer=False, as only litert_int8 has integer inputs and outputs"
        require(self.quantized or not integer, f"export to {self.name}", expected, integer=integer)

    def write(self, model: "keras.Model", path: Path, **data: Any) -> None:
        """Writes `model` to `path`.

        data: the examples, targets, labels, images, resize, representative and integer that `export` received, which
        `check_data` accepts; a format takes what it needs. Raises Refusal if the format cannot represent the model.
        """
        raise NotImplementedError

    def open(self, path: PathLike) -> tuple[Mapping[str, Shape], Runner]:
        """Opens an exported model. Returns the input shapes by name (None: any size) and the function that runs it.

        The function takes and returns the model's own numbers, also where those of the file are quantized.
        Called in a process where only the runtime can be imported, nothing of kzoo.
        """
        raise NotImplementedError

    def recognizes(self, path: Path) -> bool:
        """Returns whether the file or folder at `path` looks like this format."""
        return bool(Path(self.file).suffix) and path.suffix == Path(self.file).suffix

    def signature_batches(self, model: "keras.Model", batch: "Batch", **data: Any) -> list["Batch"]:
        """Returns verification inputs for signatures other than the default one, which `batch` is for."""
        return []

    def allowed_difference(self, model: "keras.Model") -> float | None:
        """Returns the tolerance for this model."""
        return self.tolerance

    def report_extra(self, path: Path, batches: list["Batch"], outputs: list[list[Any]], **data: Any) -> dict[str, Any]:
        """Returns what this format adds to the report of a verified export; it must be serializable to JSON.

        data: as for `write`.
        """
        return {}

    def difference_note(self, report: dict[str, Any]) -> str:
        """Returns sentences on what the largest difference in a report of this format means, "" if it needs none."""
        return ""

    def card_code(self, report: dict[str, Any]) -> str:
        """Returns the Python for a model card, with {file}, {x}, {input} and {output} to fill in."""
        return self.code

    def card_notes(self, report: dict[str, Any]) -> list[str]:
        """Returns paragraphs for the section of this format on a model card."""
        return []


def match_inputs(names, inputs):
    """Maps a runtime's input names to arrays: by name, or by position where the runtime renamed the inputs.

    TensorFlow makes identifiers of the names, which count as the same.

    >>> match_inputs(["args_0"], {"input": 5}), match_inputs(["a_in", "x"], {"x": 1, "a-in": 2})
    ({'args_0': 5}, {'a_in': 2, 'x': 1})
    """
    for known in (inputs, {_identifier(name): x for name, x in inputs.items()}):
        if set(names) == set(known):
            return {name: known[name] for name in names}
    return dict(zip(names, inputs.values(), strict=True))


def _identifier(name):
    """Returns the name that TensorFlow gives the argument of a function for an input of this name."""
    name = "".join(c if c.isalnum() else "_" for c in name)
    return name if name.isidentifier() else f"arg_{name}"


def sort_outputs(outputs, names=()):
    """Returns named outputs as NumPy arrays in the order of `names`.

    If these are not the outputs' names, shorter names come first, so that output_9 comes before output_10.

    >>> [int(y) for y in sort_outputs({"output_10": 3, "output_9": 2, "a": 1})]
    [1, 2, 3]
    >>> [int(y) for y in sort_outputs({"a": 1, "bb": 2}, ["bb", "a"])]
    [2, 1]
    """
    import numpy as np

    if set(names) != set(outputs):
        names = sorted(outputs, key=lambda name: (len(name), name))
    arrays = [np.asarray(outputs[name]) for name in names]
    return [y.astype("float32") if y.dtype.name == "bfloat16" else y for y in arrays]  # .npz files have no bfloat16
