"""Pictures of what a model computes: all of them for a small model, the page, what is left out, and refusals."""

import html.parser
import json

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.training.look import PICTURES, find_subject, look, page


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


def test_inputs_from_files(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((3, 40, 1)))
    subject, _ = find_subject("mnist1d_cnn", data=[tmp_path], example=2)
    assert subject.inputs.shape == (3, 40, 1) and (subject.inputs == 1).all()


def test_a_picture_that_cannot_be_drawn_says_why():
    subject, origin = find_subject("mnist1d_cnn")
    text = page(subject, origin, [{"title": "a < b", "text": "One. Two.", "file": None, "left_out": "no <map>"}])
    assert "Left out: no &lt;map&gt;" in text and Reader(text).images == []


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
