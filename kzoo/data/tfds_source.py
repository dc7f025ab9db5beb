"""Data sets by name: kzoo's own, then whatever TensorFlow Datasets knows or finds prepared in TFDS_DATA_DIR.

Source: none.
"""

import functools
import importlib
import os
import socket
import threading
import urllib.parse
import urllib.request

import tensorflow as tf

from kzoo.checks import Refusal, is_integer, nearest, require
from kzoo.data.examples import Examples
from kzoo.data.source import Source, check_image_size, cut, tidy

OWN = {  # the builder's class, in the file of the set's name
    "digits": "Digits",
    "mnist1d": "Mnist1d",
    "moving_digits": "MovingDigits",
    "tones": "Tones",
}
UNLABELLED = {"imagenet2012": ("test",)}  # splits whose every label is -1
PATIENCE = 3.0  # seconds for a host to answer, where TFDS would retry for minutes


def named(name, image_size=None, length=None, prepare=True):
    """The Source of a set by its TFDS name, such as "mnist1d", "mnist" or "camvid/120x160".

    `prepare`: generate kzoo's own sets, and fetch others if their hosts answer; else only the facts are looked up.
    Shapes, units: as the set's own; images that differ in size need `image_size`, series and clips that differ in
    length need `length`, of which the middle is taken, or zeros are added to its end.
    Errors: Refusal if the name is unknown, the set is neither prepared nor within reach, or it has no pair of numeric
    input and whole-number label.
    """
    builder = _find(name)
    x_key, y_key = _keys(builder, name)
    x, y = builder.info.features[x_key], builder.info.features[y_key]
    shape = _cut_shape(x.shape, length)
    check_image_size(image_size, shape)
    known = image_size or None not in (*shape[-3:], *y.shape)
    require(known, "load", f"image_size=(height, width) for {name!r}, whose images differ in size", input_shape=x.shape)
    resized = (*shape[:-3], *image_size, shape[-1]) if image_size else tuple(shape)
    require(None not in resized, "load", f"length for {name!r}, whose examples differ in it", input_shape=x.shape)
    if prepare:
        builder = _ready(builder, name)

    pairs = builder.info.supervised_keys is not None

    def one(*example):
        x, y = example if pairs else (example[0][x_key], example[0][y_key])
        return tidy(x if length is None else cut(x, length), y, image_size)

    def examples(split, start, stop):
        read = builder.as_dataset(
            split=f"{split}[{start}:{stop}]",
            as_supervised=pairs,
            read_config=_read_config(),
        )
        return Examples(read.map(one, tf.data.AUTOTUNE), stop - start)

    names, hidden = getattr(y, "names", None), UNLABELLED.get(builder.name, ())
    counts = {split: info.num_examples for split, info in builder.info.splits.items() if split not in hidden}
    return Source(
        name=name,
        input_shape=resized,
        dtype=tf.as_dtype(x.dtype).name,
        label_shape=(*image_size, y.shape[-1]) if image_size and len(y.shape) == 3 else tuple(y.shape),
        classes=getattr(y, "num_classes", None),
        class_names=tuple(names) if names else None,
        sizes={split: count for split, count in counts.items() if count},
        examples=examples,
    )


def _cut_shape(shape, length):
    """The shape of an example of `length`, refused unless that is a number and the example a series or a clip."""
    if length is None:
        return tuple(shape)
    require(is_integer(length, 1), "load", "length, an integer above 0", length=length)
    require(len(shape) in (1, 2, 4), "load", "series or clips to cut to a length", input_shape=shape)
    return (length, *(shape[1:] or (1,)))


def _find(name):
    """The builder of `name`, prepared or not."""
    from kzoo.data.builders.cache import cache_dir, quiet

    require(isinstance(name, str), "load", "the name of a data set", name=name)
    import tensorflow_datasets as tfds

    try:
        if _is_own(name):
            with quiet():
                return _own(name)(data_dir=str(cache_dir()))
        # A namespace (huggingface:...) would ask the network before anything else.
        local = tfds.core.naming.parse_builder_name_kwargs(name)[0].namespace is None
        require(local, "load", "a data set without a namespace", name=name)
        with quiet():
            return tfds.builder(name, data_dir=_folder())
    except tfds.core.DatasetNotFoundError as error:
        known = {*OWN, *tfds.list_builders(with_community_datasets=False), *_prepared_names()}
        raise Refusal(f"load expects a known data set; received name={name!r}; {nearest(name, known)}") from error
    except Refusal:
        raise
    except (ValueError, AssertionError, AttributeError) as error:
        why = str(error).partition("\n")[0].rpartition('": ')[2].partition(". ")[0].rstrip(".")
        raise Refusal(f"load expects a known data set; received name={name!r}: {why}.") from error


