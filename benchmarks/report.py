"""Results as tables and a chart: kzoo's time, its distance to the floor, and how many times as long the peers take.

Source: none.
"""

import fnmatch
import importlib
import json
import statistics
from typing import NamedTuple


class Ratio(NamedTuple):
    """Median, least and largest of a ratio over the rounds, in which both ran next to each other."""

    median: float
    low: float
    high: float

    def __str__(self):
        return f"{self.median:.3g} ({self.low:.2g}-{self.high:.2g})"


def ratio(peer, ours):
    """How many times as long as ours a peer takes, round by round."""
    found = [a / b for a, b in zip(peer["times"], ours["times"])]
    return Ratio(statistics.median(found), min(found), max(found))


def read(files):
    """One result from those of several runs on one machine: their rounds together, so that spreads are over all."""
    runs = [json.loads(file.read_text()) for file in files]
    rows = {}
    for row in (row for run in runs for row in run["rows"]):
        kept = rows.setdefault((row["family"], row["case"], row["kind"], row["peer"]), {**row, "times": []})
        kept["times"] = kept["times"] + row.get("times", [])
    for row in rows.values():
        if not row["times"]:
            del row["times"]
    return {**runs[-1], "rows": list(rows.values()), "runs": len(runs)}


def by_case(rows):
    """{(family, case, kind): {peer: row}}, in the order of the rows."""
    found = {}
    for row in rows:
        found.setdefault((row["family"], row["case"], row["kind"]), {})[row["peer"]] = row
    return found


def line(case, kind, peers):
    """The cells of one row: case, kind, milliseconds, times the floor, then a ratio for each other peer."""
    ours = peers["kzoo"]
    if "times" not in ours:
        return [case, kind, ours["error"], "-", *["-"] * (len(peers) - 1)]
    median = statistics.median(ours["times"])
    floor = f"{median / ours['floor']:.3g}" if ours["floor"] else "-"
    others = [str(ratio(row, ours)) if "times" in row else "-" for peer, row in peers.items() if peer != "kzoo"]
    return [case, kind, f"{median:.3g}", floor, *others]


def reached(family, rows):
    """The cells of a family's targets: what is asked, of whom, and the ratio of each case that it names."""
    module = importlib.import_module(family)
    found = by_case(rows)
    for target in module.TARGETS:
        for (where, case, kind), peers in found.items():
            if where != family or kind != target.kind or not fnmatch.fnmatchcase(case, target.cases):
                continue
            ours = peers[target.ours]
            rivals = [row for peer, row in peers.items() if peer.startswith(target.peer) and "times" in row]
            if not rivals or "times" not in ours:
                continue
            best = min(rivals, key=lambda row: statistics.median(row["times"]))
            got = ratio(best, ours)
            yield (
                case,
                kind,
                best["peer"],
                f"{target.ratio:.2g}",
                str(got),
                "yes" if got.median >= target.ratio else "no",
            )


def memory(family, rows):
    """The lines of a table of peaks: megabytes a step needs with what it is given, and how often what it must hold."""
    module = importlib.import_module(family)
    cases = {case.name: case for case in module.CASES}
    for (_, name, _), peers in by_case(rows).items():
        found = {peer: row["peak"] for peer, row in peers.items() if "peak" in row}
        if found:
            held, needed = module.memory(cases[name])
            cells = (f"{(held + n) / 1e6:,.0f} ({(held + n) / (held + needed):.2f})" for n in found.values())
            yield ["case", *found], [name, *cells]


def markdown(header, rows):
    """A Markdown table, numbers to the right."""
    marks = ["---" if i < 2 else "---:" for i in range(len(header))]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (header, marks, *rows))


def tables(result):
    """The Markdown of a result: for each family its cases, and what its targets came to."""
    lines = []
    for family in dict.fromkeys(row["family"] for row in result["rows"]):
        module = importlib.import_module(family)
        rows = [row for row in result["rows"] if row["family"] == family]
        cases = by_case(rows)
        others = [peer for peer in next(iter(cases.values())) if peer != "kzoo"]
        lines += [f"### {family.rpartition('.')[2]}", "", module.__doc__.partition("\n\nSource:")[0], ""]
        header = ["case", "", "kzoo, ms", "/ floor", *(f"{peer} / kzoo" for peer in others)]
        lines += [markdown(header, [line(case, kind, peers) for (_, case, kind), peers in cases.items()]), ""]
        targets = [
            (case, target.kind, peer, f"{target.ratio:.2g}", str(got), "yes" if got.median >= target.ratio else "no")
            for target, case, peer, got in reached(family, rows)
        ]
        peaks = list(memory(family, rows)) if hasattr(module, "memory") else []
        if peaks:
            told = "Peak of a step in MB, inputs and weights among it, and as a share of these + gradients + patches:"
            lines += [told, "", *(markdown(header, [cells]) + "\n" for header, cells in peaks)]
        if targets:
            lines += [markdown(["target: case", "", "against", "asked", "measured", "reached"], targets), ""]
    return "\n".join(lines)
