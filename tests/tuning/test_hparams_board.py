"""Sessions of trials, as TensorBoard's HParams dashboard reads them."""

import json

import tensorflow as tf
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.hparams import plugin_data_pb2

from kzoo.tuning.hparams_board import write_session

VALUES = {"training.epochs": 3, "rate": 0.25, "model.units": [6, 8], "model.layer": "conv", "on": True}
RESULT = {"trial": 7, "values": VALUES, "epochs": 3, "objective": 0.75}


def read(folder):
    """Returns the hyperparameters, the name of the session, and {tag: (step, value)} of the scalars."""
    (file,) = folder.glob("*tfevents*")
    values, name, scalars = {}, None, {}
    for event in EventFileLoader(str(file)).Load():
        for each in event.summary.value:
            if each.metadata.plugin_data.plugin_name == "hparams":
                data = plugin_data_pb2.HParamsPluginData.FromString(each.metadata.plugin_data.content)
                name = data.session_start_info.group_name
                for key, value in data.session_start_info.hparams.items():
                    values[key] = getattr(value, value.WhichOneof("kind"))
            else:
                scalars[each.tag] = event.step, float(tf.make_ndarray(each.tensor))
    return values, name, scalars


def test_session(tmp_path):
    folder = tmp_path / "0007"
    folder.mkdir()
    for _ in range(2):  # the second replaces the first
        write_session(folder, RESULT, "val_accuracy")
    values, name, scalars = read(folder)
    assert values == {**VALUES, "model.units": json.dumps([6, 8])} and name == "0007"
    assert scalars == {"val_accuracy": (3, 0.75)}


def test_a_failed_trial_has_no_objective(tmp_path):
    write_session(tmp_path, {**RESULT, "objective": None, "epochs": None}, "val_accuracy")
    values, _, scalars = read(tmp_path)
    assert values["rate"] == 0.25 and scalars == {}
