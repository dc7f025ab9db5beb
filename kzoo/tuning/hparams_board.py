"""What TensorBoard's HParams dashboard shows of a search: a session with the values and the objective of each trial."""

import json

import tensorflow as tf

EVENTS = "events.out.tfevents*"  # TensorBoard's files


def write_session(folder, result, objective=None):
    """Writes the session of a trial into its folder, in place of an earlier one.

    folder: `trials/NNNN` of a search, whose TensorBoard then shows the trial as the session NNNN; result: the content
    of its result.json; objective: the name of what is optimized, of which a failed trial has no value.
    """
    from tensorboard.plugins.hparams import api

    for old in folder.glob(EVENTS):
        old.unlink()
    values = {
        path: value if isinstance(value, (bool, int, float, str)) else json.dumps(value)
        for path, value in result["values"].items()
    }
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        api.hparams(values, trial_id=folder.name)
        if result["objective"] is not None:
            tf.summary.scalar(objective, result["objective"], step=result["epochs"] or 0)
    writer.close()