def _ready(builder, name):
    """The builder with its files in place, generated or fetched if they were not."""
    from kzoo.data.builders.cache import prepared

    if _is_own(name):
        return prepared(_own(name))
    if not builder.is_prepared():
        _fetch(builder, name)
    return builder


def _is_own(name):
    return name.partition("/")[0] in OWN


def _own(name):
    """What makes the builder of a set of kzoo's, "set" or "set/config"."""
    own, _, config = name.partition("/")
    builder_class = getattr(importlib.import_module(f"kzoo.data.builders.{own}"), OWN[own])
    return functools.partial(builder_class, config=config) if config else builder_class


def _folder():
    """TFDS's folder as the environment names it now; None leaves the choice to TFDS."""
    return os.environ.get("TFDS_DATA_DIR") or None


def _fetch(builder, name):
    """Download and prepare, unless it is plain that this cannot work."""
    import tensorflow_datasets as tfds

    remedy = (
        f"Prepare it on a machine with network (`tfds build {name}`), copy the folder here and name it in TFDS_DATA_DIR"
    )
    missing = f"load expects a prepared data set or a way to fetch it; {name!r} is not in {builder.data_dir}"
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        raise Refusal(f"{missing} and its files must be fetched by hand. {remedy}.")
    hosts = sorted({urllib.parse.urlsplit(url).netloc for url in builder.url_infos or ()})
    silent = _silent(hosts)
    if silent:
        raise Refusal(f"{missing} and {', '.join(silent)} gave no answer. {remedy}.")
    try:
        config = tfds.download.DownloadConfig(try_download_gcs=False)
        builder.download_and_prepare(download_config=config)
    except Exception as error:  # whatever a download can meet: one line for the user, the cause behind it
        why = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise Refusal(f"{missing} and fetching it failed ({why}). {remedy}.") from error


def _silent(hosts, patience=PATIENCE):
    """Those of `hosts` that take no connection in time; none if a proxy stands between, which would answer for them."""
    if urllib.request.getproxies():
        return []
    answered = set()

    def call(host):
        name, _, port = host.partition(":")
        try:
            socket.create_connection((name, int(port or 443)), patience).close()
            answered.add(host)
        except OSError:
            pass

    # Daemon threads, because looking a name up has no time limit of its own.
    calls = [threading.Thread(target=call, args=(host,), daemon=True) for host in hosts]
    for thread in calls:
        thread.start()
    for thread in calls:
        thread.join(patience)
    return [host for host in hosts if host not in answered]


def _keys(builder, name):
    """The names of input and label, refused unless the set is a pair of numbers and whole numbers."""
    keys, features = builder.info.supervised_keys, builder.info.features
    if keys is None and len(features) == 2 and "label" in features:  # as ucf101
        keys = (*({*features} - {"label"}), "label")
    pair = isinstance(keys, tuple) and len(keys) == 2 and all(isinstance(key, str) for key in keys)
    expected = f"a data set of (image, label) pairs; {name!r} is none"
    require(pair, "load", expected, supervised_keys=keys, features=sorted(features))
    kinds = [getattr(features[key], "dtype", None) for key in keys]  # of a nested feature a dict, or nothing
    x, y = (tf.string if kind is None or isinstance(kind, dict) else tf.as_dtype(kind) for kind in kinds)
    ok = (x.is_floating or x.is_integer) and y.is_integer
    require(ok, "load", expected, **dict(zip(keys, (x.name, y.name))))
    return keys


def _prepared_names():
    """What lies in TFDS's folder without code of its own."""
    import tensorflow_datasets as tfds

    root = tfds.core.Path(_folder() or tfds.core.constants.DATA_DIR).expanduser()
    return [entry.name for entry in root.iterdir() if entry.is_dir()] if root.is_dir() else []


def _read_config():
    import tensorflow_datasets as tfds

    return tfds.ReadConfig(try_autocache=False)  # `Examples` caches
