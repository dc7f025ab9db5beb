"""KerasTuner's oracles, which propose the trials, made ready to be replayed.

An oracle is deterministic: told the same results in the same order it proposes the same trials. So nothing of it is
kept on disk; a search that goes on asks a new oracle and answers with the results it has. That leaves these faults of
KerasTuner 1.4.8 without effect (tests/tuning/test_oracle.py shows each, and when one is mended):

- GridSearch does not reload (keras-tuner#1055), Bayesian optimization reloads without its random state, so goes on
  otherwise than undisturbed;
- oracle.json and trial.json are written in place and apart: a kill between or within loses trials or all;
- what is reloaded replaces the space that was asked for, silently;
- after three failed trials in a row the oracle raises with its lock held, and two failures of two say nothing;
- a worker that dies keeps its trial, which nobody is given again, and its chief, which never ends;
- seed 0 is read as none.

Source: O'Malley and others, KerasTuner, 2019. Hyperband: Li and others, JMLR 18, 2018.
"""

import keras_tuner

from kzoo.tuning.hyperparameters import values_of

KINDS = {
    "random": keras_tuner.oracles.RandomSearchOracle,
    "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    "hyperband": keras_tuner.oracles.HyperbandOracle,
    "grid": keras_tuner.oracles.GridSearchOracle,
}
EPOCHS, PAST = "tuner/epochs", "tuner/trial_id"  # Hyperband's: train so long in all, going on from that trial


def build_oracle(config):
    """The oracle of a config's search, silent and without files."""
    search, hyperparameters = config.search, keras_tuner.HyperParameters()
    values_of(config, hyperparameters)
    settings = {}
    if search.algorithm == "hyperband":
        settings = {"max_epochs": search.max_epochs or config.training.epochs, "hyperband_iterations": None}
    elif search.algorithm == "bayesian":  # KerasTuner's own number, unless that leaves little to optimize with
        settings = {"num_initial_points": max(3, min(3 * len(search.space), search.trials // 3))}
    kind = KINDS[search.algorithm]
    oracle = type(kind.__name__, (Fresh if search.algorithm == "bayesian" else Unsaved, kind), {})(
        objective=keras_tuner.Objective(search.objective, "max" if search.maximize else "min"),
        hyperparameters=hyperparameters,
        seed=search.seeds[0] + 1,
        max_consecutive_failed_trials=float("inf"),
        **settings,
    )
    oracle.max_trials, oracle.verbose = None, 0  # the search counts
    return oracle


class Unsaved:
    """An oracle that writes nothing."""

    def save(self):
        """Nothing."""

    def _save_trial(self, trial):
        """Nothing."""


class Fresh(Unsaved):
    """An oracle that proposes nothing twice: where KerasTuner's Bayesian one does, being sure, a random setting."""

    def populate_space(self, trial_id):
        """KerasTuner's proposal, or a random one if that was tried."""
        proposed = super().populate_space(trial_id)
        if proposed["values"] is not None and self._duplicate(proposed["values"]):
            return self._random_populate_space()
        return proposed


def ask(oracle, config, worker="0"):
    """What an oracle proposes next: KerasTuner's `Trial`, its settings, its periods and past trial's id, each or None.

    None if it has no more.
    """
    trial = oracle.create_trial(worker)
    if trial.status != "RUNNING":
        return None
    hp = trial.hyperparameters
    return trial, values_of(config, hp.copy()), hp.values.get(EPOCHS), hp.values.get(PAST)


def tell(oracle, trial, objective, reason=None):
    """Tell an oracle how a trial ended: its objective, or None and the reason of its failure."""
    if objective is None:
        trial.status, trial.message = "FAILED", reason
    else:
        oracle.update_trial(trial.trial_id, {oracle.objective.name: objective})
        trial.status = "COMPLETED"
    oracle.end_trial(trial)
