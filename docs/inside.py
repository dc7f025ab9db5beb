"""Writes docs/inside.md, a walk through the pictures of `kzoo look` for one run, and the pictures in docs/inside/.

Usage: python -m docs.inside RUN    (a run of nielsen_3)

Needs Debian's `chromium` and the package playwright, for the picture of the page of `kzoo explore`.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from kzoo.training.look import look

FOLDER = Path(__file__).with_name("inside")
LAYER, UNIT = "stage2", 35
CHROMIUM = "/usr/bin/chromium"
INTRODUCTION = """# Looking inside a model

What does a convolution compute, what does a unit see, and what does it look for? This page trains a small network on
handwritten digits and answers for it, in three commands and some twenty minutes with the reading:

```
pip install -e ".[explore]"
kzoo train nielsen_3 --set training.epochs=5         # two minutes on two CPU cores
kzoo look nielsen_3 --layer {layer} --unit {unit}         # half a minute: the pictures below
kzoo explore nielsen_3                               # prints the address of a page; Ctrl-C ends it
```

The network has two convolutions of 20 and 40 kernels, each followed by max pooling and a rectifier, and two dense
layers. MNIST is downloaded by TensorFlow Datasets when it is used for the first time.

## In the browser

![The page of kzoo explore](inside/explore.png)

Open the address that `kzoo explore` printed in a large window, and try in this order. Layers stand side by side: scroll
to the right for later ones, and within a layer for more of its maps.

1. Draw over the digit, or press Clear and draw your own. Predictions and all maps follow.
2. Point at a cell of a map of `stage2`: the part of the input that it sees is marked, and so are the parts of the maps
   between, of one map where a layer reads one, as pooling does, and of all where it reads all. Cells of deeper layers
   see more.
3. Click a cell of a map of `stage1_conv`: its value is the sum of the products that are shown, of the patch of the
   input and the kernel. Point at other cells of this map to see theirs.
4. Click map {unit} of `stage2`; maps show their numbers while you point at their layer. Open "Its top patches in the
   examples": what the nine parts of digits have in common is what this unit detects. Compare it with "An input that
   maximises it" and with the deconvnet's view.
5. Move the slider "Shift right" by one pixel, then by two and by four, and watch the equivariance error, whose panel
   appears next to the predictions: away from borders the maps of `stage1_conv` move with the digit by any number of
   pixels, those after its pooling by multiples of 2, and those after the second pooling by multiples of 4.

`kzoo explore nielsen_3 nielsen_6` shows two models side by side, here the second with initial weights, and
`kzoo explore nielsen_3 --out site` writes the page as files for a web server.

## From Python

Each picture of `kzoo look` comes from a function of `kzoo.analysis`, which takes any functional or Sequential Keras
model and returns numbers:

```python
import numpy as np
from kzoo import analysis, data
from kzoo.models import load_model

trained, (digits, labels) = load_model("nielsen_3"), data.load("mnist").test.numpy()
cam = analysis.grad_cam(trained, digits[:4])
print(np.asarray(cam).shape)  # (4, 28, 28): where the class of each digit is
cam.plot("cam.png")
patches = analysis.top_patches(trained, "stage2", {unit}, digits)
print(patches.values, labels[[place.example for place in patches.places]])
```

Models that hold other models work too: a layer is named by its path, such as "backbone/conv1". A model of several
inputs takes a list of arrays, and a picture is about the first of them that the layer depends on.

The pictures of `saved_models/nielsen_3/look/index.html` follow.
"""


def main(run: str) -> None:
    """Draws the pictures of a run and writes the page."""
    parts = [INTRODUCTION.format(layer=LAYER, unit=UNIT)]
    shutil.rmtree(FOLDER, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        drawn = look(run, LAYER, UNIT, out=Path(folder, "look")).parent
        shutil.copytree(drawn, FOLDER, ignore=shutil.ignore_patterns("*.html", "*.json"))
        record = json.loads((drawn / "look.json").read_text())
    photograph(run, FOLDER / "explore.png")
    for one in record["pictures"]:
        parts.append(f"## {one['title']}\n\n{one['text']}\n\n![{one['title']}](inside/{one['file']})\n")
    FOLDER.with_suffix(".md").write_text("\n".join(parts))


def photograph(run: str, file: Path) -> None:
    """Writes a picture of the page of `kzoo explore` with the unit's top patches and the products of a cell."""
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-m", "kzoo", "explore", run]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as started:
        try:
            browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="light")
            page.goto(server.stdout.readline().strip())
            layer = page.locator(".layer").filter(has=page.locator(f'h4:text-is("{LAYER}")'))
            layer.scroll_into_view_if_needed()
            layer.locator(".map").nth(UNIT).click()
            page.locator("details[data-view=patches] summary").click()
            page.locator("details[data-view=patches] canvas").first.wait_for()
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=file, full_page=True)
        finally:
            server.terminate()


if __name__ == "__main__":
    main(*sys.argv[1:])
