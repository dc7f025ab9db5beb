"""Stages as configs of their own."""

from kzoo.config.config_files import read_config
from kzoo.config.stages import evaluation_config, stages_of

STAGES = "training.stages=[{epochs: 2, rates: {'*': 0.5, a: 3}}, {epochs: 3, loss: A}, {optimizer: Adam, augment: [B]}]"


def config(*sets):
    return read_config("mnist1d_fc", ["training.epochs=9", "training.rates={'*': 4}", *sets])


def spans(config):
    return [(stage.number, stage.first, stage.last) for stage in stages_of(config)]


def test_spans():
    assert spans(config()) == [(0, 0, 9)]
    assert spans(config(STAGES)) == [(0, 0, 2), (1, 2, 5), (2, 5, 9)]
    assert spans(config("training.stages=[{freeze: [a]}]")) == [(0, 0, 9)]


def test_stages_that_are_not_reached_are_left_out():
    assert spans(config(STAGES, "training.epochs=5")) == [(0, 0, 2), (1, 2, 5)]
    assert spans(config(STAGES, "training.epochs=1")) == [(0, 0, 1)]


def test_settings_take_the_place_of_those_of_the_training():
    plain, (first, second, third) = config(), [stage.config for stage in stages_of(config(STAGES))]
    assert first.training.rates == {"*": 2.0, "a": 3.0} and second.training.rates == {"*": 4.0}
    assert (first.training.loss, second.training.loss.class_name) == (plain.training.loss, "A")
    assert [each.training.optimizer.class_name for each in (first, second, third)] == ["SGD", "SGD", "Adam"]
    assert [[spec.class_name for spec in each.data.augment] for each in (second, third)] == [[], ["B"]]
    assert first.training.stages == [] and stages_of(plain)[0].config == plain


def test_evaluation_takes_the_last_loss():
    found = evaluation_config(config(STAGES, "training.epochs=5", "training.recompute_statistics=true")).training
    assert found.loss.class_name == "A" and found.rates == {} and not found.recompute_statistics
