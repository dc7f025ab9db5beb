"""What MixUp and CutMix have in common: pairs, proportions, dtypes and what they refuse."""

import keras
import numpy as np
import pytest
from scipy import stats

from kzoo.augmentation.base_mixing import blend, check_alpha, draw_beta
from kzoo.augmentation.cut_mix import CutMix
from kzoo.augmentation.mix_up import MixUp
from kzoo.checks import Refusal

LAYERS = {"mix": lambda **more: MixUp(1.0, **more), "cut": CutMix}


def batch(count=40, dtype="float32"):
    """Images of one value each, whose labels say which."""
    values = np.arange(count) * (255 // count)
    images = np.ones((count, 8, 6, 1)) * values[:, None, None, None]
    return {"images": images.astype(dtype), "labels": np.eye(count, dtype="float32")}, values


@pytest.mark.parametrize("alpha", [0.01, 0.2, 1.0, 8.0])
def test_the_beta_distribution(alpha):
    """Each fifth part of the interval has the share that SciPy says; of a small alpha nearly all is near 0 or 1."""
    drawn = np.array(draw_beta(alpha, 20000, keras.random.SeedGenerator(0)))
    assert np.isfinite(drawn).all() and drawn.min() >= 0 and drawn.max() <= 1
    edges = np.linspace(0, 1, 6)
    expected = np.diff(stats.beta(alpha, alpha).cdf(edges))
    np.testing.assert_allclose(np.histogram(drawn, edges)[0] / 20000, expected, atol=0.015)


def test_beta_variables_of_a_tiny_alpha_are_numbers():
    """A gamma variable of alpha 0.001 is 0 in float32 in nine of ten draws, and so would be the sum that divides it."""
    drawn = np.array(draw_beta(1e-3, 1000, keras.random.SeedGenerator(0)))
    assert np.isfinite(drawn).all() and 0.4 < drawn.mean() < 0.6


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
def test_images_and_labels_keep_their_proportions(name, dtype):
    pair, values = batch(dtype=dtype)
    mixed = {key: np.array(part) for key, part in LAYERS[name](seed=3)(pair).items()}
    assert mixed["images"].dtype == dtype and mixed["labels"].dtype == "float32"
    labels = mixed["labels"].astype("float64")
    np.testing.assert_allclose(labels.sum(1), 1, atol=1e-6)
    assert (np.count_nonzero(labels, 1) <= 2).all() and len(np.unique(labels)) > 5
    tolerance = {"uint8": 0.51, "int32": 0.51, "float16": 0.2}.get(dtype, 1e-3)
    np.testing.assert_allclose(mixed["images"].astype("float64").mean((1, 2, 3)), labels @ values, atol=tolerance)


@pytest.mark.parametrize("name", LAYERS)
def test_partners_are_a_permutation_of_the_batch(name):
    """Each example gives its other part to exactly one image: the columns of the labels also sum to what is left."""
    pair, _ = batch()
    labels = np.array(LAYERS[name](seed=5)(pair)["labels"])
    away = labels - np.diag(np.diag(labels))
    assert (np.count_nonzero(away, 0) <= 1).all() and (np.count_nonzero(away, 1) <= 1).all()
    assert np.count_nonzero(away) > 20


@pytest.mark.parametrize("name", LAYERS)
def test_weights_are_mixed_as_labels_are(name):
    pair, values = batch()
    mixed = LAYERS[name](seed=3)({**pair, "sample_weights": values.astype("float32")})
    expected = np.array(mixed["labels"]) @ values
    np.testing.assert_allclose(mixed["sample_weights"], expected, rtol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_inference_and_seeds(name):
    pair, _ = batch()
    np.testing.assert_array_equal(LAYERS[name]()(pair, training=False)["images"], pair["images"])
    first, again, other = (np.array(LAYERS[name](seed=seed)(pair)["images"]) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    layer = LAYERS[name](seed=1)
    layer(pair)
    assert not np.array_equal(first, layer(pair)["images"])  # the next batch


@pytest.mark.parametrize("name", LAYERS)
def test_a_batch_of_one_stays(name):
    pair, _ = batch(1)
    mixed = LAYERS[name](seed=1)(pair)
    np.testing.assert_array_equal(mixed["images"], pair["images"])
    np.testing.assert_array_equal(mixed["labels"], pair["labels"])


@pytest.mark.parametrize("name", LAYERS)
def test_config(name):
    layer = LAYERS[name](seed=7)
    config = layer.get_config()
    assert type(layer).from_config(config).get_config() == config and config["seed"] == 7
    assert keras.saving.get_registered_name(type(layer)) == f"kzoo>{type(layer).__name__}"


@pytest.mark.parametrize("name", LAYERS)
def test_refuses_examples_without_labels_and_models(name):
    pair, _ = batch()
    for wrong in (pair["images"], {"images": pair["images"]}, {**pair, "boxes": pair["labels"]}):
        with pytest.raises(ValueError, match="expects a batch of images with labels.*, as in data.augment; received"):
            LAYERS[name]()(wrong)
    with pytest.raises(ValueError, match="expects to be in data.augment, not in a model"):
        LAYERS[name]()(keras.Input((8, 6, 1)))


@pytest.mark.parametrize("alpha", [0, -1, 1e4, float("nan"), "1", True, None])
def test_alpha(alpha):
    with pytest.raises(Refusal, match="MixUp expects alpha, a number from 0.001 to 1000; received alpha="):
        check_alpha("MixUp", alpha)


def test_blend_rounds_integers():
    mixed = blend(np.array([[250, 3]], "uint8"), np.array([[255, 0]], "uint8"), np.array([0.5]))
    assert np.array(mixed).tolist() == [[252, 2]]  # halves to even
