import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.data.examples import Examples


def numbered(size=23, streams=False, shape=(3,)):
    """Returns examples of which number i has i everywhere in x and as its label."""
    y = np.arange(size)
    x = np.broadcast_to(y.reshape(-1, *(1,) * len(shape)), (size, *shape)).astype("float32")
    if not streams:
        return Examples.from_arrays(x, y)
    return Examples(tf.data.Dataset.from_tensor_slices((x, y)), size, memory=0)


def labels(batches, count):
    return np.array([y for _, y in batches.take(count).as_numpy_iterator()])


@pytest.fixture(params=[False, True], ids=["memory", "stream"])
def examples(request):
    return numbered(streams=request.param)


def test_attributes(examples):
    assert (examples.size, examples.input_shape, examples.label_shape, examples.dtype) == (23, (3,), (), "float32")


def test_an_epoch_has_each_example_at_most_once_in_a_new_order(examples):
    epochs = labels(examples.batches(5, seed=3), 8).reshape(2, 20)  # 23 // 5 batches an epoch
    assert all(len(set(epoch)) == 20 for epoch in epochs)
    assert not np.array_equal(*epochs)
    assert any(sorted(epoch) != list(epoch) for epoch in epochs)


def test_an_epoch_that_divides_has_each_example_exactly_once(examples):
    epochs = labels(examples.batches(1, seed=0), 69).reshape(3, 23)
    assert all(sorted(epoch) == list(range(23)) for epoch in epochs)


def test_the_examples_left_out_change(examples):
    epochs = labels(examples.batches(20), 30)
    assert len({frozenset(set(range(23)) - set(epoch)) for epoch in epochs}) > 1


def test_inputs_stay_with_their_labels(examples):
    for x, y in examples.batches(4).take(12).as_numpy_iterator():
        np.testing.assert_array_equal(x, np.repeat(y[:, None], 3, axis=1))


@pytest.mark.parametrize("start", [1, 4, 5, 11])
def test_start_is_skip(examples, start):
    whole = labels(examples.batches(5, seed=2), start + 9)
    np.testing.assert_array_equal(labels(examples.batches(5, seed=2, start=start), 9), whole[start:])


def test_only_the_seed_decides(examples):
    keras.utils.set_random_seed(98)
    one = labels(examples.batches(5, seed=1), 8)
    keras.utils.set_random_seed(99)  # the global seed has no effect
    np.testing.assert_array_equal(labels(examples.batches(5, seed=1), 8), one)
    assert not np.array_equal(labels(examples.batches(5, seed=2), 8), one)


def test_seeds_are_not_epochs(examples):
    """Epoch 1 of seed 0 has another order than epoch 0 of seed 1: the two numbers are not added."""
    one, other = labels(examples.batches(23, seed=0), 2), labels(examples.batches(23, seed=1), 2)
    assert not np.array_equal(one[1], other[0])


def test_memory_and_stream_differ_only_in_order():
    one, other = (numbered(streams=streams) for streams in (False, True))
    for a, b in zip(one.numpy(), other.numpy()):
        np.testing.assert_array_equal(a, b)


def test_batches_have_static_shapes_and_are_endless(examples):
    batches = examples.batches(5)
    assert [spec.shape.as_list() for spec in batches.element_spec] == [[5, 3], [5]]
    assert batches.cardinality() == tf.data.INFINITE_CARDINALITY
    assert batches.batch(4, drop_remainder=True).element_spec[0].shape == (4, 5, 3)


def test_the_chunk_size_changes_nothing(monkeypatch):
    expected = labels(numbered().batches(5), 9)
    monkeypatch.setattr("kzoo.data.examples.CHUNK", 1)
    np.testing.assert_array_equal(labels(numbered().batches(5), 9), expected)


def test_a_small_buffer_still_covers_the_epoch(monkeypatch):
    monkeypatch.setattr("kzoo.data.examples.BUFFER", 100)
    assert sorted(labels(numbered(streams=True).batches(1), 23).ravel()) == list(range(23))


