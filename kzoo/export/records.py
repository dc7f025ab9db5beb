"""Records of predictions, as programs read them: the most probable classes, or the classes of most pixels."""

from typing import Any

import numpy as np

from kzoo.export.label_maps import class_shares
from kzoo.export.predict import Prediction


def record_of(prediction: Prediction, labels: list[str] | None, top: int) -> dict[str, Any]:
    """Returns the record of a prediction, {file, index, top: [{class, label, score}, ...]}.

    Of a label map the record has shares: [{class, label, share}, ...] instead of top. index: None for an image.
    Arguments: labels, the names of the classes; top, how many classes, those with the largest scores or shares.
    """
    record: dict[str, Any] = {"file": str(prediction.file), "index": prediction.index}
    if prediction.output.ndim == 1:
        return {**record, "top": most_probable(prediction.output, labels, top)}
    return {**record, "shares": class_shares(prediction.output, labels, top)}


def most_probable(scores: np.ndarray, labels: list[str] | None, top: int) -> list[dict[str, Any]]:
    """Returns the `top` classes of one example; scores have as many digits as their dtype needs.

    >>> most_probable(np.float32([0.9, 0.1]), ["cat", "dog"], top=1)
    [{'class': 0, 'label': 'cat', 'score': 0.9}]
    """
    return [
        {"class": int(k), "label": labels[k] if labels else None, "score": float(str(scores[k]))}
        for k in np.argsort(-scores, kind="stable")[:top]
    ]
