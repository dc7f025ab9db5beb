"""The learning rate range test: a short training whose rate grows from step to step.

Source: Smith 2017, "Cyclical learning rates for training neural networks", arXiv:1506.01186, section 3.3.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kzoo.config.config import Config
from kzoo.config.specs import Spec
from kzoo.figures import figure, save_figure
from kzoo.training.keras_objects import build_object
from kzoo.training.run_data import load_data
from kzoo.training.seed_run import steps_per_epoch
from kzoo.training.short_training import History, first_stage, train_briefly
from kzoo.types import PathLike

LOWEST, HIGHEST = 1e-6, 10.0  # rates that are tried, further ones only if the config has them
PER_DECADE = 30  # steps in which the rate grows tenfold
WIDTH = 5  # steps: the standard deviation of the Gaussian that smooths the losses, and what divergence is averaged over
DIVERGED = 4.0  # times the smallest loss: there the test ends
FALL = 0.02  # of the first loss: what falls by less does not fall
SAMPLES = 200  # steps at which a schedule's rate is read


class Findings(NamedTuple):
    """What a range test found: the rates and losses of its steps, the smoothed losses, and the suggested rate.

    suggested: the rate where the smoothed loss falls steepest; None if it falls at no rate.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggested: float | None


def find_learning_rate(config: Config, label: str, path: PathLike) -> str:
    """Trains a new model with a growing learning rate, draws its loss, and returns the suggested rate in a sentence.

    The rate of any optimizer, also of one with a schedule, grows by a constant factor from step to step, at most from
    1e-6 to 10 in 211 steps, until the loss diverges. Rates of Adafactor stay below its own limit. Of several stages the
    first is trained. Nothing but the picture at `path`, a .png file, is written.
    """
    config = first_stage(config)
    data = load_data(config)
    present = rates_of_config(config, config.training.epochs * steps_per_epoch(config, data))
    low, high = LOWEST, max(HIGHEST, 10 * present[1])
    steps = math.ceil(PER_DECADE * math.log10(high / low)) + 1
    optimizer = with_growing_rate(config.training.optimizer, low, high, steps)
    config = config.model_copy(update={"training": config.training.model_copy(update={"optimizer": optimizer})})
    history = train_briefly(config, data, label, steps, 1, has_diverged)
    rates = low * (high / low) ** (np.arange(len(history)) / (steps - 1))
    found = analyse(rates, np.array([row["loss"] for row in history]))
    plot_losses(found, present, label, path)
    return f"{verdict(found, present, label)} Curve: {path}"


def rates_of_config(config: Config, steps: int) -> tuple[float, float]:
    """Returns the smallest and the largest learning rate of a config's optimizer in a training of so many steps."""
    optimizer = build_object("optimizer", config.training.optimizer, "training.optimizer")
    inner, rates = getattr(optimizer, "inner_optimizer", optimizer), []  # that of a LossScaleOptimizer
    for step in np.unique(np.linspace(0, steps - 1, SAMPLES).astype(int)):
        inner.iterations.assign(step)
        rates.append(float(inner.learning_rate))
    return min(rates), max(rates)


def with_growing_rate(optimizer: Spec, low: float, high: float, steps: int) -> Spec:
    """Returns the spec of an optimizer whose rate grows by a constant factor, from `low` to `high` in `steps` steps."""
    inner = optimizer.config.get("inner_optimizer")
    if inner is not None:
        grown = with_growing_rate(Spec.model_validate(inner), low, high, steps).model_dump()
        return optimizer.model_copy(update={"config": {**optimizer.config, "inner_optimizer": grown}})
    settings = {"initial_learning_rate": low, "decay_steps": steps - 1, "decay_rate": high / low}
    rate = {"class_name": "ExponentialDecay", "config": settings}
    return optimizer.model_copy(update={"config": {**optimizer.config, "learning_rate": rate}})


