"""Inference with models of the zoo: a compiled call, Keras's `predict`, and exports in their own runtimes.

A call of "kzoo" is a concrete function of `tf.function(model)`, compiled by XLA where training would compile a step of
this size; "keras predict" is `model.predict` on the same array. Exports are written by `kzoo.export`. "kzoo predict" is
what the command does once it has opened a SavedModel: it reads an .npy file, runs the model and checks the outputs.
"""

import functools
import tempfile
from pathlib import Path

from benchmarks.family import Absent, Case, Cost, Program, Target, load_torch

SHAPES = {"nielsen_3": (28, 28, 1), "lenet5_modern": (32, 32, 1), "mnist1d_cnn": (40, 1), "resnet20_cifar": (32, 32, 3)}
CASES = [
    Case(f"{name}, batch {batch}", model=name, batch=batch, kinds=("inference",))
    for name in SHAPES
    for batch in (1, 10, 100)
]
TARGETS = [Target("torch", "inference", 1.0, f"*batch {batch}") for batch in ("10", "100")]
CALLS = 50  # in a row, as one takes some 0.1 ms
FOLDER = tempfile.TemporaryDirectory()  # of the exports


def arrays(case, rng):
    return (rng.random((case.batch, *SHAPES[case.model]), "float32"),)


def network(case):
    """Returns the model with random weights, without its softmax, as PyTorch's twin."""
    import keras

    from kzoo import model

    keras.utils.set_random_seed(0)
    return model(case.model, classifier_activation=None)


def cost(case, kind):
    from kzoo.analysis import flops

    net = network(case)
    return Cost(CALLS * 4.0 * net.count_params(), CALLS * float(flops(net) * case.batch))


def items(case):
    """Returns how many examples a call of the benchmark processes."""
    return CALLS * case.batch, "examples"


def repeated(run):
    """Returns the program that makes CALLS calls, one after another."""

    def infer():
        for _ in range(CALLS):
            run()

    return Program("plain", {"inference": infer}, ())


def kzoo(case, x):
    import tensorflow as tf

    from kzoo.training.step_compilation import is_faster_compiled

    net = network(case)
    x, compiles = tf.constant(x), is_faster_compiled(net, case.batch)
    call = tf.function(lambda x: net(x, training=False), jit_compile=compiles).get_concrete_function(x)
    return repeated(lambda: call(x).numpy())


def predict(case, x):
    net = network(case)
    return repeated(lambda: net.predict(x, verbose=0))


@functools.cache  # a process exports each model once
def exported_file(model, format):
    from kzoo.export.exporter import export
    from kzoo.export.registry import FORMATS

    path = Path(FOLDER.name, model, FORMATS[format].file)
    path.parent.mkdir(exist_ok=True)
    export(network(Case(model, model=model)), path, format)
    return str(path)


def exported(format, opened):
    return lambda case, x: repeated(opened(exported_file(case.model, format), x))


def kzoo_predict(path, x):
    import numpy as np

    from kzoo.export.predict import predict
    from kzoo.export.predictor import open_export

    predictor, file = open_export(path), Path(FOLDER.name, "examples.npy")
    np.save(file, x)
    return lambda: list(predict(predictor, [file]))


def saved_model(path, x):
    import tensorflow as tf

    loaded, x = tf.saved_model.load(path), tf.constant(x)
    return lambda: loaded.serve(x)


def onnx(path, x):
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: x})


def litert(path, x):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=2)
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, x.shape)
    interpreter.allocate_tensors()
    result = interpreter.get_output_details()[0]["index"]

    def run():
        interpreter.set_tensor(index, x)
        interpreter.invoke()
        return interpreter.get_tensor(result)

    return run


def torch(memory_format):
    def peer(case, x):
        torch = load_torch()

        from benchmarks.torch_twin import twin

        net = twin(network(case)).eval()
        x = torch.from_numpy(x).movedim(-1, 1).contiguous()
        if memory_format == "channels_last":
            if len(x.shape) != 4:
                raise Absent("channels last is for images")
            net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)

        def run():
            with torch.inference_mode():
                return net(x)

        return repeated(run)

    return peer


PEERS = {
    "kzoo": kzoo,
    "keras predict": predict,
    "kzoo predict": exported("saved_model", kzoo_predict),
    "SavedModel": exported("saved_model", saved_model),
    "ONNX Runtime": exported("onnx", onnx),
    "LiteRT": exported("litert", litert),
    "torch channels last": torch("channels_last"),
    "torch": torch("contiguous_format"),
}
