from kzoo.config.specs import Spec
from tests.config.settings import with_sets


def test_spec_spellings():
    assert Spec.model_validate("SGD") == Spec(class_name="SGD") == Spec.model_validate({"class_name": "SGD"})
    assert with_sets("training.optimizer=SGD").training.optimizer == Spec(class_name="SGD", config={})
