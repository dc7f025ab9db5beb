"""State dicts like those of torchvision's models, with their documented names and random arrays.

Source: torchvision's alexnet.py, vgg.py, googlenet.py and resnet.py.
"""

import math

import numpy as np


class Dict(dict):
    """A state dict to which layers are added one at a time; kernels preserve the scale of their inputs."""

    def __init__(self):
        super().__init__()
        self.draw = np.random.default_rng(0)

    def kernel(self, prefix, *shape):
        self[f"{prefix}.weight"] = self.normal(*shape) * math.sqrt(2 / math.prod(shape[1:]))

    def normal(self, *shape):
        return self.draw.normal(size=shape).astype("float32")

    def biased(self, prefix, *shape):
        """Adds a convolution (out, in, k, k) or a dense layer (out, in)."""
        self.kernel(prefix, *shape)
        self[f"{prefix}.bias"] = 0.1 * self.normal(shape[0])

    def norm(self, prefix, n):
        for part in ("weight", "running_var"):
            self[f"{prefix}.{part}"] = self.draw.uniform(0.5, 1.5, n).astype("float32")
        for part in ("bias", "running_mean"):
            self[f"{prefix}.{part}"] = 0.1 * self.normal(n)
        self[f"{prefix}.num_batches_tracked"] = np.array(7)


def alexnet(filters=(64, 192, 384, 256, 256), positions=36, units=(4096, 4096), classes=1000):
    """`positions`: those of the last maps."""
    found, before = Dict(), 3
    for index, kernel, n in zip((0, 3, 6, 8, 10), (11, 5, 3, 3, 3), filters):
        found.biased(f"features.{index}", n, before, kernel, kernel)
        before = n
    before *= positions
    for index, n in zip((1, 4, 6), (*units, classes)):
        found.biased(f"classifier.{index}", n, before)
        before = n
    return found


VGG = {  # indices of the convolutions in `features`, one line per stage
    "vgg11": [(0,), (3,), (6, 8), (11, 13), (16, 18)],
    "vgg13": [(0, 2), (5, 7), (10, 12), (15, 17), (20, 22)],
    "vgg16": [(0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28)],
    "vgg19": [(0, 2), (5, 7), (10, 12, 14, 16), (19, 21, 23, 25), (28, 30, 32, 34)],
}


def vgg(name, filters=(64, 128, 256, 512, 512), positions=49, units=(4096, 4096), classes=1000):
    found, before, convs = Dict(), 3, 0
    for indices, n in zip(VGG[name.removesuffix("_bn")], filters):
        for number in indices:
            index = number + convs if name.endswith("_bn") else number  # after one norm for each convolution
            found.biased(f"features.{index}", n, before, 3, 3)
            if name.endswith("_bn"):
                found.norm(f"features.{index + 1}", n)
            before, convs = n, convs + 1
    before *= positions
    for index, n in zip((0, 3, 6), (*units, classes)):
        found.biased(f"classifier.{index}", n, before)
        before = n
    return found


BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3)}
BLOCKS |= {"resnet101": (3, 4, 23, 3), "resnet152": (3, 8, 36, 3)}


def resnet(name, filters=(64, 128, 256, 512), classes=1000):
    found, before, deep = Dict(), filters[0], name not in ("resnet18", "resnet34")

    def conv(prefix, norm, *shape):
        found.kernel(prefix, *shape)
        found.norm(norm, shape[0])

    conv("conv1", "bn1", before, 3, 7, 7)
    for stage, (count, n) in enumerate(zip(BLOCKS[name], filters), start=1):
        for block in range(count):
            label, after = f"layer{stage}.{block}", 4 * n if deep else n
            shapes = [(n, before, 1, 1), (n, n, 3, 3), (after, n, 1, 1)] if deep else [(n, before, 3, 3), (n, n, 3, 3)]
            for index, shape in enumerate(shapes, start=1):
                conv(f"{label}.conv{index}", f"{label}.bn{index}", *shape)
            if before != after:
                conv(f"{label}.downsample.0", f"{label}.downsample.1", after, before, 1, 1)
            before = after
    found.biased("fc", classes, before)
    return found


INCEPTION = {  # 1x1; before 3x3, 3x3; before "5x5", which is 3x3 here, itself; after the pool
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def googlenet(classes=1000):
    found = Dict()

    def conv(prefix, *shape):
        found.kernel(f"{prefix}.conv", *shape)
        found.norm(f"{prefix}.bn", shape[0])

    conv("conv1", 64, 3, 7, 7)
    conv("conv2", 64, 64, 1, 1)
    conv("conv3", 192, 64, 3, 3)
    before = 192
    for block, (one, reduce3, three, reduce5, five, pooled) in INCEPTION.items():
        label = f"inception{block}"
        conv(f"{label}.branch1", one, before, 1, 1)
        conv(f"{label}.branch2.0", reduce3, before, 1, 1)
        conv(f"{label}.branch2.1", three, reduce3, 3, 3)
        conv(f"{label}.branch3.0", reduce5, before, 1, 1)
        conv(f"{label}.branch3.1", five, reduce5, 3, 3)
        conv(f"{label}.branch4.1", pooled, before, 1, 1)
        before = one + three + five + pooled
    for index, channels in ((1, 512), (2, 528)):
        conv(f"aux{index}.conv", 128, channels, 1, 1)
        found.biased(f"aux{index}.fc1", 1024, 2048)
        found.biased(f"aux{index}.fc2", classes, 1024)
    found.biased("fc", classes, before)
    return found
