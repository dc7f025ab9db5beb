"""The contract of every layer, written once: `check_layer`, and `check_conformance` for Keras's own test.

Numbers are compared relative to the largest expected value: 1e-5 where only the order of float32 sums may differ, and
exactly for indices.
"""

import inspect
import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import tree


def check_layer(cls, kwargs, inputs, free, tmp_path, full=None):
    """Checks the whole contract of one layer with these arguments and inputs.

    inputs: an array, or a list of them, channels last. free: whether spatial sizes may be unknown. full: whether to run
    all checks (the default except in 1D and 3D) or only config, shapes, gradients and the `.keras` round trip.
    """
    layer = cls(**kwargs)
    check_config(layer, kwargs)
    y = layer(inputs)
    randomize(layer)
    y = layer(inputs)
    check_config(layer, kwargs)  # building and calling change nothing
    twin = cls.from_config(json.loads(json.dumps(layer.get_config())))
    same(like(twin, layer, inputs)(inputs), y)  # no setting is lost
    check_shapes(cls, kwargs, inputs, y, free)
    check_gradients(layer, inputs)
    check_keras_file(layer, inputs, y, tmp_path)
    if not cls.__name__.endswith(("1D", "3D")) if full is None else full:
        check_modes(layer, inputs, y, free)
        if {"data_format", "axis"} & set(layer.get_config()):
            check_channels_first(layer, kwargs, inputs, y)
        check_mixed_precision(layer, kwargs, inputs, y)
        check_fit(layer, kwargs, inputs)


def check_config(layer, kwargs):
    """Config keys are the constructor's arguments, values are plain Python, and the layer is restored exactly."""
    config = layer.get_config()
    common = {"name", "trainable", "dtype"}
    assert set(config) - common == arguments(type(layer)) - common, "config keys are not the constructor's arguments"
    assert json.loads(json.dumps(config)) == as_lists(config), "config is not plain Python"
    assert type(layer).from_config(json.loads(json.dumps(config))).get_config() == config
    default = {name for name in kwargs if name not in config}
    assert not default, f"config lacks {default}"


