"""Opens the models of one page, which all take the same inputs."""

from collections.abc import Sequence

import numpy as np

from kzoo.checks import Refusal
from kzoo.explore.open_session import open_session
from kzoo.explore.session import Session
from kzoo.types import PathLike

SAME_RANGE = 0.25  # difference of two limits, as a part of the range


def open_sessions(names: Sequence[PathLike], data: Sequence[PathLike] = ()) -> list[Session]:
    """Returns the sessions of one or two models, each as `open_session` does.

    Raises Refusal for two whose inputs differ in shape or in the range of their values.
    """
    sessions = [open_session(name, data) for name in names]
    check_same_inputs(sessions)
    return sessions


def check_same_inputs(sessions: Sequence[Session]) -> None:
    """Raises Refusal unless the inputs of all sessions have the same shape and about the same range of values."""
    first = sessions[0]
    low, high = first.limits
    for other in sessions[1:]:
        if other.shape != first.shape:
            raise _differ("shape", first, first.shape, other, other.shape)
        if np.abs(np.subtract(other.limits, first.limits)).max() > SAME_RANGE * (high - low):
            ranges = ["{:.3g} to {:.3g}".format(*session.limits) for session in (first, other)]
            raise _differ("range; --data gives both the same", first, ranges[0], other, ranges[1])


def _differ(what: str, first: Session, one: object, second: Session, another: object) -> Refusal:
    return Refusal(
        f"explore expects two models whose inputs have the same {what}; received {first.name} with {one} and "
        f"{second.name} with {another}."
    )
