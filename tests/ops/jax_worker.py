"""Writes the JAX backend's outputs and gradients to the .npz file named on the command line.

test_backend.py runs it in a separate process, as Keras takes one backend for each process. The inputs come from the
seeds of the cases, so no file of inputs is needed.
"""

import sys

import keras
import numpy as np

from tests.collect import collect
from tests.ops.cases import cotangent


def run(case, settings):
    """Returns outputs and gradients of each setting, compiled as one function."""
    import jax  # here, as pytest's search for doctests imports this file where jax may be missing

    def one(inputs, kwargs):
        floating = [i for i, a in enumerate(inputs) if a.dtype.kind == "f"]

        def loss(*values):
            tensors = list(inputs)
            for i, value in zip(floating, values):
                tensors[i] = value
            y = case.op(*tensors, **kwargs)
            y = list(y) if isinstance(y, (tuple, list)) else [y]
            return (y[0] * cotangent(y[0].shape, "float32")).sum(), y

        grads, y = jax.grad(loss, argnums=tuple(range(len(floating))), has_aux=True)(*(inputs[i] for i in floating))
        return y, list(grads)

    return jax.jit(lambda inputs: [one(i, s.kwargs) for i, s in zip(inputs, settings)])([s.inputs for s in settings])


def main(path):
    results = {}
    for name, case in collect("OP_CASES").items():
        for rank in case.ranks:
            for index, (y, grads) in enumerate(run(case, case.on_jax(rank))):
                results |= {f"{name}/{rank}/{index}/y{i}": np.asarray(a) for i, a in enumerate(y)}
                results |= {f"{name}/{rank}/{index}/g{i}": np.asarray(a) for i, a in enumerate(grads)}
    np.savez(path, **results)


if __name__ == "__main__":
    if keras.backend.backend() != "jax":
        raise SystemExit("run with KERAS_BACKEND=jax")
    main(sys.argv[1])
