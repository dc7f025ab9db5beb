"""Compares the speed of kzoo with that of its alternatives and with the limits of the machine.

Run it on an otherwise idle machine.
"""

import importlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.measure import machine, measure
from benchmarks.report import tables

LAYERS = ("locally_connected", "tiled_conv", "max_pooling", "max_unpooling", "adaptive_pooling", "fft_conv", "fastfood")
FAMILIES = {
    "layers": [f"benchmarks.layers.{name}" for name in LAYERS],
    "models": ["benchmarks.models"],
    "training": ["benchmarks.training"],
    "zoo": ["benchmarks.zoo"],
    "inference": ["benchmarks.inference"],
    "augmentation": ["benchmarks.augmentation"],
    "run_memory": ["benchmarks.run_memory"],
    "start": ["benchmarks.start"],
    "memory": ["benchmarks.memory"],
    "compilations": ["benchmarks.compilations"],
}
GROUPS = {  # of parts whose results are kept in files of their own, benchmarks/results/GROUP-RUN.json
    "ops": ("layers", "models", "training", "memory", "compilations"),
    "nets": ("zoo", "inference", "augmentation", "run_memory", "start"),
}


def main(
    what: Annotated[Literal["all", *GROUPS, *FAMILIES], typer.Argument(help="which part")] = "all",
    only: Annotated[str, typer.Option(help="a layer's name, such as tiled_conv")] = "",
    case: Annotated[str, typer.Option(help="a shell pattern of cases, such as '*C 3'")] = "*",
    peer: Annotated[list[str] | None, typer.Option(help="parts of names of peers; all by default")] = None,
    rounds: Annotated[int, typer.Option(help="how many times each peer takes its turn")] = 7,
    seconds: Annotated[float, typer.Option(help="duration of a turn")] = 0.3,
    file: Annotated[Path | None, typer.Option("--json", help="where to write every number")] = None,
):
    """Times kzoo and its peers in turn and prints tables of ratios."""
    parts = FAMILIES if what == "all" else GROUPS.get(what, (what,))
    families = [name for part in parts for name in FAMILIES[part]]
    families = [name for name in families if only in name]
    if not families:
        raise typer.BadParameter(f"{only!r}; there are {', '.join(LAYERS)}", param_hint="--only")
    console = Console(stderr=True)
    console.print("measuring the machine: bandwidth and matrix rate")
    speeds = machine()
    result = {"machine": {**described(), **speeds._asdict()}, "rounds": rounds, "seconds": seconds, "rows": []}

    def say(text):
        console.print(text, markup=False)

    for family in families:
        own = getattr(importlib.import_module(family), "measure", None)  # memory and compilations have their own
        for row in own(peer, case, say) if own else measure(family, speeds, peer, case, rounds, seconds, say):
            result["rows"].append(row)
            if file:  # after each row, so that an interrupted run keeps its rows
                file.write_text(json.dumps(result, indent=1) + "\n")
    text = tables(result)
    Console().print(Markdown(text)) if sys.stdout.isatty() else print(text)


def described():
    """Returns the machine and the versions, as needed to compare results."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"processor": processor(), "cores": len(os.sched_getaffinity(0)), "system": platform.platform()}
    for package in ("tensorflow", "keras", "tf-keras", "torch", "jax"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def processor():
    """Returns the model name of the first processor, where the system reports it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    typer.run(main)
