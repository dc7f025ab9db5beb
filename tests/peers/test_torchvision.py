"""Compares models with torchvision's: the same logits from its state dicts, with random variables."""

import numpy as np
import pytest

from kzoo.models.weight_conversion import from_torch_state_dict

pytestmark = pytest.mark.peers
PEER = "torchvision"
NEEDS = {"torch": "torch", "models": "torchvision.models"}
torch = models = None  # set by the conftest

CLOSE = 1e-5  # float32 sums in another order, through up to 50 layers
SIZES = {"alexnet": 127, "vgg11": 96, "googlenet": 100, "resnet18": 100, "resnet50": 97}  # in addition to 224


def drawn(name):
    """Returns a model in inference mode with random variables; gammas and variances are between 0.5 and 1.5."""
    more = {"init_weights": False} if name in ("googlenet", "vgg11") else {}
    model, draw = getattr(models, name)(weights=None, **more).eval(), np.random.default_rng(0)
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


@pytest.mark.parametrize("name", SIZES)
def test_same_logits(compare, name):
    """At 224, and at sizes where some pools drop a row; at these, AlexNet and VGG are without the top."""
    theirs = drawn(name)
    ours = {"alexnet": "alexnet_torchvision", "googlenet": "googlenet_torchvision"}.get(name, name)
    x = np.random.default_rng(1).normal(size=(2, 224, 224, 3)).astype("float32")
    with torch.no_grad():
        want = theirs(torch.tensor(x.transpose(0, 3, 1, 2))).numpy()
    model = from_torch_state_dict(ours, theirs.state_dict(), classifier_activation=None)
    compare(ours, np.array(model(x)), want, CLOSE, setting=224)
    side = SIZES[name]
    x = x[:, :side, : side + 30]
    if name in ("alexnet", "vgg11"):
        settings, part = {"include_top": False}, theirs.features
    else:
        settings, part = {"classifier_activation": None}, theirs
    with torch.no_grad():
        want = part(torch.tensor(x.transpose(0, 3, 1, 2))).numpy()
    model = from_torch_state_dict(ours, theirs.state_dict(), input_shape=x.shape[1:], **settings)
    got = np.array(model(x))
    compare(ours, got.transpose(0, 3, 1, 2) if got.ndim == 4 else got, want, CLOSE, setting=x.shape)
