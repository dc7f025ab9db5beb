"""Writes tables and measured results into README, docs/, benchmarks/README.md and the comments at the top of configs.

Usage: python -m docs.tables [--check]    (--check writes nothing and fails if a text is out of date)
"""

import ast
import csv
import fnmatch
import json
import re
import sys
from pathlib import Path

from matplotlib.ticker import NullFormatter

from benchmarks.__main__ import GROUPS
from benchmarks.report import chart, headline, read, summary, tables
from kzoo.config.config import Config, check_config
from kzoo.config.config_errors import part_of
from kzoo.config.training_config import StageConfig
from kzoo.config.yaml_file import read_yaml
from kzoo.export.registry import FORMATS
from kzoo.figures import figure
from kzoo.index import find_layers, find_models
from kzoo.models.registry import describe
from kzoo.terminal import percent
from kzoo.tuning.report import best_trial

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / "zoo_configs"
SEARCHES = ROOT / "docs" / "searches"
EXPORTS = ROOT / "results" / "exports" / "matrix.json"
BASELINES = ROOT / "results" / "baselines" / "logistic_regression.json"
LAYERS = {
    "conv": "convolution",
    "tiled": "tiled convolution",
    "low_rank": "mixtures of four kernels",
    "local": "locally connected",
}


def results(pattern):
    """Returns the metrics of each recorded run whose name matches, sorted by name."""
    return {file.stem: json.loads(file.read_text()) for file in sorted((ROOT / "results").glob(f"{pattern}.json"))}


def length(name, metrics):
    """Returns the number of trained epochs, if fewer than the config's; otherwise an empty string."""
    whole = read_yaml(CONFIGS / f"{name}.yaml")["training"]["epochs"]
    return "" if metrics["epochs"] >= whole else f", {metrics['epochs']} of {whole} epochs"


def measured(metrics, split="test"):
    """Returns the mean error and its range over the seeds."""
    errors = metrics[split].get("errors", [metrics[split]["error"]])
    low, high = percent(min(errors)), percent(max(errors))
    spread = (
        f" ({low.removesuffix(' %')}-{high.removesuffix(' %')} over {len(errors)} seeds)" if len(errors) > 1 else ""
    )
    return percent(metrics[split]["error"]) + spread


