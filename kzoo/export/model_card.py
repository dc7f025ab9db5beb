"""Model cards, in Markdown: of an export folder and of a run, with the Python that runs each exported format."""

import json

from kzoo.export.registry import FORMATS
from kzoo.export.signatures import takes_images
from kzoo.task import THRESHOLD, recorded
from kzoo.terminal import percent

EXAMPLES = "examples.npy"
ROWS = {"predictions.csv": "example", "classes.csv": "class or label"}  # of the files of a run
UNTRAINED = "NOT TRAINED: the weights are initial values, and the outputs mean nothing."
TOP_CLASSES = """for row in outputs:
    for index in row.argsort()[::-1][:3]:
        print({name}, row[index])"""


def model_info(model, origin, labels=None, images=None, trained=None, tasks=()):
    """Returns what cards say about a model, whatever its format, as a dict that JSON can hold.

    origin: a phrase on where the model comes from; labels: names of the classes; images: whether it takes images (None:
    by its input); trained: whether its weights are trained (None: unknown); tasks: of its outputs, where
    they are not one of classes.
    """
    shape = model.outputs[0].shape
    classes = shape[-1] if len(model.outputs) == 1 and len(shape) == 2 else None
    outputs = "; ".join(str(tuple(y.shape)) for y in model.outputs)
    if classes:
        softmax = getattr(getattr(model.layers[-1], "activation", None), "__name__", "") == "softmax"
        outputs = f"probabilities of {classes} classes" if softmax else f"{classes} scores, one for each class"
    if recorded(tasks):
        classes, outputs = None, "; ".join(map(_output_of, tasks))
    return {
        **recorded(tasks),
        "name": model.name,
        "what": origin,
        "trained": trained,
        "parameters": model.count_params(),
        "inputs": {t.name: list(t.shape) for t in model.inputs},
        "batch_size": model.inputs[0].shape[0],
        "outputs": outputs,
        "classes": classes,
        "labels": [" ".join(str(label).split()) for label in labels] if labels else None,
        "images": takes_images(model) if images is None else images,
    }


def _output_of(task):
    """Returns what the output of a task is, in words."""
    size, name = task.size or "the", f"`{task.name}`, " if task.name else ""
    names = f": {', '.join(task.names)}" if task.names else ""
    if task.kind == "multilabel":
        return f"{name}probabilities of {size} labels, each there if above {THRESHOLD:g}{names}"
    if task.kind == "regression":
        return f"{name}{size} number{'' if size == 1 else 's'} for each example{names}"
    if task.kind == "image":
        return f"{name}arrays of shape ({', '.join(map(str, task.shape))}) for each example"
    where = " for each pixel" if task.kind == "segmentation" else ""
    return f"{name}one score for each class{where}{names}"


def export_card(info, reports):
    """Returns the card of an export folder.

    info: `model_info`, "examples" (how many the folder has) and "figures" (results of its run, or None); reports: those
    of `kzoo.export.exporter.export`.
    """
    labels = info["labels"]
    lines = [
        f"# {info['name']}",
        "",
        *([f"**{UNTRAINED}**", ""] if info.get("trained") is False else []),
        f"{info['what']}. {_inputs_and_outputs(info)}",
        *_test_error(info.get("figures") or {}),
        *(["", f"`labels.txt` has the names of the {len(labels)} classes, one in each line."] if labels else []),
        *(["", f"`{EXAMPLES}` has a few real inputs."] if info["examples"] else []),
        *_fixed_batch(reports),
        "",
        *report_table(reports),
        "",
        "Each was verified by its own runtime, in a process without kzoo and Keras, on random inputs and, where "
        "available, real ones. The difference is to the model's own outputs, relative to the largest of them.",
    ]
    if any(report.get("undecided") for report in reports):
        lines += [
            "",
            "In examples with argmax ties, the model's own outputs change as much when its inputs change by a "
            "millionth: rounding decides which of several equal values a pool takes.",
        ]
    names = 'open("labels.txt").read().splitlines()' if labels else None
    for report in reports:
        lines += _format_section(info, report, names)
    return "\n".join([*lines, "", "`export.json` has all of this for programs.", ""])


def run_card(title, info, metrics, rows, reports, about="", classes=(), pictures=(), written=()):
    """Returns the card of a run, with lines for the formats that it exported.

    info: `model_info`; metrics: the content of metrics.json; rows: (quantity, measured, published), as text; about: a
    sentence on the training; classes: lines of a section on the classes; pictures: (file, caption) of its pictures;
    written: the files of its predictions.
    """
    lines = [
        f"# {title}",
        "",
        f"`{metrics['model']}` trained on `{metrics['data']}` with seed {metrics['seed']} by kzoo "
        f"{metrics['versions']['kzoo']}." + (f" {about}" if about else ""),
        *_results_table(rows, metrics["published"]),
        *(line for file, caption in pictures for line in ("", f"![{caption}]({file})")),
        *(["", *classes] if classes else []),
        "",
        "## Use",
        "",
        _inputs_and_outputs(info),
        *_fixed_batch(reports),
    ]
    for report in reports:
        lines += _format_section({**info, "examples": 0}, report)
    return "\n".join(
        [
            *lines,
            "",
            "## Keras",
            "",
            "```python",
            "import kzoo",
            "",
            'model = kzoo.load_model(".")',
            "```",
            "",
            "`config.yaml` is the complete config, `metrics.json` has the results, `history.csv` a row for each epoch"
            + "".join(f", `{file}` one for each {what}" for file, what in ROWS.items() if file in written)
            + "; `state.npz` is needed only to train the run further.",
            "",
        ]
    )


