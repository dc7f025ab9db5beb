"""Converted weights: the same outputs with every variable random, and refusals.

torchvision's layout is held here against JAX, in its own order of axes; against itself in tests/peers.
"""

import jax
import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.registry import describe, model
from kzoo.models.weight_conversion import from_keras_applications, from_torch_state_dict
from kzoo.models.weights import load_weights
from tests.models import torch_dicts

NETS = {"vgg16": "VGG16", "vgg19": "VGG19", "resnet50": "ResNet50", "resnet101": "ResNet101", "resnet152": "ResNet152"}


def drawn(name, **settings):
    """Returns a model of keras.applications with random variables; gammas and variances are between 0.5 and 1.5."""
    built = getattr(keras.applications, NETS[name])(weights=None, **settings)
    draw = np.random.default_rng(0)
    for weight in built.weights:
        if weight.name in ("gamma", "moving_variance"):
            weight.assign(draw.uniform(0.5, 1.5, weight.shape))
        elif weight.name == "kernel":
            weight.assign(draw.normal(size=weight.shape) * (2 / np.prod(weight.shape[:-1])) ** 0.5)
        else:
            weight.assign(0.1 * draw.normal(size=weight.shape))
    return built


@pytest.mark.parametrize(
    "name, settings",
    [
        ("resnet50", {"input_shape": (97, 130, 3), "include_top": False}),
        ("vgg16", {"input_shape": (64, 64, 3), "classes": 7, "classifier_activation": None}),
        ("vgg19", {"input_shape": (70, 97, 3), "include_top": False}),
    ],
    ids=str,
)
def test_same_outputs(name, settings):
    hold(drawn(name, **settings))


def hold(theirs):
    """kzoo's model has the outputs of the keras.applications model, to float32 rounding through up to 152 layers."""
    x = np.random.default_rng(1).normal(size=(2, *theirs.input_shape[1:])).astype("float32")
    ours = from_keras_applications(theirs)
    want, got = np.array(theirs(x)), np.array(ours(x))
    assert np.abs(got - want).max() <= 1e-5 * np.abs(want).max()


@pytest.mark.parametrize("size", [(224, 224), (64, 97)], ids=str)
@pytest.mark.parametrize("name", NETS)
@pytest.mark.large
def test_same_logits_at_full_size(name, size):
    """With the top and all of ImageNet's classes, at two sizes."""
    hold(drawn(name, input_shape=(*size, 3), classifier_activation=None))


@pytest.mark.large
def test_imagenet(monkeypatch):
    """The tag takes the weights of keras.applications, which are random here, not downloaded."""
    asked, theirs = [], drawn("resnet50", input_shape=(64, 64, 3), include_top=False)
    monkeypatch.setattr(keras.applications, "ResNet50", lambda **settings: asked.append(settings) or theirs)
    built = model("resnet50", weights="imagenet", include_top=False, input_shape=(64, 64, 3))
    assert asked == [{"weights": "imagenet", "include_top": False}]
    x = np.random.default_rng(1).normal(size=(2, 64, 64, 3)).astype("float32")
    np.testing.assert_array_equal(built(x), from_keras_applications(theirs)(x))
    assert built.get_layer("stage1_norm").epsilon == 1.001e-5
    assert all(describe(name)["weights"] == ["imagenet"] for name in NETS) and describe("resnet18")["weights"] == []
    with pytest.raises(Refusal, match="weights, None, an existing"):
        model("resnet18", weights="imagenet", input_shape=(64, 64, 3))


def test_imagenet_for_other_models(monkeypatch):
    """VGG-16's convolutions in SegNet; its top is downloaded where its layers are needed only."""
    asked, theirs = [], drawn("vgg16", input_shape=(32, 32, 3), include_top=False)
    monkeypatch.setattr(keras.applications, "VGG16", lambda **settings: asked.append(settings) or theirs)
    built = load_weights(model("segnet", input_shape=(32, 32, 3)), "imagenet", source_model="vgg16")
    for ours, layer in (("stage1_conv1", "block1_conv1"), ("stage5_conv3", "block5_conv3")):
        for a, b in zip(built.get_layer(ours).weights, theirs.get_layer(layer).weights, strict=True):
            np.testing.assert_array_equal(a, b)
    small = model("dilated_frontend", input_shape=(32, 32, 3), padding="same", fc_units=8)
    load_weights(small, "imagenet", until="stage5", source_model="vgg16")
    assert asked == [{"weights": "imagenet", "include_top": False}] * 2
    with pytest.raises(Refusal, match="the file has no fc6, fc7"):
        load_weights(small, "imagenet", source_model="vgg16")
    assert asked[2] == {"weights": "imagenet", "include_top": True}


