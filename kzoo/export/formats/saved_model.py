"""TensorFlow's SavedModel, with named signatures: batches, maps of stages, and images as files or pixels."""

import json
import shutil
import tempfile
from pathlib import Path

from kzoo.export.export_format import ExportFormat, match_inputs, sort_outputs

ORDER = "assets.extra/output_names.json"  # a folder that TensorFlow reserves for files of others
IMAGE_CODE = """Images of any size, as files or as pixels:

```python
files = tf.constant([open("image.png", "rb").read()]{times})
outputs = model.serve_image(files).numpy()
outputs = model.serve_pixels(tf.zeros(({batch_size}, 100, 200, 3), tf.uint8))  # as many channels as the model's input
```

Files may be PNG, JPEG, GIF or BMP. Grey PNG files of 16 bits keep their values, and transparent pixels of PNG files are
blended with white, as in training. Unlike in training, TensorFlow does not turn photos upright (Exif): do so before."""


class SavedModel(ExportFormat):
    """A folder that TensorFlow and TensorFlow Serving run; the same graph in the same precision as in Keras.

    Signatures: `serving_default`, from batches of any size to the model's outputs by name; `serve`, the same, which as
    a method of the loaded model returns them as the model does; `features`, the maps of its layers stage1, stage2 ...
    by name, in float32; and for models of images with one or three channels
    `serve_pixels`, from uint8 arrays (B, H, W, C), and `serve_image`, from strings (B,) that each hold a PNG, JPEG, GIF
    or BMP file. Images of any size are resized like the training data. Files are read by TensorFlow, which does not
    turn photos upright; `kzoo.export.image_decoding` has all that differs from training.
    """

    name, label, order, file = "saved_model", "SavedModel", 0, "saved_model"
    runtime, tolerance, memory, float32 = "tensorflow", 1e-5, (6e8, 20), False
    half_tolerance = 2e-2  # bfloat16 has 8 significant bits, and graphs round at other points than Keras
    code = """import numpy as np
import tensorflow as tf

model = tf.saved_model.load("{file}")
x = {x}
outputs = model.serve(x).numpy()"""

    def write(self, model, path, *, labels=None, images=None, resize="stretch", **_):
        """Writes the folder; `labels`, names of the classes, become the asset `assets/labels.txt`.

        images: whether to add the signatures for images; None: if the model takes images. resize: how these give images
        the model's size.
        """
        import keras
        import tensorflow as tf

        from kzoo.export import signatures
        from kzoo.export.graph_check import check_graph
        from kzoo.export.keras_export import input_specs, output_names
        from kzoo.ops.xla import no_islands

        archive, specs = keras.export.ExportArchive(), input_specs(model)  # `track(model)` would write variables twice
        with no_islands(), tempfile.TemporaryDirectory() as folder:
            serve = archive.add_endpoint("serve", lambda x: model(x, training=False), [specs])
            names = output_names(model)

            def named(x):
                return dict(zip(names, keras.tree.flatten(serve(x)), strict=True))

            endpoints = [serve, archive.add_endpoint("serving_default", named, [specs])]
            if signatures.stage_names(model):
                endpoints.append(archive.add_endpoint("features", signatures.stage_function(model), [specs]))
            if signatures.takes_images(model) if images is None else images:
                for name, function, spec in signatures.image_functions(serve, model.inputs[0], resize):
                    endpoints.append(archive.add_endpoint(name, function, [spec]))
            for endpoint in endpoints:
                check_graph(endpoint.get_concrete_function().graph.as_graph_def(), f"export of {model.name}")
            if labels:
                archive.track(signatures.label_table(labels, Path(folder, "labels.txt")))
            options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)  # it is not trained further
            archive.write_out(str(path), options, verbose=False)
            asset = Path(path, "assets", "labels.txt")
            if labels and not asset.exists():  # older versions of Keras leave the table out
                asset.parent.mkdir(exist_ok=True)
                shutil.copy(Path(folder, "labels.txt"), asset)
        if len(names) > 1:  # a signature keeps no order
            Path(path, ORDER).parent.mkdir()
            Path(path, ORDER).write_text(json.dumps(names))

    def open(self, path):
        import tensorflow as tf

        order = json.loads(Path(path, ORDER).read_text()) if Path(path, ORDER).is_file() else ()
        loaded = tf.saved_model.load(str(path))  # `run` must refer to it: its functions do not keep the variables

        def input_specs(signature):
            return loaded.signatures[signature].structured_input_signature[1]

        def run(inputs, signature="serving_default"):
            matched = match_inputs(input_specs(signature), inputs)
            outputs = loaded.signatures[signature](**{name: tf.constant(x) for name, x in matched.items()})
            return sort_outputs(outputs, order if signature == "serving_default" else ())

        return {name: tuple(spec.shape) for name, spec in input_specs("serving_default").items()}, run

    def recognizes(self, path):
        return (path / "saved_model.pb").is_file()

    def signature_batches(self, model, batch, *, images=None, **_):
        from kzoo.export.signatures import signature_batches

        return signature_batches(model, batch, images)

    def allowed_difference(self, model):
        half = any("16" in layer.compute_dtype for layer in model.layers)
        return self.half_tolerance if half else self.tolerance

    def report_extra(self, path, batches, outputs, **_):
        return {"signatures": list(dict.fromkeys(batch.signature for batch in batches))}

    def card_notes(self, report):
        batch_size = next(iter(report["inputs"].values()))[0] if "inputs" in report else None
        times = "" if batch_size is None else f" * {batch_size}"
        notes = {
            "features": "`model.features` returns the maps of its stages by name.",
            "serve_image": IMAGE_CODE.format(times=times, batch_size=batch_size or 1),
        }
        found = [note for signature, note in notes.items() if signature in report.get("signatures", ())]
        return [*found, f"Names of the classes, if they are known, are in `{report['file']}/assets/labels.txt`."]


FORMAT = SavedModel()