def seeds_card(title, metrics, rows):
    """Returns the card of a run of several seeds; arguments as of `run_card`."""
    seeds, name = metrics["seeds"], "test" if "test" in metrics else "train"
    return "\n".join(
        [
            f"# {title}",
            "",
            f"`{metrics['model']}` trained on `{metrics['data']}` with seeds {', '.join(map(str, seeds))} by kzoo "
            f"{metrics['versions']['kzoo']}. The results are means over the seeds.",
            *_results_table(rows, metrics["published"]),
            "",
            *_seeds_table(seeds, metrics[name].get("errors"), f"{name} error"),
            "",
            "Each seed's folder has its own model, card, `predictions.csv` and pictures. "
            f"`kzoo vote {title}` evaluates the mean of their predictions.",
            "",
        ]
    )


def _seeds_table(seeds, errors, head):
    """Returns the lines of a table of the folders of seeds, with their errors unless these are None."""
    folders = [f"[seed_{seed}](seed_{seed}/README.md)" for seed in seeds]
    if errors is None:  # of targets that are no classes
        return ["| seed | folder |", "|---:|---|", *(f"| {row[0]} | {row[1]} |" for row in zip(seeds, folders))]
    rows = (f"| {seed} | {percent(error)} | {folder} |" for seed, error, folder in zip(seeds, errors, folders))
    return [f"| seed | {head} | folder |", "|---:|---:|---|", *rows]


def _results_table(rows, published):
    return [
        *("", "| | measured | published |", "|---|---:|---:|"),
        *(f"| {' | '.join(row)} |" for row in rows),
        *(["", f"Published result: {published['source']}."] if published else []),
    ]


def report_table(reports):
    """Returns the lines of a Markdown table of reports."""
    rows = [
        f"| {FORMATS[one['format']].label} | `{one['file']}` | {file_size(one['bytes'])} | {'; '.join(one['tried'])} "
        f"| {format_difference(one)} | {one['seconds']:.1f} |"
        for one in reports
    ]
    return [
        "| format | file | size | verified on inputs of | largest difference | seconds to write and verify |",
        "|---|---|---:|---|---:|---:|",
        *rows,
    ]


def format_difference(report):
    """Returns the largest difference as text, with the number of argmax ties and the share of the same classes."""
    count, same = report.get("undecided"), report.get("agreement")
    text = f"{report['max_difference']:.1e}" + (f", {count} with argmax ties" if count else "")
    return text + (f"; same class {percent(same['share'])}" if same else "")


def usage_code(info, report, names=None):
    """Returns Python that runs an export by its runtime only and prints the best classes, or the shape of the outputs.

    names: an expression for the list of class names.
    """
    shape = next(iter(report.get("inputs", info["inputs"]).values()))
    shape = ", ".join("1" if n is None else str(n) for n in shape)
    x = f'np.load("{EXAMPLES}").astype("float32")' if info["examples"] else f'np.zeros(({shape}), "float32")'
    names_in_code = {
        "input": json.dumps(next(iter(info["inputs"]))),
        "output": json.dumps(report.get("outputs", ["output_0"])[0]),
    }
    lines = [FORMATS[report["format"]].card_code(report).format(file=report["file"], x=x, **names_in_code)]
    if names:
        lines.append(f"names = {names}")
    name = "names[index]" if names else "index"
    return "\n".join([*lines, TOP_CLASSES.format(name=name) if info["classes"] else "print(outputs.shape)"])


def file_size(count):
    """Formats a number of bytes.

    >>> file_size(1_234_567), file_size(830)
    ('1.2 MB', '830 bytes')
    """
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


def _inputs_and_outputs(info):
    shape = next(iter(info["inputs"].values()))
    any_number = ", `N` any number" if None in shape else ""
    shape = ", ".join("N" if n is None else str(n) for n in shape)
    return (
        f"Input: float32 batches of shape ({shape}){any_number}, with values as in the training data; "
        f"preprocessing is inside the model. Output: {info['outputs']}."
    )


def _fixed_batch(reports):
    """Returns the lines on the batch size of exports that were written for one only."""
    batch_size = next((next(iter(report["inputs"].values()))[0] for report in reports if "inputs" in report), None)
    if batch_size is None:
        return []
    fill = "fill up the last batch, and drop the outputs of what fills it"
    return ["", f"The exports take batches of exactly {batch_size} examples: {fill}."]


def _test_error(results):
    measured, published = results.get("test"), results.get("published")
    if not measured:
        return []
    if "error" not in measured:
        figures = (f"{key} {value:.4g}" for key, value in measured.items() if value is not None)
        return ["", f"On the test examples: {', '.join(figures)}."]
    compared = f"; published: {percent(published['error'])} ({published['source']})" if published else ""
    epochs, whole = results.get("epochs", 0), (results.get("recipe") or {}).get("epochs", 0)
    after = f" after {epochs:,} of {whole:,} epochs" if epochs < whole else ""
    return ["", f"Test error: {percent(measured['error'])}{after}{compared}."]


def _format_section(info, report, names=None):
    """Returns the lines on one exported format; no code for models of several inputs or outputs."""
    format = FORMATS[report["format"]]
    lines = ["", f"## {format.label}"]
    if len(info["inputs"]) == len(report.get("outputs", ["one"])) == 1:
        packages = " ".join((format.runtime, *format.runtime_imports)).replace("_", "-")
        code = usage_code(info, report, names)
        lines += ["", f"It needs only `pip install {packages}`:", "", "```python", code, "```"]
    for note in format.card_notes(report):
        lines += ["", note]
    return lines