def table(pattern):
    """Returns a Markdown table of recorded runs."""
    lines = [
        "| model | parameters | test error | published | training error | time a seed |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, metrics in results(pattern).items():
        published = percent(metrics["published"] and metrics["published"]["error"])
        time = f"{metrics['seconds']:,.0f} s, {metrics['steps_per_second']:,.0f} steps/s"
        cells = (measured(metrics) + length(name, metrics), published, percent(metrics["train"]["error"]), time)
        lines.append(f"| `{name}` | {metrics['parameters']:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def small_table():
    """Returns a Markdown table of the small configs' runs and of logistic regression on the same pixels."""
    lines = [
        "| config | model | data | parameters | test error | logistic regression | time |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    linear = json.loads(BASELINES.read_text())
    for name, metrics in results("small_*").items():
        if metrics["data"] in linear:
            linear_error = percent(linear[metrics["data"]]["error"])
            about = (f"`{name}`", f"`{metrics['model']}`", metrics["data"], f"{metrics['parameters']:,}")
            lines.append(
                "| " + " | ".join((*about, measured(metrics), linear_error, f"{metrics['seconds']:,.0f} s")) + " |"
            )
    return "\n".join(lines)


def maps_table():
    """Returns a Markdown table of the segmentation runs."""
    lines = [
        "| config | model | data | parameters | mean IoU | pixels wrong | time |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    for name, metrics in results("*").items():
        if "mean_iou" in metrics["test"]:
            values = (f"{metrics['test']['mean_iou']:.3f}", measured(metrics), f"{metrics['seconds']:,.0f} s")
            about = (f"`{name}`", f"`{metrics['model']}`", metrics["data"], f"{metrics['parameters']:,}")
            lines.append("| " + " | ".join((*about, *values)) + " |")
    return "\n".join(lines)


def shortened(text):
    """Returns a number with four digits; other texts unchanged."""
    try:
        return f"{float(text):.4g}"
    except ValueError:
        return text


def searches():
    """Returns docs/searches.md with a table of the recorded searches, and their plots."""
    lines = [
        "| search | trials | baseline | best | test error | best small | test error |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    plots = []
    for folder in sorted(path for path in SEARCHES.iterdir() if path.is_dir()):
        search = check_config(read_yaml(folder / "search.yaml")).search
        with (folder / "trials.csv").open() as file:
            trials = list(csv.DictReader(file))
        completed = [
            {**trial, "objective": float(trial[search.objective]), "parameters": int(trial["parameters"])}
            for trial in trials
            if trial[search.objective]
        ]
        baseline, best = completed[0], best_trial(completed, search)
        small = best_trial([t for t in completed if t["parameters"] <= 1.05 * baseline["parameters"]], search)
        cells = [f"{trial['objective']:.4f}, {trial['parameters']:,}" for trial in (baseline, best, small)]
        metrics = json.loads((folder / "metrics.json").read_text())
        file = folder / "small.json"
        small_metrics = json.loads(file.read_text()) if file.exists() else metrics if small is best else None
        cells.insert(2, measured(metrics))
        cells.append(measured(small_metrics) if small_metrics else "-")
        name = f"[{folder.name}](#{folder.name}), `{search.objective}`, parameters"
        lines.append("| " + " | ".join((name, str(len(trials)), *cells)) + " |")
        images = [f"![{plot} of {folder.name}](searches/{folder.name}/{plot}.png)" for plot in ("trials", "settings")]
        values = ", ".join(f"`{path}` {shortened(best[path])}" for path in search.space if best[path])
        plots += ["", f"### {folder.name}", "", f"Best: trial {best['trial']}, {values}.", "", *images]
    return filled((ROOT / "docs" / "searches.md").read_text(), "searches", "\n".join([*lines, *plots]))


def readme():
    """Returns README with its tables filled in."""
    text = (ROOT / "README.md").read_text()

    def fill(match):
        return f"{match[1]}\n{table(match[2])}\n{match[3]}"

    text = re.sub(r"(<!-- results (\S+) -->)\n.*?(<!-- end -->)", fill, text, flags=re.S)
    tables = {"layers": layers_table(), "families": families_table(), "small": small_table(), "maps": maps_table()}
    for mark, content in {**tables, "speed": headline(measurements())}.items():
        text = filled(text, mark, content)
    return text


def layers_table():
    """Returns a Markdown table of kzoo's layers, from the first lines of their docstrings."""
    lines = ["| layer | dimensions | what it does |", "|---|---|---|"]
    for layer in find_layers():
        dimensions = " ".join(name[-2] for name in layer["classes"] if name != layer["name"]) or "any"
        lines.append(f"| `{layer['name']}` | {dimensions} | {layer['what'].rstrip('.')} |")
    return "\n".join(lines)


def families_table():
    """Returns a Markdown table of the model families: the first line of each file in kzoo/models, and its variants."""
    variants = {}
    for model in find_models():
        variants.setdefault(model["family"], []).append(f"`{model['name']}`")
    lines = ["| family | what | models |", "|---|---|---|"]
    for family, names in variants.items():
        source = (ROOT / "kzoo" / "models" / f"{family}.py").read_text()
        what = ast.get_docstring(ast.parse(source)).splitlines()[0].rstrip(".")
        lines.append(f"| `{family}` | {what} | {', '.join(names)} |")
    return "\n".join(lines)


def measurements(group="*"):
    """Returns the rows of the benchmarks' runs, or of one of the GROUPS of runs, and a line about each group."""
    groups = [name for name in GROUPS if fnmatch.fnmatchcase(name, group)]
    found = [read(sorted((ROOT / "benchmarks" / "results").glob(f"{name}-*.json"))) for name in groups]
    return {"rows": [row for result in found for row in result["rows"]], "machines": list(map(machine, found))}


def filled(text, mark, content):
    """Returns a text in which `content` replaces all between the start mark and the end mark."""
    return re.sub(rf"(<!-- {mark} -->)\n.*?(<!-- end -->)", lambda m: f"{m[1]}\n{content}\n{m[2]}", text, flags=re.S)


def benchmarks_readme():
    """Returns benchmarks/README.md with its tables filled in."""
    result = measurements()
    text = filled((ROOT / "benchmarks" / "README.md").read_text(), "summary", summary(result))
    text = filled(text, "machine", "\n".join(result["machines"]))
    return filled(text, "tables", tables(result).strip())


def machine(result):
    """Returns a line of a list about the machine of a group of runs and its package versions."""
    known = result["machine"]
    versions = ", ".join(f"{name} {known[name]}" for name in ("tensorflow", "keras", "tf-keras", "torch", "jax"))
    speeds = f"{known['bandwidth'] / 1e9:.0f} GB/s and {known['rate'] / 1e9:.0f} Gflop/s of float32 in the last run"
    families = ", ".join(dict.fromkeys(row["family"].rpartition(".")[2] for row in result["rows"]))
    return (
        f"- {families}: runs: {result['runs']}, of {result['rounds']} rounds, on {known['cores']} cores of "
        f"{known['processor']}; {speeds}. {versions}."
    )


def settings():
    """Returns docs/configs.md: every setting of a config, from the classes that check it."""
    lines = ["# Settings of a config", "", "Made by `python -m docs.update` from `kzoo/config`.", ""]
    for part, field in Config.model_fields.items():
        kind = part_of(field.annotation)
        lines += [f"## {part}", "", field.description, "", "| setting | default | what |", "|---|---|---|"]
        lines += setting_rows(part, kind)
        lines.append("")
    stages = setting_rows("stages.N", StageConfig)
    lines += ["### A stage of training.stages", "", "| setting | default | what |", "|---|---|---|", *stages, ""]
    lines += [
        "N is 0 for the first stage, in `--set` and in search spaces too. Settings that a stage leaves out are those",
        "of `training` and `data`. Epochs are numbered through all stages, and `history.csv` has a column `stage`.",
        "Callbacks and `training.keep` continue from stage to stage; a callback that stops the training ends it.",
        "Stages that begin after `training.epochs` are left out.",
        "",
        "```yaml",
        "transfer: {weights: imagenet, until: fc2, freeze: false}",
        "training:",
        "  epochs: 13",
        "  optimizer: {class_name: SGD, config: {learning_rate: 0.01, momentum: 0.9}}",
        "  stages:",
        "    - {epochs: 3, train: [predictions]}  # all but the last layer stay as they are",
        '    - {rates: {"*": 0.1}}  # ten epochs of all layers at a tenth of the rate',
        "```",
        "",
        "`model` further takes every setting of the model's family (`kzoo show NAME`). Losses, optimizers, metrics,",
        "callbacks and layers are written `{class_name: NAME, config: {...}}`, or the bare name; a name is one of",
        "Keras's public classes, or of kzoo's as `kzoo>NAME`.",
        "",
        "With `evaluation` a run has two results for the test and the validation split: for the single view that the",
        "model and its exports take, and for the mean of its outputs over several views. The names of the latter begin",
        "with `views_` in `metrics.json`, and `kzoo evaluate` prints both. Validation during training and searches",
        "take single views. The crops take the place of those of the first layer of `data.preprocess` that crops:",
        "`CenterCrop`, `RandomCrop`, `kzoo>PadAndCrop`, `kzoo>RandomResizedCrop` or `kzoo>ScaleJitter`.",
        "",
        "```yaml",
        "data:",
        "  image_size: [256, 256]",
        "  preprocess: [{class_name: kzoo>PadAndCrop, config: {height: 227, width: 227}}]",
        "evaluation: {crops: 10}",
        "```",
        "",
        "A schedule counts optimizer steps. Next to Keras's there are `kzoo>Warmup`, which rises in a line to a",
        "number or a schedule, `kzoo>SequentialSchedule`, which follows one schedule after another, and",
        "`kzoo>InversePowerDecay`. Of Caffe's policies `step` is `ExponentialDecay` with `staircase: true`,",
        "`multistep` is `PiecewiseConstantDecay` with each boundary one less, `poly` is `PolynomialDecay`, and `inv`",
        "is `kzoo>InversePowerDecay`.",
        "",
        "```yaml",
        "training:",
        "  optimizer:",
        "    class_name: kzoo>ScheduledMomentumSGD",
        "    config:",
        "      learning_rate:",
        "        class_name: kzoo>Warmup",
        "        config:",
        "          warmup_steps: 500",
        "          learning_rate: {class_name: CosineDecay, config: {initial_learning_rate: 0.4, decay_steps: 20000}}",
        "      momentum:",
        "        class_name: PolynomialDecay",
        "        config: {initial_learning_rate: 0.5, decay_steps: 10000, end_learning_rate: 0.9}",
        '  rates: {"*/bias": 2, "predictions/*": 0.1}  # of predictions/bias: 0.2',
        "```",
        "",
        "Layers of `data.augment` change training images only, and a resumed run sees the same images. kzoo's",
        "([pictures](layers/README.md#augmentation-from-kzooaugmentation)) draw anew for each image; some of Keras's,",
        "such as `RandomCrop`, draw once for a batch. In `data.preprocess`, `kzoo>PadAndCrop` crops at random in",
        "training and in the centre otherwise, so that a model takes crops of larger images.",
        "",
        "`kzoo>MixUp` and `kzoo>CutMix` make training labels class probabilities. The loss takes them:",
        "`SparseCategoricalCrossentropy`, `CategoricalCrossentropy`, `CategoricalFocalCrossentropy`,",
        "`BinaryCrossentropy`, `KLDivergence` or `MeanSquaredError`. Metrics of training compare with the most",
        "probable class of a mixture. `class_weight` and weights of examples are mixed in the same proportion.",
        "Evaluation has the examples and labels as they are. In label maps `kzoo>CutMix` pastes the same box.",
        "",
        "```yaml",
        "data:",
        "  augment:",
        "    - {class_name: kzoo>RandAugment, config: {num_ops: 2, magnitude: 9}}",
        "    - {class_name: kzoo>MixUp, config: {alpha: 0.2}}",
        "```",
        "",
        "kzoo has its own versions where Keras's differ from the papers. Keras's `RandAugment` draws the operations",
        "once for a batch and magnitudes between 0 and `factor`, rotates by up to 180 degrees at the default",
        "`factor`, and equalizes a batch as one image. Its `RandomColorJitter` takes another kind of range for each",
        "colour, and returns bytes as floats. Its `MixUp` gives NaN for a small `alpha`. Its `CutMix` draws the",
        "parameter of the distribution too, keeps boxes inside the image, and counts parts of pixels in labels.",
        "",
        "With `resize: short_side` images keep their proportions, and the model takes a part of `image_size`: in",
        "training at a random position, in validation, tests, `kzoo predict` and exports the centre. Crops of",
        "`evaluation` come from the central square. Images need one label each.",
        "",
        "```yaml",
        "data: {folder: photographs, image_size: [224, 224], resize: short_side, short_side: 256}",
        "```",
        "",
        "Callbacks write into the run's folder: a relative path is taken inside it, or inside that of the seed or",
        "trial. Other paths and `RemoteMonitor` need `--allow-outside`, or KZOO_ALLOW_OUTSIDE=1. A path outside",
        "serves one training only, and a new run does not overwrite a file that is there.",
        "",
        "A resumed run leaves the files of an undisturbed one. The tables of `CSVLogger` and the event files of",
        "`TensorBoard` are cut back to the last checkpoint and continued. Models that `ModelCheckpoint` saved",
        "since then are saved again; those whose names differ are removed, unless they are outside the run's",
        "folder. `RemoteMonitor` sends the results of an epoch after its checkpoint: never twice, but not at all",
        "if the run is killed between the two. `BackupAndRestore`, `OrbaxCheckpoint` and `profile_batch` of",
        "`TensorBoard` are refused. A callback class that you registered yourself has to restore its own files.",
        "",
    ]
    return "\n".join(lines)


def setting_rows(part, kind):
    """Returns a row of a Markdown table for each setting of a part of a config."""
    rows = []
    for name, setting in kind.model_fields.items():
        default = "required" if setting.is_required() else f"`{json.dumps(setting.default)}`"
        rows.append(f"| `{part}.{name}` | {default} | {setting.description} |")
    return rows


def config_head(name, metrics, text):
    """Returns a config with the lines Cost and Expected filled in."""
    published = metrics["published"]
    paper = f"; {percent(published['error'])} published" if published else ""
    cost = f"{metrics['seconds']:,.0f} s a seed, {metrics['steps_per_second']:,.0f} steps/s"
    text = re.sub(r"# Cost: .*", f"# Cost:     {cost}{length(name, metrics)}", text)
    return re.sub(
        r"# Expected: .*",
        f"# Expected: test error {measured(metrics)}, measured{length(name, metrics)}{paper}",
        text,
    )


def plot(path):
    """Plots the test error of each seed against the parameters of the MNIST-1D models."""
    sheet = figure(7, 3.6)
    axes = sheet.subplots()
    for name, metrics in results("mnist1d_*").items():
        errors = [100 * e for e in metrics["test"].get("errors", [metrics["test"]["error"]])]
        kind = LAYERS.get(describe(name)["settings"].get("layer"), "fully connected")
        axes.plot([metrics["parameters"]] * len(errors), errors, "o", label=f"{name} ({kind})")
    axes.set(
        xscale="log",
        xlabel="parameters",
        ylabel="test error, %",
        ylim=(0, None),
        title="MNIST-1D, one dot for each seed: with all, some and no weights shared",
    )
    axes.xaxis.set_minor_formatter(NullFormatter())  # its labels would overlap
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    path.parent.mkdir(exist_ok=True)
    sheet.savefig(path)


def plot_benchmarks(path, group):
    """Plots a bar for each case of a group of runs: the fastest peer's time divided by kzoo's."""
    sheet = figure(7, 9)
    chart(measurements(group), sheet.subplots())
    sheet.savefig(path)


def exports():
    """Returns docs/exports.md: the compatibility matrix of models and formats."""
    matrix = json.loads(EXPORTS.read_text()) if EXPORTS.is_file() else {}
    formats = [name for name in FORMATS if any(name in outcomes for outcomes in matrix.values())]
    reasons = {}
    lines = [
        "# Which formats can represent which models",
        "",
        "Generated by `python -m docs.update` from the results of `kzoo export --matrix`. Each model has 10",
        "classes, hidden layers of 64 units and the smallest input of at least 8 that it accepts (any: of unknown",
        "size). It was exported, and verified in the runtime of the format on random batches of 1 and 7. A number",
        "is the largest difference from Keras's outputs, relative to the largest of them. Softmax is left out,",
        "because its values near 0 and 1 hide differences.",
        "",
        "Every layer of kzoo can also be exported to SavedModel, ONNX and LiteRT, by itself and in two sizes, except",
        "`TiledConv3D` to LiteRT, which transposes at most six axes (`python -m pytest -m large",
        "tests/export/test_everything.py`).",
        "",
        "| model | input | parameters | " + " | ".join(FORMATS[name].label for name in formats) + " |",
        "|---|---|---:|" + "---|" * len(formats),
    ]
    for model, outcomes in matrix.items():
        size = " x ".join(str(n or "any") for n in outcomes["input"])
        cells = [export_cell(outcomes.get(name), reasons) for name in formats]
        lines.append(f"| `{model}` | {size} | {outcomes['parameters']:,} | " + " | ".join(cells) + " |")
    lines += ["", *(f"{number}. {reason}" for reason, number in reasons.items())]
    return "\n".join(lines).rstrip() + "\n"


def export_cell(outcome, reasons):
    """Returns an outcome's difference, or the number of its reason, which is added to `reasons`."""
    if outcome is None:
        return "not verified"
    if outcome["ok"]:
        return f"{outcome['max_difference']:.0e}"
    reason = re.sub(r"^export of \S+?: |^export of \S+ to \w+ |^export: the \w+ at \S+ ", "", outcome["reason"])
    return f"no ({reasons.setdefault(reason, len(reasons) + 1)})"


def main(check):
    """Writes all texts and plots; with `check` returns a message if a text is out of date."""
    wanted = {
        ROOT / "docs" / "exports.md": exports(),
        ROOT / "README.md": readme(),
        ROOT / "docs" / "configs.md": settings(),
        ROOT / "docs" / "searches.md": searches(),
        ROOT / "benchmarks" / "README.md": benchmarks_readme(),
    }
    for name, metrics in results("*").items():
        path = CONFIGS / f"{name}.yaml"
        wanted[path] = config_head(name, metrics, path.read_text())
    stale = [
        str(path.relative_to(ROOT)) for path, text in wanted.items() if not path.exists() or path.read_text() != text
    ]
    if check:
        return f"out of date: {', '.join(stale)}; run python -m docs.update" if stale else None
    for path, text in wanted.items():
        path.write_text(text)
    plot(ROOT / "docs" / "figures" / "mnist1d.png")
    for group in GROUPS:
        plot_benchmarks(ROOT / "docs" / "figures" / f"benchmarks_{group}.png", group)
    return None


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
