import os
import shutil
import socket
import struct
import time
import urllib.request

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from kzoo.checks import Refusal
from kzoo.data.builders.cache import cache_dir
from kzoo.data.loader import load, specs
from kzoo.data.tfds_source import UNLABELED, _unreachable


class KzooTestBlobs(tfds.core.GeneratorBasedBuilder):
    """Images of growing size with label maps, in train and validation, without downloads."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(None, None, 3)),
            "map": tfds.features.Image(shape=(None, None, 1)),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "map")
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(6), "validation": self._generate_examples(3)}

    def _generate_examples(self, count):
        for i in range(count):
            image = np.full((4 + i, 6, 3), 10 * i, "uint8")
            yield i, {"image": image, "map": image[..., :1] // 10}


class KzooTestClips(tfds.core.GeneratorBasedBuilder):
    """Clips of growing length, each of one value, without supervised keys, like ucf101 in TFDS."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "video": tfds.features.Tensor(shape=(None, 4, 6, 1), dtype=np.uint8),
            "label": tfds.features.ClassLabel(num_classes=9),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i in range(1, 5):
            yield i, {"video": np.full((i, 4, 6, 1), i, "uint8"), "label": i}


@pytest.fixture
def empty(monkeypatch, tmp_path):
    """An empty TFDS folder without network."""

    def fail(*args):
        raise OSError("unreachable")

    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(socket, "create_connection", fail)
    monkeypatch.setattr(urllib.request, "getproxies", dict)
    return tmp_path


def test_prepares_where_tfds_looks_and_resizes_maps(empty):
    data = load("kzoo_test_blobs", image_size=(8, 12))
    assert (empty / "kzoo_test_blobs").is_dir()
    x, y = data.train.numpy()
    assert (x.shape, y.shape, str(x.dtype), str(y.dtype)) == ((6, 8, 12, 3), (6, 8, 12, 1), "uint8", "int32")
    np.testing.assert_array_equal(x[..., :1], 10 * y)
    assert data.classes is None and data.train.label_shape == (8, 12, 1)


def test_clips_are_cropped_or_padded_to_a_length(empty):
    data = load("kzoo_test_clips", image_size=(2, 2), length=3)
    x, y = data.train.numpy()
    assert (x.shape, data.input_shape, data.classes) == ((4, 3, 2, 2, 1), (3, 2, 2, 1), 9)
    for clip, label in zip(x[..., 0, 0, 0], y):
        assert clip.tolist() == [label] * min(3, label) + [0] * (3 - label)


def test_evenly_spaced_parts_of_clips(empty):
    """Of clips of one to four frames the two parts are the first and the last frame."""
    data = load("kzoo_test_clips", image_size=(2, 2), length=1, parts=2)
    assert data.input_shape == data.train.numpy()[0].shape[1:] == (2, 2, 2, 1)
    for words, given in {
        "length where parts is given; received parts=2": {},
        "parts, an integer above 0, or None; received parts=0": {"length": 1, "parts": 0},
    }.items():
        with pytest.raises(Refusal, match=words):
            load("kzoo_test_clips", image_size=(2, 2), **{"parts": 2, **given})
    with pytest.raises(Refusal, match="parts only for a dataset by name"):
        load(arrays="some.npz", parts=2)


def test_lengths_that_differ_need_length(empty):
    for call in (load, specs):
        with pytest.raises(Refusal, match="length for 'kzoo_test_clips', whose examples differ in length"):
            call("kzoo_test_clips")
        with pytest.raises(Refusal, match="series or clips where length is given"):
            call("kzoo_test_blobs", length=3)
        with pytest.raises(Refusal, match="length, an integer above 0; received length=0"):
            call("kzoo_test_clips", length=0)
        with pytest.raises(Refusal, match="length only for a dataset by name"):
            call(arrays="some.npz", length=3)
    assert specs("speech_commands", length=16000) == ((16000, 1), "int16", 12)
    assert specs("ucf101/ucf101_1_256", length=16, image_size=(112, 112)) == ((16, 112, 112, 3), "uint8", 101)


def test_validation_split_is_the_test_where_there_is_none(empty):
    data = load("kzoo_test_blobs", image_size=(8, 12))
    assert data.test.size == 3 and data.validation is None
    data = load("kzoo_test_blobs", image_size=(8, 12), validation="validation")
    assert data.test is None and data.validation.size == 3


def test_splits_without_labels_are_left_out(empty, monkeypatch):
    monkeypatch.setitem(UNLABELED, "kzoo_test_blobs", ("validation",))
    data = load("kzoo_test_blobs", image_size=(8, 12))
    assert data.train.size == 6 and data.test is None


