"""KerasTuner's oracles, which propose the trials, prepared so that they can be replayed.

An oracle is deterministic: given the same results in the same order, it proposes the same trials. So its state
is not saved. A resumed search replays the recorded log of ask and tell calls into a new oracle, with the results on
disk. This avoids the following faults of KerasTuner 1.4.8 (tests/tuning/test_oracle.py has a test of each, which
fails when it is fixed):

- GridSearch cannot be reloaded (keras-tuner#1055). Bayesian optimization is reloaded without its random state, so that
  a resumed search proposes other trials;
- oracle.json and trial.json are two files that are not written atomically: a kill loses one trial or all;
- a reloaded search space silently replaces the requested one;
- after three failed trials in a row the oracle raises while it holds its lock, and if two trials of two fail it raises
  nothing;
- the trial of a worker that dies is never run again, and the chief never exits;
- seed 0 is replaced by a random seed.

Source: O'Malley and others, KerasTuner, 2019. Hyperband: Li and others, JMLR 18, 2018.
"""

import keras_tuner

from kzoo.tuning.hyperparameters import values_from_hyperparameters

ORACLES = {
    "random": keras_tuner.oracles.RandomSearchOracle,
    "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    "hyperband": keras_tuner.oracles.HyperbandOracle,
    "grid": keras_tuner.oracles.GridSearchOracle,
}
# Hyperband's hyperparameters: the total number of epochs; the id of the trial whose training is continued.
HYPERBAND_EPOCHS, HYPERBAND_PARENT = "tuner/epochs", "tuner/trial_id"


def build_oracle(config, trials=None):
    """Returns the oracle of a config's search, which prints nothing and writes no files.

    trials: how many it plans for, by default those of the config. The Bayesian one proposes random values for up to a
    third of them before its model does.
    """
    search, hyperparameters = config.search, keras_tuner.HyperParameters()
    values_from_hyperparameters(config, hyperparameters)
    settings = {}
    if search.algorithm == "hyperband":
        settings = {"max_epochs": search.max_epochs or config.training.epochs, "hyperband_iterations": None}
    elif search.algorithm == "bayesian":  # KerasTuner's default, 3 per setting, but at most a third of the trials
        settings = {"num_initial_points": max(3, min(3 * len(search.space), (trials or search.trials) // 3))}
    kind = ORACLES[search.algorithm]
    mixin = NoRepeats if search.algorithm == "bayesian" else NoFiles
    oracle = type(kind.__name__, (mixin, kind), {})(
        objective=keras_tuner.Objective(search.objective, "max" if search.maximize else "min"),
        hyperparameters=hyperparameters,
        seed=search.seeds[0] + 1,
        max_consecutive_failed_trials=float("inf"),
        **settings,
    )
    oracle.max_trials, oracle.verbose = None, 0  # `Trials` counts the trials
    return oracle


class NoFiles:
    """Mixin of an oracle that writes no files."""

    def save(self):
        pass

    def _save_trial(self, trial):
        pass


class NoRepeats(NoFiles):
    """Mixin of an oracle that proposes random values where it would propose the same values again."""

    def populate_space(self, trial_id):
        proposed = super().populate_space(trial_id)
        if proposed["values"] is not None and self._duplicate(proposed["values"]):
            return self._random_populate_space()
        return proposed


def ask(oracle, config, worker="0"):
    """Returns an oracle's next proposal, (KerasTuner's `Trial`, values, epochs or None, id of the parent or None).

    Returns None if the oracle has no proposal now.
    """
    trial = oracle.create_trial(worker)
    if trial.status != "RUNNING":
        return None
    values = values_from_hyperparameters(config, trial.hyperparameters.copy())
    proposed = trial.hyperparameters.values
    return trial, values, proposed.get(HYPERBAND_EPOCHS), proposed.get(HYPERBAND_PARENT)


def tell(oracle, trial, objective, reason=None):
    """Tells an oracle the result of a trial: its objective, or None and the reason of its failure."""
    if objective is None:
        trial.status, trial.message = "FAILED", reason
    else:
        oracle.update_trial(trial.trial_id, {oracle.objective.name: objective})
        trial.status = "COMPLETED"
    oracle.end_trial(trial)
