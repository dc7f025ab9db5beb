"""Pictures of what a model computes: all of them for a small model, the page, what is left out, and refusals."""

import html.parser
import json

import numpy as np
import pytest

from kzoo.analysis.model_cost import OPERATIONS, Cost
from kzoo.checks import Refusal
from kzoo.models.registry import model
from kzoo.task import Task
from kzoo.training.look import PICTURES, find_subject, look, page
from kzoo.training.model_lookup import Exportable


class Reader(html.parser.HTMLParser):
    """Collects the tags of a page; those that are opened must be closed."""

    def __init__(self, text):
        super().__init__()
        self.images, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.images.append(dict(attributes)["src"])
        elif tag not in ("meta", "!doctype"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return look("mnist1d_cnn", layer="stage2", unit=3, out=tmp_path_factory.mktemp("look") / "it")


def test_every_picture_is_drawn_and_shown(drawn):
    record = json.loads((drawn.parent / "look.json").read_text())
    left_out = {one["title"]: one["left_out"] for one in record["pictures"] if one["left_out"]}
    assert left_out == {}
    assert record["layer"] == "stage2" and record["unit"] == 3 and record["example"] == 0
    files = [f"{picture.name}.png" for picture in PICTURES]
    assert Reader(drawn.read_text()).images == files
    assert all((drawn.parent / file).read_bytes()[:4] == b"\x89PNG" for file in files)
    assert {path.name for path in drawn.parent.iterdir()} == {*files, "look.json", "index.html"}


def test_each_picture_has_two_sentences_of_its_own():
    for picture in PICTURES:
        assert picture.text.count(". ") == 1 and picture.text.endswith("."), picture.name
    assert len({picture.text for picture in PICTURES}) == len(PICTURES)


def test_what_is_drawn_by_default():
    subject, origin = find_subject("mnist1d_cnn")
    assert subject.layer == "stage3" and subject.inputs.shape[1:] == (40, 1)
    assert origin == "The model `mnist1d_cnn` of kzoo's zoo, with initial weights"
    subject, _ = find_subject("mnist1d_cnn", example=3)
    np.testing.assert_array_equal(subject.one, subject.inputs[3:4])
    np.testing.assert_array_equal(subject.some, subject.inputs[3:11])


def test_models_of_several_inputs(monkeypatch, tmp_path):
    small = model("two_stream", frames=1, width=0.02, fc_units=[8, 8], input_shape=(47, 47, 3), classes=3)
    monkeypatch.setattr("kzoo.training.look.find_exportable", lambda name: Exportable(small, "A small one", {}, None))
    subject, origin = find_subject("two_stream")
    assert origin == "A small one and random inputs" and subject.layer.startswith("spatial_")
    assert [x.shape for x in subject.inputs] == [(8, 47, 47, 3), (8, 47, 47, 2)]
    assert [x.shape for x in subject.one] == [(1, 47, 47, 3), (1, 47, 47, 2)]
    quick = [picture for picture in PICTURES if picture.name in ("feature_maps", "top_patches", "grad_cam")]
    monkeypatch.setattr("kzoo.training.look.PICTURES", quick)
    drawn = look("two_stream", layer="temporal_stage3", out=tmp_path / "look")
    record = json.loads((drawn.parent / "look.json").read_text())
    assert [one["left_out"] for one in record["pictures"]] == [None] * 3
    for name, x in zip(("frame", "flow"), subject.inputs):
        np.save(tmp_path / f"{name}.npy", x[:3])
    read, _ = find_subject("two_stream", data=[tmp_path / "frame.npy", tmp_path / "flow.npy"], example=2)
    np.testing.assert_array_equal(read.one[1], np.float32(subject.inputs[1][2:3]))
    with pytest.raises(Refusal, match="^look expects --data, one file or folder for each of 2 inputs; received data="):
        find_subject("two_stream", data=[tmp_path / "frame.npy"])


def test_inputs_from_files(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((3, 40, 1)))
    subject, _ = find_subject("mnist1d_cnn", data=[tmp_path], example=2)
    assert subject.inputs.shape == (3, 40, 1) and (subject.inputs == 1).all()


def test_a_picture_that_cannot_be_drawn_says_why():
    subject, origin = find_subject("mnist1d_cnn")
    text = page(subject, origin, [{"title": "a < b", "text": "One. Two.", "file": None, "left_out": "no <map>"}])
    assert "Left out: no &lt;map&gt;" in text and Reader(text).images == []


def test_models_of_many_operations(drawn, monkeypatch):
    assert "instead of" not in drawn.read_text()
    subject, origin = find_subject("mnist1d_cnn")
    subject = subject._replace(cost=Cost(OPERATIONS // 3, 10))
    assert len(subject.some) == 3 and len(subject.searched) == 24 and subject.channels == 4 and subject.steps == 32
    assert subject.reduced in page(subject, origin, [])
    assert subject.reduced == (
        "The model takes 5.7e+09 operations for one example, so there are fewer: 3 instead of 8 examples in pictures "
        "of several, 4 instead of 16 channels for receptive fields, 24 instead of 500 examples to search for patches, "
        "32 instead of 128 steps of gradient ascent."
    )
    calls: dict = {}
    for name in ("receptive_field_growth", "top_patches", "maximize"):
        record = lambda *given, name=name, **settings: calls.update({name: (given, settings)})  # noqa: E731
        monkeypatch.setattr(f"kzoo.training.look.{name}", record)
    for picture in PICTURES:
        if picture.name in ("receptive_field_growth", "top_patches", "maximize"):
            picture.draw(subject)
    assert calls["receptive_field_growth"][1] == {"channels": 4} and calls["maximize"][1] == {"steps": 32}
    assert len(calls["receptive_field_growth"][0][1]) == 3 and len(calls["top_patches"][0][3]) == 24
    unknown = subject._replace(cost=Cost(None, 10))
    assert len(unknown.some) == 2 and "an unknown number of operations" in unknown.reduced


def test_refusals(tmp_path, drawn):
    for settings, words in (
        ({"layer": "stag2"}, "did you mean 'stage2'"),
        ({"unit": 99}, "look expects unit below 15, a channel of stage3; received unit=99"),
        ({"example": 10**6}, "look expects example below"),
    ):
        with pytest.raises(Refusal, match=words):
            find_subject("mnist1d_cnn", **settings)
    with pytest.raises(Refusal, match="no model is called 'mnist1d_cn'; did you mean 'mnist1d_cnn'"):
        look("mnist1d_cn")
    (tmp_path / "mine.txt").touch()
    with pytest.raises(Refusal, match="^look --out expects a folder that does not exist, or one that `kzoo look` wr"):
        look("mnist1d_cnn", out=tmp_path)
    assert (tmp_path / "mine.txt").exists()


def test_the_matrix_is_of_one_filter():
    draw = next(picture.draw for picture in PICTURES if picture.name == "convolution_matrix")
    found = draw(find_subject("mnist1d_cnn")[0])
    assert found.matrix.shape == (2, 6) and found.distinct_weights == 3


@pytest.mark.parametrize("kind, called", [("regression", "number row"), ("multilabel", "label")])
def test_models_of_numbers_and_labels(kind, called, tmp_path, monkeypatch):
    """The first number, and the most probable label, without a softmax; no decision for a class."""
    activation = "linear" if kind == "regression" else "sigmoid"
    small = model("mnist1d_cnn", classes=2, filters=3, classifier_activation=activation)
    task = Task(kind, (2,), 2, "", ("row", "column"))
    monkeypatch.setattr(
        "kzoo.training.look.find_exportable", lambda name: Exportable(small, "A", {}, None, None, (task,))
    )
    monkeypatch.setattr("kzoo.training.look.find_run_or_model", lambda name: tmp_path)
    x = np.random.default_rng(0).normal(size=(3, 40, 1))
    np.save(tmp_path / "x.npy", x)
    names = ("grad_cam", "occlusion", "invariance_curves", "shift_consistency")
    pictures = {picture.name: picture for picture in PICTURES if picture.name in names}
    monkeypatch.setattr("kzoo.training.look.PICTURES", tuple(pictures.values()))
    record = json.loads((look("it", data=[tmp_path / "x.npy"], out=tmp_path / "it").parent / "look.json").read_text())
    left_out = [one["left_out"] for one in record["pictures"]]
    assert left_out[:3] == [None] * 3 and left_out[3].startswith(f"the outputs are {called.split()[0]}s, so that there")
    subject, _ = find_subject("it", data=[tmp_path / "x.npy"])
    outputs = np.asarray(small(x))
    found, curves = pictures["grad_cam"].draw(subject), pictures["invariance_curves"].draw(subject)
    chosen = np.zeros(3, int) if kind == "regression" else outputs.argmax(1)
    assert found.classes.tolist() == chosen.tolist()
    assert found.draw().axes[0].get_title().startswith(called)
    unmoved = curves.probability[curves.amounts.index(0)]
    np.testing.assert_allclose(unmoved, outputs[np.arange(3), chosen], rtol=1e-4, atol=1e-6)
    word = "Output of the number" if kind == "regression" else "Probability of the label"
    assert curves.draw().axes[1].get_title() == word
