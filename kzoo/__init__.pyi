from . import (
    analysis,
    constraints,
    data,
    export,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    regularizers,
    schedules,
    tuning,
)
from .models import list_models, load_model, model

__version__: str
__all__ = [
    "analysis",
    "constraints",
    "data",
    "export",
    "initializers",
    "layers",
    "list_models",
    "load_model",
    "losses",
    "metrics",
    "model",
    "models",
    "ops",
    "optimizers",
    "regularizers",
    "schedules",
    "tuning",
]
