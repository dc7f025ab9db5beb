"""Runs a Keras model on batches of any number of examples, with few compilations."""

import re

import keras
import numpy as np

from kzoo.checks import Refusal, one_line, require
from kzoo.export.fixed_shape import fill_batch
from kzoo.ops.xla import no_islands

ASSERTED = re.compile(r"assertion failed: \[(.*)\]\s*\[\[", flags=re.DOTALL)  # what TensorFlow says around its words


class KerasRunner:
    """A function from a batch (N, ...) to the outputs of a model of one input, a list if there are several.

    XLA compiles a model anew for each number of examples, so batches are filled up to a power of two, or to a larger
    number that has run before. A model of inputs of any size runs as a plain graph, which takes all sizes.
    Raises Refusal for a batch that the model cannot take.
    """

    def __init__(self, model: keras.Model):
        inputs = [tensor.name for tensor in model.inputs]
        require(len(inputs) == 1, "predict", "a model of one input", inputs=", ".join(inputs))
        self.model, self.shape = model, tuple(model.inputs[0].shape[1:])
        self.sizes: set[int] = set()  # of batches that have run
        self.graph = graph_of(model) if None in self.shape and keras.backend.backend() == "tensorflow" else None

    def __call__(self, x: np.ndarray) -> np.ndarray | list[np.ndarray]:
        from tensorflow.errors import InvalidArgumentError

        try:
            if self.graph is not None:
                return keras.tree.map_structure(as_floats, self.graph(x))
            outputs = self.model.predict_on_batch(fill_batch(x, self._batch_size(len(x))))
        except (ValueError, InvalidArgumentError) as error:
            asserted = ASSERTED.search(str(error))
            reason = one_line(asserted[1] if asserted else error, 300)
            raise Refusal(f"predict: the model cannot be run: {reason}") from error
        return keras.tree.map_structure(lambda y: as_floats(y)[: len(x)], outputs)

    def _batch_size(self, count: int) -> int:
        """Returns the size of the batch in which `count` examples run."""
        size = min((size for size in self.sizes if size >= count), default=1 << (count - 1).bit_length())
        self.sizes.add(size)
        return size


def graph_of(model):
    """Returns a model as a TensorFlow function of inputs of any size, without XLA islands."""
    import tensorflow as tf

    tensor = model.inputs[0]
    spec = tf.TensorSpec(tensor.shape, tensor.dtype)
    graph = tf.function(lambda x: model(x, training=False), input_signature=[spec], autograph=False)
    with no_islands():
        return graph.get_concrete_function()


def as_floats(outputs):
    """Returns outputs as an array; those of bfloat16, which NumPy lacks, as float32."""
    outputs = np.asarray(outputs)
    return outputs.astype("float32") if outputs.dtype.name in ("bfloat16", "float16") else outputs
