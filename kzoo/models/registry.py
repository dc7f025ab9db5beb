"""Model names to builders: one table and three functions.

Source: none; the arguments are those of `keras.applications`.
"""

import fnmatch
import inspect

import keras

from kzoo.checks import Refusal, nearest, require
from kzoo.models.weights import find_tag, tags_of

_MODELS = {}  # name -> (builder, settings)


def register_family(builder, variants):
    """File `builder` under every name of `variants`, a dict {name: settings}.

    Errors: ValueError for a name that is taken and for a setting that the builder does not have.
    """
    for name, settings in variants.items():
        require(name not in _MODELS, "register_family", "a name not yet taken", name=name)
        _refuse_unknown(name, builder, settings)
        _MODELS[name] = (builder, settings)


def list_models(pattern="*"):
    """Names of the zoo that match a shell pattern, sorted.

    >>> list_models("mnist1d_fc*")
    ['mnist1d_fc', 'mnist1d_fc100']
    """
    return sorted(fnmatch.filter(_MODELS, pattern))


def model(name, /, features=None, **overrides):
    """Build a model of the zoo; called with the name alone it is exactly the published one.

    Arguments: `input_shape`, `input_tensor`, `classes`, `include_top`, `pooling`, `weights`,
    `classifier_activation` and `name` as in `keras.applications`, and the family's own settings, which
    `describe(name)` lists. `weights`: a tag that `describe(name)` names, a `.weights.h5` or `.keras` file, or a run's
    folder or name under `saved_models/`. `features`: names of layers; the model's outputs are then their maps, in that
    order. Returns a functional `keras.Model`. Errors: ValueError that names an unknown model, setting or layer and the
    nearest known ones, or says what the family refuses.

    >>> model("mnist1d_cnn").count_params()
    2050
    """
    builder, settings = find(name)
    _refuse_unknown(name, builder, overrides)
    tag = find_tag(name, overrides.get("weights"))
    if tag:
        overrides = {**tag.settings, **overrides, "weights": None}
    try:
        net = builder(**{"name": name, **settings, **overrides})
    except Refusal:
        raise
    except (ValueError, TypeError) as error:  # Keras's own words for what it does not like
        raise Refusal(f"model {name!r} cannot be built so: {' '.join(str(error).split())[:300]}") from error
    if tag:
        tag.load(net)
    return net if features is None else features_of(net, features)


def describe(name):
    """What is known of a model before it is built: its family's file, tags of weights, all settings' values.

    >>> describe("mnist1d_cnn")["settings"]["filters"]
    15
    """
    builder, settings = find(name)
    defaults = {p.name: p.default for p in inspect.signature(builder).parameters.values()}
    return {
        "family": builder.__module__.rpartition(".")[2],
        "doc": inspect.getdoc(builder),
        "source": (inspect.getdoc(inspect.getmodule(builder)) or "").partition("Source:")[2].strip(),
        "weights": tags_of(name),
        "settings": {**defaults, **settings, "name": name},
    }


def features_of(net, names):
    """A model with the weights of `net` whose outputs are the named layers' maps, in that order."""
    known = [layer.name for layer in net.layers]
    names = (names,) if isinstance(names, str) else names
    good = isinstance(names, (tuple, list)) and len(names) > 0
    require(good, "model", "features, at least one name of a layer", features=names)
    for layer in names:
        require(layer in known, "model", f"features of {net.name!r}, {nearest(layer, known)}", features=layer)
    return keras.Model(
        net.inputs, [keras.tree.flatten(net.get_layer(layer).output)[0] for layer in names], name=f"{net.name}_features"
    )


def find(name):
    """The builder and settings of a registered name."""
    if not isinstance(name, str) or name not in _MODELS:
        raise Refusal(f"no model {name!r}; {nearest(name, _MODELS)}")
    return _MODELS[name]


def _refuse_unknown(name, builder, settings):
    known = set(inspect.signature(builder).parameters)
    for setting in settings:
        if setting not in known:
            raise Refusal(f"model {name!r} has no setting {setting!r}; {nearest(setting, known)}")
