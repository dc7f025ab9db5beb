"""Writes docs/inside.md, a walk through the pictures of `kzoo look` for one run, and the pictures in docs/inside/.

Usage: python -m docs.inside RUN    (a run of nielsen_3)
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from kzoo.training.look import look

FOLDER = Path(__file__).with_name("inside")
LAYER, UNIT = "stage2", 35
INTRODUCTION = """# Looking inside a model

What does a convolution compute, what does a unit see, and what does it look for? Train a small network on handwritten
digits, which takes two minutes on two CPU cores, and draw the answers, which takes half a minute:

```
kzoo train nielsen_3 --set training.epochs=5
kzoo look nielsen_3 --layer {layer} --unit {unit}
```

The page `saved_models/nielsen_3/look/index.html` shows the pictures below. Each comes from a function of
`kzoo.analysis`, which takes any functional or Sequential Keras model and returns numbers:

```python
import numpy as np
from kzoo import analysis, model

lenet, images = model("lenet5"), np.random.default_rng(0).uniform(size=(4, 32, 32, 1))
cam = analysis.grad_cam(lenet, images)
print(np.asarray(cam).shape)  # (4, 32, 32): where the class of each image is
cam.plot("cam.png")
```

Models that hold other models work too: a layer is named by its path, such as "backbone/conv1". A model of several
inputs takes a list of arrays, and a picture is about the first of them that the layer depends on.
"""


def main(run: str) -> None:
    """Draws the pictures of a run and writes the page."""
    parts = [INTRODUCTION.format(layer=LAYER, unit=UNIT)]
    shutil.rmtree(FOLDER, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        drawn = look(run, LAYER, UNIT, out=Path(folder, "look")).parent
        shutil.copytree(drawn, FOLDER, ignore=shutil.ignore_patterns("*.html", "*.json"))
        record = json.loads((drawn / "look.json").read_text())
    for one in record["pictures"]:
        parts.append(f"## {one['title']}\n\n{one['text']}\n\n![{one['title']}](inside/{one['file']})\n")
    FOLDER.with_suffix(".md").write_text("\n".join(parts))


if __name__ == "__main__":
    main(*sys.argv[1:])
