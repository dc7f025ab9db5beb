"""TensorFlow is imported without notes, and without packages that commands seldom use."""

import os
import subprocess
import sys

import pytest

from kzoo.tensorflow_import import absent, import_tensorflow_quietly, uses_jax


def test_quiet(capfd, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    import_tensorflow_quietly()
    assert "tensorflow" in sys.modules and capfd.readouterr().err == ""
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3", "a user's choice was changed"


@pytest.mark.large
def test_packages_that_are_not_imported_can_be_imported_later():
    code = """
import gc, sys
from kzoo.tensorflow_import import import_tensorflow_quietly
import_tensorflow_quietly()
assert "keras" in sys.modules and gc.isenabled()
assert not {"jax", "sklearn", "matplotlib.pyplot"} & set(sys.modules), set(sys.modules)
import jax, matplotlib.pyplot, sklearn
assert jax.numpy.ones(2).sum() == 2 and sklearn.__version__
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_absent():
    with absent("turtle", "json"):
        with pytest.raises(ModuleNotFoundError):
            import turtle  # noqa: F401
        import json
    assert "turtle" not in sys.modules and sys.modules["json"] is json
    with pytest.raises(KeyError), absent("turtle"):
        raise KeyError
    assert "turtle" not in sys.modules


@pytest.mark.parametrize(
    "variable, file, expected",
    [
        ("jax", None, True),
        ("tensorflow", "jax", False),
        (None, "jax", True),
        (None, "tensorflow", False),
        (None, None, False),
    ],
)
def test_the_backend_is_known_before_keras(tmp_path, monkeypatch, variable, file, expected):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", variable or "")
    if file:
        (tmp_path / "keras.json").write_text(f'{{"backend": "{file}"}}')
    assert uses_jax() is expected
