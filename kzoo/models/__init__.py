"""The models: one family a file, found by name through the registry."""

from kzoo.models import (
    alexnet,
    all_cnn,
    c3d,
    capsnet,
    deep_fried,
    deepface,
    dilated,
    googlenet,
    lecun1989,
    lenet,
    maxout,
    mnist1d,
    nielsen,
    nin,
    resnet,
    segnet,
    spp,
    tiled_cnn,
    two_stream,
    vgg,
    waveform,
)
from kzoo.models.freeze import freeze
from kzoo.models.interop import from_keras_applications
from kzoo.models.load_model import load_model
from kzoo.models.registry import describe, list_models, model, register_family
from kzoo.models.tica import tica

__all__ = [
    "alexnet",
    "all_cnn",
    "c3d",
    "capsnet",
    "deep_fried",
    "deepface",
    "describe",
    "dilated",
    "freeze",
    "from_keras_applications",
    "googlenet",
    "lecun1989",
    "lenet",
    "list_models",
    "load_model",
    "maxout",
    "mnist1d",
    "model",
    "nielsen",
    "nin",
    "register_family",
    "resnet",
    "segnet",
    "spp",
    "tica",
    "tiled_cnn",
    "two_stream",
    "vgg",
    "waveform",
]
