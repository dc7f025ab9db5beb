"""Loads weights of files, runs and tags into models, and names the layers that do not fit.

The layout of files is that of Keras 3.15's `.weights.h5`, which names each layer.
"""

import collections
import contextlib
import hashlib
import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import keras
import numpy as np

from kzoo.checks import Refusal, nearest, require
from kzoo.models.graph import calls, is_graph
from kzoo.models.layer_paths import layer_paths, layers_until
from kzoo.models.weight_file import SUFFIXES, open_weights, read_array
from kzoo.run_folder import find_run
from kzoo.types import PathLike

__all__ = ["load_weights", "register_weights"]

SHIPPED = Path(__file__).parent / "pretrained"
SHOWN = 3  # differences in one message
IGNORED = ("preprocess", "normalization", "seed_generator")  # preprocessing layers, and dropout's random states


class Tag(NamedTuple):
    """A registered set of weights, of a model that is built with `settings`.

    `open(names)` returns a context manager that yields {layer's path: arrays}; `names`: the layers that are needed.
    """

    open: Callable[[Collection[str]], contextlib.AbstractContextManager[dict[str, Any]]]
    settings: dict[str, Any] = {}


_TAGS: dict[tuple[str, str], Tag] = {}  # (model's name, tag) -> Tag
_SHARED: dict[str, dict[str, dict[str, str]]] = {}  # model's name -> {source model's name: {layer: its layer}}


def register_weights(model: str, tag: str, file: PathLike, sha256: str) -> None:
    """Registers trained weights of the model named `model` under a tag: `kzoo.model(model, weights=tag)` loads them.

    `file`: a URL, downloaded once into Keras's cache; a path; or the name of a file that kzoo ships. `sha256`: the
    file's hash, checked at each loading. Refuses a tag that is taken and a file of another kind.
    """
    known = isinstance(file, (str, Path)) and str(file).endswith(SUFFIXES)
    require(known, "register_weights", "file, a .weights.h5 or .keras file", file=file)
    add_tag(model, tag, Tag(lambda names: _weights_in(_find(model, tag, file, sha256))))


def add_tag(model: str, tag: str, source: Tag) -> None:
    """Registers a `Tag` for the model named `model`."""
    require((model, tag) not in _TAGS, "register_weights", f"a tag of {model!r} not yet taken", tag=tag)
    _TAGS[model, tag] = source


def find_tag(model: str, weights: Any) -> Tag | None:
    """Returns the `Tag` that `weights` names for the model named `model`, or None."""
    return _TAGS.get((model, weights)) if isinstance(weights, str) else None


def tags_of(model: str) -> list[str]:
    """Returns the sorted tags of weights for the model named `model`.

    >>> tags_of("mnist1d_cnn")
    ['mnist1d']
    """
    return sorted(tag for name, tag in _TAGS if name == model)


def share_layers(model: str, source_model: str, layers: Mapping[str, str]) -> None:
    """Registers which layers of the model named `model` take the weights of which layers of `source_model`.

    `layers`: {layer: layer of `source_model`}. A dense layer's kernel becomes that of a convolution of the same size.
    """
    _SHARED.setdefault(model, {})[source_model] = dict(layers)


def load_weights(
    model: keras.Model, source: PathLike, until: str | None = None, source_model: str | None = None
) -> keras.Model:
    """Loads weights of a file, a run or a tag into the layers of a model by their names; returns the model.

    Layers of models that the model or the file holds have paths, "backbone/conv1". They are matched by path, or else by
    the last name if only one layer of the model and one of the file have it.
    `source`: a `.weights.h5` or `.keras` file, a run, by its folder or its name under `saved_models/`, or a tag of the
    model. `until`: the last layer to load, by path or unique name, with all layers that it depends on; later ones keep
    their weights. `source_model`: the zoo's name of another model that the weights are of, "vgg16" for `segnet`,
    `deconvnet` and the dilated front ends; the layers that both share are loaded, all others keep their weights.
    The file's top is ignored if the model has none; the statistics of preprocessing layers are always ignored.
    Refuses a file in which layers are missing, superfluous or of another shape, and names them.

    >>> import kzoo
    >>> _ = load_weights(kzoo.model("mnist1d_cnn", classes=4), "mnist1d", until="stage3")
    """
    wanted, shared = transferred_layers(model, until, source_model)
    if shared is None:
        return _load(model, source, find_tag(model.name, source), wanted, partly=until is not None)
    tag = find_tag(source_model, source) if source_model else None
    return _load(model, source, tag, wanted, partly=True, shared=shared, who=source_model)


