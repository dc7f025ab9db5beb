"""Draws what a model computes, sees and looks for: a folder of pictures, with a page that explains each."""

import contextlib
import dataclasses
import html
import json
import string
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from kzoo.analysis.class_activation import grad_cam, last_map
from kzoo.analysis.conv_kernel import check_known
from kzoo.analysis.conv_matrix import PICTURED, convolution_matrix
from kzoo.analysis.decision_consistency import shift_consistency
from kzoo.analysis.equivariance_error import equivariance_by_layer
from kzoo.analysis.feature_distance import invariance_curves
from kzoo.analysis.field_growth import receptive_field_growth
from kzoo.analysis.kernels import filters
from kzoo.analysis.layer_maps import feature_maps
from kzoo.analysis.maximization import PRESETS, input_range, maximize
from kzoo.analysis.model_cost import LEAST_EXAMPLES, LEAST_STEPS, OPERATIONS, Cost, model_cost
from kzoo.analysis.model_inputs import OutputNames
from kzoo.analysis.occlusion_map import occlusion
from kzoo.analysis.patches import top_patches
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.projection import project_rules
from kzoo.analysis.spatial_model import SpatialModel
from kzoo.analysis.walk import channels_first
from kzoo.checks import Refusal, is_integer, one_line, require
from kzoo.config.config_files import list_configs, read_config
from kzoo.export.inference_model import inference_model
from kzoo.files import atomic_replace
from kzoo.layers.conv import Conv1D, Conv2D, Conv3D
from kzoo.layers.locally_connected import LocallyConnected
from kzoo.layers.tiled_conv import TiledConv1D, TiledConv2D, TiledConv3D
from kzoo.models.graph import calls, is_graph
from kzoo.run_folder import find_run_or_model
from kzoo.task import UNITS, Task
from kzoo.terminal import say
from kzoo.training.example_files import read_inputs
from kzoo.training.look_words import words_for
from kzoo.training.model_building import build_model
from kzoo.training.model_lookup import find_exportable, origin_of
from kzoo.training.run_data import load_data, sample
from kzoo.training.tasks import output_tasks
from kzoo.types import PathLike

PAGE, RECORD = "index.html", "look.json"
EXAMPLES, SHOWN = 500, 8  # examples that top patches are searched among; that pictures of several examples show
CHANNELS = 16  # that the growth of receptive fields is a mean over
LEAST_SHOWN, LEAST_CHANNELS = 2, 4  # of a model of many operations
PRESET = "olah2017"
LONG = 8 * OPERATIONS  # of pictures that compute nothing else: half a minute on two cores
KERAS_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
ALIKE = (*KERAS_CONVOLUTIONS, Conv1D, Conv2D, Conv3D, TiledConv1D, TiledConv2D, TiledConv3D)
SIDE = 64  # of random inputs whose size the model leaves open


class Subject(NamedTuple):
    """What is drawn: a model, the path of one of its layers, one of the layer's maps or units, and inputs."""

    model: keras.Model
    layer: str
    unit: int
    inputs: Any  # an array, or a list of them for a model of several inputs
    example: int  # the input that pictures of one example show
    cost: Cost
    called: OutputNames = OutputNames()  # the numbers of the first output

    @property
    def shown_output(self) -> int | None:
        """The index of the output that pictures are of: the first of numbers; None: the most probable class."""
        return 0 if self.called.unit == "number" else None

    @property
    def one(self) -> Any:
        """The example as a batch of one."""
        return keras.tree.map_structure(lambda x: x[self.example : self.example + 1], self.inputs)

    @property
    def some(self) -> Any:
        """The example and the next ones."""
        return keras.tree.map_structure(lambda x: np.roll(x, -self.example, 0)[: self.shown], self.inputs)

    @property
    def searched(self) -> Any:
        """The examples that top patches are searched among."""
        count = self.cost.affordable(LEAST_EXAMPLES, EXAMPLES, LONG)
        return keras.tree.map_structure(lambda x: x[:count], self.inputs)

    @property
    def shown(self) -> int:
        """How many examples pictures of several show."""
        return self.cost.affordable(LEAST_SHOWN, SHOWN)

    @property
    def channels(self) -> int:
        """How many channels the growth of receptive fields is a mean over."""
        return self.cost.affordable(LEAST_CHANNELS, CHANNELS)

    @property
    def steps(self) -> int:
        """How many steps gradient ascent takes."""
        return self.cost.affordable(LEAST_STEPS, PRESETS[PRESET].steps, LONG)

    @property
    def reduced(self) -> str:
        """A sentence on what is reduced because the model takes many operations, "" if nothing is."""
        count, searched = (len(keras.tree.flatten(each)[0]) for each in (self.inputs, self.searched))
        parts = (
            ("examples in pictures of several", self.shown, min(SHOWN, count)),
            ("channels for receptive fields", self.channels, CHANNELS),
            ("examples to search for patches", searched, count),
            ("steps of gradient ascent", self.steps, PRESETS[PRESET].steps),
        )
        fewer = [f"{number} instead of {most} {what}" for what, number, most in parts if number < most]
        operations = self.cost.operations
        many = "an unknown number of operations" if operations is None else f"{operations:.2g} operations"
        return f"The model takes {many} for one example, so there are fewer: {', '.join(fewer)}." if fewer else ""