def test_images_that_differ_need_image_size(empty):
    for call in (load, specs):
        with pytest.raises(Refusal, match=r"image_size=\(height, width\) for 'kzoo_test_blobs', whose images differ"):
            call("kzoo_test_blobs")
    assert not any(empty.iterdir())


def test_a_dataset_out_of_reach_is_refused_at_once(empty):
    start = time.monotonic()
    with pytest.raises(Refusal) as refused:
        load("cifar10")
    assert time.monotonic() - start < 5
    words = str(refused.value)
    assert "\n" not in words
    assert f"'cifar10' is not in {empty}" in words and "www.cs.toronto.edu did not respond" in words
    assert "`tfds build cifar10`" in words and "TFDS_DATA_DIR" in words
    assert not any(empty.iterdir())


def test_specs_need_no_files(empty):
    assert specs("cifar10") == ((32, 32, 3), "uint8", 10)
    assert specs("mnist1d") == ((40, 1), "float32", 10)
    assert specs("cifar10", image_size=(8, 9)) == ((8, 9, 3), "uint8", 10)


def test_a_download_that_fails_is_one_line(empty, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr("kzoo.data.tfds_source._unreachable", lambda hosts: [])
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(Refusal, match=r"the download failed \(RuntimeError: first line\). Prepare it") as refused:
        load("cifar10")
    assert "\n" not in str(refused.value)


def test_files_that_must_be_downloaded_by_hand(empty):
    with pytest.raises(Refusal, match="imagenet2012' is not in .* its files must be downloaded by hand. Prepare it"):
        load("imagenet2012", image_size=(8, 8))


@pytest.mark.parametrize(
    "name, words",
    [
        ("minst", "load expects a known dataset; received name='minst'; did you mean .*'mnist'"),
        ("digit", "did you mean 'digits'"),
        ("mnist/foo", "received name='mnist/foo': BuilderConfig foo not found with version"),
        ("mnist:9.9.9", "received name='mnist:9.9.9': Dataset mnist cannot be loaded at version 9.9.9, only"),
        ("mnist/foo=bar", "the name of a dataset; received name='mnist/foo=bar'"),
        ("digits/data_dir=x", "the name of a dataset; received"),
        ("digits/foo", "received name='digits/foo'"),
        ("mnist/", "received name='mnist/'"),
        ("", "received name=''"),
        ("mnist\0", r"the name of a dataset; received name='mnist\\x00'"),
        ("../mnist", "received name='../mnist': Parsing builder name string ../mnist failed"),
        ("huggingface:mnist", "a dataset without a namespace; received name='huggingface:mnist'"),
        ("imdb_reviews", r"'imdb_reviews' has none; received text='string', label='int64'"),
        (
            "coco/2017",
            r"\(input, label\) pairs; 'coco/2017' has none; received supervised_keys=None, features=\['image'",
        ),
    ],
)
def test_refusals(empty, name, words):
    for call in (load, specs):
        with pytest.raises(Refusal, match=words) as refused:
            call(name)
        assert "\n" not in str(refused.value)


def test_near_names_are_listed_once_and_include_the_folder(empty):
    (empty / "zebrafish").mkdir()
    with pytest.raises(Refusal, match="did you mean 'zebrafish'") as refused:
        load("zebrafsh")
    with pytest.raises(Refusal) as refused:
        load("mnistt")
    assert str(refused.value).count("'mnist'") == 1


def test_unreachable_hosts(monkeypatch):
    monkeypatch.setattr(urllib.request, "getproxies", dict)
    addresses = []

    def connect(address, timeout):
        addresses.append(address)
        if address[0] == "slow":
            time.sleep(5)
        if address[0] == "dead":
            raise OSError
        return socket.socket()

    monkeypatch.setattr(socket, "create_connection", connect)
    start = time.monotonic()
    assert _unreachable(["live", "dead", "slow:81"], timeout=0.2) == ["dead", "slow:81"]
    assert time.monotonic() - start < 4
    assert set(addresses) == {("live", 443), ("dead", 443), ("slow", 81)}
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://proxy"})
    assert _unreachable(["dead"]) == []


def test_real_mnist(real_mnist):
    data = load(real_mnist, validation=10_000)
    assert (data.train.size, data.validation.size, data.test.size, data.classes) == (50_000, 10_000, 10_000, 10)
    x, y = data.test.numpy()
    assert (x.shape, x.dtype, y.dtype) == ((10_000, 28, 28, 1), np.uint8, np.int32)
    assert y[:10].tolist() == [2, 0, 4, 8, 7, 6, 0, 6, 3, 1]
    assert next(iter(data.validation.once(10)))[1].shape == 10


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """The folder of a copy of the prepared digits, which a test may damage."""
    load("digits")
    shutil.copytree(cache_dir() / "digits", tmp_path / "digits")
    monkeypatch.setenv("KZOO_DATA_DIR", str(tmp_path))
    return tmp_path / "digits" / "1.0.0"


def damage_shard(file, kind):
    content = file.read_bytes()
    if kind == "missing":
        file.unlink()
    elif kind == "pipe":
        file.unlink()
        os.mkfifo(file)
    elif kind == "empty":
        file.write_bytes(b"")
    elif kind == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif kind == "flipped":
        file.write_bytes(content[:5000] + bytes([content[5000] ^ 255]) + content[5001:])
    elif kind == "short":  # whole records, but fewer
        first = 16 + struct.unpack("<Q", content[:8])[0]
        file.write_bytes(content[first:])
    else:  # a record that is none of this dataset's, or whose image cannot be decoded
        with tf.io.TFRecordWriter(str(file)) as writer:
            for i, record in enumerate(tf.data.TFRecordDataset([content_copy(file, content)])):
                writer.write(record.numpy().replace(b"PNG", b"PMG") if i == 7 else record.numpy())


def content_copy(file, content):
    copy = file.with_name("copy")
    copy.write_bytes(content)
    return str(copy)


@pytest.mark.parametrize("kind", ["missing", "empty", "pipe", "cut", "flipped", "short", "image"])
@pytest.mark.parametrize("memory", [2**30, 0], ids=["memory", "stream"])
def test_damaged_shards_are_named(prepared, kind, memory, monkeypatch):
    monkeypatch.setattr("kzoo.data.examples.MEMORY", memory)
    shard = next(prepared.glob("*test*"))
    damage_shard(shard, kind)
    words = {
        "missing": "missing",
        "empty": "empty",
        "pipe": "empty",
        "short": "damaged: it has 359 records instead of 360",
        "image": "damaged at record 7",
    }.get(kind, r"damaged at record \d+")
    with pytest.raises(Refusal, match=f"^load expects files that can be read; {shard} is {words}.$"):
        data = load("digits")
        with data.errors():
            list(data.test.once(50))


BAD_JSON = [b"", b"{", b"\xff\xfe", b"[]", b'{"name": 3}', b'{"splits": "x"}', b"[" * 9999]


@pytest.fixture(params=["digits", "kzoo_test_files"], ids=["own", "of_tfds"])
def name(request, prepared, monkeypatch):
    """The name of the prepared dataset: kzoo's own, or one in TFDS_DATA_DIR that has no builder."""
    root = prepared.parents[1]
    monkeypatch.setenv("TFDS_DATA_DIR", str(root))
    (root / "digits").rename(root / request.param)
    return request.param


@pytest.mark.parametrize("file", ["dataset_info.json", "features.json"])
def test_damaged_metadata_is_named(prepared, name, file):
    """Features are read from features.json only if no builder is known."""
    root = prepared.parents[1]
    if name == "digits" and file == "features.json":
        return
    for content in BAD_JSON:
        (root / name / "1.0.0" / file).write_bytes(content)
        with pytest.raises(
            Refusal, match=f"a dataset that can be read; {root / name}/1.0.0 is damaged .* Delete"
        ) as got:
            load(name)
        assert "\n" not in str(got.value) and len(str(got.value)) < 600


@pytest.mark.parametrize("file", ["dataset_info.json", "features.json"])
def test_metadata_in_a_pipe_is_refused(prepared, name, file):
    pipe = prepared.parents[1] / name / "1.0.0" / file
    pipe.unlink()
    os.mkfifo(pipe)
    with pytest.raises(Refusal, match=f"^load expects metadata in regular files; received file='{pipe}'.$"):
        load(name)


def test_the_digest_covers_names_and_sizes_of_the_shards(prepared):
    before = load("digits").fingerprint
    with open(next(prepared.glob("*test*")), "ab") as file:
        file.write(b"0")
    assert {key for key, value in load("digits").fingerprint.items() if value != before[key]} == {"files"}


def test_packages_that_do_not_fit_each_other(monkeypatch):
    """With an older protobuf than tensorflow-metadata needs, TFDS is imported without its parts."""
    monkeypatch.delattr("tensorflow_datasets.core")
    with pytest.raises(
        Refusal, match="^load expects TensorFlow Datasets that can be imported; .* pip install 'tensorflo"
    ):
        load("mnist1d")
