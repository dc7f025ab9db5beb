"""Training of the zoo's small configs as `kzoo train` runs it, against the same model in Keras's `fit` and in PyTorch.

A call trains for a number of steps in one `fit`, or in one loop over split tensors: PyTorch's strongest simple form,
without a DataLoader. All train the same net from the same weights, on random examples of the dataset's shape, without
augmentation. Keras's peers and kzoo also shuffle, scale the inputs and track loss and accuracy; the PyTorch loop does
not. Its twins are `torch_twin.py`'s; "-" stands where PyTorch lacks a layer.
"""

import functools
from pathlib import Path

from benchmarks.family import Absent, Case, Cost, Program, Target, load_torch

NAMES = sorted(
    path.stem
    for path in Path(__file__).parents[1].glob("zoo_configs/*.yaml")
    if path.stem.startswith(("nielsen", "lenet", "mnist1d", "small"))
)
PRETRAINED = ("small_gabor", "small_kmeans", "small_saxe")  # of which `fit` trains the classifier only
CASES = [Case(name, config=name, sets=(), kinds=("training",)) for name in NAMES if name not in PRETRAINED]
LARGER = ("data.batch_size=100", "training.steps_per_call=50")
CASES += [Case("nielsen_3, batch 100", config="nielsen_3", sets=LARGER, kinds=("training",))]
TARGETS = [
    Target("torch", "training", 1.3, "nielsen_3"),
    Target("torch", "training", 1.2, "nielsen_3, batch 100"),
    *(Target("torch", "training", 1.2, name) for name in ("nielsen_1", "nielsen_6", "lenet5*", "small_lecun1989")),
    Target("torch", "training", 1.0, "small_*"),
    Target("keras", "training", 1.3, "small_*"),
]
HEADLINE = "nielsen_3"
EXAMPLES = 2000  # at least


CALL = 1.5  # seconds that a call takes at RATE: the start of `fit`, which a run pays once an epoch, takes up to 0.2
RATE, STEP = 40e9, 3e-4  # operations a second, and seconds for a step without any


def config_of(case):
    """Returns the case's config."""
    from kzoo.config.config_files import read_config

    return read_config(case.config, list(case.sets))


def built(case):
    """Returns (config, data, model) of a case, with the preprocessing layers that a run builds."""
    import keras

    from kzoo.training.model_building import build_model
    from kzoo.training.run_data import load_mock_data

    config = config_of(case)
    data = load_mock_data(config, max(EXAMPLES, config.data.batch_size))
    keras.utils.set_random_seed(0)
    return config, data, build_model(config, data.input_shape, data.classes, data.train)


def arrays(case, rng):
    """Returns nothing: each peer makes the examples itself, as PyTorch must be imported before TensorFlow."""
    return ()


@functools.cache
def steps_of(name, sets):
    """Returns how many steps a call of the benchmark takes: some of the config's calls, at least two."""
    from kzoo.analysis import flops

    config, _, model = built(Case(name, config=name, sets=sets))
    seconds = STEP + 3 * (flops(model) or 0) * config.data.batch_size / RATE
    calls = CALL / seconds / config.training.steps_per_call
    return max(2, round(calls)) * config.training.steps_per_call


def cost(case, kind):
    """Returns the least cost: three times the forward pass's operations, and weights read and written twice."""
    from kzoo.analysis import flops

    config, _, model = built(case)
    count, steps = flops(model) or 0, steps_of(case.config, case.sets)
    return Cost(16.0 * steps * model.count_params(), 3.0 * steps * count * config.data.batch_size)


def items(case):
    """Returns how many steps a call takes."""
    return steps_of(case.config, case.sets), "steps"