class Picture(NamedTuple):
    """One picture: the name of its file, its title, what it shows in two sentences, and what draws it."""

    name: str
    title: str
    text: str
    draw: Callable[[Subject], Plotted]


def _invariance_curves(of):
    """Returns the curves of the class's probability, of numbers and labels those of the output itself."""
    softmax = of.called.unit == "class"
    found = invariance_curves(of.model, of.layer, "shift", of.some, of.shown_output, softmax=softmax)
    return dataclasses.replace(found, called=of.called)


def _shift_consistency(of):
    """Returns how often the class stays the same. Raises Refusal for numbers and labels."""
    unit = of.called.unit
    if unit != "class":
        raise Refusal(f"the outputs are {unit}s, so that there is no decision for a class that could stay the same.")
    return shift_consistency(of.model, of.some)


PICTURES = (
    Picture(
        "filters",
        "First kernels",
        "The kernels of the first convolution, each with the hand-made filter that it is most like, and the cosine of "
        "the two. Next to it is the Gabor function that fits it best, with the share of the kernel that it explains: "
        "much of an edge or grating detector, little of noise.",
        lambda of: filters(of.model),
    ),
    Picture(
        "convolution_matrix",
        "The convolution as a matrix",
        "The first convolution, of one filter and for a small input, written as a matrix from inputs to outputs; "
        "entries of one colour are one weight. Most entries are zeros, and the rows of a convolution hold the same "
        "weights, shifted.",
        lambda of: _first_matrix(of.model),
    ),
    Picture(
        "feature_maps",
        "Feature maps",
        "The maps of the layer for the example. A bright place is where the layer found what its kernel looks for, and "
        "a rectifier sets everything else to zero.",
        lambda of: feature_maps(of.model, of.layer, of.one),
    ),
    Picture(
        "receptive_field",
        "What the layer sees",
        "How strongly each pixel of the input changes the middle of the layer's map, as a mean over examples. The "
        "rectangle is all that the layer can see; in it, pixels count less the farther they are from the middle, "
        "nearly as in a Gaussian.",
        lambda of: receptive_field_growth(of.model, of.some, [of.layer], channels=of.channels).fields[0],
    ),
    Picture(
        "receptive_field_growth",
        "What layers see, by depth",
        "The size of the input that a position of each layer sees, in theory and in effect. Kernels add to it and "
        "strides multiply what comes after; the deeper a model, the more of the effect comes from the middle.",
        lambda of: receptive_field_growth(of.model, of.some, channels=of.channels),
    ),
    Picture(
        "top_patches",
        "What activates the unit most",
        "The parts of nine inputs on which the unit is largest, cropped to what it sees. What they have in common is "
        "what the unit detects.",
        lambda of: top_patches(of.model, of.layer, of.unit, of.searched, batch_size=of.cost.batch_size),
    ),
    Picture(
        "maximize",
        "What the unit looks for",
        "An input made by gradient ascent so that the unit is as large as possible. Of a map it is the mean over all "
        "positions, which is smaller than the largest values above, and the input repeats what the patches have in "
        "common.",
        lambda of: maximize(of.model, of.layer, of.unit, PRESET, steps=of.steps),
    ),
    Picture(
        "project",
        "Which pixels of the example activate the unit",
        "The gradient of the unit's largest value with respect to the pixels, and two rules that change it at "
        "rectifiers. The deconvnet and guided rules drop negative gradients there, which makes them clearer than the "
        "gradient where many rectifiers come before the unit, and less dependent on the weights.",
        lambda of: project_rules(of.model, of.layer, of.unit, of.one),
    ),
    Picture(
        "grad_cam",
        "Where the class is",
        "Grad-CAM: the places of the last maps that raise the logit of the most probable class. Bright places are "
        "evidence for the class, at the resolution of these maps; since it weights whole maps, it misses evidence that "
        "dense layers read from single positions, and can be empty.",
        lambda of: dataclasses.replace(grad_cam(of.model, of.some, of.shown_output), called=of.called),
    ),
    Picture(
        "occlusion",
        "What the class needs",
        "How much the probability of the class falls when a square of the input is covered. Red places are those "
        "without which the model is less certain, by as much as the scale says.",
        lambda of: dataclasses.replace(occlusion(of.model, of.one, of.shown_output), called=of.called),
    ),
    Picture(
        "equivariance",
        "Whether maps move with the input",
        "The relative difference between the maps of a shifted input and the shifted maps, layer by layer. It is zero "
        "where a layer is equivariant to shifts, as convolutions are away from borders; what enters at borders, shifts "
        "between strides and dense layers make it larger.",
        lambda of: equivariance_by_layer(of.model, "shift", of.some),
    ),
    Picture(
        "invariance_curves",
        "How far features move",
        "The distance between the layer's maps of the example and of its shifts, and the probability of its class. A "
        "layer is invariant as far as its curve stays low.",
        _invariance_curves,
    ),
    Picture(
        "shift_consistency",
        "Whether decisions stay",
        "How often the most probable class stays the same when the input is shifted by a few pixels. A model that is "
        "invariant to shifts reaches 100 %.",
        _shift_consistency,
    ),
)


