"""Receptive fields along one axis: what a layer declares of its own input, and how fields of several layers compose.

Source: Araujo, Norris & Sim 2019, "Computing receptive fields of convolutional neural networks", Distill.
"""

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from kzoo.ops.views import same_pair
from kzoo.types import Shape

EXACT = "exact"  # every position depends on both ends of its field and on nothing outside it
UPPER_BOUND = "upper bound"  # on nothing outside its field, but at some positions on less than the field
DATA = "depends on the data"  # an upper bound; on which part of its field a position depends changes with the input
UNKNOWN = "unknown"  # a layer on the way declares no field
STATUSES = (EXACT, UPPER_BOUND, DATA, UNKNOWN)  # in a chain of layers the last of these wins


class Field(NamedTuple):
    """What one position of a map sees of a layer's or model's input along one axis, in pixels of that input.

    `size`: number of pixels, or None where the whole axis is seen; `stride`: distance between the fields of adjacent
    positions; `padding`: how many pixels before the input the first field begins (negative: after); `status`: "exact",
    "upper bound", "depends on the data" or "unknown".

    Position p sees the pixels from p * stride - padding to p * stride - padding + size - 1. A layer that enlarges its
    input declares fractions; a position sees the whole pixels between these ends. `Field(Fraction(3, 2), Fraction(1,
    2), Fraction(1, 2))`, for example, repeats each pixel once. Fields hold wherever windows do not reach into padding
    that copies pixels of the input ("circular", "reflect", "replicate").
    """

    size: Any  # int, or a Fraction in a layer's declaration; None: the whole axis
    stride: Any = Fraction(1)
    padding: Any = 0
    status: str = EXACT

    @classmethod
    def between(cls, first: Any, last: Any, stride: Any = 1, status: str = EXACT) -> "Field":
        """Returns the field whose position p sees the pixels from p * stride + first to p * stride + last."""
        # all p * stride are multiples of 1 / steps; ends rounded inwards to such multiples hold the same whole pixels
        steps = (stride := Fraction(stride)).denominator
        first, last = Fraction(math.ceil(first * steps), steps), Fraction(math.floor(last * steps), steps)
        return cls(last - first + 1, stride, -first, status)

    @property
    def last(self) -> Any:
        """The last pixel that position 0 sees."""
        return self.size - 1 - self.padding

    def first_pixel(self, position: int) -> int:
        """The first pixel that a position sees; 0 where the whole axis is seen.

        >>> Field(3, stride=Fraction(2), padding=1).first_pixel(4)
        7
        """
        return 0 if self.size is None else math.ceil(position * self.stride - self.padding)

    def after(self, inner: "Field") -> "Field":
        """Returns this field in pixels of an earlier input; `inner` is the field of the map that the layer reads."""
        status = combined_status([inner, self])
        if inner.size is None or self.size is None:
            return Field(None, self.stride * inner.stride, status=status)
        # after a strided map is enlarged, the fields of adjacent positions are not a constant stride apart
        widened = Fraction(self.stride).denominator > 1 and Fraction(inner.stride).numerator > 1
        status = UPPER_BOUND if status == EXACT and widened else status
        first, last = -self.padding * inner.stride - inner.padding, self.last * inner.stride + inner.last
        return Field.between(first, last, self.stride * inner.stride, status)

    def rounded(self) -> "Field":
        """Returns the field in whole pixels: the most that a position sees, an upper bound if others see fewer.

        >>> Field(Fraction(3, 2), Fraction(1, 2), Fraction(1, 2)).rounded()
        Field(size=1, stride=Fraction(1, 2), padding=0, status='exact')
        """
        if self.size is None:
            return Field(None, status=self.status)
        starts = [p * self.stride for p in range(Fraction(self.stride).denominator)]
        sizes = {math.floor(at + self.last) - math.ceil(at - self.padding) + 1 for at in starts}
        status = UPPER_BOUND if self.status == EXACT and len(sizes) > 1 else self.status
        return Field(max(sizes), Fraction(self.stride), math.floor(self.padding), status)


Fields: TypeAlias = tuple[Field, ...]  # one for each spatial axis


def union(fields: Iterable[Field]) -> Field:
    """Returns the smallest field that holds fields of one stride."""
    fields = list(fields)
    status = combined_status(fields)
    if any(field.size is None for field in fields):
        # a global pool that is enlarged to scale a map does not have its stride but a smaller one
        stride = max((field.size is not None, field.stride) for field in fields)[1]
        return Field(None, stride, status=status)
    first, last = min(-field.padding for field in fields), max(field.last for field in fields)
    return Field.between(first, last, fields[0].stride, status)


def combined_status(fields: Iterable[Field]) -> str:
    """Returns the status of fields that are composed or united."""
    fields = list(fields)
    status = max((field.status for field in fields), key=STATUSES.index)
    # A layer that sees the whole axis exactly makes bounds of others irrelevant. Pixels at the border that no window
    # reaches are ignored here.
    everything = any(field.size is None and field.status == EXACT for field in fields)
    return EXACT if status == UPPER_BOUND and everything else status


def pointwise(shape: Shape, status: str = EXACT) -> Fields:
    """Returns the fields of a layer whose output at a position depends on its input there only."""
    return (Field(1, status=status),) * (len(shape) - 2)


def whole(shape: Shape, status: str = EXACT) -> Fields:
    """Returns the fields of a layer each of whose outputs depends on all positions of its input."""
    return (Field(None, status=status),) * (len(shape) - 2)


def window_field(n: int | None, size: int, stride: int = 1, dilation: int = 1, pad: Any = 0) -> Field:
    """Returns the field of a sliding window over n pixels; pad: pixels before the input, or None for "same".

    >>> window_field(32, 3, stride=2, pad=None).rounded()
    Field(size=3, stride=Fraction(2, 1), padding=0, status='exact')
    """
    reach = (size - 1) * dilation
    least = most = pad
    if pad is None and n is not None:
        least = most = same_pair(n, size, stride, dilation)[0]
    elif pad is None:  # of an unknown size: least if the stride divides it, most if one pixel is left over
        least, most = max(reach + 1 - stride, 0) // 2, reach // 2
    return Field.between(-most, reach - least, stride, EXACT if least == most else UPPER_BOUND)


def transposed_field(size: int, stride: int = 1, dilation: int = 1, cropped: Any = 0) -> Field:
    """Returns the field of a transposed window; cropped: pixels removed before the output, or (least, most) of them.

    Output pixel p lies in the windows of the input positions i with i * stride <= p + cropped <= i * stride + reach.

    >>> transposed_field(4, stride=2).rounded().size
    2
    """
    reach = (size - 1) * dilation
    least, most = cropped if isinstance(cropped, tuple) else (cropped, cropped)
    first, last = Fraction(least - reach, stride), Fraction(most, stride)
    return Field.between(first, last, Fraction(1, stride), EXACT if least == most else UPPER_BOUND)


def bins_field(n: int | None, count: int | None) -> Field:
    """Returns the field of `count` bins over n pixels, bin i from floor(i n / count) to ceil((i + 1) n / count) - 1.

    >>> bins_field(5, 3).rounded()  # bins of 2, 3 and 2 pixels
    Field(size=3, stride=Fraction(5, 3), padding=0, status='upper bound')
    """
    if count is None:
        return Field(1)
    if n is None:
        return Field(None, status=UPPER_BOUND)
    stride = Fraction(n, count)
    rounding = 1 - Fraction(1, stride.denominator)
    return Field.between(-rounding, stride + rounding - 1, stride)