def arguments(cls):
    """Returns the names of the constructor's arguments, including those of the base classes that receive **kwargs."""
    names = set()
    for base in cls.__mro__[: cls.__mro__.index(keras.layers.Layer)]:
        if "__init__" in vars(base):
            parameters = inspect.signature(base.__init__).parameters.values()
            names |= {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    return names - {"self"}


def check_shapes(cls, kwargs, inputs, y, free):
    """Symbolic and eager shape and dtype agree, with unknown batch, and with unknown sizes where `free`."""
    for known in (True, False) if free else (True,):
        out = cls(**kwargs)(symbols(inputs, known))
        for symbol, value in zip(tree.flatten(out), tree.flatten(y), strict=True):
            fixed = tuple(value.shape)[1:]
            agree = [a == b or (a is None and not known) for a, b in zip(symbol.shape[1:], fixed, strict=True)]
            assert symbol.shape[0] is None and all(agree), f"symbolic {symbol.shape}, eager {value.shape}"
            assert symbol.shape[-1] == fixed[-1], f"symbolic {symbol.shape}, eager {value.shape}"
            assert symbol.dtype == dtype(value), f"symbolic {symbol.dtype}, eager {dtype(value)}"
    computed = cls(**kwargs).compute_output_shape(tree.map_structure(lambda x: x.shape, inputs))
    assert computed == tree.map_structure(lambda v: tuple(v.shape), y), f"compute_output_shape gives {computed}"


def check_modes(layer, inputs, y, free):
    """A graph that was traced with unknown sizes gives the numbers of eager execution, with and without XLA.

    With known sizes both are compared by `check_fit`.
    """
    unknown = tree.map_structure(lambda x: tf.TensorSpec(free_shape(x, not free), x.dtype), inputs)
    for jit in (False, True):  # as Keras's trainer traces from the second size on
        same(tf.function(layer, input_signature=[unknown], jit_compile=jit)(inputs), y)


def check_channels_first(layer, kwargs, inputs, y):
    """Both data formats give the same numbers; indices are numbered channels last in both."""
    settings = {"data_format": "channels_first", "axis": 1}
    first = type(layer)(**kwargs, **{name: value for name, value in settings.items() if name in layer.get_config()})
    ndim = tree.flatten(inputs)[0].ndim
    axes = ndim - 1 - layer.rank if hasattr(layer, "rank") else 1  # of channels; two where they are capsules
    to, at = range(1, 1 + axes), range(-axes, 0)
    moved = tree.map_structure(lambda x: np.moveaxis(x, at, to), inputs)
    out = like(first, layer, moved)(moved)
    same(tree.map_structure(lambda v: np.moveaxis(np.asarray(v), to, at) if v.ndim == ndim else v, out), y)
    computed = first.compute_output_shape(tree.map_structure(lambda x: x.shape, moved))
    assert computed == tree.map_structure(lambda v: tuple(v.shape), out), f"compute_output_shape gives {computed}"


def check_mixed_precision(layer, kwargs, inputs, y):
    """Outputs have 16 bits, weights 32, integers are unchanged, and numbers agree to the precision of the type."""
    for half, tolerance in (("bfloat16", 3e-2), ("float16", 4e-3)):  # eight units in the last place of 8 and of 11 bits
        low = like(type(layer)(**kwargs, dtype=f"mixed_{half}"), layer, inputs)
        assert all(dtype(w) == "float32" for w in low.weights if is_float(w))
        symbolic = tree.flatten(low(symbols(inputs)))
        for got, wanted, symbol in zip(tree.flatten(low(inputs)), tree.flatten(y), symbolic, strict=True):
            assert dtype(got) == symbol.dtype == (half if is_float(wanted) else dtype(wanted))
            if is_float(wanted):
                same(tf.cast(got, "float32"), wanted, tolerance)


def check_gradients(layer, inputs):
    """Every float input and every weight has a finite gradient on live, half-dead and blank inputs."""
    weights = [w.value for w in layer.trainable_weights]
    for name, scale in (
        ("live", lambda x: 1),
        ("dead channel", lambda x: np.arange(x.shape[-1]) > 0),
        ("blank", lambda x: 0),
    ):
        probe = tree.map_structure(
            lambda x, s=scale: tf.constant((x * s(x)).astype(x.dtype) if is_float(x) else x), inputs
        )
        watched = [x for x in tree.flatten(probe) if is_float(x)] + weights
        with tf.GradientTape() as tape:
            tape.watch(watched)
            loss = tf.add_n([tf.reduce_sum(v * v + v) for v in tree.flatten(layer(probe)) if is_float(v)])
        for i, gradient in enumerate(tape.gradient(loss, watched)):
            assert gradient is not None, f"no gradient for number {i} of inputs and weights on {name} input"
            assert np.isfinite(gradient).all(), f"gradient {i} is not finite on {name} input"
            assert name != "live" or np.any(gradient), f"gradient {i} is zero on {name} input"


def check_keras_file(layer, inputs, y, tmp_path):
    """A functional model that contains the layer is restored from its `.keras` file."""
    model = as_model(layer, inputs)
    model.save(tmp_path / "layer.keras")
    again = keras.models.load_model(tmp_path / "layer.keras")
    same(again(inputs), y)
    assert again.get_layer(layer.name).get_config() == layer.get_config()


def check_fit(layer, kwargs, inputs):
    """One training step changes every trainable weight, including those before the layer, with and without XLA."""
    after = []
    for jit in (False, True):
        twin = type(layer)(**kwargs)
        symbolic = symbols(inputs)
        first, *rest = tree.flatten(symbolic)
        before = keras.layers.Dense(first.shape[-1], use_bias=False, kernel_initializer="identity", name="before")
        y = tree.flatten(twin([before(first), *rest] if rest else before(first)))
        model = keras.Model(symbolic, y[0])
        twin.set_weights(layer.get_weights())
        model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit)
        start = [w.numpy() for w in model.trainable_weights]
        target = np.ones((len(tree.flatten(inputs)[0]), *y[0].shape[1:]), "float32")
        model.train_on_batch(inputs, target)  # as `fit` does, without a dataset, which takes longer to make
        assert model.jit_compile == jit
        after.append([w.numpy() for w in model.trainable_weights])
        assert all((a != b).any() for a, b in zip(start, after[-1], strict=True)), "a weight did not change"
    if "seed" not in layer.get_config():  # XLA draws other numbers
        same(after[1], after[0])


def train(model, x, y, steps):
    """Trains with all examples in each step. With an epoch for each, `fit` would take ten times as long."""
    model.fit(tf.data.Dataset.from_tensors((x, y)).repeat(steps), verbose=0)