def look(
    name: PathLike,
    layer: str | None = None,
    unit: int | None = None,
    example: int = 0,
    data: Sequence[PathLike] = (),
    out: PathLike | None = None,
) -> Path:
    """Draws all pictures of a run, or of a model of the zoo; returns the path of the page that shows them.

    name: a run's folder, its name under saved_models/, or a model, which is built from the config of its name, if there
    is one, and has initial weights; layer: the path of a layer, by default the last with more than one position; unit:
    one of its channels, by default the largest for the example; example: the number of an input; data: images, .npy
    arrays or folders to take inputs from, for a model of several inputs one path for each, by default the test examples
    of the run or config, or random numbers if there is no config; out: the folder to write, by default RUN/look or
    look/NAME, which is replaced if it holds such a page.
    A picture that the model has no layers for is left out, and the page says why. Raises Refusal for an unknown name,
    layer, unit or example, or a folder with anything else in it.
    """
    folder = Path(out) if out is not None else _default_folder(name)
    replaceable = not folder.exists() or (folder / RECORD).is_file()
    require(replaceable, "look --out", "a folder that does not exist, or one that `kzoo look` wrote", out=str(folder))
    subject, origin = find_subject(name, layer, unit, example, data)
    with atomic_replace(folder, "look") as partial:
        partial.mkdir(parents=True)
        drawn = list(_draw(subject, partial))
        record = {"model": str(name), "layer": subject.layer, "unit": subject.unit, "example": subject.example}
        (partial / RECORD).write_text(json.dumps({**record, "pictures": drawn}, indent=2) + "\n")
        (partial / PAGE).write_text(page(subject, origin, drawn), "utf-8")
    return folder / PAGE


def find_subject(name, layer=None, unit=None, example=0, data=()) -> tuple[Subject, str]:
    """Returns what `look` draws, and where the model comes from in words."""
    examples: Any
    run = find_run_or_model(str(name))
    if run is None and not data and str(name) in list_configs():
        config = read_config(name)
        loaded = load_data(config)
        built = build_model(config, loaded.input_shape, loaded.classes, loaded.train, False)
        model, task, names = inference_model(built), output_tasks(config, built)[0], loaded.class_names
        origin = origin_of(str(name))
        examples = sample(loaded.test or loaded.train, EXAMPLES)[0]
    else:
        found = find_exportable(name)
        model, origin, examples = inference_model(found.model), found.origin, found.data.get("examples")
        task, names = next(iter(found.tasks), Task()), found.data.get("labels")
        if data:
            shapes, resize = [tuple(symbol.shape[1:]) for symbol in model.inputs], found.data.get("resize", "stretch")
            examples = read_inputs("look", shapes, data, EXAMPLES, resize=resize)
        elif run is None:
            origin, examples = f"{origin} and random inputs", _random_inputs(model)
    require(examples is not None, "look", "--data with inputs, as those of the run are not available", name=str(name))
    read = SpatialModel("look", model, [] if layer is None else [layer])
    given = read.checked(examples)[:EXAMPLES]
    count = len(given)
    require(is_integer(example) and 0 <= example < count, "look", f"example below {count}", example=example)
    one = given[example : example + 1]
    path = last_map(read, one) if layer is None else read.paths[0]
    (maps,) = read.outputs_at(one, [path])
    channels = maps.shape[-1]
    chosen = int(maps.reshape(-1, channels).max(0).argmax()) if unit is None else unit
    good = is_integer(chosen) and 0 <= chosen < channels
    require(good, "look", f"unit below {channels}, a channel of {path}", unit=unit)
    inputs = given.arrays if len(given.arrays) > 1 else given.arrays[0]
    cost = model_cost(model, [(1, *x.shape[1:]) for x in given.arrays])
    called = OutputNames(UNITS.get(task.kind, "class"), task.names or names)
    return Subject(model, path, chosen, inputs, int(example), cost, called), origin