def kzoo(case):
    """Returns the training of `kzoo train`, with the config's steps in each call."""
    from kzoo.training.model_batches import map_inputs_and_targets
    from kzoo.training.trainer_building import build_trainer

    config, data, model = built(case)
    trainer, per_call = build_trainer(config, model), config.training.steps_per_call
    stream = map_inputs_and_targets(config, model, data.train.batches(config.data.batch_size))
    stream = stream.batch(per_call, drop_remainder=True) if per_call > 1 else stream
    calls = steps_of(case.config, case.sets) // per_call

    def train():
        trainer.fit(stream, epochs=1, steps_per_epoch=calls, shuffle=False, verbose=0)

    return Program("plain", {"training": train}, ())


def keras(jit_compile):
    def peer(case):
        """Returns Keras's `fit` of the same model with the config's optimizer, losses and metrics."""
        import keras
        import tensorflow as tf

        from kzoo.training.keras_objects import build_object
        from kzoo.training.losses_and_metrics import build_losses, build_metrics
        from kzoo.training.model_batches import map_inputs_and_targets

        config, data, model = built(case)
        size, training = config.data.batch_size, config.training
        model = keras.Model(model.input, model.output)
        model.compile(
            build_object("optimizer", training.optimizer, "training.optimizer"),
            build_losses(config, model),
            training.loss_weights,
            build_metrics(config, model),
            jit_compile=jit_compile,
        )
        stream = tf.data.Dataset.from_tensor_slices(_examples(data)).cache().shuffle(EXAMPLES).repeat().batch(size)
        stream = map_inputs_and_targets(config, model, stream).prefetch(2)

        def train():
            model.fit(stream, epochs=1, steps_per_epoch=steps_of(case.config, case.sets), verbose=0)

        return Program("plain", {"training": train}, ())

    return peer


def _examples(data):
    return next(iter(data.train.once(data.train.size)))


def torch(memory_format):
    def peer(case):
        torch = load_torch()
        import keras
        import numpy as np

        from benchmarks.torch_twin import loss_of, optimizer_of, twin

        config, data, model = built(case)
        if len(model.inputs) != 1 or len(model.outputs) != 1:
            raise Absent("models of several inputs or outputs")
        prepared = [layer for layer in model.layers if layer.name.startswith("preprocess")]
        first = prepared[-1].output if prepared else model.input
        body = keras.Model(first, model.output)
        x, y = _examples(data)
        x = keras.Model(model.input, first).predict(x, verbose=0)
        net, loss = twin(body), loss_of(config)
        images = torch.from_numpy(np.moveaxis(x, -1, 1).copy())
        check(net, images[:8], body.predict(x[:8], verbose=0))
        if memory_format == "channels_last":
            if len(images.shape) != 4:
                raise Absent("channels last is for images")
            net, images = (
                net.to(memory_format=torch.channels_last),
                images.contiguous(memory_format=torch.channels_last),
            )
        size = config.data.batch_size
        batches = list(zip(images.split(size), torch.from_numpy(y.numpy().astype("int64")).split(size)))
        batches = [batch for batch in batches if len(batch[1]) == size]
        optimizer = optimizer_of(config, body, net)
        steps = steps_of(case.config, case.sets)

        def train():
            for step in range(steps):
                images, labels = batches[step % len(batches)]
                optimizer.zero_grad()
                loss(net(images), labels).backward()
                optimizer.step()

        return Program("plain", {"training": train}, ())

    return peer


def check(net, images, expected):
    """Raises ValueError unless the twin's outputs, or their softmax, are the model's."""
    import numpy as np
    import torch

    with torch.no_grad():
        outputs = net.eval()(images)
    found = [outputs.numpy(), torch.softmax(outputs, -1).numpy()]
    net.train()
    worst = min(np.abs(each - expected).max() / max(1, np.abs(expected).max()) for each in found)
    if worst > 1e-4:
        raise ValueError(f"the twin differs by {worst:.1e}")


PEERS = {
    "kzoo": kzoo,
    "keras fit": keras("auto"),
    "keras fit, not compiled": keras(False),
    "torch channels last": torch("channels_last"),
    "torch": torch("contiguous_format"),
}
