"""Training of small models: the MNIST-1D ConvNet by a kzoo run, plain Keras `fit`, and the usual PyTorch loop.

A call trains for a number of steps in one `fit`, or in one loop over epochs. So the start of training counts once, as
in a run. All shuffle the same examples again in each epoch. Keras's peers and kzoo also track loss and accuracy; the
PyTorch loop does not. The callbacks of a run, called once every 1,000 steps, are left out.
"""

from benchmarks.family import Case, Cost, Program, Target
from benchmarks.models import counted, network, twin

CASES = [Case("mnist1d_cnn, SGD, batch 100", model="mnist1d_cnn", steps=6000, kinds=("training",))]
TARGETS = [Target("keras fit", "training", 4.0), Target("torch", "training", 4.0)]
BATCH, RATE = 100, 0.01


def arrays(case, rng):
    """Returns the dataset itself: 4,000 examples."""
    from kzoo.data.builders.mnist1d import mnist1d

    x, y = mnist1d()["train"]
    return x.astype("float32")[..., None], y.astype("int64")


def cost(case, kind):
    """Returns the cost of the case's number of steps."""
    least = counted(network(case.model), BATCH, kind)
    return Cost(case.steps * least.bytes, case.steps * least.flops)


def items(case):
    """Returns how many steps a call takes."""
    return case.steps, "steps"


def kzoo(case, x, y):
    """Returns the training of `kzoo train mnist1d_cnn`, with 1,000 steps in each call."""
    from kzoo.config.config_files import read_config
    from kzoo.data.examples import Examples
    from kzoo.training.model_building import build_model
    from kzoo.training.trainer_building import build_trainer

    config = read_config(case.model)
    trainer = build_trainer(config, build_model(config, (40, 1), 10))
    calls = config.training.steps_per_call
    stream = Examples.from_arrays(x, y).batches(BATCH).batch(calls, drop_remainder=True)

    def train():
        trainer.fit(stream, epochs=case.steps // calls, steps_per_epoch=1, shuffle=False, verbose=0)

    return Program("plain", {"training": train}, ())


def keras(steps_per_execution):
    def peer(case, x, y):
        import keras
        import tensorflow as tf

        layers = [keras.layers.Conv1D(15, 3, 2, activation="relu", kernel_initializer="he_uniform") for _ in range(3)]
        top = keras.layers.Dense(10, "softmax")
        model = keras.Sequential([keras.Input((40, 1)), *layers, keras.layers.Flatten(), top])
        loss, optimizer = "sparse_categorical_crossentropy", keras.optimizers.SGD(RATE)
        model.compile(optimizer, loss, metrics=["accuracy"], steps_per_execution=steps_per_execution)
        data = tf.data.Dataset.from_tensor_slices((x, y)).cache().shuffle(len(x)).batch(BATCH).prefetch(2)
        epochs = case.steps * BATCH // len(x)
        return Program("plain", {"training": lambda: model.fit(data, epochs=epochs, verbose=0)}, ())

    return peer


def torch(case, x, y):
    import torch

    model = twin(case.model)
    pairs = torch.utils.data.TensorDataset(torch.from_numpy(x).transpose(1, 2), torch.from_numpy(y))
    loader = torch.utils.data.DataLoader(pairs, BATCH, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), RATE)

    def train():
        for _ in range(case.steps * BATCH // len(x)):
            for series, labels in loader:
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(series), labels).backward()
                optimizer.step()

    return Program("plain", {"training": train}, ())


PEERS = {"kzoo": kzoo, "keras fit": keras(1), "keras, 40 steps a call": keras(40), "torch loop": torch}