def has_diverged(history: History) -> bool:
    """Returns whether the loss of the last steps is no number, or far above the smallest and above the first.

    >>> has_diverged([{"loss": 1.0}] * 9 + [{"loss": 0.2}] * 9), has_diverged([{"loss": 1.0}] * 9 + [{"loss": 6.0}] * 9)
    (False, True)
    """
    losses = np.array([row["loss"] for row in history])
    if not np.isfinite(losses[-1]):
        return True
    if len(losses) < 2 * WIDTH:
        return False
    means = np.convolve(losses, np.full(WIDTH, 1 / WIDTH), "valid")
    return bool(means[-1] > DIVERGED * means.min() and means[-1] > means[0])


def analyse(rates: np.ndarray, losses: np.ndarray) -> Findings:
    """Returns the findings of a test, whose last loss need not be a number.

    >>> rates = 10.0 ** np.linspace(-4, 0, 121)
    >>> found = analyse(rates, 2 - np.tanh(2 * np.log10(rates / 0.01)))  # falls steepest at 0.01
    >>> round(found.suggested, 3)
    0.01
    """
    finite = np.isfinite(losses)
    rates, losses = rates[finite], losses[finite]
    if len(losses) < 2:
        return Findings(rates, losses, losses, None)
    most = 2 * abs(np.median(losses[:WIDTH]))  # or the last losses of a divergence hide those before them
    steps = np.arange(len(losses))
    weights = np.exp(-0.5 * ((steps - steps[:, None]) / WIDTH) ** 2)
    smoothed = weights @ np.minimum(losses, most) / weights.sum(1)
    lowest = int(smoothed.argmin())
    if smoothed[0] - smoothed[lowest] <= FALL * abs(smoothed[0]):
        return Findings(rates, losses, smoothed, None)
    steepest = int(np.gradient(smoothed)[: lowest + 1].argmin())
    return Findings(rates, losses, smoothed, float(rates[steepest]))


def verdict(found: Findings, present: Sequence[float], label: str) -> str:
    """Returns the suggested rate and the config's in a sentence or two."""
    low, high = present
    own = f"the config's is {high:.2g}" if low == high else f"the config's schedule has {low:.2g} to {high:.2g}"
    if found.suggested is None:
        return f"{label}: the loss falls at no learning rate from {LOWEST:.0e} on; {own}. Try --overfit 32."
    best = found.rates[found.smoothed.argmin()]
    return (
        f"{label}: try a learning rate of {found.suggested:.2g}, where the loss falls steepest; {own}. It is smallest "
        f"at {best:.2g}, and the test ended at {found.rates[-1]:.2g}."
    )


def plot_losses(found: Findings, present: Sequence[float], title: str, path: PathLike) -> None:
    """Plots the losses by learning rate, with lines at the suggested rate and at the config's, or a band of these."""
    sheet = figure(6.5, 4)
    axes = sheet.subplots()
    axes.plot(found.rates, found.losses, ".", color="grey", alpha=0.4, label="loss of a step")
    axes.plot(found.rates, found.smoothed, label="smoothed")
    if found.suggested is not None:
        axes.axvline(found.suggested, color="tab:green", label=f"suggested: {found.suggested:.2g}")
    low, high = present
    if low == high > 0:
        axes.axvline(high, color="black", ls="--", label=f"the config's: {high:.2g}")
    elif high > 0:
        label = f"the config's schedule: {low:.2g} to {high:.2g}"
        axes.axvspan(max(low, LOWEST), high, color="black", alpha=0.12, label=label)
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss")
    if len(found.smoothed):
        low, high = min(found.smoothed.min(), found.losses.min()), found.smoothed.max()
        room = 0.1 * (high - low) or 1
        axes.set_ylim(low - room, high + room)
    axes.set_title(title, parse_math=False)
    axes.grid(alpha=0.3)
    sheet.legend(loc="outside lower center", ncols=2)
    save_figure(sheet, path)
