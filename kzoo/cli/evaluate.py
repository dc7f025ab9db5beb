"""`kzoo evaluate`: evaluates a finished run."""

from kzoo.cli.arguments import Run
from kzoo.cli.debugging import import_tensorflow
from kzoo.terminal import print_table


def evaluate(run: Run) -> None:
    """Evaluate a finished run again on its own data."""
    from kzoo.run_folder import find_run

    find_run(run)
    import_tensorflow()
    from kzoo.training.evaluation import evaluate_run

    print_table(evaluate_run(run))
