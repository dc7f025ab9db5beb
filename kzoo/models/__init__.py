"""The models: one family a file, found by name through the registry."""

from kzoo.models import (
    alexnet,
    all_cnn,
    deep_fried,
    deepface,
    dilated,
    googlenet,
    maxout,
    mnist1d,
    nielsen,
    nin,
    resnet,
    segnet,
    spp,
    two_stream,
    vgg,
)
from kzoo.models.freeze import freeze
from kzoo.models.interop import from_keras_applications, from_torch_state_dict
from kzoo.models.load_model import load_model
from kzoo.models.registry import describe, list_models, model, register_family
from kzoo.models.weights import load_weights, register_weights

__all__ = [
    "alexnet",
    "all_cnn",
    "deep_fried",
    "deepface",
    "describe",
    "dilated",
    "freeze",
    "from_keras_applications",
    "from_torch_state_dict",
    "googlenet",
    "list_models",
    "load_model",
    "load_weights",
    "maxout",
    "mnist1d",
    "model",
    "nielsen",
    "nin",
    "register_family",
    "register_weights",
    "resnet",
    "segnet",
    "spp",
    "two_stream",
    "vgg",
]
