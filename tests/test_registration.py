"""Saved models with kzoo's classes load in whatever order kzoo and Keras are imported; `import kzoo` stays light."""

import subprocess
import sys

import keras
import pytest

from kzoo.layers import Conv2D
from kzoo.regularizers import RowSparsity

IMPORTS = [
    "import keras, kzoo",
    *(
        pytest.param(imports, marks=pytest.mark.large)
        for imports in (
            "from kzoo.ops.backend import convolve; import keras",
            "from tensorflow import keras; import kzoo",
            "from kzoo import ops; import keras",
        )
    ),
]


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model with a layer of kzoo's and an object whose module has moved: it was in kzoo.losses."""
    layers = [Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(3, kernel_regularizer=RowSparsity(0.1))]
    model = keras.Sequential([keras.Input((5, 5, 1)), *layers])
    path = tmp_path_factory.mktemp("registration") / "model.keras"
    model.save(path)
    return path


LOADED = "[f'{type(layer).__module__}.{type(layer).__name__}' for layer in model.layers]"


@pytest.mark.parametrize("imports", IMPORTS)
def test_saved_models_load_after_any_order_of_imports(saved, imports):
    out = run(f"{imports}; model = keras.models.load_model({str(saved)!r}); print({LOADED})")
    assert "kzoo.layers.conv.Conv2D" in out


@pytest.mark.large
def test_after_kzoo_objects_load_by_the_module_that_they_were_saved_with(saved):
    spec = {"module": "kzoo.losses", "class_name": "RowSparsity", "registered_name": "kzoo>RowSparsity"}
    spec["config"] = {"rate": 0.25}
    code = f"import kzoo, keras; print(keras.regularizers.deserialize({spec!r}).get_config()); "
    found, layers = run(code + f"model = keras.models.load_model({str(saved)!r}); print({LOADED})").splitlines()
    assert found == "{'rate': 0.25}" and "kzoo.layers.conv.Conv2D" in layers


def test_kzoo_alone_does_not_import_keras():
    code = "import sys, kzoo; print(sorted({'keras', 'tensorflow', 'numpy'} & set(sys.modules)), 'layers' in dir(kzoo))"
    assert run(code).strip() == "[] True"


@pytest.mark.large
def test_keras_that_cannot_be_imported_is_reported_as_such():
    """The hook adds nothing to the error, and Keras can be imported later."""
    code = (
        "import sys, kzoo\n"
        "path, sys.path = sys.path, []\n"
        "try:\n    import keras\nexcept ModuleNotFoundError as error:\n    print(error)\n"
        "sys.path = path\n"
        "import keras\n"
        "print('kzoo>Conv2D' in keras.saving.get_custom_objects())"
    )
    assert run(code).splitlines() == ["No module named 'keras'", "True"]
