"""Draws what a model computes, sees and looks for: a folder of pictures, with a page that explains each."""

import html
import json
import shutil
import string
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from kzoo import analysis
from kzoo.analysis.last_map import last_map
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.walk import channels_first, inner_path, outputs_at
from kzoo.checks import Refusal, is_integer, one_line, require
from kzoo.export.inference_model import inference_model
from kzoo.export.predict import list_files, read_examples
from kzoo.files import atomic_replace
from kzoo.layers.conv import Conv1D, Conv2D, Conv3D
from kzoo.models.graph import calls, is_graph
from kzoo.models.layer_paths import find_path
from kzoo.models.registry import model as zoo_model
from kzoo.run_folder import find_run_or_model
from kzoo.terminal import say
from kzoo.training.config import find_config, read_config
from kzoo.training.model_building import build_model
from kzoo.training.model_lookup import find_exportable
from kzoo.training.run_data import load_data, sample
from kzoo.types import PathLike

PAGE, RECORD = "index.html", "look.json"
EXAMPLES, SHOWN = 500, 8  # examples that top patches are searched among; that pictures of several examples show


class Subject(NamedTuple):
    """What is drawn: a model, the path of one of its layers, one of the layer's maps or units, and real inputs."""

    model: keras.Model
    layer: str
    unit: int
    inputs: np.ndarray
    example: int  # the input that pictures of one example show

    @property
    def one(self) -> np.ndarray:
        """The example as a batch of one."""
        return self.inputs[self.example : self.example + 1]

    @property
    def some(self) -> np.ndarray:
        """The example and the next ones."""
        return np.roll(self.inputs, -self.example, 0)[:SHOWN]


class Picture(NamedTuple):
    """One picture: the name of its file, its title, what it shows in two sentences, and what draws it."""

    name: str
    title: str
    text: str
    draw: Callable[[Subject], Plotted]
