"""Compares models with torchvision's: the same outputs from its state dicts, with random variables.

And stochastic depth with its function.
"""

import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.models.weight_conversion import _torch_names as torch_names
from kzoo.models.weight_conversion import from_torch_state_dict
from tests.ops.cases import normal

pytestmark = pytest.mark.peers
PEER = "torchvision"
NEEDS = {"torch": "torch", "models": "torchvision.models", "tv_ops": "torchvision.ops"}
torch = models = tv_ops = None  # set by the conftest

CLOSE = 1e-5  # float32 sums in another order, through up to 50 layers
TRAINED = 1e-4  # as CLOSE, and each batch norm divides by the deviation of a batch
SIZES = {"alexnet": 127, "vgg11": 96, "vgg16_bn": 70, "googlenet": 100, "resnet18": 100, "resnet50": 97}
OURS = {"alexnet": "alexnet_torchvision", "googlenet": "googlenet_torchvision"}


def drawn(name, **settings):
    """Returns a model in inference mode with random variables; gammas and variances are between 0.5 and 1.5."""
    if name == "googlenet" or name.startswith("vgg"):
        settings["init_weights"] = False
    model, draw = getattr(models, name)(weights=None, **settings).eval(), np.random.default_rng(0)
    found = {}
    for key, value in model.state_dict().items():
        shape = tuple(value.shape)
        if key.endswith("tracked"):
            array = np.array(7)
        elif key.endswith("running_var") or (key.endswith("weight") and len(shape) == 1):
            array = draw.uniform(0.5, 1.5, shape)
        elif key.endswith("weight"):
            array = draw.normal(size=shape) * (2 / np.prod(shape[1:])) ** 0.5
        else:
            array = 0.1 * draw.normal(size=shape)
        found[key] = torch.tensor(array, dtype=value.dtype)
    model.load_state_dict(found)
    return model


def outputs(model, x):
    """Returns what a model of PyTorch makes of images (B, H, W, C), with maps channels last."""
    with torch.no_grad():
        y = model(torch.tensor(x.transpose(0, 3, 1, 2))).numpy()
    return np.moveaxis(y, 1, -1) if y.ndim == 4 else y


def images(*shape):
    return normal(np.random.default_rng(1), 2, *shape)


@pytest.mark.parametrize("name", SIZES)
def test_same_logits(compare, name):
    """At 224, and at sizes where some pools drop a row and AlexNet's and the VGGs' adaptive pools change the maps."""
    theirs, ours, side = drawn(name), OURS.get(name, name), SIZES[name]
    for shape in ((224, 224, 3), (side, side + 30, 3)):
        model = from_torch_state_dict(ours, theirs.state_dict(), input_shape=shape, classifier_activation=None)
        x = images(*shape)
        compare(ours, model(x), outputs(theirs, x), CLOSE, setting=shape)


@pytest.mark.parametrize("name", ["alexnet", "vgg11", "vgg16_bn", "resnet18"])
def test_without_the_classifier(compare, name):
    """Maps of the layers before it, from the whole state dict, from one without it, or from that of `features`."""
    theirs, ours, shape = drawn(name, num_classes=3), OURS.get(name, name), (97, 130, 3)
    state = theirs.state_dict()
    bare = {key: value for key, value in state.items() if not key.startswith(("fc.", "classifier."))}
    parts = torch.nn.Sequential(*list(theirs.children())[:-2]) if name == "resnet18" else theirs.features
    x = images(*shape)
    want = outputs(parts, x)
    dicts = {"whole": state, "bare": bare} | ({} if name == "resnet18" else {"features": parts.state_dict()})
    for label, found in dicts.items():
        more = {"include_top": False} if label == "whole" else {}
        model = from_torch_state_dict(ours, found, input_shape=shape, **more)
        compare(f"{ours} without the classifier", model(x), want, CLOSE, setting=label)


@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_prefixes(compare, name):
    """State dicts of torch.nn.DataParallel, of a module around the model, of both, and in a checkpoint."""
    theirs, ours, x = drawn(name, num_classes=3), OURS.get(name, name), images(97, 130, 3)

    def around(model):
        return torch.nn.ModuleDict({"model": model})

    holders = {"module.": torch.nn.DataParallel(theirs), "model.": around(theirs)}
    holders["module.model."] = torch.nn.DataParallel(around(theirs))
    want = outputs(theirs, x)
    for prefix, holder in holders.items():
        state = holder.state_dict()
        for found in (state, {"state_dict": state, "epoch": 3}):
            with pytest.warns(UserWarning, match=f"removed the prefix '{prefix}'"):
                model = from_torch_state_dict(ours, found, input_shape=x.shape[1:], classifier_activation=None)
            compare(f"{ours}, prefixes", model(x), want, CLOSE, setting=prefix)


