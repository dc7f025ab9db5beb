"""Writes measured figures where they are told: of runs in README and the heads of configs, of benchmarks beside them.

Usage: python -m docs.update [--check]    (--check writes nothing and fails if a text is out of date)

Source: none.
"""

import csv
import json
import re
import sys
from pathlib import Path

from matplotlib.ticker import NullFormatter

from benchmarks.report import chart, headline, read, summary, tables
from kzoo.export.formats import FORMATS
from kzoo.models.registry import describe
from kzoo.terminal import percent
from kzoo.training.config import Config, check_config, part_of
from kzoo.training.report import figure
from kzoo.training.yaml_file import read_yaml
from kzoo.tuning.report import best_of

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / "zoo_configs"
SEARCHES = ROOT / "docs" / "searches"
EXPORTS = ROOT / "results" / "exports" / "matrix.json"
BASELINES = ROOT / "results" / "baselines" / "logistic_regression.json"
LAYERS = {"conv": "convolution", "tiled": "tiled convolution", "local": "locally connected"}


def results(pattern):
    """The metrics of each recorded run whose name matches, in order of name."""
    return {file.stem: json.loads(file.read_text()) for file in sorted((ROOT / "results").glob(f"{pattern}.json"))}


def length(name, metrics):
    """How far a run went, if not all the way of its config."""
    whole = read_yaml(CONFIGS / f"{name}.yaml")["training"]["epochs"]
    return "" if metrics["epochs"] >= whole else f", {metrics['epochs']} of {whole} periods"


def measured(metrics, split="test"):
    """Mean and range over the seeds."""
    errors = metrics[split].get("errors", [metrics[split]["error"]])
    low, high = percent(min(errors)), percent(max(errors))
    spread = (
        f" ({low.removesuffix(' %')}-{high.removesuffix(' %')} over {len(errors)} seeds)" if len(errors) > 1 else ""
    )
    return percent(metrics[split]["error"]) + spread


