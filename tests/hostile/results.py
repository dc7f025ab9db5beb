"""What became of all cases run so far, in a JSON file that adds up over runs."""

import contextlib
import json
import re
from collections import Counter, defaultdict
from pathlib import Path

from kzoo.files import write_atomically
from tests.hostile.judge import BAD, VERDICTS


class Results:
    """Counts of verdicts by kind, the cases that were tried, and those that were found bad."""

    def __init__(self, path):
        self.path, self.tried, self.counts, self.bad = Path(path), set(), defaultdict(Counter), {}
        with contextlib.suppress(FileNotFoundError):
            stored = json.loads(self.path.read_text())
            self.tried = {seed for start, stop in stored["tried"] for seed in range(start, stop)}
            self.counts |= {kind: Counter(counts) for kind, counts in stored["counts"].items()}
            self.bad = {int(seed): entry for seed, entry in stored["bad"].items()}

    def add(self, verdict):
        """Adds a verdict, in the place of an earlier one of the same case."""
        if verdict.seed in self.tried:
            earlier = self.bad.pop(verdict.seed)
            self.counts[earlier["kind"]][earlier["verdict"]] -= 1
        self.tried.add(verdict.seed)
        self.counts[verdict.kind][verdict.verdict] += 1
        self.counts[verdict.kind]["seconds"] += verdict.seconds
        if verdict.verdict in BAD:
            self.bad[verdict.seed] = {"kind": verdict.kind, "verdict": verdict.verdict, "detail": verdict.detail[:500]}

    def save(self):
        """Writes the file, with the cases that were tried as ranges."""
        ranges = []
        for seed in sorted(self.tried):
            if ranges and ranges[-1][1] == seed:
                ranges[-1][1] += 1
            else:
                ranges.append([seed, seed + 1])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        stored = {"tried": ranges, "counts": self.counts, "bad": dict(sorted(self.bad.items()))}
        write_atomically(self.path, json.dumps(stored, indent=1) + "\n")

    def line(self):
        """Returns the sums of all kinds in one line."""
        total = sum(self.counts.values(), Counter())
        return f"{len(self.tried)} tried: " + ", ".join(f"{total[verdict]} {verdict}" for verdict in VERDICTS)

    def report(self):
        """Returns the sums of each kind, and the bad cases grouped by what they have in common, with their numbers."""
        lines = [f"{'':18}" + "".join(f"{verdict:>11}" for verdict in (*VERDICTS, "seconds"))]
        for kind, counts in sorted(self.counts.items()):
            lines.append(f"{kind:18}" + "".join(f"{counts[key]:11.0f}" for key in (*VERDICTS, "seconds")))
        groups = defaultdict(list)
        for seed, entry in sorted(self.bad.items()):
            groups[entry["verdict"], entry["kind"], common(entry["detail"])].append(seed)
        for (verdict, kind, detail), seeds in sorted(groups.items()):
            numbers = ", ".join(map(str, seeds[:6])) + (", ..." if len(seeds) > 6 else "")
            lines.append(f"{len(seeds)} {verdict}, {kind} (seed {numbers}): {detail}")
        return "\n".join([*lines, self.line()])


def common(detail):
    """Returns a message without the numbers and names in it."""
    return re.sub(r"\d+", "N", re.sub(r"'[^']*'", "'...'", detail))[:140]
