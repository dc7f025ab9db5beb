"""Topographic ICA: the filters of a tiled convolutional net learnt from images alone.

Source: Le, Ngiam, Chen, Chia, Koh & Ng 2010, "Tiled convolutional neural networks"; Hyvarinen, Hoyer & Inki 2001,
"Topographic independent component analysis".
"""

import keras
from keras import layers

from kzoo.checks import is_integer, is_number, require
from kzoo.constraints.orthogonal_filters import OrthogonalFilters
from kzoo.layers.tiled_conv import TiledConv


def tica(net, x, stage=1, epochs=1, batch_size=100, learning_rate=0.05):
    """Minimise a stage's pooled responses, its filters orthonormal tile by tile; in place, and without labels.

    Shapes: net, of `tiled_cnn`, which must have at most as many filters as a kernel has weights; x (N, *input_shape),
    whitened, as on images as they are the filters would seek what varies least. The stages before are kept as they
    are, and so is all behind. Each step down the gradient is followed by the projection; where what a stage is given is
    large, as it is for a second one, so are gradients, and learning_rate is to be less.
    Returns the objective of each epoch: the sum over the maps of their mean response.
    Errors: ValueError that names the argument, what is expected and what came.

    >>> import numpy as np
    >>> from kzoo.models.registry import model
    >>> net = model("tiled_cnn", width=0.125)
    >>> x = np.random.default_rng(0).normal(size=(32, 32, 32, 3))
    >>> before, after = tica(net, x, epochs=2, batch_size=8)
    >>> after < before
    True
    """
    require(is_integer(epochs, least=1), "tica", "epochs, an integer above 0", epochs=epochs)
    require(is_integer(batch_size, least=1), "tica", "batch_size, an integer above 0", batch_size=batch_size)
    good = is_number(learning_rate) and learning_rate > 0
    require(good, "tica", "learning_rate, a number above 0", learning_rate=learning_rate)
    convs = {layer.name: layer for layer in net.layers if isinstance(layer, TiledConv)}
    conv = convs.get(f"stage{stage}_conv")
    require(conv is not None, "tica", f"a stage of {net.name}, 1 to {len(convs)}", stage=stage)
    project = OrthogonalFilters(conv.rank)
    conv.kernel.assign(project(conv.kernel))
    responses = layers.GlobalAveragePooling2D()(net.get_layer(f"stage{stage}").output)
    learner = keras.Model(net.inputs, layers.ActivityRegularization(l1=1.0)(responses))  # Keras divides by the batch
    kept = [(layer, layer.trainable) for layer in learner.layers]
    before, conv.kernel.constraint = conv.kernel.constraint, project
    try:
        for layer in learner.layers:
            layer.trainable = layer is conv
        # XLA's singular value decomposition takes a hundred times as long
        learner.compile(keras.optimizers.SGD(learning_rate), jit_compile=False)
        return learner.fit(x, epochs=epochs, batch_size=batch_size, verbose=0).history["loss"]
    finally:
        conv.kernel.constraint = before
        for layer, trainable in kept:
            layer.trainable = trainable
