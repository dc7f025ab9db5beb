"""Writes the page with recorded examples, as files that any web server can serve: `kzoo explore --out`."""

import json
import shlex
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kzoo.checks import require
from kzoo.explore.comparison import open_sessions
from kzoo.explore.packing import floats, pack, pack_outputs
from kzoo.explore.session import MAX_MAPS, Computed, Session
from kzoo.export.model_card import file_size
from kzoo.files import atomic_replace
from kzoo.types import PathLike

PAGE = Path(__file__).parent / "page"
INDEX, RECORD = "index.html", "recording.json"
EXAMPLES = 12
MAX_BYTES = 2**26  # of recorded maps and inputs
MAX_KERNELS = 2**21  # numbers in the kernels of a model


def record(names: Sequence[PathLike], out: PathLike, data: Sequence[PathLike] = ()) -> str:
    """Writes the page of one or two models, as `open_sessions` opens them, to a folder; returns a line about it.

    A folder that holds such a page is replaced. Raises Refusal if it holds anything else.
    """
    folder = Path(out)
    replaceable = not folder.exists() or (folder / RECORD).is_file()
    expected = "a folder that does not exist, or one that `kzoo explore` wrote"
    require(replaceable, "explore --out", expected, out=str(folder))
    sessions = open_sessions(names, data)
    with atomic_replace(folder, "explore") as partial:
        write_site(sessions, partial)
        sizes = [file.stat().st_size for file in partial.rglob("*") if file.is_file()]
    size = f"{len(sizes)} files, {file_size(sum(sizes))}"
    return f"Written to {folder}/: {size}; open it with python -m http.server -d {shlex.quote(str(folder))}"


def write_site(sessions: Sequence[Session], folder: Path) -> None:
    """Writes the page of sessions with the same inputs, and their maps for examples of the first, to a new folder.

    Of large models there are fewer maps of a layer, then fewer examples, so that all of them take `MAX_BYTES`, unless a
    single example takes more.
    """
    first = sessions[0]
    x = first.example(0)
    shapes, more = [], x.size
    for session in sessions:
        outputs, maps = session.compute(x)
        labels = session.label_map(outputs)
        shapes += [y.shape for y in maps]
        more += 0 if labels is None else labels.size
    kept, count = bounded_maps(shapes, more)
    available = min(len(session.examples) for session in sessions if session is first or session.others)
    chosen = sorted(varied_examples(first.targets, available)[:count])
    shutil.copytree(PAGE, folder / "page", ignore=shutil.ignore_patterns(INDEX, "api.js"))
    page = (PAGE / INDEX).read_text("utf-8").replace('data-source="server"', 'data-source="recording"')
    (folder / INDEX).write_text(page, "utf-8")
    (folder / "data").mkdir()
    for number, x in enumerate(first.examples[chosen]):
        (folder / "data" / f"example_{number}.bin").write_bytes(floats(x))
    targets = None if first.targets is None else [int(first.targets[index]) for index in chosen]
    models = []
    for number, session in enumerate(sessions):
        described = {**session.describe(), "examples": len(chosen), "targets": targets}
        inputs = zip(chosen, first.examples[chosen])
        _write_model(session, described["steps"], inputs, kept, folder / "data" / f"model_{number}")
        models.append(described)
    (folder / RECORD).write_text(json.dumps({"models": models}) + "\n")


def _write_model(
    session: Session, steps: Sequence[dict[str, Any]], inputs: Iterable[tuple[int, np.ndarray]], kept: int, folder: Path
) -> None:
    """Writes the outputs and maps of a model for inputs, each with the number of its example, and its kernels.

    The kernels are noted in the descriptions of its steps.
    """
    folder.mkdir()
    for number, (example, x) in enumerate(inputs):
        outputs, maps = session.compute(x, example)
        computed = Computed(outputs, [y[:kept] for y in maps])
        (folder / f"example_{number}.bin").write_bytes(pack_outputs(session, computed, range(len(maps))))
    for step, content in _kernels(session, steps, kept):
        (folder / f"kernel_{step}.bin").write_bytes(content)
        steps[step]["kernel"] = True


def varied_examples(targets: Iterable[Any] | None, count: int) -> list[int]:
    """Returns the numbers of the first `count` examples in an order that begins with one of each label they have.

    >>> varied_examples([3, 3, 3, 1, 2, 1], 6)
    [0, 3, 4, 1, 5, 2]
    """
    seen: Counter[int] = Counter()
    rounds = []
    for target in list(range(count) if targets is None else targets)[:count]:
        rounds.append(seen[int(target)])
        seen[int(target)] += 1
    return [int(index) for index in np.argsort(rounds, kind="stable")]


def bounded_maps(shapes: Iterable[Sequence[int]], more: int) -> tuple[int, int]:
    """Returns how many maps of a layer, and how many examples, are recorded.

    shapes: of the maps (channels, *spatial) of all layers; more: further numbers of an example.

    >>> bounded_maps([(64, 200, 200)], 0), bounded_maps([(64, 2000, 2000)], 0)
    ((32, 12), (1, 4))
    """
    sizes = [(shape[0], int(np.prod(shape[1:]))) for shape in shapes]
    kept = MAX_MAPS
    while True:
        numbers = more + sum(min(kept, channels) * size for channels, size in sizes)
        count = MAX_BYTES // (4 * numbers)
        if count >= EXAMPLES or kept == 1:
            return kept, max(1, min(EXAMPLES, count))
        kept //= 2


def _kernels(session: Session, steps: Sequence[dict[str, Any]], kept: int) -> Iterator[tuple[int, bytes]]:
    """Yields the kernel of each convolution of which all maps that it reads are recorded, while they are small."""
    left = MAX_KERNELS
    for number, step in enumerate(steps):
        if not step["convolution"] or len(step["shape"]) > 2:  # of volumes only a slice is recorded
            continue
        if steps[step["sources"][0]["step"]]["channels"] > kept:
            continue
        terms, activation = session.kernel(number)
        arrays = terms[1:]
        size = sum(array.size for array in arrays)
        if size <= left:
            left -= size
            yield number, pack({"size": terms.size, "activation": activation}, arrays)
