"""The metrics that a task has where a config names none.

Sources: van Rijsbergen 1979, "Information retrieval", for F1; Fawcett 2006, "An introduction to ROC analysis", for AUC.
"""

from typing import Any

import keras

from kzoo.metrics.r2_score import R2Score
from kzoo.task import THRESHOLD, Task

MANY_CLASSES = 10  # beyond which the label need only be among the five most probable classes, as a second metric


def default_metrics(task: Task, outputs: int, ignored: int | None = None) -> list[Any]:
    """Returns new metrics of an output of so many channels, besides the accuracy of classes.

    classification: top_5_accuracy of more than ten classes; segmentation: mean_iou; multilabel: f1_macro, f1_micro and
    auc, the mean over the labels; regression: mae and r2, the mean over the numbers; image: mae.
    ignored: the label of pixels without a class.

    >>> [metric.name for metric in default_metrics(Task("multilabel", (3,), 3), 3)]
    ['f1_macro', 'f1_micro', 'auc']
    """
    if task.kind == "classification":
        top = keras.metrics.SparseTopKCategoricalAccuracy(5, name="top_5_accuracy")
        return [top] if outputs > MANY_CLASSES else []
    if task.kind == "segmentation":
        classes = {"num_classes": outputs, "ignore_class": ignored, "sparse_y_pred": False}
        return [keras.metrics.MeanIoU(**classes, name="mean_iou")] if outputs > 1 else []
    if task.kind == "multilabel":
        f1 = [keras.metrics.F1Score(how, THRESHOLD, name=f"f1_{how}") for how in ("macro", "micro")]
        return [*f1, keras.metrics.AUC(multi_label=True, num_labels=outputs, name="auc")]
    mae = keras.metrics.MeanAbsoluteError(name="mae")
    return [mae, R2Score()] if task.kind == "regression" else [mae]
