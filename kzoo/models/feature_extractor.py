"""Makes a model return the outputs of its inner layers."""

from collections.abc import Sequence

import keras

from kzoo.checks import require
from kzoo.models.layer_paths import find_path, tensors_at


def feature_extractor(model: keras.Model, names: str | Sequence[str]) -> keras.Model:
    """Returns a model that shares the weights of `model` and outputs the maps of the named layers, in that order.

    `names`: of layers, also of those of models that `model` holds: a path, "backbone/stage2", or its end where only one
    path has it, "stage2". Refuses unknown layers, naming the nearest, and layers that are called several times.

    >>> import kzoo
    >>> whole = keras.Sequential([kzoo.model("mnist1d_cnn", include_top=False), keras.layers.Flatten()])
    >>> feature_extractor(whole, "stage2").output_shape
    (None, 9, 15)
    """
    names = (names,) if isinstance(names, str) else names
    several = isinstance(names, (tuple, list)) and len(names) > 0
    require(several, "model", "features, at least one name of a layer", features=names)
    paths = [find_path(model, "features", name) for name in names]
    return keras.Model(model.inputs, tensors_at(model, "features", paths), name=f"{model.name}_features")
