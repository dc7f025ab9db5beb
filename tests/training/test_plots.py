"""Plots of results that training may end with."""

import types

import numpy as np
import pytest

from kzoo.training.plots import plot_confusion, plot_history, plot_maps

HISTORIES = {
    "plain": [{"loss": 1.0, "accuracy": 0.5}, {"loss": 0.5, "accuracy": 0.75}],
    "validation": [{"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5}],
    "nan": [{"loss": float("nan"), "accuracy": 0.1}, {"loss": float("inf"), "accuracy": 0.1}],
    "zero": [{"loss": 0.0, "accuracy": 1.0}],
    "empty": [],
}


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.filterwarnings("ignore")
def test_plots_of_any_history(tmp_path, name):
    plot_history(HISTORIES[name], {"test": {"error": 0.3}}, {"error": 0.17}, r"a $\fra$ [b] ü", tmp_path / "h.png")
    assert (tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")


def test_a_line_between_stages(tmp_path, monkeypatch):
    """Of two stages of one and three epochs, between the first and the second epoch."""
    drawn = []
    monkeypatch.setattr("kzoo.training.plots.save_figure", lambda sheet, path: drawn.append(sheet))
    history = [{"loss": 1.0, "accuracy": 0.5}] * 4
    for starts in ((0,), (0, 1)):
        plot_history(history, {}, None, "it", tmp_path / "h.png", starts)
    lines = [[line.get_xdata()[0] for line in axes.lines[1:]] for sheet in drawn for axes in sheet.axes]
    assert lines == [[], [], [1.5], [1.5]]


def constant_model(classes, rank=2):
    """A stand-in for a model that predicts class 0."""
    return types.SimpleNamespace(
        output_shape=(None,) * (rank - 1) + (classes,), predict=lambda x, **_: np.eye(classes)[np.zeros(len(x), int)]
    )


def test_confusion(tmp_path):
    y = np.array([0, 1, 1])
    plot_confusion(constant_model(3), np.zeros((3, 4)), y, ("a", "b$x", "lång"), r"a $\fra$", tmp_path / "c.png")
    assert (tmp_path / "c.png").exists()
    plot_confusion(constant_model(101), np.zeros((3, 4)), y, None, "t", tmp_path / "many.png")
    plot_confusion(constant_model(3, rank=4), np.zeros((3, 4)), np.zeros((3, 4, 4)), None, "t", tmp_path / "maps.png")
    assert not (tmp_path / "many.png").exists() and not (tmp_path / "maps.png").exists()


@pytest.mark.parametrize("classes, names", [(3, ("sky", "a$x$", "tree")), (3, None), (30, None)])
def test_maps(tmp_path, classes, names):
    x, y = np.zeros((2, 6, 8, 3)), np.full((2, 6, 8, 1), classes)  # pixels without a class
    model = types.SimpleNamespace(
        output_shape=(None, 6, 8, classes), predict=lambda x, **_: np.eye(classes)[np.zeros(x.shape[:3], int)]
    )
    plot_maps(model, x, y, names, r"a $\fra$", tmp_path / "maps.png")
    assert (tmp_path / "maps.png").exists()
    plot_maps(constant_model(3), x, np.zeros(2), None, "t", tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
