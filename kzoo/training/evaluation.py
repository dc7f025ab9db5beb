"""What can be asked of a finished run: its figures again.

Source: none.
"""

from rich.table import Table

from kzoo.models.load_model import find_run, load_model
from kzoo.terminal import percent
from kzoo.training.config import check_config
from kzoo.training.model_building import build_trainer
from kzoo.training.seed_run import evaluate, load_data
from kzoo.training.yaml_file import read_yaml


def evaluate_run(run):
    """A table of a finished run's error and loss on each split of its data, computed anew."""
    folder = find_run(run).parent
    config = check_config(read_yaml(folder / "config.yaml"), folder / "config.yaml")
    data, trainer = load_data(config), build_trainer(config, load_model(folder))
    table = Table(title=str(folder), title_justify="left")
    for column in ("split", "examples", "error", "loss"):
        table.add_column(column, justify="left" if column == "split" else "right")
    for name, split in {"test": data.test, "validation": data.validation, "train": data.train}.items():
        if split is not None:
            scores = evaluate(trainer, split, config)
            table.add_row(name, f"{split.size:,}", percent(scores["error"]), f"{scores['loss']:.4f}")
    return table
