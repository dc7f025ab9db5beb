"""OpenVINO's two files, model.xml and model.bin, in a folder.

Source: none; the format is that of docs.openvino.ai.
"""

import sys
from pathlib import Path

import keras

from kzoo.checks import Refusal
from kzoo.export.saved_model import spec_of
from kzoo.ops.xla import no_islands
from kzoo.terminal import quiet


def write_openvino(net, path):
    """Write a float32 net to the folder `path`.

    Errors: Refusal with OpenVINO's words if it cannot have the net.
    """
    specs = keras.tree.map_structure(spec_of, net.input)
    sys.modules.setdefault("openvino_telemetry", None)  # it would report to its maker, unasked
    Path(path).mkdir()
    try:
        with no_islands(), quiet():
            net.export(str(Path(path, "model.xml")), format="openvino", input_signature=[specs], verbose=False)
    except OSError:
        raise
    except Exception as error:  # its own classes, and RuntimeError
        if "iostream" in str(error):  # its way to tell that a disk is full
            raise OSError(None, "its files could not be written") from error
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise Refusal(f"export of {net.name}: OpenVINO cannot have it: {' '.join(lines)[:300]}") from error
