"""PyTorch twins of Keras models: the same layers with the same weights, layer by layer, up to the logits.

A twin is written as a PyTorch user would: channels first, `torch.nn` modules where there are some, one formula for a
layer that PyTorch lacks if a line is enough. Other layers raise `Absent`.
"""

import math

import keras
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.family import Absent
from kzoo.layers.table_conv import TableConv2D
from kzoo.models.graph import calls


class Formula(nn.Module):
    """A layer that PyTorch lacks, as a function of its inputs and its own parameters."""

    def __init__(self, function, **weights):
        super().__init__()
        self.function = function
        for name, weight in weights.items():
            self.register_parameter(name, weight)

    def forward(self, *inputs):
        return self.function(*inputs, **dict(self.named_parameters()))


class Graph(nn.Module):
    """A model that is no chain: modules in order, each with the outputs that it reads."""

    def __init__(self, source, steps, output):
        super().__init__()
        self.source, self.output = source, output
        self.reads = [(sources, result) for sources, result, _ in steps]
        self.parts = nn.ModuleList(module for *_, module in steps)

    def forward(self, x):
        found = {self.source: x}
        for (sources, result), module in zip(self.reads, self.parts):
            found[result] = module(*(found[source] for source in sources))
        return found[self.output]


def twin(model):
    """Returns the PyTorch module of a functional Keras model with one input and one output, with its weights.

    A softmax of a last layer is left out, as PyTorch's cross-entropy takes logits.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise Absent("models of several inputs or outputs")
    steps, orders = [], {}  # orders: of flattened elements, channels first as PyTorch has them, in Keras's numbers
    for call in calls(model):
        sources, output, shape = [id(tensor) for tensor in call.inputs], id(call.outputs[0]), call.input_shapes[0]
        order = orders.get(sources[0])
        if isinstance(call.operation, keras.layers.Flatten) and len(shape) > 2:
            orders[output] = np.moveaxis(np.arange(math.prod(shape[1:])).reshape(shape[1:]), -1, 0).reshape(-1)
        elif order is not None and not isinstance(call.operation, keras.layers.Dense):
            orders[output] = order
        steps.append((sources, output, _module(call.operation, shape, order)))
    before = [id(model.inputs[0]), *(output for _, output, _ in steps)]
    if all(sources == [source] for (sources, *_), source in zip(steps, before)):
        modules = [part for *_, module in steps for part in (module if isinstance(module, nn.Sequential) else [module])]
        return nn.Sequential(*(part for part in modules if not isinstance(part, nn.Identity)))
    return Graph(id(model.inputs[0]), steps, id(model.outputs[0]))


def _module(layer, shape, order):
    maker = MAKERS.get(type(layer).__name__)
    if maker is None:
        raise Absent(f"PyTorch has no {type(layer).__name__}")
    return _dense(layer, shape, order) if maker is _dense else maker(layer, shape)


def _tensor(array):
    return nn.Parameter(torch.tensor(np.asarray(array)))


def _activation(function):
    name = getattr(function, "__name__", str(function))
    known = {
        "linear": nn.Identity,
        "softmax": nn.Identity,
        "relu": nn.ReLU,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "scaled_tanh": lambda: Formula(lambda x: 1.7159 * torch.tanh(x * (2 / 3))),
    }
    if name not in known:
        raise Absent(f"PyTorch twin of activation {name}")
    return known[name]()


def _conv(layer, shape):
    if layer.window.mode != "zeros":
        raise Absent("other paddings than zeros")
    pads = [tuple(map(int, pair)) for pair in layer.window.pairs(shape[1:-1])]
    kernel = _dense_kernel(layer, shape[-1]) if isinstance(layer, TableConv2D) else np.asarray(layer.kernel)
    even = all(before == after for before, after in pads)
    made = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[layer.rank - 1](
        shape[-1],
        layer.filters,
        layer.kernel_size,
        layer.strides,
        tuple(before for before, _ in pads) if even else 0,
        layer.dilation_rate,
        layer.groups,
        layer.bias is not None and not layer.untied_bias,
    )
    made.weight = _tensor(np.moveaxis(kernel, (-1, -2), (0, 1)).copy())
    parts = [made] if even else [_zero_pad(pads), made]
    if layer.untied_bias:
        bias = _tensor(np.moveaxis(np.asarray(layer.bias), -1, 0).copy())
        parts.append(Formula(lambda x, bias: x + bias, bias=bias))
    elif layer.bias is not None:
        made.bias = _tensor(layer.bias)
    return nn.Sequential(*parts, _activation(layer.activation))


def _dense_kernel(layer, channels):
    """Returns the kernel of a table's convolution with zeros where a filter reads no channel."""
    kernel, at = np.zeros((*layer.kernel_size, channels, layer.filters), "float32"), 0
    for filter_, read in enumerate(layer.table):
        for channel in read:
            kernel[..., channel, filter_] = np.asarray(layer.kernel)[..., at]
            at += 1
    return kernel


def _zero_pad(pads, value=0.0):
    flat = [n for pair in reversed(pads) for n in pair]
    return (nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d)[len(pads) - 1](flat, value)


def _dense(layer, shape, order):
    made = nn.Linear(shape[-1], layer.units, layer.bias is not None)
    kernel = np.asarray(layer.kernel)
    made.weight = _tensor((kernel if order is None else kernel[order]).T.copy())
    if layer.bias is not None:
        made.bias = _tensor(layer.bias)
    return nn.Sequential(made, _activation(layer.activation))


