"""`kzoo predict`: predicts files by a run or an export and writes the records, outputs and label maps."""

import contextlib
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from kzoo.checks import Refusal, require
from kzoo.export.label_maps import MapWriter
from kzoo.export.predict import Prediction, predict
from kzoo.export.record_writers import Target, open_writer
from kzoo.export.records import columns_of, record_of
from kzoo.files import atomic_replace
from kzoo.terminal import Progress, say
from kzoo.training.model_lookup import open_predictor
from kzoo.types import PathLike


def predict_files(
    name: PathLike,
    files: Sequence[Path],
    target: Target,
    top: int = 3,
    maps: PathLike | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Predicts files by a run or an export, writes what `target` says, and returns the files that failed.

    Each failure is reported on stderr, and the other files are predicted.
    Arguments: name, of a run or an export; files, as `kzoo.data.file_arguments.list_files` returns them; top, the
    number of classes in a record; maps, the folder for the label maps of a model with a class for each pixel;
    overwrite, whether maps are replaced.
    Raises Refusal if no file can be predicted.
    """
    writer = MapWriter(Path(maps), list(files), overwrite) if maps is not None else None
    predictor, failures, outputs = open_predictor(name), [], []

    def failed(file: Path, reason: str) -> None:
        failures.append(file)
        say(f"kzoo: {reason}")

    rows_appear = target.streams and sys.stdout.isatty()  # on a terminal they are progress enough
    progress = Progress("files are predicted", len(files))
    with contextlib.nullcontext() if rows_appear else progress.bar():
        counted = files if rows_appear else progress.over(files)
        found = predict(predictor, counted, failed if len(files) > 1 else None)
        found = _at_least_one(found, len(files))
        with open_writer(target) as records:
            for prediction in found:
                if writer is not None:
                    _write_map(writer, prediction, predictor.tasks)
                columns = columns_of(prediction, top, predictor.tasks)
                records.write(record_of(prediction, predictor.labels, top, predictor.tasks), columns)
                if target.outputs is not None:
                    outputs.append(prediction.output)
    if target.outputs is not None:
        _save(target.outputs, outputs)
    if failures:
        say(f"kzoo: predict: {len(failures)} of {len(files)} files could not be predicted.")
    return failures


def _at_least_one(predictions: Iterator[Prediction], files: int) -> Iterator[Prediction]:
    """Returns the predictions. Raises Refusal, before anything is written, if there is none."""
    first = next(predictions, None)
    if first is None:
        raise Refusal(f"predict: none of {files} files could be predicted.")
    return itertools.chain([first], predictions)


def _write_map(writer, prediction, tasks):
    """Writes the label map or the image that is predicted. Raises Refusal for other outputs."""
    require(len(tasks) < 2, "predict --maps", "a model of one output", outputs=[task.name for task in tasks])
    shape = prediction.output.shape
    if tasks and tasks[0].kind == "image":
        require(len(shape) == 3, "predict --maps", "a model of images", outputs=shape)
        writer.write_image(prediction.file, prediction.index, prediction.output)
        return
    maps = prediction.output.ndim == 2
    require(maps, "predict --maps", "a model with a class for each pixel", outputs=(*shape, prediction.classes))
    writer.write(prediction.file, prediction.index, prediction.output, prediction.classes)


def _save(file: Path, outputs: list[np.ndarray]) -> None:
    """Writes all outputs to an .npy file. Raises Refusal for label maps of several sizes and for several outputs."""
    one = not isinstance(outputs[0], tuple)
    require(one, "predict --out", "--format json for a model of several outputs, not .npy", out=str(file))
    shapes = {output.shape for output in outputs}
    require(len(shapes) == 1, "predict --out", "label maps of one size (--maps writes any)", shapes=sorted(shapes))
    with atomic_replace(file, "predict") as partial:
        np.save(partial, np.stack(outputs))
