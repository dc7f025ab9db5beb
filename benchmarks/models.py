"""Whole models: images per second, in inference and in training."""

import math

from benchmarks.family import Absent, Case, Cost, Program, Target

KINDS = ("inference", "training")
CASES = [
    Case("VGG-like, 64 x 32 x 32 x 3", model="vgg", batch=64, input_shape=(32, 32, 3), calls=8, kinds=KINDS),
    Case("mnist1d_cnn, batch 100", model="mnist1d_cnn", batch=100, input_shape=(40, 1), calls=200, kinds=KINDS),
    Case("nielsen_3, batch 10", model="nielsen_3", batch=10, input_shape=(28, 28, 1), calls=100, kinds=KINDS),
    Case("nielsen_3, batch 100", model="nielsen_3", batch=100, input_shape=(28, 28, 1), calls=20, kinds=KINDS),
]
TARGETS = [Target("torch", "training", 1.5, "VGG*")]
WIDTHS = (64, 64, "pool", 128, 128, "pool", 256, 256, "pool")


def arrays(case, rng):
    n = case.batch * case.calls
    return rng.random((n, *case.input_shape), "float32"), rng.integers(0, 10, n).astype("int64")


def cost(case, kind):
    """Returns the cost of the case's number of batches."""
    least = counted(network(case.model), case.batch, kind)
    return Cost(case.calls * least.bytes, case.calls * least.flops)


def counted(model, batch, kind):
    """Returns a batch's least cost, counted layer by layer: a kernel meets each position of its layer's output once.

    Forward reads the weights, and writes and reads each output that is not a reshape of the one before. Training does
    all of it three times, for the gradients of inputs and of weights, except the unused gradients of the images.
    """
    flops, numbers = [], model.count_params()
    for layer in model.layers:
        output = layer.output.shape[1:]
        kernels = [math.prod(weight.shape) for weight in layer.weights if weight.name == "kernel"]
        flops += [2.0 * batch * math.prod(output[:-1]) * kernel for kernel in kernels]
        if kernels or "pool" in layer.name:
            numbers += 2 * batch * math.prod(output)
    if kind == "training":
        return Cost(12.0 * numbers, 3 * sum(flops) - flops[0])
    return Cost(4.0 * numbers, sum(flops))


def items(case):
    """Returns how many images a call processes."""
    return case.batch * case.calls, "images"


def keras(case, x, y):
    """Returns Keras's own `fit` and its compiled inference function, on tf.data."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = network(case.model)
    model.compile("sgd", "sparse_categorical_crossentropy")
    pairs = tf.data.Dataset.from_tensor_slices((x, y)).batch(case.batch).cache().prefetch(2)

    def infer():
        return model.predict(pairs, verbose=0)

    def train():
        model.fit(pairs, verbose=0)

    return Program("plain", {"inference": infer, "training": train}, ())


def network(name):
    """Returns a Keras model: one of kzoo's, or the VGG-like one."""
    import keras

    from kzoo import model

    if name != "vgg":
        return model(name)
    layers = [keras.Input((32, 32, 3))]
    for width in WIDTHS:
        pool = width == "pool"
        layers.append(
            keras.layers.MaxPooling2D() if pool else keras.layers.Conv2D(width, 3, 1, "same", activation="relu")
        )
    return keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])


def twin(name):
    """Returns the same network as PyTorch modules, up to the logits."""
    from torch import nn

    if name == "mnist1d_cnn":
        convs = [module for depth in (1, 15, 15) for module in (nn.Conv1d(depth, 15, 3, 2), nn.ReLU())]
        return nn.Sequential(*convs, nn.Flatten(), nn.Linear(60, 10))
    if name == "nielsen_3":
        pairs = ((1, 20), (20, 40))
        convs = [part for pair in pairs for part in (nn.Conv2d(*pair, 5), nn.MaxPool2d(2), nn.ReLU())]
        return nn.Sequential(*convs, nn.Flatten(), nn.Linear(640, 100), nn.ReLU(), nn.Linear(100, 10))
    layers, channels = [], 3
    for width in WIDTHS:
        if width == "pool":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * 16, 10))


def torch(memory_format):
    def peer(case, x, y):
        import torch

        if len(case.input_shape) == 2 and memory_format == "channels_last":
            raise Absent("channels last is for images")
        torch.manual_seed(0)
        model = twin(case.model).to(memory_format=getattr(torch, memory_format))
        x = torch.from_numpy(x).movedim(-1, 1).contiguous(memory_format=getattr(torch, memory_format))
        batches = list(zip(x.split(case.batch), torch.from_numpy(y).split(case.batch)))
        decay = 2e-5 if case.model == "nielsen_3" else 0.0  # twice Keras's factor, which is not halved
        optimizer = torch.optim.SGD(model.parameters(), 0.01, weight_decay=decay)

        def infer():
            with torch.inference_mode():
                return [model(images) for images, _ in batches]

        def train():
            for images, labels in batches:
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(images), labels).backward()
                optimizer.step()

        return Program("plain", {"inference": infer, "training": train}, ())

    return peer


PEERS = {"kzoo": keras, "torch channels last": torch("channels_last"), "torch": torch("contiguous_format")}
