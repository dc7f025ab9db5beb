"""The card of an export's folder: what is in it, how far it was checked, and the few lines that run it.

Source: none.
"""

from kzoo.export.formats import FORMATS
from kzoo.terminal import percent

EXAMPLES = "examples.npy"
ANSWER = """for row in answers:
    for place in row.argsort()[::-1][:3]:
        print({name}, row[place])"""
CODE = {
    "saved_model": """import numpy as np
import tensorflow as tf

net = tf.saved_model.load("{file}")
x = {x}
answers = net.serve(x).numpy()""",
    "onnx": """import numpy as np
import onnxruntime

net = onnxruntime.InferenceSession("{file}")
x = {x}
(answers,) = net.run(None, {{net.get_inputs()[0].name: x}})""",
    "litert": """import numpy as np
from ai_edge_litert.interpreter import Interpreter

net = Interpreter("{file}").get_signature_runner()
x = {x}
answers = net(**{{next(iter(net.get_input_details())): x}})["output_0"]""",
    "openvino": """import numpy as np
import openvino

precise = {{"INFERENCE_PRECISION_HINT": "f32"}}  # its own choice may be bfloat16
net = openvino.Core().compile_model("{file}/model.xml", "CPU", precise)
x = {x}
answers = net(x)[0]""",
}
CODE["litert_int8"] = CODE["litert"]


def card(about, reports):
    """The card, Markdown.

    about: a dict {name, what, inputs, outputs, labels, images}; reports, those of `kzoo.export.exporter`.
    """
    shape = ", ".join("N" if n is None else str(n) for n in next(iter(about["inputs"].values())))
    labels = about["labels"]
    lines = [
        f"# {about['name']}",
        "",
        f"{about['what']}. Input: float32 batches of shape ({shape}), `N` any number, as the training data has them; "
        f"preprocessing is inside. Output: {about['outputs']}.",
        *_figures(about.get("figures") or {}),
        *(["", f"`labels.txt` has the names of the {len(labels)} classes, a line each."] if labels else []),
        *(["", f"`{EXAMPLES}` has a few real inputs."] if about["examples"] else []),
        "",
        *table(reports),
        "",
        "Each was run by its runtime alone, in a process without kzoo and Keras, on random and, where there were any, "
        "real inputs; the difference is to the model's own outputs, relative to the largest of them.",
    ]
    if any(report.get("undecided") for report in reports):
        lines += [
            "",
            "On examples called undecided the model's own answers move as much when its inputs change by a millionth: "
            "where values go to places that pools chose, rounding chooses between equal ones.",
        ]
    single = len(about["inputs"]) == 1
    for report in reports:
        lines += ["", f"## {FORMATS[report['format']].label}", ""]
        if "accuracy" in report:
            found = {key: f"{100 * value:.2f} %" for key, value in report["accuracy"].items()}
            lines += [f"Right of the test examples: {found['after']}; in float32 {found['before']}.", ""]
        if single:
            package = FORMATS[report["format"]].runtime.replace("_", "-")
            lines += [f"`pip install {package}` is all that it needs:", "", "```python", code(report, about), "```"]
        if "serve_image" in report.get("signatures", ()):
            lines += ["", *_images(report)]
    return "\n".join([*lines, "", "`export.json` has all of this for programs.", ""])


def table(reports):
    """Lines of a Markdown table of reports."""
    rows = [
        f"| {FORMATS[one['format']].label} | `{one['file']}` | {size(one['bytes'])} | {'; '.join(one['tried'])} "
        f"| {difference(one)} | {one['seconds']:.1f} |"
        for one in reports
    ]
    return [
        "| format | file | size | tried with inputs of | largest difference | seconds to write and check |",
        "|---|---|---:|---|---:|---:|",
        *rows,
    ]


def difference(report):
    """The largest difference, and on how many examples the net itself is undecided, if any."""
    count = report.get("undecided")
    return f"{report['max_difference']:.1e}" + (f", on {count} undecided" if count else "")


def code(report, about):
    """The lines of Python that print the best classes of a file of examples, by the runtime alone."""
    zeros = ", ".join("1" if n is None else str(n) for n in next(iter(about["inputs"].values())))
    x = f'np.zeros(({zeros}), "float32")'
    if about["examples"]:
        x = f'np.load("{EXAMPLES}").astype("float32")'
    name = "names[place]" if about["labels"] else "place"
    names = ['names = open("labels.txt").read().splitlines()'] if about["labels"] else []
    head = CODE[report["format"]].format(file=report["file"], x=x)
    tail = ANSWER.format(name=name) if about["classes"] else "print(answers.shape)"
    return "\n".join([head, *names, tail])


def _figures(figures):
    """What was measured and what was published, in a line."""
    found, published = figures.get("test"), figures.get("published")
    if found:
        told = f"; published: {percent(published['error'])} ({published['source']})" if published else ""
        yield from ("", f"Test error: {percent(found['error'])}{told}.")


def _images(report):
    return [
        "Images as files, or as pixels, of any size:",
        "",
        "```python",
        'files = tf.constant([open("image.png", "rb").read()])',
        "answers = net.serve_image(files).numpy()",
        "answers = net.serve_pixels(tf.zeros((1, 100, 200, 3), tf.uint8))  # as many channels as the net's input",
        "```",
    ]


def size(count):
    """Bytes as a person reads them.

    >>> size(1_234_567), size(830)
    ('1.2 MB', '830 bytes')
    """
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
