"""Logits from distances to prototypes: the nearer an input is to the prototypes of a class, the larger its logit.

Source: Snell, Swersky & Zemel 2017, "Prototypical networks for few-shot learning", equation 2, for one prototype;
Goldberger, Roweis, Hinton & Salakhutdinov 2004, "Neighbourhood components analysis", for soft nearest neighbours.
"""

from keras import ops

from kzoo.checks import is_number, require
from kzoo.ops.backend import sum_dtype, tensors
from kzoo.ops.rbf import check_operands, rbf
from kzoo.ops.xla import island
from kzoo.types import Tensor


def prototype_logits(x: Tensor, prototypes: Tensor, temperature: float = 1.0) -> Tensor:
    """Returns log(sum over a class's prototypes of exp(-squared distance / temperature)) for each class.

    Their softmax is the class of a neighbour drawn in proportion to these exponentials: with one prototype a class the
    nearest counts most, with all examples as prototypes and a small temperature it is the nearest neighbour.
    Shapes: x (B, ..., C) floating, prototypes (C, classes, prototypes of each class); returns (B, ..., classes).

    >>> prototype_logits([[0.0, 0.0]], [[[1.0], [0.0]], [[1.0], [3.0]]]).numpy()
    array([[-2., -9.]], dtype=float32)
    """
    who = "prototype_logits"
    x, prototypes = tensors(who, "Prototypes", x, prototypes)
    positive = is_number(temperature) and temperature > 0
    require(positive, who, "temperature, a number above 0", temperature=temperature)
    shape = tuple(prototypes.shape)
    fits = len(shape) == 3 and shape[2] > 0
    require(fits, who, "prototypes (C, classes, prototypes of each class)", prototypes=shape)
    check_operands(who, x, ops.reshape(prototypes, (shape[0], shape[1] * shape[2])))
    return _logits(x, prototypes, temperature=float(temperature))


@island
def _logits(x, prototypes, *, temperature):
    channels, classes, several = prototypes.shape
    distances = rbf(x, ops.reshape(prototypes, (channels, classes * several)))
    scaled = ops.cast(distances, sum_dtype(distances.dtype)) / temperature
    scaled = ops.reshape(scaled, (*ops.shape(scaled)[:-1], classes, several))
    return ops.cast(ops.logsumexp(scaled, -1), distances.dtype)
