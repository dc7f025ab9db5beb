"""How much memory a model and a training step of it need at least: what cannot fit is refused before it is built."""

import math
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.config.config import Config
from kzoo.data.examples import Examples
from kzoo.index import is_keras_file
from kzoo.memory import check_memory
from kzoo.models.graph import calls
from kzoo.models.registry import find, kzoo_has
from kzoo.models.registry import model as zoo_model


def check_model_memory(name: str, settings: Mapping[str, Any]) -> None:
    """Raises Refusal if the weights of a model of the zoo do not fit into memory. With a GPU nothing is checked.

    Neither are models of the user's, whose builders may have effects, nor those of files, which are loaded whole.
    """
    if kzoo_has(find(name)[0]) and not is_keras_file(name) and not tf.config.list_logical_devices("GPU"):
        check_memory(model_bytes(name, settings), f"model {name}")


def model_bytes(name: str, settings: Mapping[str, Any]) -> int:
    """Returns the bytes of the weights of a model of the zoo, which is built without values for them.

    >>> model_bytes("mnist1d_fc", {"units": [10]})  # 40 x 10 + 10 and 10 x 10 + 10 numbers
    2080
    """
    policy, state = keras.config.dtype_policy(), random.getstate()  # from which Keras draws seeds of initializers

    def build():
        keras.config.set_dtype_policy(policy)
        with keras.StatelessScope(initialize_variables=False):
            return sum(_bytes(weight.shape, weight.dtype) for weight in zoo_model(name, **settings).weights)

    with ThreadPoolExecutor(1) as pool:  # Keras's names and its list of variables without values end with the thread
        needed = pool.submit(build).result()
    random.setstate(state)
    return needed


def check_step_memory(config: Config, trainer: keras.Model, examples: Examples, copies: int = 1) -> None:
    """Raises Refusal if a training step of a compiled model, with `copies` of its batch, does not fit into memory.

    With a GPU only the batches count: they come from the CPU's memory, the rest is in the GPU's.
    """
    size, batches = config.data.batch_size, config.training.steps_per_call
    needed = max(copies, batches) * size * _bytes(examples.input_shape, examples.dtype)
    if not tf.config.list_logical_devices("GPU"):
        needed += step_bytes(trainer, size)
    check_memory(needed, f"a training step of {config.model.name} with data.batch_size {size}")


def step_bytes(trainer: keras.Model, batch_size: int) -> int:
    """Returns a lower bound of the bytes that a training step adds to a compiled model and a batch.

    They are gradients, the optimizer's variables, and the inputs of layers with trainable kernels, which are stored for
    the gradients of the kernels. What else is stored depends on the compiler.
    """
    weights = sum(_bytes(weight.shape, weight.dtype) for weight in trainer.trainable_weights)
    stored = {id(tensor): tensor for tensor in _kernel_inputs(trainer)}.values()
    activations = sum(_bytes(tensor.shape[1:], tensor.dtype) for tensor in stored)
    return weights * (1 + variables_per_weight(trainer.optimizer)) + batch_size * activations


def variables_per_weight(optimizer: keras.optimizers.Optimizer) -> int:
    """Returns how many variables of a weight's shape an optimizer keeps.

    >>> [variables_per_weight(keras.optimizers.get(name)) for name in ("sgd", "adam")]
    [0, 2]
    """
    like = type(optimizer).from_config(optimizer.get_config())
    like.build([keras.Variable([0.0])])
    return sum(tuple(variable.shape) == (1,) for variable in like.variables)


def _kernel_inputs(model):
    """Returns the inputs of all calls of layers with a trainable kernel, those in nested models included."""
    found = []
    for call in calls(model):
        if isinstance(call.operation, keras.Model):
            found += _kernel_inputs(call.operation)
        elif any(len(weight.shape) > 1 for weight in getattr(call.operation, "trainable_weights", ())):
            found += call.inputs
    return found


def _bytes(shape, dtype):
    """Returns the bytes of a tensor; unknown sizes count as 1."""
    name = keras.backend.standardize_dtype(dtype)
    return math.prod(size or 1 for size in shape) * (2 if name == "bfloat16" else np.dtype(name).itemsize)