def test_imagenet_without_a_network(monkeypatch):
    def offline(**_):
        raise Exception("URL fetch failure on https://x:\nNone")  # noqa: TRY002 (Keras's way)

    monkeypatch.setattr(keras.applications, "VGG16", offline)
    with pytest.raises(
        Refusal, match="^weights 'imagenet' of 'vgg16' cannot be downloaded, .* a network once: URL fetch"
    ):
        model("vgg16", weights="imagenet", include_top=False)


def torch_alexnet(arrays, x, size=None):
    """Computes the logits of torchvision's AlexNet with JAX from images (B, C, H, W), pooled to `size` if given."""
    lax, axes = jax.lax, ("NCHW", "OIHW", "NCHW")
    for index, strides, pad in ((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)):
        kernel, bias = (arrays[f"features.{index}.{part}"] for part in ("weight", "bias"))
        x = lax.conv_general_dilated(x, kernel, (strides,) * 2, [(pad, pad)] * 2, dimension_numbers=axes)
        x = jax.nn.relu(x + bias[:, None, None])
        if index in (0, 3, 10):
            x = lax.reduce_window(x, -np.inf, lax.max, (1, 1, 3, 3), (1, 1, 2, 2), "VALID")
    x = adaptive_average(np.array(x), size) if size else x
    x = x.reshape(len(x), -1)
    for index in (1, 4, 6):
        x = x @ arrays[f"classifier.{index}.weight"].T + arrays[f"classifier.{index}.bias"]
        x = jax.nn.relu(x) if index < 6 else x
    return np.array(x)


def test_torch_layout():
    """Converts kernels, and the dense layer after maps that torch flattens channels first. The last maps are 2 x 3."""
    settings = {"filters": (8, 12, 16, 12, 12), "fc_units": (20, 18), "input_shape": (95, 131, 3)}
    arrays = torch_dicts.alexnet(settings["filters"], 6, settings["fc_units"], 7)
    built = from_torch_state_dict("alexnet_torchvision", arrays, classifier_activation=None, **settings)
    x = np.random.default_rng(1).normal(size=(2, *settings["input_shape"])).astype("float32")
    want, got = torch_alexnet(arrays, x.transpose(0, 3, 1, 2)), np.array(built(x))
    assert got.shape == (2, 7) and np.abs(got - want).max() <= 1e-5 * np.abs(want).max()
    bare = from_torch_state_dict("alexnet_torchvision", arrays, include_top=False, **settings)
    np.testing.assert_array_equal(bare(x), keras.Model(built.inputs, built.get_layer("stage5").output)(x))


class Tensor:
    """Has the methods of a torch tensor that the conversion uses."""

    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    cpu = detach
    dtype = "torch.float32"

    def numpy(self):
        return self.array


SMALL_VGG = {"filters": (8, 16, 32, 64, 64), "units": (20, 18), "positions": 1, "classes": 5}


NAMED = [f"vgg{depth}{norms}" for depth in (11, 13, 16, 19) for norms in ("", "_bn")]
NAMED += ["resnet18", "resnet34", "resnet50", "resnet101"]


@pytest.mark.parametrize("name", NAMED)
def test_torch_names(name):
    """Every array of the dict is converted: the sums of absolute values agree, in order of the layers."""
    if name.startswith("vgg"):
        arrays = torch_dicts.vgg(name, **SMALL_VGG)
        settings = {"fc_units": (20, 18), "input_shape": (32, 32, 3)}
    else:
        arrays = torch_dicts.resnet(name, (8, 16, 32, 64), 5)
        settings = {"input_shape": (33, 33, 3)}
    built = from_torch_state_dict(name, {k: Tensor(v) for k, v in arrays.items()}, width=0.125, **settings)
    assert built.output_shape == (None, 5)
    theirs = sorted(np.abs(v).sum() for k, v in arrays.items() if not k.endswith("tracked"))
    np.testing.assert_allclose(sorted(np.abs(w).sum() for w in built.get_weights()), theirs, rtol=1e-5)
    if name in torch_dicts.BLOCKS:
        assert built.get_layer("stage3_block1_conv1").strides == (
            (2, 2) if name in ("resnet18", "resnet34") else (1, 1)
        )


