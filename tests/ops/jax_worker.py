"""Half of every case's ten settings on the JAX backend: outputs and gradients, to the .npz named on the command line.

Run by test_backend.py in a process of its own, as Keras takes one backend a process. The inputs need no file: they
come from the seeds of cases.py.
"""

import sys

import keras
import numpy as np

from tests.ops.cases import CASES, cotangent


def run(case, settings):
    """Outputs and gradients of each setting, all in one compilation."""
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
    for name, case in CASES.items():
        for rank in case.ranks:
            for index, (y, grads) in enumerate(run(case, case.ten(rank)[::2])):
                results |= {f"{name}/{rank}/{index}/y{i}": np.asarray(a) for i, a in enumerate(y)}
                results |= {f"{name}/{rank}/{index}/g{i}": np.asarray(a) for i, a in enumerate(grads)}
    np.savez(path, **results)


if __name__ == "__main__":
    if keras.backend.backend() != "jax":
        raise SystemExit("run with KERAS_BACKEND=jax")
    main(sys.argv[1])
