"""Maxout networks: sizes that pools round up, norms that are limited, and what they refuse."""

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import shapes, trained

SIZES = {  # convolutions and pools: models.md, card 15
    "maxout_mnist": [(21, 10), (9, 4), (6, 3)],
    "maxout_cifar": [(33, 16), (15, 7), (9, 5)],
    "maxout_svhn": [(36, 18), (20, 10), (12, 6)],
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name):
    net = model(name, width=0.05)
    convs = [shape[0] for shape in shapes(net, [f"stage{i}_conv" for i in (1, 2, 3)]).values()]
    pools = [net.get_layer(f"stage{i}").output[0].shape[1] for i in (1, 2, 3)]
    assert list(zip(convs, pools)) == SIZES[name]


def test_shared_biases():
    assert trained(model("maxout_mnist", untied_bias=False)) == 418_714


def test_norms_are_limited():
    net = model("maxout_mnist_dense")
    for label, limit in (("fc1", 0.9), ("fc2", 1.9365)):
        kernel = net.get_layer(label).kernel
        kernel.assign(np.ones(kernel.shape))
        norms = np.linalg.norm(kernel.constraint(kernel), axis=0)
        np.testing.assert_allclose(norms, limit, rtol=1e-5)


def test_dropout_of_the_input_is_less():
    net = model("maxout_mnist_dense")
    assert [layer.rate for layer in net.layers if "dropout" in layer.name] == [0.2, 0.5, 0.5]


@pytest.mark.parametrize(
    "settings, told",
    [
        ({"convolutions": ((1, 2),)}, "rows of 6"),
        ({"dense": ((1, "two"),)}, "rows of 2"),
        ({"input_dropout": 1}, "input_dropout"),
    ],
    ids=str,
)
def test_refused(settings, told):
    with pytest.raises(Refusal, match=told):
        model("maxout_cifar", **settings)
