"""Compares layers on JAX with TensorFlow's numbers, in a process that cannot import TensorFlow.

`python -m tests.layers.on_jax FOLDER`, where test_every_layer.py has written each layer's arguments to
kwargs.json, and its inputs, weights, outputs and gradients to values.npz.
"""

import json
import pathlib
import sys

if __name__ == "__main__":  # pytest imports this file too, in its search for doctests
    sys.modules["tensorflow"] = None  # as if it were not installed

import keras  # noqa: E402
import numpy as np  # noqa: E402

from kzoo import layers  # noqa: E402
from tests.layers.cases import objective  # noqa: E402


def compare(name, kwargs, inputs, weights, expected):
    """Asserts that a layer with these weights has the expected outputs and gradients."""
    import jax  # here, as it may be missing where pytest imports this file

    layer = getattr(layers, name)(**kwargs)
    layer.build([x.shape for x in inputs] if len(inputs) > 1 else inputs[0].shape)
    layer.set_weights(weights)
    first, *rest = inputs

    def loss(first, trained):
        others = [v.value for v in layer.non_trainable_variables]
        outputs, _ = layer.stateless_call(trained, others, [first, *rest] if rest else first)
        return objective(outputs), outputs

    compiled = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))  # op by op it takes 60 s longer
    (input_gradient, weight_gradients), outputs = compiled(first, [w.value for w in layer.trainable_weights])
    got = {"output": keras.tree.flatten(outputs), "gradient": [input_gradient, *weight_gradients]}
    for part, values in got.items():
        for i, (value, wanted) in enumerate(zip(map(np.asarray, values), expected[part], strict=True)):
            assert value.dtype == wanted.dtype, (name, part, i, value.dtype, wanted.dtype)
            # terms are of order 1, and a smaller gradient is a difference of them
            scale = max(np.abs(wanted).max(), 1) if "float" in wanted.dtype.name else 0
            np.testing.assert_allclose(value, wanted, rtol=0, atol=1e-5 * scale, err_msg=f"{name} {part} {i}")


def main(folder):
    assert keras.backend.backend() == "jax"
    values = dict(np.load(folder / "values.npz"))
    for name, kwargs in json.loads((folder / "kwargs.json").read_text()).items():
        parts = {
            part: [
                values.pop(f"{name}/{part}/{i}")
                for i in range(sum(key.startswith(f"{name}/{part}/") for key in values))
            ]
            for part in ("input", "weight", "output", "gradient")
        }
        compare(name, kwargs, parts.pop("input"), parts.pop("weight"), parts)
    assert not values, f"not compared: {list(values)}"


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
    print("done")
