"""The models of kzoo: one family per file, found by name through the registry."""

from kzoo.models import (
    alexnet,
    all_cnn,
    c3d,
    capsnet,
    deconvnet,
    deep_fried,
    deepface,
    dilated,
    gabor_net,
    googlenet,
    jarrett,
    kmeans_features,
    lecun1989,
    lenet,
    maxout,
    mnist1d,
    nielsen,
    nin,
    resnet,
    saxe,
    segnet,
    spp,
    tiled_cnn,
    two_stream,
    vgg,
    waveform,
    zfnet,
)
from kzoo.models.adapt import adapt
from kzoo.models.feature_extractor import feature_extractor
from kzoo.models.freeze import freeze
from kzoo.models.keras_2_file import load_keras_2, load_keras_2_weights
from kzoo.models.keras_file import keras_file
from kzoo.models.layer_autoencoder import layer_autoencoder
from kzoo.models.layer_paths import layer_paths
from kzoo.models.load_model import load_model
from kzoo.models.pretrain import pretrain
from kzoo.models.registry import describe, list_models, model, register_family
from kzoo.models.tica import tica
from kzoo.models.weight_conversion import from_keras_applications, from_torch_state_dict
from kzoo.models.weights import load_weights, register_weights

__all__ = [
    "adapt",
    "alexnet",
    "all_cnn",
    "c3d",
    "capsnet",
    "deconvnet",
    "deep_fried",
    "deepface",
    "describe",
    "dilated",
    "feature_extractor",
    "freeze",
    "from_keras_applications",
    "from_torch_state_dict",
    "gabor_net",
    "googlenet",
    "jarrett",
    "keras_file",
    "kmeans_features",
    "layer_autoencoder",
    "layer_paths",
    "lecun1989",
    "lenet",
    "list_models",
    "load_keras_2",
    "load_keras_2_weights",
    "load_model",
    "load_weights",
    "maxout",
    "mnist1d",
    "model",
    "nielsen",
    "nin",
    "pretrain",
    "register_family",
    "register_weights",
    "resnet",
    "saxe",
    "segnet",
    "spp",
    "tica",
    "tiled_cnn",
    "two_stream",
    "vgg",
    "waveform",
    "zfnet",
]
