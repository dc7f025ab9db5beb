from kzoo.config.config import check_config, resolved
from tests.config.settings import SMALL, refusal, with_sets


def test_integers_are_for_int8():
    words = refusal(with_sets, "export.integer=true")
    assert "export.integer expects format litert_int8 in export.formats; received formats=['saved_model']." in words
    assert with_sets("export.integer=true", "export.formats=[saved_model, litert_int8]").export.integer
    assert "integer" not in resolved(check_config(SMALL))["export"]