def test_the_end_of_a_pass_does_not_wait_for_the_autotuner(examples):
    for dataset in (examples.batches(4, seed=0), examples.once(4), examples.batches(4).map(lambda x, y: x).batch(2)):
        assert dataset.options().autotune.enabled is False


def test_once_is_in_order_with_a_smaller_last_batch(examples):
    passed = examples.once(10)
    assert passed.cardinality() == 3
    batches = [y.tolist() for _, y in passed.as_numpy_iterator()]
    assert batches == [list(range(10)), list(range(10, 20)), [20, 21, 22]]
    assert len(list(passed)) == 3  # a second pass


def test_numpy_returns_all_examples(examples):
    x, y = examples.numpy()
    np.testing.assert_array_equal(y, np.arange(23))
    assert x.shape == (23, 3)


def test_small_splits_are_read_once():
    reads = []

    def generate():
        reads.append(1)
        yield from ((np.float32(i), np.int32(i)) for i in range(6))

    specs = tf.TensorSpec((), tf.float32), tf.TensorSpec((), tf.int32)
    examples = Examples(tf.data.Dataset.from_generator(generate, output_signature=specs), 6)
    assert not reads
    for _ in range(2):
        list(examples.once(2)), list(examples.batches(2).take(7)), examples.numpy()
    assert reads == [1]


def test_integers_keep_their_dtype():
    images = Examples.from_arrays(np.zeros((4, 2, 2, 1), "uint8"), np.arange(4, dtype="int32"))
    assert next(iter(images.batches(2)))[0].dtype == tf.uint8
    assert next(iter(images.once(2)))[0].dtype == tf.uint8


def augmented(count, streams=False, start=0, seed=0, layers=None):
    layers = layers or [keras.layers.RandomTranslation(0.3, 0.3), keras.layers.RandomFlip()]
    x = np.random.default_rng(0).random((23, 6, 6, 1)).astype("float32")
    examples = Examples.from_arrays(x, np.arange(23))
    if streams:
        examples = Examples(tf.data.Dataset.from_tensor_slices((x, np.arange(23))), 23, memory=0)
    batches = examples.batches(5, seed=seed, start=start, augment=layers)
    return list(batches.take(count).as_numpy_iterator())


@pytest.mark.parametrize("streams", [False, True])
def test_start_is_skip_with_augmentation_too(streams):
    whole, late = augmented(9, streams), augmented(3, streams, start=6)
    for (x, y), (late_x, late_y) in zip(whole[6:], late):
        np.testing.assert_array_equal(x, late_x)
        np.testing.assert_array_equal(y, late_y)


def test_augmentation_changes_images_and_not_labels():
    plain = Examples.from_arrays(np.zeros((23, 6, 6, 1), "float32"), np.arange(23)).batches(5)
    batches = augmented(8)
    np.testing.assert_array_equal([y for _, y in batches], labels(plain, 8))
    original = np.random.default_rng(0).random((23, 6, 6, 1)).astype("float32")
    assert any(not np.array_equal(x, original[y]) for x, y in batches)


def test_augmentation_depends_on_the_seed():
    flip = keras.layers.RandomFlip()
    one, other = ({int(i): a for x, y in augmented(4, seed=s, layers=[flip]) for a, i in zip(x, y)} for s in (0, 1))
    assert any(not np.array_equal(one[i], other[i]) for i in set(one) & set(other))


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"batch_size": 24}, "batch_size of at most the 23 examples; received batch_size=24"),
        ({"batch_size": 0}, "Examples.batches expects batch_size, an integer above 0; received batch_size=0"),
        ({"batch_size": 2.5}, "batch_size, an integer above 0; received batch_size=2.5"),
        ({"batch_size": 5, "start": -1}, "start, an integer of at least 0; received start=-1"),
        ({"batch_size": 5, "seed": "a"}, "seed, an integer of at least 0; received seed='a'"),
        ({"batch_size": 5, "augment": ["flip"]}, "augment expects Keras layers, already built; received layer='flip'"),
    ],
)
def test_refusals(settings, words):
    with pytest.raises(Refusal, match=words):
        numbered().batches(**settings)


