"""The models: one family a file, found by name through the registry."""

from kzoo.models import (
    alexnet,
    all_cnn,
    deep_fried,
    deepface,
    dilated,
    gabor_net,
    googlenet,
    jarrett,
    kmeans_features,
    maxout,
    mnist1d,
    nielsen,
    nin,
    resnet,
    saxe,
    segnet,
    spp,
    two_stream,
    vgg,
)
from kzoo.models.adapt import adapt
from kzoo.models.freeze import freeze
from kzoo.models.interop import from_keras_applications
from kzoo.models.load_model import load_model
from kzoo.models.registry import describe, list_models, model, register_family

__all__ = [
    "adapt",
    "alexnet",
    "all_cnn",
    "deep_fried",
    "deepface",
    "describe",
    "dilated",
    "freeze",
    "from_keras_applications",
    "gabor_net",
    "googlenet",
    "jarrett",
    "kmeans_features",
    "list_models",
    "load_model",
    "maxout",
    "mnist1d",
    "model",
    "nielsen",
    "nin",
    "register_family",
    "resnet",
    "saxe",
    "segnet",
    "spp",
    "two_stream",
    "vgg",
]