def _random_inputs(model):
    """Returns examples of random numbers for each input of a model."""
    random, first = np.random.default_rng(0), channels_first(model)
    return [
        random.uniform(*input_range(model, symbol, first), (SHOWN, *(n or SIDE for n in symbol.shape[1:])))
        for symbol in model.inputs
    ]


def _default_folder(name):
    run = find_run_or_model(str(name))
    return Path("look", Path(name).name) if run is None else run / "look"


def _draw(subject, folder) -> Iterator[dict[str, Any]]:
    """Draws the pictures into a folder; yields what the page says of each."""
    for picture in PICTURES:
        title, text = words_for(picture.title, picture.text, subject.called)
        say(f"look: {title}")
        file: str | None = f"{picture.name}.png"
        reason = None
        try:
            picture.draw(subject).plot(folder / file)
        except Refusal as refusal:
            file, reason = None, one_line(refusal, 300)
        yield {"title": title, "text": text, "file": file, "left_out": reason}


def _first_matrix(model):
    """Returns the matrix of the model's first convolution, of one filter if its filters are alike, for a part of its
    input that is small enough to draw.
    """
    layer, shape = _first_convolution(model)
    if type(layer) in ALIKE and getattr(layer, "groups", 1) == 1:
        layer = type(layer).from_config({**layer.get_config(), "filters": 1})
    if isinstance(layer, LocallyConnected):  # its weights belong to positions
        return convolution_matrix(layer, shape)
    rank, first = len(layer.kernel_size), layer.data_format == "channels_first"
    spatial = range(1, rank + 1) if first else range(rank)
    for more in range(3, 0, -1):
        sides = {axis: min(n or 64, k + more) for axis, n, k in zip(spatial, shape[first:], layer.kernel_size)}
        result = convolution_matrix(layer, [sides.get(axis, n) for axis, n in enumerate(shape)])
        if max(result.matrix.shape) <= PICTURED:
            break
    return result


def _first_convolution(model):
    """Returns a model's first convolution and the shape of its input without the batch."""
    for layer, shape in _layers(model):
        with contextlib.suppress(Refusal):
            check_known(layer)
            return layer, shape
    raise Refusal(f"{model.name} has no convolution that is linear.")


def _layers(model):
    """Yields each layer and the shape of its first input without the batch, those of nested models too."""
    for call in calls(model):
        if is_graph(call.operation):
            yield from _layers(call.operation)
        else:
            yield call.operation, call.input_shapes[0][1:]


TEMPLATE = string.Template(
    """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
figure { margin: 2rem 0; }
img { background: white; max-width: 100%; }
</style>
<h1>$title</h1>
<p>$origin. The layer is <code>$layer</code>, the unit its channel $unit, the example input $example.$reduced</p>
$figures
</html>
"""
)


def page(subject: Subject, origin: str, drawn: Sequence[dict[str, Any]]) -> str:
    """Returns the page of pictures as HTML."""
    figures = []
    for one in drawn:
        title, text = html.escape(one["title"]), html.escape(one["text"])
        shown = (
            f'<img src="{one["file"]}" alt="{title}">'
            if one["file"]
            else f"<p>Left out: {html.escape(one['left_out'])}</p>"
        )
        figures.append(f"<figure>\n<h2>{title}</h2>\n{shown}\n<figcaption>{text}</figcaption>\n</figure>")
    texts = {"title": f"Inside {subject.model.name}", "origin": origin.replace("`", ""), "layer": subject.layer}
    return TEMPLATE.substitute(
        {key: html.escape(text) for key, text in texts.items()},
        unit=subject.unit,
        example=subject.example,
        reduced=f" {subject.reduced}" if subject.reduced else "",
        figures="\n".join(figures),
    )
