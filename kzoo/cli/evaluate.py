"""`kzoo evaluate`: evaluates a finished run."""

from kzoo.cli.arguments import Imports, Run
from kzoo.cli.debugging import import_tensorflow
from kzoo.terminal import print_table
from kzoo.user_modules import request_modules


def evaluate(run: Run, imports: Imports = []) -> None:  # noqa: B006
    """Evaluate a finished run again on its own data."""
    request_modules(imports)
    from kzoo.run_folder import find_run

    find_run(run)
    import_tensorflow()
    from kzoo.training.evaluation import evaluate_run

    print_table(evaluate_run(run))
