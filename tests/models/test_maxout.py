"""Maxout networks: sizes that pools round up, initial values, limited norms, and refusals."""

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.layers.maxout import Maxout
from kzoo.models.registry import model
from tests.models.cards import CIFAR, MNIST, Fit, check_uniform, shapes, trained

CARDS = {  # trained parameters, input, classes
    "maxout_mnist_dense": (1_233_610, MNIST, 10),
    "maxout_mnist": (471_994, MNIST, 10),
    "maxout_cifar": (16_247_830, CIFAR, 10),
    "maxout_svhn": (10_461_050, CIFAR, 10),
}
FITS = {
    "maxout_mnist": Fit({"width": 0.2, "dropout": 0.0, "input_dropout": 0.0}, slow=True),
}

SIZES = {  # convolutions and pools
    "maxout_mnist": [(21, 10), (9, 4), (6, 3)],
    "maxout_cifar": [(33, 16), (15, 7), (9, 5)],
    "maxout_svhn": [(36, 18), (20, 10), (12, 6)],
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name):
    built = model(name, width=0.05)
    convs = [shape[0] for shape in shapes(built, [f"stage{i}_conv" for i in (1, 2, 3)]).values()]
    pools = [built.get_layer(f"stage{i}").output[0].shape[1] for i in (1, 2, 3)]
    assert list(zip(convs, pools)) == SIZES[name]


def test_shared_biases():
    assert trained(model("maxout_mnist", untied_bias=False)) == 418_714


def test_the_pieces_of_a_unit_are_adjacent_as_in_saved_weights():
    orders = [layer.order for layer in model("maxout_cifar", width=0.05).layers if isinstance(layer, Maxout)]
    assert orders == ["adjacent"] * 4


LIMITS = {  # of the norms, in the order of the layers, as the authors' files have them
    "maxout_mnist_dense": [1.9365, 1.9365, 1.9365],
    "maxout_mnist": [0.9, 1.9365, 1.9365, 1.9365],
    "maxout_cifar": [0.9, 1.9365, 1.9365, 1.9, 1.9365],
    "maxout_svhn": [0.9, 1.9365, 1.9365, 1.9, 1.9365],
}


@pytest.mark.parametrize("name", LIMITS)
def test_norms_are_limited(name):
    found = []
    for layer in model(name, width=0.1).layers:
        if layer.weights:
            limited = np.array(layer.kernel_constraint(np.ones(layer.kernel.shape, "float32")))
            norms = np.linalg.norm(limited.reshape(-1, limited.shape[-1]), axis=0)
            np.testing.assert_allclose(norms, norms[0], rtol=1e-5)
            found.append(norms[0])
    np.testing.assert_allclose(found, LIMITS[name], rtol=1e-5)


def test_initial_values():
    """The authors' files: irange 0.005."""
    for layer in model("maxout_cifar", width=0.1).layers:
        if layer.weights:
            check_uniform(layer, 0.005)


def test_dropout_of_the_input_is_less_and_does_not_rescale():
    """pylearn2's input_scales: 1 for the input, by default 2 for what the other layers keep at 0.5."""
    built = model("maxout_mnist_dense")
    dropouts = [layer for layer in built.layers if "dropout" in layer.name]
    assert [layer.rate for layer in dropouts] == [0.2, 0.5, 0.5]
    for layer, kept in zip(dropouts, (1, 2, 2)):
        x = np.ones((2, *layer.input.shape[1:]), "float32")
        assert set(np.unique(layer(x, training=True))) == {0, kept} and (np.asarray(layer(x)) == 1).all()


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"convolutions": ((1, 2),)}, "rows of 6"),
        ({"dense": ((1, "two"),)}, "rows of 2"),
        ({"input_dropout": 1}, "input_dropout"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("maxout_cifar", **settings)
