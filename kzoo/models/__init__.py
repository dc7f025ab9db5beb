"""The models: one family a file, found by name through the registry."""

from kzoo.models import alexnet, mnist1d, nielsen, resnet, vgg
from kzoo.models.load_model import load_model
from kzoo.models.registry import describe, list_models, model, register_family

__all__ = [
    "alexnet",
    "describe",
    "list_models",
    "load_model",
    "mnist1d",
    "model",
    "nielsen",
    "register_family",
    "resnet",
    "vgg",
]
