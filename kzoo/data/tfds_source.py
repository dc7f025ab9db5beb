"""Datasets by name: kzoo's own, those of TensorFlow Datasets (TFDS), and those prepared in TFDS_DATA_DIR."""

import functools
import importlib
import os
import re
import socket
import threading
import urllib.parse
import urllib.request
from typing import Any

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, is_integer, nearest, require
from kzoo.data.dataset_registry import BUILDERS, registered_names
from kzoo.data.example_checks import ExampleChecks, count_readable
from kzoo.data.sizing import Sizing
from kzoo.data.source import (
    Source,
    check_classes,
    check_image_size,
    digest,
    map_in_batches,
    take_chosen,
)
from kzoo.terminal import quiet

UNLABELED = {"imagenet2012": ("test",)}  # splits whose labels are all -1
CONNECT_TIMEOUT = 3.0  # seconds; TFDS itself would retry for minutes


def tfds_source(name: str, sizing: Sizing = Sizing(), prepare: bool = True, builder: Any = None) -> Source:
    """Returns the `Source` of a dataset by its TFDS name, such as "mnist1d", "mnist" or "camvid/120x160".

    Arguments: sizing, with an image_size for images that differ in size, and a length for series and clips that differ
    in length; prepare, whether to generate or download missing files: without it only the dataset's metadata are read;
    builder, that of the dataset if TFDS does not know its name.
    The digest covers the dataset's name and version and the names and sizes of its files, not their content.
    Raises Refusal if the name is unknown, if the files are missing and cannot be downloaded, or if the dataset has no
    pair of numeric inputs and integer labels.
    """
    builder = builder or _find_builder(name)
    x_key, y_key = _supervised_keys(builder, name)
    x, y = builder.info.features[x_key], builder.info.features[y_key]
    shape, image_size = _shape_with_length(x.shape, sizing.length, sizing.parts), sizing.image_size
    check_image_size(image_size, shape)
    known = image_size or None not in (*shape[-3:], *y.shape)
    require(known, "load", f"image_size=(height, width) for {name!r}, whose images differ in size", input_shape=x.shape)
    resized = (*shape[:-3], *image_size, shape[-1]) if image_size else tuple(shape)
    require(None not in resized, "load", f"length for {name!r}, whose examples differ in length", input_shape=x.shape)
    if prepare:
        builder = _prepare(builder, name)

    class_names, unlabeled = getattr(y, "names", None), UNLABELED.get(builder.name, ())
    counts = {split: info.num_examples for split, info in builder.info.splits.items() if split not in unlabeled}
    split_sizes = {split: count for split, count in counts.items() if count > 0}
    classes = getattr(y, "num_classes", None)
    check_classes(classes, sum(split_sizes.values()), f"{name!r}")
    shards = {split: _shards(builder, split) if prepare else [] for split in split_sizes}
    supervised = builder.info.supervised_keys is not None

    def sized(*example):
        return sizing.prepare(*(example if supervised else (example[0][x_key], example[0][y_key])))

    def read_part(part, **options):
        import tensorflow_datasets as tfds

        uncached = tfds.ReadConfig(try_autocache=False)  # `Examples` caches
        return builder.as_dataset(split=part, read_config=uncached, **options)

    def labels(split):
        import tensorflow_datasets as tfds

        decoders = tfds.decode.PartialDecoding({y_key: True})
        return np.array([example[y_key] for example in tfds.as_numpy(read_part(split, decoders=decoders))])

    def read(split, chosen):
        if isinstance(chosen, slice):
            start, stop, _ = chosen.indices(split_sizes[split])
            dataset, size = read_part(f"{split}[{start}:{stop}]", as_supervised=supervised), stop - start
        else:
            dataset = take_chosen(read_part(split, as_supervised=supervised), chosen, split_sizes[split])
            size = len(chosen)
        checks = ExampleChecks(
            f"the {split} split of {name!r}",
            classes if y.shape == () else None,
            functools.partial(_find_damage, builder, shards[split]),
        )
        one_by_one = sizing.length is not None
        dataset = dataset.map(sized, tf.data.AUTOTUNE) if one_by_one else map_in_batches(dataset, sized)
        return sizing.examples(dataset, size, checks=checks)

    return Source(
        name=name,
        input_shape=resized,
        dtype=tf.as_dtype(x.dtype).name,
        label_shape=(*image_size, y.shape[-1]) if image_size and len(y.shape) == 3 else tuple(y.shape),
        classes=classes,
        class_names=tuple(class_names) if class_names else None,
        split_sizes=split_sizes,
        read=read,
        labels=labels,
        content=_digest(builder, shards) if prepare else None,
    )


