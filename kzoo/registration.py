"""Registers kzoo's layers, losses, metrics and so on with Keras, so that saved models that contain them load.

`import kzoo` does not import Keras, which takes seconds: the classes are registered as soon as something imports it.

Source: PEP 302 and the reference of Python's `importlib`, for import hooks.
"""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class AfterKeras:
    """A finder for `sys.meta_path` that has `register` called at the end of each `import keras`."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Returns the spec that the other finders find, if `name` is keras."""
        if name != "keras":
            return None
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                register()

            spec.loader.exec_module = execute_and_register
        return spec


def register_post_import_hook() -> None:
    """Has `register` called after `import keras`, or calls it if Keras has been imported already."""
    if sys.modules.get("keras") is not None:
        register()
    else:
        sys.meta_path.insert(0, AfterKeras())


def register() -> None:
    """Imports every module that registers a class with Keras."""
    import kzoo.augmentation
    import kzoo.constraints
    import kzoo.initializers
    import kzoo.layers
    import kzoo.losses
    import kzoo.metrics
    import kzoo.optimizers
    import kzoo.regularizers
    import kzoo.schedules  # noqa: F401
