from tests.config.settings import with_sets


def test_numbers():
    assert with_sets("published={error: 0, source: x}").published.error == 0
    assert with_sets("data.validation=1").data.validation == 1
    assert repr(with_sets("data.validation=0.0").data.validation) == "0"  # one setting, one fingerprint
    assert with_sets("training.steps_per_epoch=null", "training.steps_per_call=7").training.steps_per_call == 7
