"""How much memory this process can still get, and refusals of what cannot fit.

Source: proc(5), cgroups(7), getrlimit(2); the kernel's documents on control groups, versions 1 and 2.
"""

import re
import resource
from collections.abc import Iterator
from pathlib import Path

from kzoo.checks import Refusal

GROUPS = Path("/sys/fs/cgroup")
VERSIONS = (  # of control groups: folder, files of the limit and of what is used, the part of it that can be reclaimed
    (GROUPS, "memory.max", "memory.current", "inactive_file"),
    (GROUPS / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def available_memory() -> float:
    """Returns the bytes of memory that are left to this process by the machine, its control groups and its limit.

    Infinity where the system does not say.
    """
    machine = Path("/proc/meminfo")
    free = [_number(machine, "MemAvailable:") * 1024 + _number(machine, "SwapFree:", 0) * 1024, *_left_by_groups()]
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if limit != resource.RLIM_INFINITY:
        free.append(limit - _number(Path("/proc/self/status"), "VmData:") * 1024)
    return max(0, min(free))


def check_memory(needed: float, what: str) -> None:
    """Raises Refusal if `needed` bytes are more than are available; the message starts with `what` needs them."""
    available = available_memory()
    if needed > available:
        raise Refusal(
            f"{what} needs at least {needed / 2**30:.1f} GiB of memory; {available / 2**30:.1f} GiB are available."
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an exception is Python's or TensorFlow's for a lack of memory."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def describe_out_of_memory(error: BaseException) -> str:
    """Returns what to do about a lack of memory, and what was to be allocated if the exception says it.

    >>> describe_out_of_memory(MemoryError())
    'out of memory; smaller sizes, such as data.batch_size, need less.'
    """
    found = re.search(r"allocat\w+ tensor with shape\S+ and type \w+|[Uu]nable to allocate [^;\n]+", str(error))
    return (
        "out of memory" + (f" ({found[0]})" if found else "") + "; smaller sizes, such as data.batch_size, need less."
    )


def _left_by_groups() -> Iterator[float]:
    """Yields what the limit of each control group around this process leaves."""
    own = Path("/proc/self/cgroup")
    lines = own.read_text().splitlines() if own.is_file() else []
    paths = {line.split(":", 2)[2].strip("/") for line in lines if line.split(":")[1] in ("", "memory")} | {""}
    for root, limit, used, reclaimable in VERSIONS:
        for path in paths:
            for folder in (root / path, *(root / path).parents):
                if folder.is_relative_to(root) and (folder / limit).is_file():
                    text = (folder / limit).read_text().strip()
                    if text.isdecimal():
                        now = int((folder / used).read_text()) - _number(folder / "memory.stat", reclaimable, 0)
                        yield int(text) - now


def _number(file: Path, name: str, default: float = float("inf")) -> float:
    """Returns the number that follows a name in a file of the kernel, or the default."""
    words = (line.split() for line in (file.read_text().splitlines() if file.is_file() else []))
    return next((int(line[1]) for line in words if line[:1] == [name]), default)
