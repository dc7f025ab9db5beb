"""Codes of +1 and -1 for classes, as prototypes of LeNet-5's output units: bitmaps of the ten digits.

Similar digits have similar codes, so that digits that are easily confused are close.

Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", section II.B,
for the idea and the size; the paper's bitmaps, of all ASCII characters, are not reproduced: these were drawn anew.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kzoo.checks import is_integer, require
from kzoo.types import Tensor

DIGITS = """
..###.. ...##.. .#####. .#####. .....## ####### ...###. ####### .#####. .#####.
.##.##. ..###.. ##...## ##...## ....### ##..... ..##... ####### ##...## ##...##
##...## .####.. ##...## .....## ...#### ##..... .##.... .....## ##...## ##...##
##...## ##.##.. .....## .....## ..##.## ##..... ##..... ....##. ##...## ##...##
##...## ...##.. .....## ....##. .##..## ######. ##..... ....##. .##.##. ##...##
##...## ...##.. ....##. ..###.. ##...## ....### ######. ...##.. ..###.. .######
##...## ...##.. ...##.. ....##. ####### .....## ###..## ...##.. .##.##. .....##
##...## ...##.. ..##... .....## ####### .....## ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## .....## .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... .....## .....## .....## ##...## ..##... ##...## ....##.
.##.##. ...##.. ##..... ##...## .....## ##..##. ##...## .##.... ##...## ...##..
..###.. .###### ####### .#####. .....## .####.. .#####. .##.... .#####. .###...
"""


@keras.saving.register_keras_serializable("kzoo")
class DigitCodes(keras.initializers.Initializer):
    """Prototypes (units, classes): for 84 units and up to 10 classes the digits' 12 x 7 bitmaps with +1 for ink.

    For any other shape the signs are random. Arguments: seed of these.

    >>> codes = DigitCodes()((84, 10))
    >>> for row in codes.numpy()[:, 7].reshape(12, 7)[::3]:
    ...     print("".join("#" if pixel > 0 else "." for pixel in row))
    #######
    ....##.
    ...##..
    ..##...
    """

    def __init__(self, seed: int = 0):
        require(is_integer(seed, least=0), "DigitCodes", "seed, an integer of at least 0", seed=seed)
        self.seed = int(seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        if len(shape) == 2 and shape[0] == 84 and shape[1] <= 10:
            rows = [line.split() for line in DIGITS.split("\n") if line]
            bitmaps = ["".join(row[digit] for row in rows) for digit in range(shape[1])]
            codes = np.array([[1.0 if pixel == "#" else -1.0 for pixel in bitmap] for bitmap in bitmaps]).T
        else:
            codes = np.random.default_rng(self.seed).choice([-1.0, 1.0], shape)
        return keras.ops.convert_to_tensor(codes, dtype or keras.config.floatx())

    def get_config(self):
        return {"seed": self.seed}
