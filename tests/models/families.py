"""Gathers CARDS, FITS and PIXELS from the test file of each family, `tests/models/test_FAMILY.py`.

CARDS: {model: (trained parameters, input shape, classes)}, as published. The locally connected and tiled MNIST-1D
models are kzoo's own: positions or tiles times the plain kernel and bias. So are the sizes of the tiled CNNs.
FITS: {model: Fit}, for `test_fits`; at least one model of each builder. PIXELS: the outputs are maps of classes.
"""

import importlib

from kzoo.models.registry import describe, list_models

MODULES = [
    importlib.import_module(f"tests.models.test_{family}")
    for family in dict.fromkeys(describe(name)["family"] for name in list_models())
]
CARDS = {name: card for module in MODULES for name, card in module.CARDS.items()}
FITS = {name: fit for module in MODULES for name, fit in module.FITS.items()}
PIXELS = {name for module in MODULES if getattr(module, "PIXELS", False) for name in module.CARDS}
