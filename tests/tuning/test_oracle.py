"""Replayed oracles propose the same trials; the faults of KerasTuner's own reloading."""

import keras_tuner
import pytest

from kzoo.tuning.oracle import ORACLES, ask, build_oracle, tell
from tests.tuning.small import small

GRID = {"model.units": {"choice": [[4], [6]]}, "data.batch_size": {"int": [4, 12], "step": 4}}


def config_of(algorithm, **settings):
    space = {"space": GRID} if algorithm == "grid" else {}
    return small("x.npz", algorithm=algorithm, trials=12, max_epochs=9, **space, **settings)


def objective(values, epochs):
    """Returns a number that depends on the values and epochs, or None, a failure, in some cases."""
    number = sum(map(ord, repr(sorted(values.items())))) * 7919 % 101
    return None if number < 15 else number / 101 + (epochs or 0)


def proposals(config, count):
    oracle, found = build_oracle(config), []
    for _ in range(count):
        proposed = ask(oracle, config)
        if proposed is None:
            break
        trial, *proposed = proposed
        found.append(proposed)
        tell(oracle, trial, objective(*proposed[:2]), "chance")
    return found


@pytest.mark.parametrize("algorithm", ORACLES)
def test_a_replay_proposes_the_same(algorithm):
    count = {"grid": 6, "bayesian": 6}.get(algorithm, 12)  # a Bayesian proposal takes a second
    first = proposals(config_of(algorithm), 12 if algorithm == "grid" else count)
    assert proposals(config_of(algorithm), count) == first and len(first) == count
    if algorithm != "grid":
        assert proposals(config_of(algorithm, seeds=[3]), 2) != first[:2]


def test_grid_starts_with_the_baseline_and_is_complete():
    found = [values for values, _, _ in proposals(config_of("grid"), 99)]
    assert found[0] == {"model.units": [6], "data.batch_size": 8}
    pairs = {(*values["model.units"], values["data.batch_size"]) for values in found}
    assert pairs == {(units, size) for units in (4, 6) for size in (4, 8, 12)}


def test_bayesian_proposes_nothing_twice():
    """The space has six points; KerasTuner's own oracle would propose the best of them again and again."""
    found = [repr(values) for values, _, _ in proposals(small("x", algorithm="bayesian", trials=9, space=GRID), 12)]
    assert len(found) == len(set(found)) >= 5  # it ends after twenty repeated proposals


def test_hyperband_continues_the_best_trials():
    found = proposals(config_of("hyperband"), 60)
    assert [epochs for _, epochs, parent in found if parent is None][:3] == [1, 1, 1]
    promoted = [(values, epochs, int(parent)) for values, epochs, parent in found if parent is not None]
    assert {epochs for _, epochs, _ in promoted} == {3, 9}
    for values, epochs, parent in promoted:
        assert found[parent][:2] == [values, epochs // 3] and objective(values, 1) is not None
    assert len(found) == 60  # `Trials` limits the number, not KerasTuner


def test_many_failures_in_a_row():
    config = config_of("random")
    oracle = build_oracle(config)
    for _ in range(8):
        trial, *_ = ask(oracle, config)
        tell(oracle, trial, None, "always")
    assert all(trial.status == "FAILED" and trial.message == "always" for trial in oracle.trials.values())


def keras_tuner_oracle(kind, folder, space=None, **settings):
    """Returns KerasTuner's own oracle, with its files in a folder."""
    hp = keras_tuner.HyperParameters()
    for name, values in (space or {"a": [1, 2, 3, 4], "b": [1, 2, 3, 4]}).items():
        hp.Choice(name, values)
    oracle = ORACLES[kind](keras_tuner.Objective("val_loss", "min"), hyperparameters=hp, **settings)
    oracle.verbose = 0
    oracle._set_project_dir(str(folder), "it")
    return oracle


def run_one(oracle, value):
    trial = oracle.create_trial("0")
    tell(oracle, trial, value)
    return trial


class TestFaultsAreStillThere:
    """When one of these fails, KerasTuner has fixed it: delete it from the docstring of kzoo/tuning/oracle.py."""

    def test_grid_does_not_reload(self, tmp_path):
        run_one(keras_tuner_oracle("grid", tmp_path), 1.0)
        again = keras_tuner_oracle("grid", tmp_path)
        again.reload()
        with pytest.raises(KeyError):
            run_one(again, 1.0), run_one(again, 1.0)

    def test_bayesian_loses_its_random_state(self, tmp_path):
        """Its optimizer draws starting points from a random state that is not saved."""
        assert not any("random" in key for key in keras_tuner_oracle("bayesian", tmp_path, seed=1).get_state())

    def test_the_old_space_replaces_the_new_one(self, tmp_path):
        run_one(keras_tuner_oracle("random", tmp_path), 1.0)
        again = keras_tuner_oracle("random", tmp_path, {"c": [5, 6]})
        again.reload()
        assert [hp.name for hp in again.get_space().space] == ["a", "b"]

    def test_a_kill_between_two_files_loses_a_trial(self, tmp_path):
        first = keras_tuner_oracle("random", tmp_path, seed=1)
        run_one(first, 1.0)
        first.save = lambda: (_ for _ in ()).throw(KeyboardInterrupt)  # a kill between the two files
        with pytest.raises(KeyboardInterrupt):
            first.create_trial("0")
        again = keras_tuner_oracle("random", tmp_path, seed=1)
        again.reload()
        assert again.trials["01"].status == "RUNNING"
        assert not again.ongoing_trials and "01" not in again._retry_queue  # so it is never run

    def test_three_failures_in_a_row_leave_the_lock_held(self, tmp_path):
        from keras_tuner.src.engine import oracle as module

        oracle = keras_tuner_oracle("random", tmp_path)
        run_one(oracle, None), run_one(oracle, None)
        with pytest.raises(RuntimeError, match="consecutive failures"):
            run_one(oracle, None)
        assert module.LOCKS[oracle].locked()

    def test_a_dead_worker_keeps_its_trial_and_the_chief_waits(self, tmp_path):
        from keras_tuner.src.distribute.oracle_chief import exit_chief

        oracle = keras_tuner_oracle("random", tmp_path, max_trials=2)
        lost = oracle.create_trial("dead")
        tell(oracle, oracle.create_trial("alive"), 1.0)
        assert oracle.create_trial("alive").status == "STOPPED"  # the lost trial is not run again
        assert oracle.trials[lost.trial_id].status == "RUNNING" and not exit_chief(oracle)

    def test_seed_zero(self, tmp_path):
        assert keras_tuner_oracle("random", tmp_path, seed=0).seed != 0