MOVES = [
    keras.layers.RandomFlip(),
    keras.layers.RandomCrop(4, 5),
    keras.layers.RandomTranslation(0.3, 0.3, interpolation="nearest"),
    keras.layers.RandomRotation(0.2, interpolation="nearest"),
    keras.layers.RandomZoom(0.3, interpolation="nearest"),
]


@pytest.mark.parametrize("channel", [(), (1,)])
@pytest.mark.parametrize("layer", MOVES, ids=lambda layer: type(layer).__name__)
def test_label_maps_move_with_their_images(layer, channel):
    y = np.random.default_rng(0).integers(0, 5, (8, 6, 7))
    maps = Examples.from_arrays(y[..., None].astype("float32"), y.reshape(*y.shape, *channel))
    data = maps.batches(4, augment=[layer, keras.layers.RandomBrightness(0.0)])
    moved = 0
    for (x, labels), (before, _) in zip(data.take(4), maps.batches(4)):
        assert labels.dtype == tf.int64 and labels.shape == (*x.shape[:3], *channel)
        np.testing.assert_array_equal(x[..., 0], np.reshape(labels, x.shape[:3]))
        moved += x.shape != before.shape or not np.array_equal(x, before)
    assert moved


@pytest.mark.parametrize(
    "shape, layer, words",
    [
        (
            (3,),
            keras.layers.RandomFlip(),
            r"one label .*or a label map .*; received label_shape=\(3,\), image=\(6, 7\)",
        ),
        ((5, 7), keras.layers.RandomFlip(), r"received label_shape=\(5, 7\)"),
        ((6, 7, 2), keras.layers.RandomFlip(), r"received label_shape=\(6, 7, 2\)"),
        (
            (6, 7),
            keras.layers.GaussianNoise(1.0),
            "move a label map with its image.* received layer='GaussianNoise'",
        ),
        (
            (6, 7),
            keras.layers.RandomRotation(0.1, fill_mode="constant"),
            "RandomRotation to fill label maps with labels, .*; received fill_mode='constant'",
        ),
        (
            (6, 7),
            keras.layers.RandomCrop(4, 9),
            r"RandomCrop not to enlarge label maps; received before=\(6, 7\), after=\(4, 9\)",
        ),
    ],
)
def test_refuses_augmentation_that_falsifies_label_maps(shape, layer, words):
    maps = Examples.from_arrays(np.zeros((4, 6, 7, 1), "float32"), np.zeros((4, *shape), int))
    with pytest.raises(Refusal, match=words):
        maps.batches(2, augment=[layer])


def test_refuses_lengths_that_differ_and_unknown_shapes():
    with pytest.raises(Refusal, match="as many labels as examples; received x=3, y=2"):
        Examples.from_arrays(np.zeros(3), np.zeros(2))
    with pytest.raises(Refusal, match="as many labels as examples; received x=0, y=0"):
        Examples.from_arrays(np.zeros(0), np.zeros(0))
    with pytest.raises(Refusal, match="examples of one known shape"):
        Examples(tf.data.Dataset.from_tensor_slices((np.zeros((4, 2)), np.zeros(4))).batch(2), 2)
    with pytest.raises(Refusal, match="once expects batch_size, an integer above 0; received batch_size=0"):
        numbered().once(0)


def test_refuses_a_source_with_fewer_examples_than_declared():
    short = Examples(tf.data.Dataset.from_tensor_slices((np.zeros((4, 2)), np.zeros(4))), 5)
    with pytest.raises(Refusal, match="5 examples, as its source declares; received counted=4"):
        short.numpy()