@pytest.mark.parametrize("channels", [1, 2, 20])
@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_other_channels(compare, name, channels):
    """torchvision's model with the mean of the RGB kernel for each channel, times 3 / channels."""
    theirs, ours, x = drawn(name, num_classes=3), OURS.get(name, name), images(97, 130, channels)
    model = from_torch_state_dict(ours, theirs.state_dict(), True, input_shape=x.shape[1:], classifier_activation=None)
    first = theirs.conv1 if name == "resnet18" else theirs.features[0]
    mean = first.weight.data.mean(1, keepdim=True)
    first.weight = torch.nn.Parameter(mean.expand(-1, channels, -1, -1) * 3 / channels)
    first.in_channels = channels
    compare(f"{ours}, other channels", model(x), outputs(theirs, x), CLOSE, setting=channels)


@pytest.mark.parametrize("transform", [False, True])
def test_transform_input(compare, transform):
    theirs, x = drawn("googlenet", transform_input=transform, num_classes=3), images(100, 131, 3)
    settings = {"input_shape": x.shape[1:], "classifier_activation": None, "transform_input": transform}
    model = from_torch_state_dict("googlenet_torchvision", theirs.state_dict(), **settings)
    compare("googlenet_torchvision, transform_input", model(x), outputs(theirs, x), CLOSE, setting=transform)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_other_dtypes(compare, dtype):
    """The state dict of a model in another dtype; PyTorch then computes with these weights in float32."""
    theirs, x = drawn("resnet18", num_classes=3).to(getattr(torch, dtype)), images(97, 130, 3)
    model = from_torch_state_dict("resnet18", theirs.state_dict(), input_shape=x.shape[1:], classifier_activation=None)
    compare(f"resnet18, {dtype}", model(x), outputs(theirs.float(), x), CLOSE, setting=dtype)


@pytest.mark.parametrize("name", ["vgg11_bn", "googlenet", "resnet18"])
def test_momentum(compare, name):
    """The moving means and variances of all batch norms after one step of training.

    PyTorch's variance of a batch of n values is that of Keras times n / (n - 1).
    """
    theirs, ours, x = drawn(name, num_classes=3), OURS.get(name, name), images(97, 130, 3)
    before = {key: value.numpy().copy() for key, value in theirs.state_dict().items()}
    model = from_torch_state_dict(ours, before, input_shape=x.shape[1:])
    model(x, training=True)
    with torch.no_grad():
        theirs.train()(torch.tensor(x.transpose(0, 3, 1, 2)))
    after = {key: value.numpy() for key, value in theirs.state_dict().items()}
    norms = {prefix: model.get_layer(label) for prefix, label in torch_names(ours).items() if "norm" in label}
    for prefix, layer in norms.items():
        n = 2 * np.prod(layer.input.shape[1:-1])
        old, new = (found[f"{prefix}.running_var"] for found in (before, after))
        means = np.array(layer.moving_mean), after[f"{prefix}.running_mean"]
        variances = np.array(layer.moving_variance), 0.9 * old + (new - 0.9 * old) * (n - 1) / n
        for got, want in (means, variances):
            compare(f"{ours}, momentum", got, want, TRAINED, setting=prefix)


@pytest.mark.parametrize("mode", ["batch", "row"])
def test_stochastic_depth(compare, mode):
    """torchvision's function, which divides surviving branches by their probability and adds no shortcut.

    Its draw, which its output shows, decides what kzoo's op is to draw.
    """
    rng, counts = np.random.default_rng(0), set()
    for seed in range(60):
        probability = float(rng.uniform(0.05, 0.95))
        shortcut, residual = normal(rng, 2, 4, *rng.integers(1, 5, rng.integers(1, 4)))
        torch.manual_seed(seed)
        peers = [torch.tensor(a, requires_grad=True) for a in (shortcut, residual)]
        z = peers[0] + tv_ops.stochastic_depth(peers[1], 1 - probability, mode, training=True)
        z.sum().backward()
        kept = np.abs(peers[1].grad.numpy()).reshape(4, -1).max(1) > 0
        counts.add(int(kept.sum()))
        noise = np.where(kept, 0.0, probability)
        tensors = [tf.constant(a) for a in (shortcut, residual)]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            draws = noise[:1] if mode == "batch" else noise
            y = ops.stochastic_depth(tensors[0], tensors[1] / probability, probability, draws)
        setting = mode, probability, shortcut.shape
        compare(f"stochastic_depth, {mode}", y, z.detach().numpy(), CLOSE, setting=setting)
        gradients = tape.gradient(y, tensors)
        compare(f"stochastic_depth, {mode}", gradients, [a.grad.numpy() for a in peers], CLOSE, "gradient", setting)
    assert counts == ({0, 4} if mode == "batch" else {0, 1, 2, 3, 4})
