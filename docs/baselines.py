"""Logistic regression on the pixels of a data set: what a net has to beat. Writes results/baselines.json.

Usage: TFDS_DATA_DIR=DIR python -m docs.baselines [DATA ...]    (default: the data of every recorded small run)

Source: none; scikit-learn's LogisticRegression on standardised pixels.
"""

import json
import sys
import time
import warnings
from pathlib import Path

from rich.progress import track

from kzoo.data.loader import load

FILE = Path(__file__).resolve().parents[1] / "results" / "baselines" / "logistic_regression.json"


def baseline(name):
    """The better test error of two strengths of regularisation, and what it cost, for one data set."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data, began = load(name), time.perf_counter()
    (x, y), (x_test, y_test) = ((a.reshape(len(a), -1), b) for a, b in (data.train.numpy(), data.test.numpy()))
    errors = {}
    for strength in (1.0, 0.01):  # scikit-learn's own, and one for pixels that are many and noisy
        regression = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=100))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # more steps fit the training examples, not the test
            regression.fit(x.astype("float32"), y)
        errors[strength] = 1 - regression.score(x_test.astype("float32"), y_test)
    best = min(errors, key=errors.get)
    seconds = round(time.perf_counter() - began, 1)
    return {"error": round(float(errors[best]), 6), "C": best, "train": len(x), "seconds": seconds}


def main(names):
    """Measure those named and keep what is known of the others."""
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    if not names:
        runs = (json.loads(file.read_text())["data"] for file in FILE.parents[1].glob("small_*.json"))
        names = sorted({*runs} - {*known} - {"camvid/120x160"})
    for name in track(names, "regressions"):
        known[name] = baseline(name)
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
        print(name, known[name])


if __name__ == "__main__":
    main(sys.argv[1:])
