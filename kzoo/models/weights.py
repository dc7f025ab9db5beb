"""Weights of files and of tags: found, checked, and refused by the names of the layers that differ.

Source: none; the layout is that of Keras 3.15's `.weights.h5`, which names each layer.
"""

import contextlib
import hashlib
import zipfile
from pathlib import Path
from typing import NamedTuple

import h5py
import keras
import numpy as np

from kzoo.checks import Refusal, require
from kzoo.models.freeze import layers_until
from kzoo.models.load_model import find_run

SHIPPED = Path(__file__).parent / "pretrained"
ENDINGS = (".weights.h5", ".keras")
MOST = 3  # differences in one line
OTHERS = ("preprocess", "normalization", "seed_generator")  # of what stands before a net, and of dropout


class Tag(NamedTuple):
    """Weights by name: `load(net)` puts them into a net that was built with `settings`."""

    load: object
    settings: dict = {}


_TAGS = {}  # (model, tag) -> Tag


def register_weights(model, tag, file, sha256):
    """File trained weights under a tag: `kzoo.model(model, weights=tag)` then loads them.

    `file`: a URL, fetched once into Keras's cache; a path; or the name of a file that kzoo ships. `sha256`: its
    fingerprint, checked at each loading. Errors: ValueError for a tag that is taken or a file of another kind.
    """
    good = isinstance(file, (str, Path)) and str(file).endswith(ENDINGS)
    require(good, "register_weights", "file, a .weights.h5 or .keras file", file=file)
    add_tag(model, tag, Tag(lambda net: load_weights(net, _fetched(model, tag, file, sha256))))


def add_tag(model, tag, source):
    """File a `Tag`."""
    require((model, tag) not in _TAGS, "register_weights", f"a tag of {model!r} not yet taken", tag=tag)
    _TAGS[model, tag] = source


def find_tag(model, weights):
    """The `Tag` that `weights` names for a model, or None."""
    return _TAGS.get((model, weights)) if isinstance(weights, str) else None


def tags_of(model):
    """The tags of a model's trained weights, sorted.

    >>> tags_of("mnist1d_cnn")
    ['mnist1d']
    """
    return sorted(tag for name, tag in _TAGS if name == model)


def load_weights(net, source, until=None):
    """Give a model the weights of a file, layer by layer by their names; returns the model.

    `source`: a `.weights.h5` or `.keras` file, or a run: its folder or its name under `saved_models/`. `until`: the
    last layer that takes weights, with all that it is computed from; those behind stay as they are.
    A net without its top leaves the file's top alone, and every net the statistics of preprocessing layers.
    Errors: ValueError that names the layers which are missing, superfluous or of another shape in the file.
    """
    file = _file(net.name, source)
    layers = net.layers if until is None else layers_until(net, until)
    wanted = {layer.name: layer for layer in layers if layer.weights and not layer.name.startswith(OTHERS)}
    with _weights_in(file) as given:
        _refuse_differences(net, file, wanted, given, partly=until is not None)
        for name, layer in wanted.items():
            layer.set_weights([_array(value) for value in given[name]])
            if isinstance(layer, keras.layers.Normalization):
                layer.finalize_state()  # it works with copies
    return net


def _refuse_differences(net, file, wanted, given, partly):
    lines = []
    for name, layer in wanted.items():
        ours, theirs = ([tuple(value.shape) for value in values] for values in (layer.weights, given.get(name, ())))
        if name in given and ours != theirs:
            lines.append(f"{name} has {_shapes(theirs)} in the file and {_shapes(ours)} in the net")
    missing = [name for name in wanted if name not in given]
    # a top that the net lacks may stay behind, a stage may not: the rest would fit a deeper net's and mean another
    topless = all(layer.name != "predictions" for layer in net.layers)
    more = [name for name in given if name not in wanted and not (partly or (topless and "stage" not in name))]
    lines += [f"the file has no {', '.join(missing[:MOST])}{_rest(missing)}"] if missing else []
    lines += [f"the net has no {', '.join(more[:MOST])}{_rest(more)}"] if more else []
    if lines:
        raise Refusal(f"{file} does not fit model {net.name!r}: {'; '.join(lines[:MOST])}{_rest(lines)}.")


def _shapes(shapes):
    return " ".join(map(str, shapes))


def _rest(values):
    return f" and {len(values) - MOST} more" if len(values) > MOST else ""


def _file(who, source):
    """The file that `weights` or a run's name stands for."""
    tags = "".join(f"{tag!r}, " for tag in tags_of(who))
    expected = f"weights, None, {tags}an existing .weights.h5 or .keras file, or a run's folder or name"
    good = isinstance(source, (str, Path)) and str(source) not in ("", ".")
    require(good, who, expected, weights=source)
    if any(place.is_dir() for place in (Path(source), Path("saved_models") / source)):
        return find_run(source)
    require(Path(source).is_file() and str(source).endswith(ENDINGS), who, expected, weights=str(source))
    return Path(source)


def _fetched(model, tag, file, sha256):
    """The file of a tag, its fingerprint checked."""
    path = SHIPPED / file  # an absolute path stays as it is
    if "://" in str(file):
        try:
            name = f"{model}-{tag}{next(end for end in ENDINGS if file.endswith(end))}"
            path = keras.utils.get_file(name, file, file_hash=sha256, cache_subdir="kzoo")
        except Exception as error:  # Keras raises a bare Exception without a network
            raise unfetched(model, tag, error) from error
    require(Path(path).is_file(), f"weights {tag!r} of {model!r}", "an existing file", file=str(path))
    with open(path, "rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256:
        raise Refusal(f"{path} is not weights {tag!r} of {model!r}: its SHA-256 is {found}, not {sha256}.")
    return path


def unfetched(model, tag, error):
    """What is said where weights cannot be had."""
    told = " ".join(str(error).split())[:200]
    return Refusal(f"weights {tag!r} of {model!r} cannot be fetched, which takes a network once: {told}")


@contextlib.contextmanager
def _weights_in(file):
    """The weights in a file, {layer's name: arrays}."""
    with contextlib.ExitStack() as stack:
        try:
            opened = file
            if str(file).endswith(".keras"):
                archive = stack.enter_context(zipfile.ZipFile(file))
                opened = stack.enter_context(archive.open("model.weights.h5"))
            store = stack.enter_context(h5py.File(opened, "r"))
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            told = " ".join(str(error).split())[:200]
            raise Refusal(f"{file} cannot be read as a file of weights: {told}") from error
        found = {}

        def visit(path, group):
            parts = path.split("/")  # layers/conv2d_1/vars
            if parts[0] == "layers" and parts[-1] == "vars" and len(group):
                name = group.attrs.get("name", parts[-2])
                if not name.startswith(OTHERS):
                    found[name] = [group[key] for key in sorted(group, key=int)]

        store.visititems(visit)
        yield found


def _array(value):
    """A stored array; Keras writes bfloat16 as bytes and says so beside them."""
    return np.array(value, "bfloat16") if value.attrs.get("dtype") == "bfloat16" else np.array(value)