def _shards(builder, split):
    """Returns [(file, number of its records, bytes)] of a split. Raises Refusal if a file is missing or empty."""
    info = builder.info.splits[split]
    return [(str(path), length, _size(str(path))) for path, length in zip(info.filepaths, info.shard_lengths) if length]


def _size(path):
    try:
        size = tf.io.gfile.stat(path).length
    except tf.errors.NotFoundError:
        size = None
    if not size:
        problem = "missing" if size is None else "empty"
        raise Refusal(f"load expects files that can be read; {path} is {problem}.")
    return size


def _find_damage(builder, shards):
    """Returns a phrase on the first file of a split with unreadable records or another number of them, or None."""
    import tensorflow_datasets as tfds

    adapter = tfds.core.file_adapters.ADAPTER_FOR_FORMAT[builder.info.file_format]
    for path, length, _ in shards:
        records = adapter.make_tf_data(path).map(builder.info.features.deserialize_example)
        count, whole = count_readable(records)
        if not whole:
            return f"{path} is damaged at record {count}"
        if count != length:
            return f"{path} is damaged: it has {count} records instead of {length}"
    return None


def _digest(builder, shards):
    files = [(os.path.basename(path), size) for of_split in shards.values() for path, _, size in of_split]
    return digest([builder.info.full_name, sorted(files)])


def _shape_with_length(shape, length, parts):
    """Returns the shape of a series or clip of `length` steps or frames, or of as many in each of its `parts`."""
    if length is None:
        require(parts is None, "load", "length where parts is given", parts=parts)
        return tuple(shape)
    require(is_integer(length, 1), "load", "length, an integer above 0", length=length)
    require(parts is None or is_integer(parts, 1), "load", "parts, an integer above 0, or None", parts=parts)
    require(len(shape) in (1, 2, 4), "load", "series or clips where length is given", input_shape=shape)
    return (length * (parts or 1), *(shape[1:] or (1,)))


def _find_builder(name):
    """Returns the TFDS builder of `name`, prepared or not."""
    from kzoo.data.builders.cache import cache_dir

    # From NAME/KEY=VALUE TFDS would take arguments of the builder.
    plain = isinstance(name, str) and name.isprintable() and "=" not in name
    require(plain, "load", "the name of a dataset", name=name)
    with quiet():
        import tensorflow_datasets as tfds
    imported = hasattr(tfds, "core")  # TFDS only logs why it cannot be imported
    expected = (
        "TensorFlow Datasets that can be imported; with TensorFlow before 2.20: pip install 'tensorflow-metadata<1.18'"
    )
    require(imported, "load", expected, tensorflow=tf.__version__)

    for file in map(str, _metadata_files(name)):  # TFDS would open a pipe and wait
        require(os.path.isfile(file) or not os.path.exists(file), "load", "metadata in regular files", file=file)
    try:
        if _is_kzoo_dataset(name):
            with quiet():
                return _builder_class(name)(data_dir=str(cache_dir()))
        # A namespace (huggingface:...) would first of all connect to the network.
        local = tfds.core.naming.parse_builder_name_kwargs(name)[0].namespace is None
        require(local, "load", "a dataset without a namespace", name=name)
        with quiet():
            return tfds.builder(name, data_dir=_tfds_folder())
    except tfds.core.DatasetNotFoundError as error:
        known = {*BUILDERS, *registered_names(), *_prepared_datasets()}
        known |= {*tfds.list_builders(with_community_datasets=False)}
        raise Refusal(f"load expects a known dataset; received name={name!r}; {nearest(name, known)}") from error
    except Refusal:
        raise
    except Exception as error:  # TFDS raises any kind, also for damaged files
        _check_metadata(name)
        reason = str(error).partition("\n")[0].rpartition('": ')[2].partition(". ")[0].rstrip(".")
        raise Refusal(f"load expects a known dataset; received name={name!r}: {reason}.") from error


def _metadata_files(name):
    """Returns the paths of the metadata of a prepared dataset, of all its versions: dataset_info.json and others."""
    from kzoo.data.builders.cache import cache_dir

    root, dataset = cache_dir() if _is_kzoo_dataset(name) else _tfds_root(), re.match(r"\w*", name)[0]
    folders = ("*", "*/*") if dataset else ()
    return sorted(file for versions in folders for file in (root / dataset).glob(f"{versions}/*.json"))


