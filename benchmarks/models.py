"""Whole models: images a second, at inference and in training.

Source: none.
"""

from benchmarks.family import Absent, Case, Cost, Program, Target

KINDS = ("inference", "training")
CASES = [
    Case("VGG-like, 64 x 32 x 32 x 3", net="vgg", batch=64, input_shape=(32, 32, 3), calls=8, kinds=KINDS),
    Case("mnist1d_cnn, batch 100", net="mnist1d_cnn", batch=100, input_shape=(40, 1), calls=200, kinds=KINDS),
    Case("nielsen_3, batch 10", net="nielsen_3", batch=10, input_shape=(28, 28, 1), calls=100, kinds=KINDS),
    Case("nielsen_3, batch 100", net="nielsen_3", batch=100, input_shape=(28, 28, 1), calls=20, kinds=KINDS),
]
TARGETS = [Target("torch", "training", 1.5, "VGG*")]
WIDTHS = (64, 64, "pool", 128, 128, "pool", 256, 256, "pool")


def arrays(case, rng):
    n = case.batch * case.calls
    return rng.random((n, *case.input_shape), "float32"), rng.integers(0, 10, n).astype("int64")


def cost(case, kind):
    """Not counted yet for whole models."""
    return Cost(0.0)


def items(case):
    """How many images a call sees."""
    return case.batch * case.calls, "images"


def keras(case, x, y):
    """Keras's own `fit` and its compiled function of inference, on tf.data."""
    import keras
    import tensorflow as tf

    from kzoo import model

    keras.utils.set_random_seed(0)
    net = _vgg(keras) if case.net == "vgg" else model(case.net)
    net.compile("sgd", "sparse_categorical_crossentropy")
    pairs = tf.data.Dataset.from_tensor_slices((x, y)).batch(case.batch).cache().prefetch(2)

    def infer():
        return net.predict(pairs, verbose=0)

    def train():
        net.fit(pairs, verbose=0)

    return Program("plain", {"inference": infer, "training": train}, ())


def _vgg(keras):
    layers = [keras.Input((32, 32, 3))]
    for width in WIDTHS:
        pool = width == "pool"
        layers.append(
            keras.layers.MaxPooling2D() if pool else keras.layers.Conv2D(width, 3, 1, "same", activation="relu")
        )
    return keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])


def torch(memory_format):
    def peer(case, x, y):
        import torch

        if case.net != "vgg":
            raise Absent("written for the VGG-like net alone")
        torch.manual_seed(0)
        layers, channels = [], 3
        for width in WIDTHS:
            if width == "pool":
                layers.append(torch.nn.MaxPool2d(2))
            else:
                layers += [torch.nn.Conv2d(channels, width, 3, padding=1), torch.nn.ReLU()]
                channels = width
        net = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(channels * 16, 10))
        net = net.to(memory_format=getattr(torch, memory_format))
        x = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=getattr(torch, memory_format))
        batches = list(zip(x.split(case.batch), torch.from_numpy(y).split(case.batch)))
        optimizer = torch.optim.SGD(net.parameters(), 0.01)

        def infer():
            with torch.inference_mode():
                return [net(images) for images, _ in batches]

        def train():
            for images, labels in batches:
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(net(images), labels).backward()
                optimizer.step()

        return Program("plain", {"inference": infer, "training": train}, ())

    return peer


PEERS = {"kzoo": keras, "torch channels last": torch("channels_last"), "torch": torch("contiguous_format")}
