"""Images augmented in a second by one layer in a pipeline, as `data.augment` runs it, and by none.

Batches are of 128 images of 32 x 32 (CIFAR-10's size) or of 32 of 224 x 224 pixels, of bytes. An augmentation is no
bottleneck where it augments more images than a training step takes: the first row, of ResNet-20 and of ResNet-18.
"""

import fnmatch
import statistics
import time

from benchmarks.family import Case

CASES = [
    Case("128 x 32 x 32", size=32, batch=128, model="resnet20_cifar"),
    Case("32 x 224 x 224", size=224, batch=32, model="resnet18"),
]
STEP = "training step"
TARGETS = []
SECONDS, ROUNDS = 2.0, 3


def layers(size):
    """Returns {name: layer} of kzoo's augmentation layers, and some of Keras's."""
    import keras

    from kzoo import augmentation

    return {
        "none": None,
        "RandomShift": augmentation.RandomShift(),
        "PadAndCrop": augmentation.PadAndCrop(size // 8),
        "ElasticDistortion": augmentation.ElasticDistortion(),
        "RandomResizedCrop": augmentation.RandomResizedCrop(),
        "ScaleJitter": augmentation.ScaleJitter((8 * size // 7, 16 * size // 7)),
        "PCAColorNoise": augmentation.PCAColorNoise(),
        "ColorJitter": augmentation.ColorJitter(),
        "ColorJitter with hue": augmentation.ColorJitter(hue=0.1),
        "RandAugment": augmentation.RandAugment(),
        "MixUp": augmentation.MixUp(),
        "CutMix": augmentation.CutMix(),
        "keras RandomFlip": keras.layers.RandomFlip("horizontal"),
        "keras RandomTranslation": keras.layers.RandomTranslation(0.1, 0.1),
        "keras RandomElasticTransform": keras.layers.RandomElasticTransform(),
        "keras RandomColorJitter": keras.layers.RandomColorJitter((0, 255), 0.4, 0.4, 0.4, 0.1),
        "keras RandAugment": keras.layers.RandAugment(),
    }


def measure(wanted, pattern, say):
    """Yields a row for each layer and case: images a second, in each round. `wanted`: parts of the names of layers."""
    for case in CASES:
        if not fnmatch.fnmatchcase(case.name, pattern):
            continue
        for name, layer in {STEP: None, **layers(case.size)}.items():
            if wanted is None or any(part in name for part in wanted):
                say(f"augmentation: {case.name}, {name}")
                turn = step(case) if name == STEP else pipeline(case, [] if layer is None else [layer])
                yield {
                    "family": __name__,
                    "case": case.name,
                    "kind": "images",
                    "peer": name,
                    "rates": rates(case, turn),
                }


def pipeline(case, augment):
    """Returns a function that takes the next batch of augmented images."""
    import numpy as np
    import tensorflow as tf

    from kzoo.data.examples import Examples

    images = np.random.default_rng(0).integers(0, 256, (2 * case.batch, case.size, case.size, 3)).astype("uint8")
    split = Examples.from_arrays(images, np.zeros(len(images), "int32"))
    batches = iter(split.batches(case.batch, augment=augment, encode=lambda y: tf.one_hot(y, 10)))
    return lambda: next(batches)


def step(case):
    """Returns a function that takes a training step, always on the same batch."""
    import numpy as np
    import tensorflow as tf

    import kzoo

    model = kzoo.model(case.model, input_shape=(case.size, case.size, 3))
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = tf.constant(np.random.default_rng(0).normal(size=(case.batch, case.size, case.size, 3)), "float32")
    y = tf.zeros(case.batch, "int32")
    return lambda: model.train_on_batch(x, y)


def rates(case, turn):
    """Returns the images of a second of turns, in each of ROUNDS."""
    for _ in range(5):  # the first are traced, or were prefetched
        turn()
    found = []
    for _ in range(ROUNDS):
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            turn()
            count += 1
        found.append(count * case.batch / (time.perf_counter() - start))
    return found


def table(rows):
    """Returns the header and rows of a table: a row for each layer, with the images a second of each case."""
    cells = {}
    for row in rows:
        cells.setdefault(row["peer"], {})[row["case"]] = f"{statistics.median(row['rates']):,.0f}"
    cases = list(dict.fromkeys(row["case"] for row in rows))
    body = [[name, *(found.get(case, "-") for case in cases)] for name, found in cells.items()]
    return ["images a second", *cases], body
