"""The image files behind a dataset's examples: names, contents, labels and sizes, known before they are read."""

import dataclasses
from collections.abc import Mapping

import numpy as np


@dataclasses.dataclass(frozen=True)
class ImageFiles:
    """The files of the examples of each split, in the order of the examples.

    Shapes: names (N,), paths below the dataset's folder; digests (N,), of the files' bytes; sizes (N, 2), height and
    width of the images as their files have them; labels (N,), None for label maps.
    Arguments: contents, a digest of the bytes of all files, masks included; skipped, {name: what is wrong with it} of
    files that are left out because they cannot be read.
    """

    names: dict[str, np.ndarray]
    digests: dict[str, np.ndarray]
    sizes: dict[str, np.ndarray]
    labels: dict[str, np.ndarray] | None
    contents: str = ""
    skipped: dict[str, str] = dataclasses.field(default_factory=dict)

    def select(self, parts: Mapping[str, tuple[str, slice | np.ndarray]]) -> "ImageFiles":
        """Returns the files of other splits: {name: (old split, slice or indices)}.

        >>> files = ImageFiles({"train": np.array(["a", "b"])}, {"train": np.array(["1", "2"])},
        ...                    {"train": np.ones((2, 2))}, None)
        >>> files.select({"test": ("train", slice(1, 2))}).names
        {'test': array(['b'], dtype='<U1')}
        """

        def chosen(arrays):
            return {name: arrays[split][which] for name, (split, which) in parts.items()}

        labels = None if self.labels is None else chosen(self.labels)
        arrays = {"names": chosen(self.names), "digests": chosen(self.digests), "sizes": chosen(self.sizes)}
        return dataclasses.replace(self, **arrays, labels=labels)
