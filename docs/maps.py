"""Draws the label maps that segmentation runs predict for test scenes, one row for each run: docs/figures/maps.png.

The scenes and their labels are not drawn, because CamVid's may not be redistributed (CC BY-NC).

Usage: TFDS_DATA_DIR=DIR python -m docs.maps RUN [RUN ...]    (runs' folders, or names under saved_models/)
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from kzoo.config.config import check_config
from kzoo.config.yaml_file import read_yaml
from kzoo.export.label_maps import class_colours
from kzoo.figures import figure
from kzoo.models.load_model import find_run, load_model
from kzoo.training.run_data import load_data

FILE = Path(__file__).parent / "figures" / "maps.png"
SCENES = 4
NAMES = ["sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"]


def predictions(run):
    """Returns a run's name, and the label maps that it predicts for some test scenes."""
    folder = find_run(run).parent
    data = load_data(check_config(read_yaml(folder / "config.yaml")))
    scenes = data.test.numpy()[0]
    chosen = np.linspace(0, len(scenes) - 1, SCENES).astype(int)
    return folder.name, load_model(folder).predict(scenes[chosen], verbose=0).argmax(-1)


def main(runs):
    """Draws the runs."""
    found = [predictions(run) for run in runs]
    colours = class_colours(len(NAMES))
    sheet = figure(9, 0.7 + 1.75 * len(found))
    for row, (run, maps) in zip(sheet.subplots(len(found), SCENES, squeeze=False), found):
        row[0].set_ylabel(run)
        for axes, one in zip(row, maps):
            axes.imshow(one, cmap=ListedColormap(colours), vmin=-0.5, vmax=len(NAMES) - 0.5, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
    keys = [Patch(color=colour, label=name) for colour, name in zip(colours, NAMES)]
    sheet.legend(handles=keys, loc="outside lower center", ncols=6, fontsize=8, frameon=False)
    sheet.savefig(FILE)


if __name__ == "__main__":
    main(sys.argv[1:])