def table(pattern):
    """A Markdown table of recorded runs."""
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
    """A Markdown table of the small configs' runs beside logistic regression on the same pixels."""
    lines = [
        "| config | model | data | parameters | test error | logistic regression | time |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    linear = json.loads(BASELINES.read_text())
    for name, metrics in results("small_*").items():
        if metrics["data"] in linear:
            beside = percent(linear[metrics["data"]]["error"])
            about = (f"`{name}`", f"`{metrics['model']}`", metrics["data"], f"{metrics['parameters']:,}")
            lines.append("| " + " | ".join((*about, measured(metrics), beside, f"{metrics['seconds']:,.0f} s")) + " |")
    return "\n".join(lines)


def maps_table():
    """A Markdown table of the runs that give every pixel a class."""
    lines = [
        "| config | model | data | parameters | mean IoU | pixels wrong | time |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    for name, metrics in results("*").items():
        if "mean_iou" in metrics["test"]:
            figures = (f"{metrics['test']['mean_iou']:.3f}", measured(metrics), f"{metrics['seconds']:,.0f} s")
            about = (f"`{name}`", f"`{metrics['model']}`", metrics["data"], f"{metrics['parameters']:,}")
            lines.append("| " + " | ".join((*about, *figures)) + " |")
    return "\n".join(lines)


def shortened(text):
    """A number of a table with four digits; other texts as they are."""
    try:
        return f"{float(text):.4g}"
    except ValueError:
        return text


def searches():
    """docs/searches.md with a table of the recorded searches, and their plots."""
    lines = [
        "| search | trials | own setting | best | test error | small and best | test error |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    plots = []
    for folder in sorted(path for path in SEARCHES.iterdir() if path.is_dir()):
        search = check_config(read_yaml(folder / "search.yaml")).search
        with (folder / "trials.csv").open() as file:
            found = list(csv.DictReader(file))
        done = [
            {**trial, "objective": float(trial[search.objective]), "parameters": int(trial["parameters"])}
            for trial in found
            if trial[search.objective]
        ]
        own, whole = done[0], best_of(done, search)
        small = best_of([trial for trial in done if trial["parameters"] <= 1.05 * own["parameters"]], search)
        cells = [f"{trial['objective']:.4f}, {trial['parameters']:,}" for trial in (own, whole, small)]
        errors = [json.loads((folder / "metrics.json").read_text())]
        smaller = folder / "small.json"
        errors += [json.loads(smaller.read_text()) if smaller.exists() else errors[0] if small is whole else None]
        cells[2:2] = [measured(errors[0])]
        cells += [measured(errors[1]) if errors[1] else "-"]
        name = f"[{folder.name}](#{folder.name}), `{search.objective}`, parameters"
        lines.append("| " + " | ".join((name, str(len(found)), *cells)) + " |")
        shown = [f"![{plot} of {folder.name}](searches/{folder.name}/{plot}.png)" for plot in ("trials", "settings")]
        where = {path: whole[path] for path in search.space if whole[path]}
        told = ", ".join(f"`{path}` {shortened(value)}" for path, value in where.items())
        plots += ["", f"### {folder.name}", "", f"Best: trial {whole['trial']}, {told}.", "", *shown]
    return filled((ROOT / "docs" / "searches.md").read_text(), "searches", "\n".join([*lines, *plots]))


def readme():
    """README with its tables filled in."""
    text = (ROOT / "README.md").read_text()

    def fill(match):
        return f"{match[1]}\n{table(match[2])}\n{match[3]}"

    text = re.sub(r"(<!-- results (\S+) -->)\n.*?(<!-- end -->)", fill, text, flags=re.S)
    text = filled(filled(text, "small", small_table()), "maps", maps_table())
    return filled(text, "speed", headline(measurements()))


def measurements():
    """What the benchmarks' runs on the reference machine came to."""
    return read(sorted((ROOT / "benchmarks" / "results").glob("cpu-*.json")))


def filled(text, mark, content):
    """A text with what stands between its two marks replaced."""
    return re.sub(rf"(<!-- {mark} -->)\n.*?(<!-- end -->)", lambda m: f"{m[1]}\n{content}\n{m[2]}", text, flags=re.S)


def benchmarks_readme():
    """benchmarks/README.md with its tables filled in."""
    result = measurements()
    text = filled((ROOT / "benchmarks" / "README.md").read_text(), "summary", summary(result))
    text = filled(text, "machine", machine(result))
    return filled(text, "tables", tables(result).strip())


def machine(result):
    """The machine that benchmarks ran on, in a sentence."""
    known = result["machine"]
    versions = ", ".join(f"{name} {known[name]}" for name in ("tensorflow", "keras", "tf-keras", "torch", "jax"))
    speeds = f"{known['bandwidth'] / 1e9:.0f} GB/s and {known['rate'] / 1e9:.0f} Gflop/s of float32 in the last"
    return (
        f"Runs: {result['runs']}, of {result['rounds']} rounds, on {known['cores']} cores of {known['processor']}; the "
        f"machine gave {speeds}. {versions}."
    )


def settings():
    """docs/configs.md: every setting of a config, from the classes that check it."""
    lines = ["# Settings of a config", "", "Made by `python -m docs.update` from `kzoo/training/config.py`.", ""]
    for part, field in Config.model_fields.items():
        kind = part_of(field.annotation)
        lines += [f"## {part}", "", field.description, "", "| setting | default | what |", "|---|---|---|"]
        for name, setting in kind.model_fields.items():
            default = "required" if setting.is_required() else f"`{json.dumps(setting.default)}`"
            lines.append(f"| `{part}.{name}` | {default} | {setting.description} |")
        lines.append("")
    lines += [
        "`model` further takes every setting of the model's family (`kzoo show NAME`). Losses, optimizers, metrics,",
        "callbacks and layers are written `{class_name: NAME, config: {...}}`, or the bare name; a name is one of",
        "Keras's public classes, or of kzoo's as `kzoo>NAME`.",
        "",
    ]
    return "\n".join(lines)


def config_head(name, metrics, text):
    """A config with the lines Cost and Expected filled in."""
    published = metrics["published"]
    said = f"; {percent(published['error'])} published" if published else ""
    cost = f"{metrics['seconds']:,.0f} s a seed, {metrics['steps_per_second']:,.0f} steps/s"
    text = re.sub(r"# Cost: .*", f"# Cost:     {cost}{length(name, metrics)}", text)
    return re.sub(
        r"# Expected: .*", f"# Expected: test error {measured(metrics)}, measured{length(name, metrics)}{said}", text
    )


def plot(path):
    """The MNIST-1D nets: test error of each seed against parameters."""
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
        title="MNIST-1D, a dot a seed: the less a net shares its weights, the worse",
    )
    axes.xaxis.set_minor_formatter(NullFormatter())  # its labels would overlap
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    path.parent.mkdir(exist_ok=True)
    sheet.savefig(path)


def plot_benchmarks(path):
    """Bars: the fastest peer of each case."""
    sheet = figure(7, 9)
    chart(measurements(), sheet.subplots())
    sheet.savefig(path)


def exports():
    """docs/exports.md: which models every format carries, as `kzoo export --matrix` found."""
    found = json.loads(EXPORTS.read_text()) if EXPORTS.is_file() else {}
    formats = [format for format in FORMATS if any(format in cells for cells in found.values())]
    reasons = {}
    lines = [
        "# Which formats carry which models",
        "",
        "Made by `python -m docs.update` from what `kzoo export --matrix` found: each variant with 10 classes, hidden",
        "layers of 64 units and the smallest input it takes from 8 on (any: of unknown size), written, and run by the",
        "format's own runtime on random batches of 1 and 7. A number is the largest difference from Keras's outputs,",
        "relative to the largest of them; softmax is left out, whose ones and zeros hide what differs.",
        "",
        "Every layer of kzoo goes into the three as well, alone and at two sizes, but `TiledConv3D` into LiteRT, which",
        "transposes six axes at most (`python -m pytest -m large tests/export/test_everything.py`).",
        "",
        "| model | input | parameters | " + " | ".join(FORMATS[format].label for format in formats) + " |",
        "|---|---|---:|" + "---|" * len(formats),
    ]
    for name, cells in found.items():
        size = " x ".join(str(n or "any") for n in cells["input"])
        told = [cell(cells.get(format), reasons) for format in formats]
        lines.append(f"| `{name}` | {size} | {cells['parameters']:,} | " + " | ".join(told) + " |")
    lines += ["", *(f"{number}. {reason}" for reason, number in reasons.items())]
    return "\n".join(lines).rstrip() + "\n"


def cell(found, reasons):
    """A cell's difference, or the number of its reason, which is filed in `reasons`."""
    if found is None:
        return "not tried"
    if found["ok"]:
        return f"{found['max_difference']:.0e}"
    reason = re.sub(r"^export of \S+?: |^export of \S+ to \w+ |^export: the \w+ at \S+ ", "", found["reason"])
    return f"no ({reasons.setdefault(reason, len(reasons) + 1)})"


def main(check):
    """Write, or with `check` compare."""
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
    plot_benchmarks(ROOT / "docs" / "figures" / "benchmarks.png")
    return None


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
