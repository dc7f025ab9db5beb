"""The models: one family a file, found by name through the registry."""

from kzoo.models import alexnet, all_cnn, googlenet, mnist1d, nielsen, nin, resnet, vgg
from kzoo.models.freeze import freeze
from kzoo.models.load_model import load_model
from kzoo.models.registry import describe, list_models, model, register_family

__all__ = [
    "alexnet",
    "all_cnn",
    "describe",
    "freeze",
    "googlenet",
    "list_models",
    "load_model",
    "mnist1d",
    "model",
    "nielsen",
    "nin",
    "register_family",
    "resnet",
    "vgg",
]