def _check_metadata(name):
    """Raises Refusal if the metadata of a prepared dataset are damaged: dataset_info.json or features.json."""
    import tensorflow_datasets as tfds

    for file in (file for file in _metadata_files(name) if file.name == "dataset_info.json"):
        try:
            tfds.builder_from_directory(file.parent)
        except Exception as error:  # a damaged file can raise any exception
            reason = " ".join(str(error).split())[:200]
            damage = f"{file.parent} is damaged ({reason})"
            raise Refusal(f"load expects a dataset that can be read; {damage}. Delete or replace it.") from error


def _prepare(builder, name):
    """Returns the builder after its files were generated or downloaded if they were missing."""
    from kzoo.data.builders.cache import prepared_builder

    if _is_kzoo_dataset(name):
        return prepared_builder(_builder_class(name))
    if not builder.is_prepared():
        _download(builder, name)
    return builder


def _is_kzoo_dataset(name):
    return name.partition("/")[0] in BUILDERS


def _builder_class(name):
    """Returns the builder class of a kzoo dataset, "DATASET" or "DATASET/CONFIG"."""
    dataset, _, config = name.partition("/")
    builder_class = getattr(importlib.import_module(f"kzoo.data.builders.{dataset}"), BUILDERS[dataset])
    return functools.partial(builder_class, config=config) if config else builder_class


def _tfds_folder():
    """Returns TFDS_DATA_DIR as it is set now; None for TFDS's default."""
    return os.environ.get("TFDS_DATA_DIR") or None


def _tfds_root():
    """Returns the folder in which TFDS looks for datasets."""
    import tensorflow_datasets as tfds

    return tfds.core.Path(_tfds_folder() or tfds.core.constants.DATA_DIR).expanduser()


def _download(builder, name):
    """Downloads and prepares a dataset. Raises Refusal at once if it must be done by hand or a host is unreachable."""
    import tensorflow_datasets as tfds

    remedy = (
        f"Prepare it on a machine with network (`tfds build {name}`), copy the folder here and set TFDS_DATA_DIR to it"
    )
    missing = f"load expects a dataset that is prepared or can be downloaded; {name!r} is not in {builder.data_dir}"
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        raise Refusal(f"{missing} and its files must be downloaded by hand. {remedy}.")
    hosts = sorted({urllib.parse.urlsplit(url).netloc for url in builder.url_infos or ()})
    unreachable = _unreachable(hosts)
    if unreachable:
        raise Refusal(f"{missing} and {', '.join(unreachable)} did not respond. {remedy}.")
    try:
        config = tfds.download.DownloadConfig(try_download_gcs=False)
        builder.download_and_prepare(download_config=config)
    except Exception as error:  # a download can fail in any way
        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise Refusal(f"{missing} and the download failed ({reason}). {remedy}.") from error


def _unreachable(hosts, timeout=CONNECT_TIMEOUT):
    """Returns those of `hosts` that accept no connection in time; none if there is a proxy, which accepts any."""
    if urllib.request.getproxies():
        return []
    reachable = set()

    def connect(host):
        name, _, port = host.partition(":")
        try:
            socket.create_connection((name, int(port or 443)), timeout).close()
            reachable.add(host)
        except OSError:
            pass

    # Daemon threads, because a name lookup has no timeout.
    threads = [threading.Thread(target=connect, args=(host,), daemon=True) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
    return [host for host in hosts if host not in reachable]


def _supervised_keys(builder, name):
    """Returns the names of the input and the label. Raises Refusal unless inputs are numeric and labels integers."""
    keys, features = builder.info.supervised_keys, builder.info.features
    if keys is None and len(features) == 2 and "label" in features:  # as in ucf101
        keys = (*({*features} - {"label"}), "label")
    pair = isinstance(keys, tuple) and len(keys) == 2 and all(isinstance(key, str) for key in keys)
    expected = f"a dataset of (input, label) pairs; {name!r} has none"
    require(pair, "load", expected, supervised_keys=keys, features=sorted(features))
    kinds = [getattr(features[key], "dtype", None) for key in keys]  # of a nested feature: a dict or None
    x, y = (tf.string if kind is None or isinstance(kind, dict) else tf.as_dtype(kind) for kind in kinds)
    ok = (x.is_floating or x.is_integer) and y.is_integer
    require(ok, "load", expected, **dict(zip(keys, (x.name, y.name))))
    return keys


def _prepared_datasets():
    """Returns the names of the folders in TFDS's folder, which may hold datasets without a builder."""
    root = _tfds_root()
    return [entry.name for entry in root.iterdir() if entry.is_dir()] if root.is_dir() else []
