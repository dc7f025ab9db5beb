"""Figures without a display, written atomically."""

from kzoo.figures import figure, save_figure


def test_a_figure_of_a_size_in_inches(tmp_path):
    sheet = figure(2, 1)
    sheet.subplots().plot([0, 1])
    save_figure(sheet, tmp_path / "it.png")
    header = (tmp_path / "it.png").read_bytes()[:24]
    assert [int.from_bytes(header[i : i + 4], "big") for i in (16, 20)] == [240, 120]
    assert [path.name for path in tmp_path.iterdir()] == ["it.png"]
