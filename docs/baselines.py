"""Test errors of logistic regression on the pixels of datasets, written to results/baselines/logistic_regression.json.

Usage: TFDS_DATA_DIR=DIR python -m docs.baselines [DATASET ...]    (default: the datasets of every recorded small run)
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
    """Returns the test error on one dataset, the better one of two strengths of regularization, and its cost."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data, started = load(name), time.perf_counter()
    (x, y), (x_test, y_test) = ((a.reshape(len(a), -1), b) for a, b in (data.train.numpy(), data.test.numpy()))
    errors = {}
    for strength in (1.0, 0.01):  # scikit-learn's default, and one for many noisy pixels
        regression = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=100))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # more steps only overfit
            regression.fit(x.astype("float32"), y)
        errors[strength] = 1 - regression.score(x_test.astype("float32"), y_test)
    best = min(errors, key=errors.get)
    seconds = round(time.perf_counter() - started, 1)
    return {"error": round(float(errors[best]), 6), "C": best, "train": len(x), "seconds": seconds}


def main(names):
    """Measures the named datasets and keeps the recorded results of the others."""
    recorded = json.loads(FILE.read_text()) if FILE.exists() else {}
    if not names:
        runs = (json.loads(file.read_text())["data"] for file in FILE.parents[1].glob("small_*.json"))
        names = sorted({*runs} - {*recorded} - {"camvid/120x160"})
    for name in track(names, "regressions"):
        recorded[name] = baseline(name)
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(json.dumps(recorded, indent=2, sort_keys=True) + "\n")
        print(name, recorded[name])


if __name__ == "__main__":
    main(sys.argv[1:])
