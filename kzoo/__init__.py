"""kzoo: the convolutional layers Keras lacks, and a zoo of the classical ConvNets built on them."""

from kzoo import layers, losses, models, ops
from kzoo.models import list_models, load_model, model

__version__ = "0.1.0"
__all__ = ["layers", "list_models", "load_model", "losses", "model", "models", "ops"]
