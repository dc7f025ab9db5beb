"""What `kzoo data` says of data of every kind, compared with NumPy, and its warnings."""

import json

import numpy as np
import pytest
from PIL import Image

from kzoo.config.config_files import read_config
from kzoo.data.image_file import read_image
from kzoo.reports.data_report import print_report, report_data
from tests.data.photos import mixed_photos
from tests.training.conftest import signals_config

RESCALING = "data.preprocess=[{class_name: Rescaling, config: {scale: 0.00392156862745098}}]"


@pytest.fixture
def report(tmp_path, capsys, monkeypatch):
    """A function that returns the record for a config, and checks that JSON holds it and that it can be printed."""
    monkeypatch.setattr("kzoo.reports.data_report.DRAWN", 2)

    def make(config):
        record = report_data(config, "it", tmp_path / "out")
        assert json.loads(json.dumps(record)) == record
        for file in record["files"]:
            assert read_image(file, 3).std() > 1
        capsys.readouterr()
        print_report("it", record)
        printed = capsys.readouterr()
        assert printed.err == "" and all(f"warning: {warning}" in printed.out for warning in record["warnings"])
        record["printed"] = printed.out
        return record

    return make


def photos_config(root, *sets):
    data = f"data={{folder: '{root}', image_size: [16, 16], test: 0.25, batch_size: 4}}"
    return read_config("small_vgg", [data, "model={name: nielsen_1}", *sets])


def test_photos(tmp_path, report):
    root = mixed_photos(tmp_path / "photos", 8)
    Image.new("RGB", (8, 8)).save(root / "china" / "9.png")
    flip = "data.augment=[{class_name: RandomFlip}]"
    record = report(photos_config(root, "data.skip_corrupt=true", RESCALING, flip))
    assert (record["dataset"], record["input_shape"], record["dtype"]) == ("photos", [16, 16, 3], "uint8")
    assert record["targets"][0]["names"] == ["china", "flower"]
    assert record["targets"][0]["splits"] == {"train": {"counts": [6, 6]}, "test": {"counts": [2, 2]}}
    assert sum(count for *_, count in record["image_sizes"]) == 16 and [80, 60, 2] in record["image_sizes"]
    assert record["skipped"] == {"china/1.png": "not an image that can be read"}
    scaled = record["model_inputs"]
    np.testing.assert_allclose(np.array(record["values"]["mean"]) / 255, scaled["mean"], rtol=1e-5)
    assert record["warnings"] == [
        "16 of 16 images are stretched to other proportions: data.resize: crop or pad keeps them",
        "1 of 16 images are smaller than data.image_size and are enlarged",
    ] or record["warnings"][0].startswith("15 of 16")
    assert "skipped: china/1.png is not an image that can be read" in record["printed"]


def test_warnings_of_photos(tmp_path, report):
    root = mixed_photos(tmp_path / "photos", 4)
    for i in range(8):
        (root / "flower" / f"again{i}.jpg").write_bytes((root / "flower" / "0.jpg").read_bytes())
    record = report(photos_config(root, "data.skip_corrupt=true", "data.preprocess=[]", "data.resize=crop"))
    found = "\n".join(record["warnings"])
    assert "bytes reach the model without rescaling: add {class_name: Rescaling, config: {scale: 0.0039" in found
    assert "of the examples of test are in train too, such as flower/" in found
    assert "stretched" not in found
    record = report(photos_config(root, "data.skip_corrupt=true", "data.test=0", "data.batch_size=500", RESCALING))
    found = "\n".join(record["warnings"])
    assert "there is no test split: data.test: 0.2 holds out a fifth of the examples" in found
    assert "data.batch_size, 500, is more than the 15 training examples" in found and "rescaling" not in found


def test_models_that_rescale_their_inputs(tmp_path, report):
    root = mixed_photos(tmp_path / "photos", 4)
    sets = ["data.skip_corrupt=true", "data.preprocess=[]", "data.image_size=[32, 32]"]
    record = report(photos_config(root, *sets, "model={name: resnet20_cifar}"))
    assert "bytes reach" not in "\n".join(record["warnings"])  # its second layer is a batch norm


def test_signals(arrays, report):
    record = report(signals_config(arrays, "data.validation=9"))
    stored = np.load(arrays)
    assert record["splits"]["validation"]["examples"] == 9 and record["splits"]["train"]["read"] == 36
    counts = np.array([split["counts"] for split in record["targets"][0]["splits"].values()]).sum(0)
    assert counts.tolist() == np.bincount(stored["y_train"]).tolist()
    assert record["image_sizes"] is None
    whole = report(signals_config(arrays))
    assert whole["values"]["mean"] == [pytest.approx(stored["x_train"].mean(), rel=1e-4)]
    assert whole["values"]["deviation"] == [pytest.approx(stored["x_train"].std(), rel=1e-4)]


