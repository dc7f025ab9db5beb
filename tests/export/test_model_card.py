"""The card's words, from figures made up here."""

from kzoo.export.model_card import card, code, size, table

REPORT = {
    **{"format": "saved_model", "file": "1", "bytes": 123_456, "tried": ["1 x 8 x 8 x 3", "7 x 8 x 8 x 3"]},
    **{"max_difference": 2.5e-7, "seconds": 1.25, "signatures": ["serving_default", "serve_image"]},
}
INT8 = {**REPORT, "format": "litert_int8", "file": "m.tflite", "accuracy": {"before": 0.9, "after": 0.875}}
ABOUT = {
    "name": "it",
    "what": "A net",
    "outputs": "probabilities of 10 classes",
    "classes": 10,
    "labels": None,
    "examples": 0,
}
ABOUT["inputs"] = {"input": [None, None, 8, 3]}


def test_words():
    found = card(ABOUT, [REPORT, {**INT8, "signatures": []}])
    for words in (
        "# it\n\nA net. Input: float32 batches of shape (N, N, 8, 3)",
        "| SavedModel | `1` | 0.1 MB | 1 x 8 x 8 x 3; 7 x 8 x 8 x 3 | 2.5e-07 | 1.2 |",
        'net = tf.saved_model.load("1")',
        "net.serve_image(files)",
        "Right of the test examples: 87.50 %; in float32 90.00 %.",
        "print(place, row[place])",
    ):
        assert words in found, words
    assert "Test error" not in found
    figures = {"test": {"error": 0.01}, "published": {"error": 0.0077, "source": "Nielsen"}}
    assert "Test error: 1 %; published: 0.77 % (Nielsen)." in card({**ABOUT, "figures": figures}, [REPORT])
    assert "labels.txt" not in found and found.count("serve_image") == 1
    assert "the names of the 2 classes" in card({**ABOUT, "labels": ["a", "b"]}, [REPORT])


def test_several_inputs_have_no_lines():
    assert "```python\nimport" not in card({**ABOUT, "inputs": {"a": [None, 2], "b": [None, 2]}}, [INT8])


def test_maps_are_printed_by_their_shape():
    assert code(REPORT, {**ABOUT, "classes": None}).endswith("print(answers.shape)")


def test_table_and_size():
    assert len(table([REPORT, INT8])) == 4
    assert [size(n) for n in (999, 1000, 99_999, 10**8)] == ["999 bytes", "1.0 kB", "100.0 kB", "100.0 MB"]