def transferred_layers(
    model: keras.Model, until: str | None = None, source_model: str | None = None
) -> tuple[dict[str, keras.layers.Layer], dict[str, str] | None]:
    """Returns {path: layer} that `load_weights` loads, and {name of layer: its layer in `source_model`}, None without.

    Refuses an unknown layer, an unknown source model, and layers of which none takes weights of the source model.
    """
    wanted = _weighted(layer_paths(model) if until is None else layers_until(model, until))
    if source_model is None:
        return wanted, None
    known = _SHARED.get(model.name, {})
    expected = f"source_model, {nearest(source_model, known)}" if known else "no source_model"
    require(source_model in tuple(known), model.name, expected, source_model=source_model)
    wanted = {path: layer for path, layer in wanted.items() if _name(path) in known[source_model]}
    require(wanted, "load_weights", f"until, a layer after one that takes weights of {source_model}", until=until)
    return wanted, known[source_model]


def source_models(model: str) -> dict[str, list[str]]:
    """Returns {model: its tags} of the other models whose weights `load_weights` loads into the model named `model`.

    >>> source_models("segnet")
    {'vgg16': ['imagenet']}
    """
    return {source: tags_of(source) for source in sorted(_SHARED.get(model, {}))}


def load_tag(model: keras.Model, name: str, tag: str, new_top: bool) -> keras.Model:
    """Loads the weights that a tag has for the model named `name`; returns the model.

    `new_top`: the last layers keep their initial weights if those of the tag are for another number of classes.
    """
    return _load(model, tag, find_tag(name, tag), _weighted(layer_paths(model)), new_top=new_top, who=name)


def _load(model, source, tag, wanted, partly=False, new_top=False, shared=None, who=None):
    """Loads weights into the layers `wanted`, {path: layer}; returns the model.

    `partly`: further layers of the source are ignored. `shared`: {layer: layer of the source}, None for the same names.
    `who`: the name of the model that the weights are of.
    """
    who = who or model.name
    names = {path: shared[_name(path)] if shared else _name(path) for path in wanted}
    if tag:
        file, opened = f"weights {source!r}", tag.open(set(names.values()))
    else:
        file = weights_path(who, source)
        opened = _weights_in(file)
    with opened as found:
        stored = _match(found, names.values() if shared else _weighted(layer_paths(model)))
        if shared:
            pairs = [(path, stored[name]) for path, name in names.items() if name in stored]
            stored = {path: _as_convolution(values, wanted[path]) for path, values in pairs}
        if new_top:
            for path in _tops_of_other_classes(model, wanted, stored):
                del wanted[path], stored[path]
        _refuse_differences(model, file, wanted, stored, partly)
        for path, layer in wanted.items():
            layer.set_weights([_read(value) for value in stored[path]])
            if isinstance(layer, keras.layers.Normalization):
                layer.finalize_state()  # it computes with copies of its weights
    return model


def _read(value):
    return value if isinstance(value, np.ndarray) else read_array(value)


def _as_convolution(values, layer):
    """Returns a layer's stored values, a dense kernel in the shape of the convolution's that is of the same size."""
    wanted = tuple(layer.weights[0].shape)
    if values[0].shape == (math.prod(wanted[:-1]), wanted[-1]):
        return [_read(values[0]).reshape(wanted), *values[1:]]
    return values


def _tops_of_other_classes(model, wanted, stored):
    """Returns the paths of the last layers with weights whose shapes differ from the stored ones in the last axis."""
    leads_on, tops = set(), set()  # ids of the tensors that a layer with weights depends on
    for call in reversed(list(calls(model))):
        name, later = call.operation.name, not leads_on.isdisjoint(map(id, call.outputs))
        if later or name in wanted:
            leads_on.update(map(id, call.inputs))
        if name in wanted and name in stored and not later:
            pairs = [(tuple(a.shape), tuple(b.shape)) for a, b in zip(wanted[name].weights, stored[name])]
            if any(a != b for a, b in pairs) and all(a[:-1] == b[:-1] for a, b in pairs):
                tops.add(name)
    return tops


def _weighted(layers):
    """Returns those of {path: layer} whose weights files hold, each once; models are represented by their layers."""
    kept = {}
    for path, layer in layers.items():
        held = layer.weights and not is_graph(layer) and not layer.name.startswith(IGNORED)
        if held and all(layer is not other for other in kept.values()):
            kept[path] = layer
    return kept


def _match(stored, wanted):
    """Returns the arrays of a file under the paths in the model: the same path, or the only one of the same name."""
    ours, theirs = _unique_names(wanted), _unique_names(stored)
    moved = {theirs[name]: ours[name] for name in ours.keys() & theirs.keys()}
    return {moved.get(path, path): arrays for path, arrays in stored.items()}


