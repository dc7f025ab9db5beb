"""The files that Keras's callbacks write, restored when a run is resumed to what they were at its checkpoint."""

import glob
import os
import string
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keras.callbacks import CSVLogger, ModelCheckpoint, TensorBoard

from kzoo.checks import Refusal
from kzoo.files import copy_path
from kzoo.training.callback_paths import BOARD, is_own


class LostContent(Refusal):
    """A log file lacks what a checkpoint recorded, so the run cannot be resumed."""


class EpochBoard(TensorBoard):
    """A TensorBoard callback for results of epochs; in batches Keras's would write into a second one's files."""

    def on_train_batch_begin(self, batch, logs=None):
        pass

    def on_train_batch_end(self, batch, logs=None):
        pass


class CallbackFiles:
    """The files of the CSVLogger, ModelCheckpoint and TensorBoard callbacks of one training.

    `restore` is called before `fit`, `record` at each checkpoint, `close` after `fit`, even if it failed.
    Arguments: callbacks; folder, that of the training, in which nothing but the training writes.
    """

    def __init__(self, callbacks: Iterable[Any], folder: Path):
        self.callbacks, self.folder = list(callbacks), Path(os.path.abspath(folder))

    def restore(self, recorded: dict[str, int | None] | None) -> None:
        """Cuts log files back to their recorded sizes, and removes files that were not recorded.

        recorded: what `record` returned at the checkpoint; None for a new training, which starts without files.
        Raises LostContent if a log file is shorter than recorded, and Refusal if a new training would overwrite a file
        outside its folder.
        """
        found = self._find()
        for name, is_log in found.items():
            path, outside = self.folder / name, os.path.isabs(name)
            if recorded is None and outside:
                self._check_new(path)
            elif recorded is None or (name not in recorded and (is_log or not outside)):
                path.unlink()
        for name, size in (recorded or {}).items():
            if size is not None:
                if not found.get(name) or (self.folder / name).stat().st_size < size:
                    raise LostContent(
                        f"{self.folder / name} has lost content since the run's checkpoint: restore it, or "
                        "discard the run with --overwrite."
                    )
                os.truncate(self.folder / name, size)
        for callback in self._of(TensorBoard):
            callback.write_graph = callback.write_graph and recorded is None  # the model's graph is there already
        for callback in self._of(CSVLogger):
            callback.append = True
            Path(callback.filename).parent.mkdir(parents=True, exist_ok=True)

    def record(self) -> dict[str, int | None]:
        """Has log files written to disk, and returns their sizes, and None for the others, by path.

        Keras's callbacks have flushed them at an epoch's end.
        """
        return {name: _synced_size(self.folder / name) if is_log else None for name, is_log in self._find().items()}

    def close(self) -> None:
        """Closes the files, which Keras leaves open after an exception."""
        for callback in self._of(TensorBoard):
            callback._close_writers()
        for callback in self._of(CSVLogger):
            if callback.csv_file is not None:
                callback.csv_file.close()

    def _of(self, kind):
        return [callback for callback in self.callbacks if isinstance(callback, kind)]

    def _find(self):
        """Returns {path: whether it is a log, which callbacks append to}; paths in the folder are relative to it."""
        files = {}
        for callback in self._of(ModelCheckpoint):
            parts = string.Formatter().parse(callback.filepath)
            pattern = "".join(glob.escape(text) + "*" * (field is not None) for text, field, *_ in parts)
            files |= dict.fromkeys(map(self._name, glob.glob(pattern)), False)
        files |= {self._name(callback.filename): True for callback in self._of(CSVLogger)}
        for callback in self._of(TensorBoard):
            for split in ("train", "validation"):
                found = glob.glob("*", root_dir=Path(callback.log_dir, split))
                paths = [os.path.join(callback.log_dir, split, name) for name in found]
                files |= {self._name(path): "tfevents" in os.path.basename(path) for path in paths}
        return {name: is_log for name, is_log in files.items() if (self.folder / name).is_file()}

    def _name(self, path):
        path = Path(os.path.abspath(path))
        return str(path.relative_to(self.folder) if path.is_relative_to(self.folder) else path)

    def _check_new(self, path):
        continued = any(logger.append and self._name(logger.filename) == str(path) for logger in self._of(CSVLogger))
        if path.stat().st_size > 0 and not continued:
            raise Refusal(f"{path} exists and is not of this run: move it, or name another file in training.callbacks.")


def _synced_size(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size


def callback_paths(folder: Path) -> list[str]:
    """Returns the names in a training's folder that kzoo does not write itself, and that of its event files."""
    return sorted(path.name for path in folder.iterdir() if path.name == BOARD or not is_own(path.name))


def copy_files(old: Path, new: Path) -> None:
    """Copies the files of callbacks from one training's folder to that of another, which continues it."""
    for name in callback_paths(old):
        copy_path(old / name, new / name)