def test_label_maps(tmp_path, report):
    y = np.zeros((6, 8, 8), int)
    y[:, :2], y[:, 7] = 1, 255
    np.savez(
        tmp_path / "maps.npz",
        x_train=np.zeros((6, 8, 8, 3), "uint8"),
        y_train=y,
        x_test=y[:1, ..., None].repeat(3, -1).astype("uint8"),
        y_test=y[:1],
    )
    data = f"data={{arrays: '{tmp_path}/maps.npz', batch_size: 2, ignore_label: 255}}"
    record = report(read_config("small_segnet", [data, "data.augment=[{class_name: RandomFlip}]"]))
    assert record["targets"][0]["splits"]["train"]["counts"] == [6 * 40, 6 * 16]
    assert "71.43 %" in record["printed"] and "28.57 %" in record["printed"]
    copies, channels = record["warnings"]
    assert copies.startswith("5 of the examples of train are copies of another one in it")
    assert channels == "channels that are the same number everywhere: 0, 1, 2"


def test_a_split_that_streams_is_read_in_part(arrays, report, monkeypatch):
    monkeypatch.setattr("kzoo.data.examples.MEMORY", 0)
    monkeypatch.setattr("kzoo.reports.data_report.STREAMED", 20)
    np.savez(arrays.with_name("streamed.npz"), **np.load(arrays))
    config = signals_config(arrays)
    monkeypatch.setattr("kzoo.data.examples.Examples.from_arrays", _streamed)
    record = report(config)
    assert record["splits"]["train"]["read"] == 20 and "20 of the examples of train were read" in record["printed"]


def _streamed(*arrays, **settings):
    import tensorflow as tf

    from kzoo.data.examples import Examples

    return Examples(tf.data.Dataset.from_tensor_slices(arrays), len(arrays[0]), memory=0, **settings)


def own_targets(tmp_path, loss, targets, names={}, model="model.filters=[4]"):  # noqa: B006
    """Returns a config of 30 images and targets with names, of which the last ten examples are the test split."""
    x = np.random.default_rng(0).uniform(size=(30, 8, 8, 1)).astype("float32")
    arrays = {f"y_{split}{end}": y[part] for end, y in targets.items() for split, part in SPLITS.items()}
    arrays |= {f"y_names{end}": np.array(of_target) for end, of_target in names.items()}
    np.savez(tmp_path / "it.npz", x_train=x[:20], x_test=x[20:], **arrays)
    data = f"data={{arrays: '{tmp_path}/it.npz', batch_size: 4}}"
    return read_config("nielsen_3", [data, model, f"training.loss={loss}", "training.keep=last"])


SPLITS = {"train": slice(20), "test": slice(20, 30)}


def test_numbers(tmp_path, report, seeds):
    y = seeds.normal(size=(30, 2)).astype("float32")
    y[:20, 1] = 7
    record = report(own_targets(tmp_path, "MeanSquaredError", {"": y}, {"": ["row", "column"]}))
    (target,) = record["targets"]
    assert (target["kind"], target["names"]) == ("regression", ["row", "column"])
    for split, part in SPLITS.items():
        found = target["splits"][split]
        for key, value in {"mean": y[part].mean(0), "deviation": y[part].std(0), "largest": y[part].max(0)}.items():
            np.testing.assert_allclose(found[key], value, rtol=1e-5)
    assert record["warnings"] == ["numbers that are the same in all training examples: column"]
    assert "│ column   │" in record["printed"] and " 7 ± 0, 7 to 7 " in record["printed"]


def test_labels(tmp_path, report, seeds):
    y = seeds.uniform(size=(30, 3)) > [0.2, 0.5, 1]
    record = report(own_targets(tmp_path, "BinaryCrossentropy", {"": y}))
    (target,) = record["targets"]
    assert target["kind"] == "multilabel"
    for split, part in SPLITS.items():
        assert target["splits"][split] == {"counts": y[part].sum(0).tolist()}
    assert record["warnings"] == ["labels that no training example has: 2"] and "┃ label " in record["printed"]


def test_images(tmp_path, report, seeds):
    y = seeds.integers(0, 256, (30, 8, 8, 1)).astype("uint8")
    model = "model={name: segnet, encoder: [[4]], decoder: [[4]]}"
    record = report(own_targets(tmp_path, "MeanSquaredError", {"": y}, model=model))
    (target,) = record["targets"]
    assert target["kind"] == "image" and target["splits"]["test"]["mean"] == [pytest.approx(y[20:].mean())]
    assert "targets of test: mean " in record["printed"] and "│ examples │    20 │   10 │" in record["printed"]


def test_several_targets(tmp_path, report, seeds):
    targets = {"_digit": np.arange(30) % 3, "_shift": seeds.normal(size=30).astype("float32")}
    loss = "{digit: SparseCategoricalCrossentropy, shift: MeanSquaredError}"
    record = report(own_targets(tmp_path, loss, targets, {"_digit": list("abc")}))
    digit, shift = record["targets"]
    assert (digit["name"], digit["names"], shift["kind"]) == ("digit", ["a", "b", "c"], "regression")
    assert digit["splits"]["train"] == {"counts": [7, 7, 6]} and record["warnings"] == []
    assert "it: digit" in record["printed"] and "it: shift" in record["printed"]
