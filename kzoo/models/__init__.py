"""The models: one family a file, found by name through the registry."""

from kzoo.models import mnist1d, nielsen
from kzoo.models.load_model import load_model
from kzoo.models.registry import describe, list_models, model, register_family

__all__ = ["describe", "list_models", "load_model", "mnist1d", "model", "nielsen", "register_family"]
