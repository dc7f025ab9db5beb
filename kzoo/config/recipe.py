"""The length of the training that a published result belongs to, and whether a run was shorter."""

from typing import Any

from kzoo.config.config import Config


def recipe_length(config: Config, train_size: int) -> dict[str, int] | None:
    """Returns the entry "recipe" of metrics.json: epochs and steps of the published recipe; None without one."""
    published, training = config.published, config.training
    if published is None:
        return None
    epochs, steps = published.epochs or training.epochs, published.steps_per_epoch
    steps = (training.steps_per_epoch if steps is None else steps) or train_size // config.data.batch_size
    return {"epochs": epochs, "steps": epochs * steps}


def shortfall(metrics: dict[str, Any]) -> str:
    """Returns how much of the recipe a run trained if that was less, otherwise an empty string.

    metrics: the content of metrics.json, of earlier versions without the recipe too.

    >>> shortfall({"epochs": 10, "steps": 100, "recipe": {"epochs": 1000, "steps": 10_000}})
    '10 of 1,000 epochs'
    """
    whole = metrics.get("recipe") or {}
    short = [what for what in ("epochs", "steps") if metrics.get(what, 0) < whole.get(what, 0)]
    return f"{metrics[short[0]]:,} of {whole[short[0]]:,} {short[0]}" if short else ""