def _max_pool(layer, shape):
    kind = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[layer.rank - 1]
    pads = [tuple(map(int, pair)) for pair in layer.window.pairs(shape[1:-1])]
    if all(before == after for before, after in pads):
        return kind(layer.pool_size, layer.strides, tuple(before for before, _ in pads))
    return nn.Sequential(_zero_pad(pads, -math.inf), kind(layer.pool_size, layer.strides))


def _average_pool(layer, shape):
    if layer.padding != "valid":
        raise Absent("averages with padding")
    return nn.AvgPool2d(layer.pool_size, layer.strides)


def _batch_norm(layer, shape):
    kind = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[len(shape) - 2]
    made = kind(shape[-1], layer.epsilon, 1 - layer.momentum)
    made.weight, made.bias = _tensor(layer.gamma), _tensor(layer.beta)
    made.running_mean, made.running_var = (
        torch.tensor(layer.moving_mean.numpy()),
        torch.tensor(layer.moving_variance.numpy()),
    )
    return made


def _subsampling(layer, shape):
    area, view = math.prod(layer.pool_size), (-1, 1, 1)
    pool, size = functional.avg_pool2d, tuple(layer.pool_size)

    def subsample(x, coefficient, bias):
        return pool(x, size) * (area * coefficient.view(view)) + bias.view(view)

    made = Formula(subsample, coefficient=_tensor(layer.coefficient), bias=_tensor(layer.bias))
    return nn.Sequential(made, _activation(layer.activation))


def _rbf(layer, shape):
    kernel = _tensor(np.asarray(layer.kernel).T.copy())
    kernel.requires_grad = layer.trainable
    return Formula(lambda x, kernel: -(torch.cdist(x, kernel) ** 2), kernel=kernel)


def _padding(layer, shape):
    if getattr(layer, "mode", "zeros") != "zeros":
        raise Absent("other paddings than constants")
    return _zero_pad([tuple(pair) for pair in layer.padding], getattr(layer, "constant_values", 0.0))


def _global_average(layer, shape):
    axes = tuple(range(2, len(shape)))
    return Formula(lambda x: x.mean(axes))


def _unscaled_dropout(layer, shape):
    if layer.inference_scale is not None:
        raise Absent("a scale of its own at inference")
    return nn.Sequential(nn.Dropout(layer.rate), Formula(lambda x: x * (1 - layer.rate)))


def _response_norm(layer, shape):
    size = 2 * layer.depth_radius + 1 if layer.size is None else layer.size
    summands = size ** (len(shape) - 2) if layer.within_channel else size
    alpha, beta, bias = layer.alpha * (1 if layer.divide_by_size else summands), layer.beta, layer.bias
    if not layer.within_channel:
        return nn.LocalResponseNorm(size, alpha, beta, bias)
    if size % 2 == 0 or len(shape) != 4:
        raise Absent("normalization within a channel of an even size or of other inputs than images")
    return Formula(lambda x: x * (bias + alpha * functional.avg_pool2d(x * x, size, 1, size // 2)) ** -beta)


MAKERS = {
    "Conv1D": _conv,
    "Conv2D": _conv,
    "Conv3D": _conv,
    "TableConv2D": _conv,
    "Dense": _dense,
    "MaxPooling1D": _max_pool,
    "MaxPooling2D": _max_pool,
    "MaxPooling3D": _max_pool,
    "AveragePooling2D": _average_pool,
    "GlobalAveragePooling1D": _global_average,
    "GlobalAveragePooling2D": _global_average,
    "BatchNormalization": _batch_norm,
    "Dropout": lambda layer, shape: nn.Dropout(layer.rate),
    "UnscaledDropout": _unscaled_dropout,
    "Flatten": lambda layer, shape: nn.Flatten(),
    "Activation": lambda layer, shape: _activation(layer.activation),
    "ReLU": lambda layer, shape: nn.ReLU(),
    "Add": lambda layer, shape: Formula(lambda *parts: sum(parts[1:], parts[0])),
    "Concatenate": lambda layer, shape: Formula(lambda *parts: torch.cat(parts, 1)),
    "ZeroPadding2D": _padding,
    "Padding2D": _padding,
    "Subsampling2D": _subsampling,
    "RBF": _rbf,
    "LocalResponseNormalization": _response_norm,
}


def loss_of(config):
    """Returns a config's loss of (logits, labels)."""
    spec = config.training.loss
    name = getattr(spec, "class_name", None)
    if name == "SparseCategoricalCrossentropy" and not spec.config.get("ignore_class"):
        return functional.cross_entropy
    if name == "kzoo>RBFLoss":
        j = torch.tensor(float(spec.config.get("j", 1.0)))

        def rbf_loss(negative, labels):
            rest = torch.cat([negative, (-j).expand(len(labels), 1)], 1)
            return (torch.logsumexp(rest, 1) - negative.gather(1, labels[:, None])[:, 0]).mean()

        return rbf_loss
    raise Absent(f"PyTorch twin of the loss {name or spec}")


def optimizer_of(config, model, net):
    """Returns the config's optimizer over a twin's parameters, without its schedule."""
    spec, rate = config.training.optimizer, config.training.optimizer.config.get("learning_rate", 0.001)
    rate = rate if isinstance(rate, float) else 0.001
    factors = {
        float(layer.kernel_regularizer.l2) for layer in model.layers if getattr(layer, "kernel_regularizer", None)
    }
    decay = 2 * max(factors, default=0.0)  # Keras's factor is not halved
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    if spec.class_name == "SGD":
        return torch.optim.SGD(trained, rate, spec.config.get("momentum", 0.0), weight_decay=decay)
    if spec.class_name == "Adam":
        return torch.optim.Adam(trained, rate, weight_decay=decay)
    raise Absent(f"PyTorch twin of the optimizer {spec.class_name}")
