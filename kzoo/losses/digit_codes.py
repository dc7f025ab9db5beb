"""Codes of +1 and -1 for classes, as prototypes of LeNet-5's output units: small pictures of the ten digits.

Similar digits have similar codes, so that what is mistaken for one another is near.

Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", section II.B,
for the idea and the size; the paper's bitmaps, of all ASCII characters, are not reproduced: these were drawn anew.
"""

import keras
import numpy as np

from kzoo.checks import is_integer, require

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
    """Prototypes (units, classes): for 84 units and up to 10 classes the digits' bitmaps, 12 rows of 7, +1 for ink.

    Of any other shape random signs. Arguments: seed of these. Errors: ValueError that names the argument.
    Source: this file's head.

    >>> codes = DigitCodes()((84, 10))
    >>> for row in codes.numpy()[:, 7].reshape(12, 7)[::3]:
    ...     print("".join("#" if cell > 0 else "." for cell in row))
    #######
    ....##.
    ...##..
    ..##...
    """

    def __init__(self, seed=0):
        require(is_integer(seed, least=0), "DigitCodes", "seed, an integer of at least 0", seed=seed)
        self.seed = int(seed)

    def __call__(self, shape, dtype=None):
        if len(shape) == 2 and shape[0] == 84 and shape[1] <= 10:
            rows = [line.split() for line in DIGITS.split("\n") if line]
            pictures = ["".join(row[digit] for row in rows) for digit in range(shape[1])]
            codes = np.array([[1.0 if cell == "#" else -1.0 for cell in picture] for picture in pictures]).T
        else:
            codes = np.random.default_rng(self.seed).choice([-1.0, 1.0], shape)
        return keras.ops.convert_to_tensor(codes, dtype or keras.config.floatx())

    def get_config(self):
        return {"seed": self.seed}
