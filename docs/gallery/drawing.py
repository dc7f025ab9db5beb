"""Draws the pictures of pages, in a process for each core."""

import importlib
import io
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import keras
from PIL import Image
from rich.progress import track

from docs.gallery.pages import PAGES
from docs.gallery.panels import sheet

GROUPS = (
    "convolution",
    "sharing",
    "fixed_filters",
    "borders",
    "pooling",
    "regions",
    "channels",
    "upwards",
    "activations",
    "normalization",
    "preprocessing",
    "noise",
    "augmentation",
    "capsules",
    "dense",
)
for group in GROUPS:
    importlib.import_module(f"docs.gallery.{group}")


def drawn(name):
    """Returns a page's picture with a palette of 128 colours, which halves the file's size."""
    keras.utils.set_random_seed(0)
    stream = io.BytesIO()
    sheet(PAGES[name].picture()).savefig(stream, format="png")
    return Image.open(stream).convert("RGB").quantize(128, kmeans=1)  # without k-means thin lines lose their colour


def all_drawn(names, progress):
    """Returns the pictures of pages, drawn in a process for each core."""
    if len(names) == 1:
        return [drawn(names[0])]
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        return list(track(pool.map(drawn, names), "drawing", len(names), disable=not progress))
