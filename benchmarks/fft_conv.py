"""From which kernel size on `FFTConv2D` is faster than `Conv2D`, forward and for a whole training step.

Usage: python -m benchmarks.fft_conv [--batch 8] [--size 64] [--channels 16] [--filters 16] [--kernels 3,5,7,...]

Both are called in turn; printed are medians in milliseconds and their ratio, above 1 where the Fourier transform wins.

Source: none.
"""

import argparse
import statistics
import time

import tensorflow as tf
from rich.console import Console
from rich.table import Table

from kzoo.layers import Conv2D, FFTConv2D


def step(layer, x):
    """The output, and the gradients of its squared sum for input and weights."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        loss = tf.reduce_sum(y * y)
    return y, tape.gradient(loss, [x, *(w.value for w in layer.weights)])


def medians(calls, repeats, seconds):
    """Median milliseconds of each call; the calls take turns, so that a busy moment meets all of them."""
    times = [[] for _ in calls]
    for call in calls:
        call()  # compiles
    start = time.perf_counter()
    while len(times[0]) < repeats and (not times[0] or time.perf_counter() - start < seconds):
        for call, record in zip(calls, times):
            begun = time.perf_counter()
            call()
            record.append(1000 * (time.perf_counter() - begun))
    return [statistics.median(record) for record in times]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("batch", 8), ("size", 64), ("channels", 16), ("filters", 16), ("repeats", 25)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--seconds", type=float, default=5.0, help="no new repeat after so long")
    parser.add_argument("--kernels", default="3,5,7,9,11,15,21,31,63")
    given = parser.parse_args()
    x = tf.random.stateless_normal((given.batch, given.size, given.size, given.channels), (1, 2))
    title = f"x {tuple(x.shape)}, {given.filters} filters, padding same: milliseconds"
    table = Table(title=title, title_justify="left")
    for column in ("kernel", "Conv2D", "FFTConv2D", "ratio", "step: Conv2D", "FFTConv2D", "ratio"):
        table.add_column(column, justify="right")
    for size in map(int, given.kernels.split(",")):
        layers = [cls(given.filters, size, padding="same") for cls in (Conv2D, FFTConv2D)]
        for layer in layers:
            layer.build(x.shape)
        layers[1].set_weights(layers[0].get_weights())
        row = []
        for kind in (lambda layer, x: layer(x), step):
            compiled = [tf.function(lambda x, layer=layer, kind=kind: kind(layer, x)) for layer in layers]
            conv, fft = medians([lambda f=f: f(x) for f in compiled], given.repeats, given.seconds)
            row += [f"{conv:.2f}", f"{fft:.2f}", f"{conv / fft:.2f}"]
        table.add_row(str(size), *row)
    Console().print(table)


if __name__ == "__main__":
    main()