def _unique_names(paths):
    """Returns {last name: path} of the last names that only one path has."""
    counts = collections.Counter(map(_name, paths))
    return {_name(path): path for path in paths if counts[_name(path)] == 1}


def _name(path):
    return path.rpartition("/")[2]


def _refuse_differences(model, file, wanted, stored, partly):
    lines = []
    for name, layer in wanted.items():
        ours, theirs = ([tuple(value.shape) for value in values] for values in (layer.weights, stored.get(name, ())))
        if name in stored and ours != theirs:
            lines.append(f"{name} has {_shapes(theirs)} in the file and {_shapes(ours)} in the model")
    missing = [name for name in wanted if name not in stored]
    # only the file's top may be superfluous: a file with more stages is that of a deeper model, with other features
    topless = all(_name(path) != "predictions" for path in layer_paths(model))
    more = [path for path in stored if path not in wanted and not (partly or (topless and "stage" not in _name(path)))]
    lines += [f"the file has no {', '.join(missing[:SHOWN])}{_rest(missing)}"] if missing else []
    lines += [f"the model has no {', '.join(more[:SHOWN])}{_rest(more)}"] if more else []
    if lines:
        raise Refusal(f"{file} does not fit model {model.name!r}: {'; '.join(lines[:SHOWN])}{_rest(lines)}.")


def _shapes(shapes):
    return " ".join(map(str, shapes))


def _rest(values):
    return f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""


def weights_path(who: str, source: PathLike) -> Path:
    """Returns the path of the file that a path or a run's name stands for."""
    tags = "".join(f"{tag!r}, " for tag in tags_of(who))
    expected = f"weights, None, {tags}an existing .weights.h5 or .keras file, or a run's folder or name"
    named = isinstance(source, (str, Path)) and str(source) not in ("", ".")
    require(named, who, expected, weights=source)
    if any(folder.is_dir() for folder in (Path(source), Path("saved_models") / source)):
        return find_run(source)
    require(Path(source).is_file() and str(source).endswith(SUFFIXES), who, expected, weights=str(source))
    return Path(source)


def _find(model, tag, file, sha256):
    """Returns the path of a tag's file, downloaded if need be, after a check of its hash."""
    path = SHIPPED / file  # an absolute path stays as it is
    if "://" in str(file):
        try:
            name = f"{model}-{tag}{next(suffix for suffix in SUFFIXES if file.endswith(suffix))}"
            path = keras.utils.get_file(name, file, file_hash=sha256, cache_subdir="kzoo")
        except Exception as error:  # Keras raises a bare Exception without a network
            raise download_failed(model, tag, error) from error
    require(Path(path).is_file(), f"weights {tag!r} of {model!r}", "an existing file", file=str(path))
    with open(path, "rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256:
        raise Refusal(f"{path} is not weights {tag!r} of {model!r}: its SHA-256 is {found}, not {sha256}.")
    return path


def download_failed(model: str, tag: str, error: Exception) -> Refusal:
    """Returns the Refusal for weights that cannot be downloaded."""
    reason = " ".join(str(error).split())[:200]
    return Refusal(f"weights {tag!r} of {model!r} cannot be downloaded, which needs a network once: {reason}")


@contextlib.contextmanager
def _weights_in(file):
    """Context manager: yields the weights in a file, {layer's path: arrays}."""
    with contextlib.ExitStack() as stack:
        try:
            found = _layers(stack.enter_context(open_weights(file)))
        except Exception as error:  # a damaged file can raise any exception
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise Refusal(f"{file} cannot be read as a file of weights: {reason}") from error
        yield found


def _layers(store):
    """Returns {layer's path: datasets} of an open file."""
    found = {}

    def visit(group_path, group):
        parts = group_path.split("/")  # layers/sequential/layers/conv2d_1/vars
        if parts[0] == "layers" and parts[-1] == "vars" and len(group):
            groups = ["/".join(parts[:end]) for end in range(1, len(parts))]
            names = [_stored_name(store, each) for each in groups if "vars" in store[each]]
            if not names[-1].startswith(IGNORED):
                path = "/".join(names)
                found[path] = [group[key] for key in sorted(group, key=int)]
                if not all(isinstance(value, h5py.Dataset) for value in found[path]):
                    raise ValueError(f"{group_path!r}: it holds other things than arrays")

    store.visititems(visit)
    return found


def _stored_name(store, group):
    """Returns the name of the layer that a group of a file is of: an attribute, or else the group's own name."""
    name = store[group]["vars"].attrs.get("name", group.rpartition("/")[2])
    if not isinstance(name, str):
        raise ValueError(f"{group!r}: its name is no text")
    return name
