"""Figures without a display, written atomically."""

import pytest

from kzoo.figures import figure, log_scale, save_figure, whole_ticks


def test_a_figure_of_a_size_in_inches(tmp_path):
    sheet = figure(2, 1)
    sheet.subplots().plot([0, 1])
    save_figure(sheet, tmp_path / "it.png")
    header = (tmp_path / "it.png").read_bytes()[:24]
    assert [int.from_bytes(header[i : i + 4], "big") for i in (16, 20)] == [240, 120]
    assert [path.name for path in tmp_path.iterdir()] == ["it.png"]


@pytest.mark.parametrize("last", [1, 2, 3, 7, 100, 2500])
def test_whole_ticks(last):
    axes = figure(3, 2).subplots()
    axes.plot(range(1, last + 1), range(last), marker="o")
    whole_ticks(axes.xaxis)
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks and all(tick == int(tick) for tick in ticks)


@pytest.mark.parametrize(
    "values, labels",
    [
        ([0.3, 2.4], ["0.5", "1", "2"]),
        ([0.0004, 2.4], ["0.001", "0.01", "0.1", "1"]),
        ([0.3, float("nan"), float("inf"), 2.4], ["0.5", "1", "2"]),
        ([0.3, 0.4], None),  # too near each other
        ([0.0, 2.4], None),
        ([-3.0, 2.4], None),
        ([float("nan")], None),
        ([], None),
    ],
    ids=str,
)
def test_log_scale(values, labels):
    sheet = figure(3, 2)
    axes = sheet.subplots()
    axes.plot(values)
    log_scale(axes, values)
    assert axes.get_yscale() == ("linear" if labels is None else "log")
    if labels:
        sheet.draw_without_rendering()
        low, high = axes.get_ylim()
        shown = [tick.label1.get_text() for tick in axes.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        assert shown == labels
        assert not any(tick.label1.get_text() for tick in axes.yaxis.get_minor_ticks())
