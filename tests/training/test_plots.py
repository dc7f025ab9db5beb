"""Plots of results that training may end with."""

import numpy as np
import pytest

from kzoo.training.plots import plot_confusion, plot_history, plot_maps, plot_mistakes
from kzoo.training.predictions import ClassPredictions, MapPredictions

HISTORIES = {
    "plain": [{"loss": 1.0, "accuracy": 0.5}, {"loss": 0.5, "accuracy": 0.75}],
    "validation": [{"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5}],
    "nan": [{"loss": float("nan"), "accuracy": 0.1}, {"loss": float("inf"), "accuracy": 0.1}],
    "zero": [{"loss": 0.0, "accuracy": 1.0}],
    "negative": [{"loss": -1.0, "accuracy": 1.0}, {"loss": -9.0, "accuracy": 1.0}],
    "without accuracy": [{"loss": 1.0, "mae": 1.0}],
    "empty": [],
}


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.filterwarnings("error")
def test_plots_of_any_history(tmp_path, name):
    plot_history(HISTORIES[name], {"test": {"error": 0.3}}, {"error": 0.17}, r"a $\fra$ [b] ü", tmp_path / "h.png")
    assert (tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")


def test_stages_are_numbered_and_a_line_is_between_them(tmp_path, monkeypatch):
    """Of stages of one and three epochs, between the first and the second epoch; one that no epoch reached has none."""
    drawn = []
    monkeypatch.setattr("kzoo.training.plots.save_figure", lambda sheet, path: drawn.append(sheet))
    history = [{"loss": 1.0, "accuracy": 0.5}] * 4
    for starts in ((0,), (0, 1, 4)):
        plot_history(history, {}, None, "it", tmp_path / "h.png", starts)
    lines = [[line.get_xdata()[0] for line in axes.lines[1:]] for sheet in drawn for axes in sheet.axes]
    assert lines == [[], [], [1.5], [1.5]]
    numbers = [[(text.get_text(), text.get_position()[0]) for text in axes.texts] for axes in drawn[1].axes]
    assert numbers == [[("stage ", 0), ("1", 1.0), ("2", 3.0)]] * 2 and not drawn[0].axes[0].texts


def constant(classes, names=None, x=None):
    """Returns predictions of class 0 for examples of classes 0, 1 and 1."""
    found = ClassPredictions("test", classes, names)
    found.add(np.zeros((3, 5, 1)) if x is None else x, np.array([0, 1, 1]), np.eye(classes)[np.zeros(3, int)])
    return found


def test_confusion(tmp_path):
    plot_confusion(constant(3, ("a", "b$x", "lång")), r"a $\fra$", tmp_path / "c.png")
    plot_confusion(constant(100, ["a long name of a class"] * 100), "t", tmp_path / "d.png")
    plot_confusion(constant(101), "t", tmp_path / "many.png")
    assert (tmp_path / "c.png").exists() and (tmp_path / "d.png").exists() and not (tmp_path / "many.png").exists()


@pytest.mark.parametrize("shape", [(5, 1), (5, 2), (6, 4, 1), (6, 4, 3), (6, 4, 5), (2, 6, 4, 3)], ids=str)
def test_mistakes_of_signals_images_and_clips(tmp_path, shape):
    x = np.random.default_rng(0).normal(size=(3, *shape))
    plot_mistakes(constant(3, ("a", "b$x", "lång"), x), r"a $\fra$", tmp_path / "m.png")
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("classes, names", [(3, ("sky", "a$x$", "tree")), (3, None), (30, None)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_maps(tmp_path, classes, names, channels):
    y = np.full((2, 6, 8, 1), classes)  # pixels without a class
    y[0, 0] = 1
    found = MapPredictions("test", classes, names, 2)
    found.add(np.zeros((2, 6, 8, channels)), y, np.eye(classes)[np.zeros((2, 6, 8), int)])
    plot_maps(found.sample, found, r"a $\fra$", tmp_path / "maps.png")
    plot_mistakes(found, r"a $\fra$", tmp_path / "mistakes.png")
    plot_confusion(found, r"a $\fra$", tmp_path / "confusion.png")
    assert all((tmp_path / f"{name}.png").exists() for name in ("maps", "mistakes", "confusion"))