def check_draws(cls, kwargs, x, tmp_path):
    """A layer that is random in training follows its seed, draws in each call and in `fit`, and never otherwise."""

    def draws(layer):
        return [np.asarray(layer(x, training=True)) for _ in range(3)]

    layer = cls(**kwargs, seed=7)
    twin, other = cls.from_config(json.loads(json.dumps(layer.get_config()))), cls(**kwargs, seed=8)
    drawn = draws(layer)
    same(draws(twin), drawn)
    assert all((a != b).any() for a, b in itertools.combinations(drawn, 2)), "two calls draw the same"
    assert (draws(other)[0] != drawn[0]).any(), "another seed draws the same"
    assert (draws(cls(**kwargs))[0] != draws(cls(**kwargs))[0]).any(), "two layers without a seed draw the same"

    model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Dense(x.shape[-1], "relu"), layer])
    for jit in (False, True):
        model.compile("sgd", "mse", jit_compile=jit)
        before, weights = np.asarray(layer.seed_generator.state), model.get_weights()[0]
        model.fit(x, np.ones((len(x), *model.output_shape[1:]), "float32"), verbose=0)
        assert (np.asarray(layer.seed_generator.state) != before).any(), "`fit` draws nothing"
        assert (model.get_weights()[0] != weights).any(), "a weight did not change"
    before = np.asarray(layer.seed_generator.state)
    y = model.predict(x, verbose=0)
    same(model.predict(x, verbose=0), y)
    same(model(x), y)
    model.save(tmp_path / "random.keras")
    again = keras.models.load_model(tmp_path / "random.keras")
    same(again.predict(x, verbose=0), y)
    assert again.layers[-1].seed == 7
    model.export(tmp_path / "random", verbose=False)
    assert b"Random" not in (tmp_path / "random" / "saved_model.pb").read_bytes(), "the SavedModel draws"
    assert (np.asarray(layer.seed_generator.state) == before).all(), "inference draws"
    graph = tf.function(lambda x: layer(x, training=True)).get_concrete_function(x).graph.as_graph_def()
    assert b"Random" in graph.SerializeToString()  # otherwise the absence above would prove nothing


def check_conformance(cls, kwargs, inputs):
    """Runs Keras's own test of a layer. Only this function and `kzoo/ops/xla.py` use `keras.src`.

    It takes several inputs as a tuple.
    """
    from keras.src.testing import TestCase

    data = tuple(inputs) if isinstance(inputs, list) else inputs
    masks = cls(**kwargs).supports_masking
    TestCase("run_layer_test").run_layer_test(cls, kwargs, input_data=data, supports_masking=masks)


def check_refusal(cls, kwargs, shapes, *words):
    """A ValueError "CLASS expects ..." that contains all these words is raised on arrays and on symbolic inputs.

    shapes: of the input, or a list of shapes; where one contains None, only the symbolic call is checked.
    """
    specs = [
        (s, "int32" if i == 1 else "float32") for i, s in enumerate(shapes if isinstance(shapes, list) else [shapes])
    ]

    def inputs(make):
        made = [make(*spec) for spec in specs]
        return made if isinstance(shapes, list) else made[0]

    ways = [lambda: inputs(lambda shape, dtype: keras.Input(shape[1:], dtype=dtype))]
    if not any(None in shape for shape, _ in specs):
        ways.append(lambda: inputs(np.zeros))
    for way in ways:
        with pytest.raises(ValueError) as refusal:
            cls(**kwargs)(way())
        missing = [word for word in (f"{cls.__name__} expects", *words) if word not in str(refusal.value)]
        assert not missing, f"the error lacks {missing}: {refusal.value}"


def same(got, wanted, tolerance=1e-5):
    """Asserts equal structures: integers exactly, floats within `tolerance` of the largest expected value."""
    for a, b in zip(*(map(np.asarray, tree.flatten(parts)) for parts in (got, wanted)), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape, f"{a.dtype} {a.shape} against {b.dtype} {b.shape}"
        if is_float(b):
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(np.abs(b).max(initial=0), 1e-3))
        else:
            np.testing.assert_array_equal(a, b)


def randomize(layer, seed=1):
    """Sets and returns random weights, as zeros and ones hide mistakes. Integers, which are indices, are kept.

    Variances are positive.
    """
    rng = np.random.default_rng(seed)
    drawn = [rng.normal(size=w.shape).astype("float32") for w in layer.weights]
    drawn = [abs(new) if w.name.endswith("variance") else new for w, new in zip(layer.weights, drawn)]
    layer.set_weights([new if is_float(w) else w.numpy() for w, new in zip(layer.weights, drawn)])
    return layer.get_weights()


def like(layer, other, inputs):
    """Returns the layer, built for these inputs, with the other layer's weights."""
    layer(inputs)
    layer.set_weights(other.get_weights())
    return layer


def as_model(layer, inputs, known=True):
    symbolic = symbols(inputs, known)
    return keras.Model(symbolic, layer(symbolic))


def symbols(inputs, known=True):
    """Returns Keras inputs for these arrays, of unknown batch, and of unknown spatial sizes unless `known`."""
    return tree.map_structure(lambda x: keras.Input(free_shape(x, known)[1:], dtype=x.dtype.name), inputs)


def free_shape(x, known):
    return (None, *x.shape[1:]) if known else (*(None,) * (x.ndim - 1), x.shape[-1])


def as_lists(value):
    """Returns a config with lists instead of tuples, as JSON has them."""
    if isinstance(value, dict):
        return {key: as_lists(part) for key, part in value.items()}
    return [as_lists(part) for part in value] if isinstance(value, (tuple, list)) else value


def dtype(x):
    return keras.backend.standardize_dtype(x.dtype)


def is_float(x):
    return "float" in dtype(x)
