import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.data.mock_data import mock
from kzoo.export.inference_model import inference_model
from kzoo.training.model_batches import map_inputs_and_targets, training_batches
from kzoo.training.model_building import build_model
from tests.training.small import TWO, config, two_headed


def test_two_inputs_and_two_outputs():
    chosen, model = config(*TWO), two_headed()
    stream = tf.data.Dataset.from_tensors((tf.constant([[2.0, 4.0, 6.0, 8.0]]), tf.constant([1])))
    inputs, targets = next(iter(map_inputs_and_targets(chosen, model, stream)))
    assert [t.numpy().tolist() for t in inputs] == [[[2, 4, 6, 8]], [1]]
    assert [t.numpy().tolist() for t in targets] == [
        [1],
        [[1, 2, 3, 4]],
    ]  # the target of a reconstruction is preprocessed
    assert (
        map_inputs_and_targets(config(), model, stream) is not stream
        and map_inputs_and_targets(config(), inference_model(model), stream) is stream
    )


CROPS = {  # augmentation, and what it makes of 8 x 8 pixels before they are resized
    "kzoo>RandomResizedCrop": {"height": 7, "width": 5},
    "kzoo>ScaleJitter": {"short_side": [8, 12], "height": 7, "width": 7},
    "kzoo>PadAndCrop": {"padding": 2, "height": 7, "width": 7},
}


@pytest.mark.parametrize("name", CROPS)
def test_crops_and_training_sizes(name):
    """Crops are taken first and then resized to each size, smaller or larger. In the model they would fix its size."""
    crop = {"class_name": name, "config": CROPS[name]}
    sets = ["data={name: digits, batch_size: 4, training_sizes: [[6, 6], [9, 8]]}", "model={name: nin_cifar}"]
    chosen = config(*sets, f"data.augment={[crop]}")
    batches = training_batches(chosen, None, mock((8, 8, 1), 10, size=8).train, seed=0, steps=1)
    assert [x.shape for x, y in batches.take(3)] == [(4, 6, 6, 1), (4, 9, 8, 1), (4, 6, 6, 1)]
    with pytest.raises(Refusal) as caught:
        build_model(config(*sets, f"data.preprocess={[crop]}"), (8, 8, 1), 10)
    height, width = CROPS[name]["height"], CROPS[name]["width"]
    assert str(caught.value) == (
        "data.training_sizes expects layers of data.preprocess that keep sizes open (crop or resize in data.augment); "
        f"received preprocessed_to=({height}, {width})."
    )
