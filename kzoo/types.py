"""Names for the types that public signatures share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

Tensor: TypeAlias = Any  # a tensor of Keras's backend, or what converts to one: a NumPy array, numbers, lists of them
Size: TypeAlias = int | Sequence[int]  # one integer, or one for each spatial axis
Padding: TypeAlias = str | int | Sequence[Any]  # a name, pixels, pairs of pixels, or (mode, pixels)
Shape: TypeAlias = Sequence[int | None]  # None: unknown
KnownShape: TypeAlias = Sequence[int]  # sizes after the batch are known
DataFormat: TypeAlias = Literal["channels_last", "channels_first"] | None
Activation: TypeAlias = str | Callable[..., Any] | None
Initializer: TypeAlias = str | dict[str, Any] | Callable[..., Any] | None
Regularizer: TypeAlias = str | dict[str, Any] | Callable[..., Any] | None
Constraint: TypeAlias = str | dict[str, Any] | Callable[..., Any] | None
PathLike: TypeAlias = str | Path
