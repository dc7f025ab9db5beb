"""Writes the measured figures of results/*.json into README's table and plot, and into the head of each config.

Usage: python docs/update.py [--check]    (--check writes nothing and fails if a text is out of date)

Source: none.
"""

import json
import re
import sys
from pathlib import Path
from typing import get_args

from matplotlib.ticker import NullFormatter
from pydantic import BaseModel

from kzoo.models.registry import describe
from kzoo.training.config import Config
from kzoo.training.report import figure, percent
from kzoo.training.yaml_file import read_yaml

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / "zoo_configs"
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


def readme():
    """README with its tables filled in."""
    text = (ROOT / "README.md").read_text()

    def fill(match):
        return f"{match[1]}\n{table(match[2])}\n{match[3]}"

    return re.sub(r"(<!-- results (\S+) -->)\n.*?(<!-- end -->)", fill, text, flags=re.S)


def settings():
    """docs/configs.md: every setting of a config, from the classes that check it."""
    lines = ["# Settings of a config", "", "Made by `python docs/update.py` from `kzoo/training/config.py`.", ""]
    for part, field in Config.model_fields.items():
        kinds = [kind for kind in (*get_args(field.annotation), field.annotation) if isinstance(kind, type)]
        kind = next(kind for kind in kinds if issubclass(kind, BaseModel))
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


def main(check):
    """Write, or with `check` compare."""
    wanted = {ROOT / "README.md": readme(), ROOT / "docs" / "configs.md": settings()}
    for name, metrics in results("*").items():
        path = CONFIGS / f"{name}.yaml"
        wanted[path] = config_head(name, metrics, path.read_text())
    stale = [
        str(path.relative_to(ROOT)) for path, text in wanted.items() if not path.exists() or path.read_text() != text
    ]
    if check:
        return f"out of date: {', '.join(stale)}; run python docs/update.py" if stale else None
    for path, text in wanted.items():
        path.write_text(text)
    plot(ROOT / "docs" / "figures" / "mnist1d.png")
    return None


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