def test_torch_googlenet():
    arrays = torch_dicts.googlenet()
    built = from_torch_state_dict("googlenet_torchvision", arrays)
    kernel = built.get_layer("stage4_block3_5x5").kernel
    np.testing.assert_array_equal(kernel, arrays["inception4c.branch3.1.conv.weight"].transpose(2, 3, 1, 0))
    norm = built.get_layer("stage5_pool_project_norm")
    for part, theirs in {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean"}.items():
        np.testing.assert_array_equal(getattr(norm, part), arrays[f"inception5b.branch4.1.bn.{theirs}"])


def test_refused_state_dicts():
    def refusal(name, arrays, **settings):
        with pytest.raises(Refusal) as caught:
            from_torch_state_dict(name, arrays, **settings)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    small = {"fc_units": (20, 18), "input_shape": (32, 32, 3), "width": 0.125}
    arrays = torch_dicts.vgg("vgg16", **SMALL_VGG)
    assert refusal("vgg19", arrays, **small) == (
        "from_torch_state_dict: the state dict is not vgg19's: it has no weight of features.16, features.23, "
        "features.25 and 3 more; vgg19 has no features.17, features.24, features.26; it fits vgg16."
    )
    assert refusal("resnet18", arrays).endswith("it fits vgg16.")
    normed = arrays | {f"features.1.{part}": np.ones(8) for part in ("weight", "bias", "running_mean", "running_var")}
    assert "vgg16 has no features.1; it fits none of alexnet_torchvision, vgg11," in refusal("vgg16", normed, **small)
    assert "it has no weight of bn1, conv1, fc and 104 more; " in refusal("resnet50", {})
    assert "did you mean 'vgg16'" in refusal("vgg16_1x1", arrays)
    assert "state_dict, a dict of arrays" in refusal("vgg16", [1])
    got = refusal("vgg16", arrays, **small | {"width": 0.25})
    assert "features.0 has weights of shapes [(3, 3, 3, 8), (8,)]; layer stage1_conv1 takes" in got
    assert "classifier.0 has weights" in refusal("vgg16", arrays, **small | {"input_shape": (64, 64, 3)})
    assert "classifier.6 has weights" in refusal("vgg16", arrays, **small, classes=6)
    del arrays["classifier.3.bias"]
    assert "classifier.3 has weights of shapes [(20, 18)]" in refusal("vgg16", arrays, **small)


def test_refused():
    with pytest.raises(Refusal, match="did you mean 'resnet50'"):
        from_keras_applications(keras.applications.ResNet50V2(weights=None, include_top=False))
    built = keras.applications.VGG16(weights=None, include_top=False)
    cut = keras.Model(built.inputs, built.get_layer("block3_pool").output, name="vgg16")
    with pytest.raises(Refusal, match="has no layer for stage4_conv1"):
        from_keras_applications(cut)
    with pytest.raises(Refusal, match=r"no layer of vgg16 takes .*stage5_conv4"):
        from_keras_applications(keras.applications.VGG19(weights=None, include_top=False, name="vgg16"))


RESNET = pytest.param("resnet50", "avg", marks=pytest.mark.large)


@pytest.mark.parametrize("name, pooling", [("vgg16", "avg"), ("vgg16", "max"), RESNET])
def test_pooling_is_kept(name, pooling):
    theirs = drawn(name, input_shape=(33, 40, 3), include_top=False, pooling=pooling)
    hold(theirs)
    assert len(from_keras_applications(theirs).output_shape) == 2


SMALL_RESNET = {"input_shape": (33, 33, 3), "width": 0.125}


def small_resnet():
    return torch_dicts.resnet("resnet18", (8, 16, 32, 64), 5)


def nested(arrays, *keys):
    return nested({keys[-1]: arrays, "epoch": 3}, *keys[:-1]) if keys else arrays


PREFIXES = [("module.", ()), ("module.model.", ("state_dict",)), ("net.backbone.", ("model", "model_state_dict"))]


@pytest.mark.parametrize("prefix, keys", PREFIXES, ids=str)
def test_checkpoints(prefix, keys):
    """Wrapped state dicts and prefixes of all keys, which a warning of one line names."""
    arrays = small_resnet()
    want = from_torch_state_dict("resnet18", arrays, **SMALL_RESNET)
    with pytest.warns(UserWarning, match=f"^from_torch_state_dict: removed the prefix '{prefix}' of all keys"):
        got = from_torch_state_dict(
            "resnet18", nested({f"{prefix}{k}": v for k, v in arrays.items()}, *keys), **SMALL_RESNET
        )
    same = from_torch_state_dict("resnet18", nested(arrays, *keys), **SMALL_RESNET)  # warnings are errors
    for other in (got, same):
        assert all(map(np.array_equal, other.get_weights(), want.get_weights()))


def test_prefixes_of_some_keys_are_not_removed():
    arrays = {f"model.{key}": value for key, value in small_resnet().items()} | {"loss.weight": np.ones(3)}
    with pytest.raises(Refusal, match="it has no weight of bn1, conv1, fc and .*; it fits none of"):
        from_torch_state_dict("resnet18", arrays, **SMALL_RESNET)


@pytest.mark.parametrize("name", ["resnet18", "vgg11", "alexnet_torchvision"])
def test_backbones(name):
    """A state dict without the classifier, and with another one that include_top=False ignores."""
    settings = {"input_shape": (64, 64, 3)}
    if name == "resnet18":
        arrays, other = small_resnet(), {"fc.0.weight": np.ones((3, 3)), "fc.0.bias": np.ones(3)}
    elif name == "vgg11":
        arrays, other = torch_dicts.vgg(name, **SMALL_VGG), {"classifier.weight": np.ones((3, 3))}
    else:
        filters = (8, 12, 16, 12, 12)
        arrays, other = torch_dicts.alexnet(filters, 1, (20, 18), 7), {"classifier.weight": np.ones((3, 3))}
        settings["filters"] = filters
    if name != "alexnet_torchvision":
        settings["width"] = 0.125
    bare = {key: value for key, value in arrays.items() if not key.startswith(("fc", "classifier"))}
    built = from_torch_state_dict(name, bare, pooling="avg", **settings)
    assert built.output_shape == (None, {"resnet18": 64, "vgg11": 64, "alexnet_torchvision": 12}[name])
    sums = sorted(np.abs(value).sum() for key, value in bare.items() if not key.endswith("tracked"))
    np.testing.assert_allclose(sorted(np.abs(w).sum() for w in built.get_weights()), sums, rtol=1e-5)
    with pytest.raises(
        Refusal, match=f"it has no weight of (fc|classifier.*); it fits {name} with include_top=False.$"
    ):
        from_torch_state_dict(name, bare, include_top=True, **settings)
    with pytest.raises(Refusal, match=f"{name} has no (fc.0|classifier); it fits none"):
        from_torch_state_dict(name, bare | other, **settings)
    features = {key.removeprefix("features."): value for key, value in bare.items()}
    for arrays in (bare | other, features):
        again = from_torch_state_dict(name, arrays, include_top=False, pooling="avg", **settings)
        assert all(map(np.array_equal, again.get_weights(), built.get_weights()))


@pytest.mark.parametrize("channels", [1, pytest.param(20, marks=pytest.mark.large)])
def test_other_channels(channels):
    """An image of equal channels has the outputs of the RGB model; without the option the refusal names it."""
    arrays = small_resnet()
    settings = {**SMALL_RESNET, "input_shape": (33, 33, channels)}
    x = np.random.default_rng(1).normal(size=(2, 33, 33, 1)).astype("float32")
    rgb = from_torch_state_dict("resnet18", arrays, **SMALL_RESNET)
    ours = from_torch_state_dict("resnet18", arrays, average_channels=True, **settings)
    np.testing.assert_allclose(ours(x.repeat(channels, -1)), rgb(x.repeat(3, -1)), rtol=1e-4, atol=1e-6)
    kernel = np.array(ours.get_layer("stage1_conv").kernel)
    want = arrays["conv1.weight"].mean(1) * 3 / channels  # (F, H, W)
    np.testing.assert_allclose(kernel, np.stack([want.transpose(1, 2, 0)] * channels, 2), rtol=1e-5, atol=1e-7)
    with pytest.raises(Refusal, match=r"conv1 has weights .*which average_channels=True fits to other channels"):
        from_torch_state_dict("resnet18", arrays, **settings)
    theirs = drawn("vgg16", input_shape=(33, 40, 3), include_top=False)
    ours = from_keras_applications(theirs, input_shape=(33, 40, channels), average_channels=True)
    np.testing.assert_allclose(
        np.array(ours.get_layer("stage1_conv1").kernel).sum(2),
        np.array(theirs.get_layer("block1_conv1").kernel).sum(2),
        rtol=1e-4,
        atol=1e-6,
    )
    with pytest.raises(Refusal, match="average_channels=True"):
        from_keras_applications(theirs, input_shape=(33, 40, channels))


def test_half_precision_and_what_is_no_number():
    arrays = small_resnet()
    want = from_torch_state_dict("resnet18", {k: v.astype("bfloat16") for k, v in arrays.items()}, **SMALL_RESNET)
    for weight, other in zip(want.weights, from_torch_state_dict("resnet18", arrays, **SMALL_RESNET).weights):
        np.testing.assert_array_equal(weight, np.array(other).astype("bfloat16").astype("float32"))

    class BFloat16(Tensor):
        """torch's: `numpy` raises TypeError, `float` converts."""

        dtype = "torch.bfloat16"

        def numpy(self):
            raise TypeError("Got unsupported ScalarType BFloat16")

        def float(self):
            return Tensor(self.array.astype("float32"))

    tensors = {k: BFloat16(v.astype("bfloat16")) for k, v in arrays.items()}
    got = from_torch_state_dict("resnet18", tensors, **SMALL_RESNET)
    assert all(map(np.array_equal, got.get_weights(), want.get_weights()))
    for bad in (np.array(["a"]), np.ones(3, complex), None, np.array([None])):
        with pytest.raises(Refusal, match="state_dict, numbers; received fc.bias="):
            from_torch_state_dict("resnet18", arrays | {"fc.bias": bad}, **SMALL_RESNET)


def torch_vgg(arrays, x, size):
    """Computes the logits of torchvision's VGG, with or without batch norms, with JAX and NumPy from (B, C, H, W)."""
    axes, indices = ("NCHW", "OIHW", "NCHW"), torch_dicts.VGG["vgg11"]
    shift = 0
    for stage in indices:
        for number in stage:
            prefix = f"features.{number + shift}"
            kernel, bias = arrays[f"{prefix}.weight"], arrays[f"{prefix}.bias"]
            x = jax.lax.conv_general_dilated(x, kernel, (1, 1), [(1, 1)] * 2, dimension_numbers=axes)
            x = x + bias[:, None, None]
            norm = f"features.{number + shift + 1}"
            if f"{norm}.weight" in arrays:
                mean, var, gamma, beta = (
                    arrays[f"{norm}.{part}"][:, None, None]
                    for part in ("running_mean", "running_var", "weight", "bias")
                )
                x, shift = (x - mean) / np.sqrt(var + 1e-5) * gamma + beta, shift + 1
            x = jax.nn.relu(x)
        x = jax.lax.reduce_window(x, -np.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    x = adaptive_average(np.array(x), size).reshape(len(x), -1)
    for index in (0, 3, 6):
        x = x @ arrays[f"classifier.{index}.weight"].T + arrays[f"classifier.{index}.bias"]
        x = np.maximum(x, 0) if index < 6 else x
    return x


def adaptive_average(x, size):
    """Returns the means of torch's bins: from floor(i * n / size) to before ceil((i + 1) * n / size)."""
    height, width = x.shape[2:]
    bins = [[slice(i * n // size, -(-(i + 1) * n // size)) for i in range(size)] for n in (height, width)]
    return np.stack([np.stack([x[:, :, a, b].mean((2, 3)) for b in bins[1]], -1) for a in bins[0]], 2)


@pytest.mark.parametrize("name", ["vgg11", "vgg11_bn"])
@pytest.mark.parametrize("size", [(40, 70), (64, 33)], ids=str)
def test_vggs_at_other_sizes(name, size):
    """The last maps, smaller than 7 x 7, are pooled to it."""
    settings = {"fc_units": (20, 18), "width": 0.125}
    arrays = torch_dicts.vgg(name, **SMALL_VGG | {"positions": 49})
    built = from_torch_state_dict(name, arrays, classifier_activation=None, input_shape=(*size, 3), **settings)
    x = np.random.default_rng(1).normal(size=(2, *size, 3)).astype("float32")
    want, got = torch_vgg(arrays, x.transpose(0, 3, 1, 2), 7), np.array(built(x))
    assert got.shape == (2, 5) and np.abs(got - want).max() <= 1e-5 * np.abs(want).max()


def test_alexnet_at_another_size():
    """The last maps, 2 x 3, are pooled to 6 x 6; a state dict for 2 x 3 maps is not pooled."""
    settings = {"filters": (8, 12, 16, 12, 12), "fc_units": (20, 18), "input_shape": (95, 131, 3)}
    arrays = torch_dicts.alexnet(settings["filters"], 36, settings["fc_units"], 7)
    built = from_torch_state_dict("alexnet_torchvision", arrays, classifier_activation=None, **settings)
    x = np.random.default_rng(1).normal(size=(2, *settings["input_shape"])).astype("float32")
    want, got = torch_alexnet(arrays, x.transpose(0, 3, 1, 2), 6), np.array(built(x))
    assert got.shape == (2, 7) and np.abs(got - want).max() <= 1e-5 * np.abs(want).max()


def test_torchvisions_momentum():
    built = from_torch_state_dict("resnet18", small_resnet(), **SMALL_RESNET)
    assert {layer.momentum for layer in built.layers if isinstance(layer, keras.layers.BatchNormalization)} == {0.9}
