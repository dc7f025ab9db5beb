"""Max pooling with and without argmax indices, at SegNet's and AlexNet's sizes."""

from benchmarks.family import WIDTH, Case, Cost, Program, Target

CASES = [
    Case("16 x 64 x 64 x 64, 2 / 2", batch=16, size=64, channels=64, ksize=2),
    Case("8 x 224 x 224 x 32, 2 / 2", batch=8, size=224, channels=32, ksize=2),
    Case("1 x 224 x 224 x 64, 2 / 2", batch=1, size=224, channels=64, ksize=2),
    Case("bfloat16: 16 x 64 x 64 x 64, 2 / 2", batch=16, size=64, channels=64, ksize=2, dtype="bfloat16"),
    Case("AlexNet: 16 x 55 x 55 x 96, 3 / 2", batch=16, size=55, channels=96, ksize=3),
    Case("32 x 28 x 28 x 32, 3 / 2", batch=32, size=28, channels=32, ksize=3),
]
TARGETS = [
    Target("tensorflow argmax", "forward", 8.0),
    Target("tensorflow max_pool2d", "forward", 1 / 1.2),
    Target("keras, XLA", "step", 6.0, ours="kzoo, XLA"),
]


def pooled(case):
    return (case.size - case.ksize) // 2 + 1


def arrays(case, rng):
    return (rng.normal(size=(case.batch, case.size, case.size, case.channels)).astype("float32"),)


def cost(case, kind):
    """Forward reads x, writes values and indices; a step also reads the indices and dy, and writes x's gradient."""
    x, y = case.batch * case.size**2 * case.channels, case.batch * pooled(case) ** 2 * case.channels
    width = WIDTH[case.dtype]
    return Cost(width * (x + y) + 4.0 * y if kind == "forward" else width * 2 * (x + y) + 4.0 * 2 * y)


def kzoo(framework):
    def peer(case, x):
        from kzoo import ops

        return Program(framework, lambda x: ops.max_pool_with_argmax(x, case.ksize, 2)[0], (x,))

    return peer


def kzoo_with_indices(case, x):
    from kzoo import ops

    return Program("tensorflow", lambda x: ops.max_pool_with_argmax(x, case.ksize, 2), (x,))


def tensorflow_argmax(case, x):
    import tensorflow as tf

    return Program("tensorflow", lambda x: tf.nn.max_pool_with_argmax(x, case.ksize, 2, "VALID"), (x,))


def plain(framework):
    def peer(case, x):
        import tensorflow as tf

        return Program(framework, lambda x: tf.nn.max_pool2d(x, case.ksize, 2, "VALID"), (x,))

    return peer


def keras(case, x):
    """Returns Keras's layer in a model that XLA compiles as a whole, as `jit_compile=True` does."""
    import keras

    return Program("xla", keras.layers.MaxPooling2D(case.ksize, 2), (x,))


def torch(channels_last, indices):
    def peer(case, x):
        import torch

        x = x.transpose(0, 3, 1, 2)
        x = x if channels_last else x.copy()  # a transposed view keeps channels last

        def run(x):
            y = torch.nn.functional.max_pool2d(x, case.ksize, 2, return_indices=indices)
            return (y[0].permute(0, 2, 3, 1), y[1]) if indices else y.permute(0, 2, 3, 1)

        return Program("torch", run, (x,))

    return peer


PEERS = {
    "kzoo": kzoo_with_indices,
    "kzoo, XLA": kzoo("xla"),
    "tensorflow argmax": tensorflow_argmax,
    "tensorflow max_pool2d": plain("tensorflow"),
    "keras, XLA": keras,
    "torch channels last": torch(True, True),
    "torch": torch(False, True),
}
