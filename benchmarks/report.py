"""Formats results as tables and a chart: kzoo's time, its ratio to the floor, and the peers' ratios to kzoo."""

import fnmatch
import importlib
import json
import statistics
from typing import NamedTuple


class Ratio(NamedTuple):
    """Median, least and largest of a ratio over the rounds, each of which timed both."""

    median: float
    low: float
    high: float

    def __str__(self):
        return f"{self.median:.3g} ({self.low:.2g}-{self.high:.2g})"


def ratio(peer, ours):
    """Returns a peer's time divided by kzoo's, round by round."""
    found = [a / b for a, b in zip(peer["times"], ours["times"])]
    return Ratio(statistics.median(found), min(found), max(found))


def read(files):
    """Returns the combined result of several runs on one machine, with the rounds of all of them."""
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
    """Returns {(family, case, kind): {peer: row}}, in the order of the rows."""
    found = {}
    for row in rows:
        found.setdefault((row["family"], row["case"], row["kind"]), {})[row["peer"]] = row
    return found


def line(case, kind, peers):
    """Returns the cells of one row: case, kind, `speed`, ratio to the floor, then a ratio for each other peer."""
    ours = peers["kzoo"]
    if "times" not in ours:
        return [case, kind, ours["error"], "-", *["-"] * (len(peers) - 1)]
    floor = f"{statistics.median(ours['times']) / ours['floor']:.3g}" if ours["floor"] else "-"
    others = [str(ratio(row, ours)) if "times" in row else "-" for peer, row in peers.items() if peer != "kzoo"]
    return [case, kind, speed(ours), floor, *others]


def speed(row):
    """Returns the median time of a call in milliseconds, or how many items are processed in a second."""
    median = statistics.median(row["times"])
    count, unit = row.get("items", (None, None))
    return f"{1000 * count / median:,.0f} {unit}/s" if unit else f"{median:.3g} ms"


def reached(family, rows):
    """Yields (target, case, fastest rival, ratio) for each case that a target of the family names."""
    found = by_case(rows)
    for target in importlib.import_module(family).TARGETS:
        for (where, case, kind), peers in found.items():
            if where != family or kind != target.kind or not fnmatch.fnmatchcase(case, target.cases):
                continue
            ours = peers[target.ours]
            rivals = [row for peer, row in peers.items() if peer.startswith(target.peer) and "times" in row]
            if rivals and "times" in ours:
                best = min(rivals, key=lambda row: statistics.median(row["times"]))
                yield target, case, best["peer"], ratio(best, ours)


def summary(result):
    """Returns a Markdown table with a row for each target: the target, and the ratios from worst case to best."""
    cells = []
    for family in dict.fromkeys(row["family"] for row in result["rows"]):
        module, of = importlib.import_module(family), {}
        if hasattr(module, "target"):  # a target that is not a time
            cells.append(module.target([row for row in result["rows"] if row["family"] == family]))
        for target, case, _, got in reached(family, result["rows"]):
            of.setdefault(target, []).append((got.median, case))
        for target, found in of.items():
            (low, worst), (high, _) = min(found), max(found)
            span = f"{low:.3g}" if len(found) == 1 else f"{low:.3g} ({worst}) to {high:.3g}"
            count = f"{sum(median >= target.ratio for median, _ in found)} of {len(found)}"
            cells.append((family.rpartition(".")[2], target.kind, target.peer, f"{target.ratio:.2g}", span, count))
    return markdown(["benchmark", "", "peer", "target", "measured: peer / kzoo", "reached"], cells)


def headline(result):
    """Returns a Markdown table with a row for each family: the step of `HEADLINE` or its first case."""
    cells = []
    for (family, case, kind), peers in by_case(result["rows"]).items():
        module = importlib.import_module(family)
        chosen = getattr(module, "HEADLINE", module.CASES[0]["name"]) if kind in ("step", "training") else None
        if case != chosen or "times" not in peers["kzoo"]:
            continue
        best = {}
        for row in rivals(family, peers) or rivals(family, peers, alike=False):
            found = ratio(row, peers["kzoo"]).median, row["peer"]
            maker = row["peer"].split()[0].rstrip(",")
            best[maker] = min(found, best.get(maker, found))
        others = "; ".join(f"{peer}: {found:.2g}" for found, peer in best.values())
        cells.append((family.rpartition(".")[2], case, speed(peers["kzoo"]), others))
    return markdown(["benchmark", "training, or forward and gradients, of", "kzoo", "peer / kzoo"], cells)


def rivals(family, peers, alike=True):
    """Returns the rows of other libraries that were timed; with `alike` only those that compute the same result."""
    different = getattr(importlib.import_module(family), "DIFFERENT", ())
    rows = [row for peer, row in peers.items() if "kzoo" not in peer and "times" in row]
    return [row for row in rows if row["peer"] not in different or not alike]


def chart(result, axes):
    """Draws a bar for each case: the fastest peer's time of a step divided by kzoo's."""
    from matplotlib.ticker import FormatStrFormatter

    bars = []
    for (family, case, kind), peers in by_case(result["rows"]).items():
        if kind not in ("step", "training"):
            continue
        others = rivals(family, peers)
        if others and "times" in peers["kzoo"]:
            best = min(others, key=lambda row: statistics.median(row["times"]))
            bars.append((f"{family.rpartition('.')[2]}: {case}", best["peer"], ratio(best, peers["kzoo"]).median))
    positions = range(len(bars))[::-1]
    axes.barh(
        positions, [bar[2] - 1 for bar in bars], left=1, color=["#1c7ed6" if bar[2] >= 1 else "#d6336c" for bar in bars]
    )
    for position, (_, peer, value) in zip(positions, bars):
        axes.text(max(value, 1), position, f" {value:.3g}  {peer}", va="center", fontsize=6)
    axes.set_yticks(positions, [bar[0] for bar in bars], fontsize=6)
    axes.axvline(1, color="black", lw=0.8)
    axes.set(xscale="log", xlabel="time of the fastest peer / time of kzoo, forward and gradients")
    axes.set_xlim(min(bar[2] for bar in bars) / 2, 12 * max(bar[2] for bar in bars))
    axes.margins(y=0.01)
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))


def markdown(header, rows):
    """Returns a Markdown table, with numbers right-aligned."""
    marks = ["---" if i < 2 else "---:" for i in range(len(header))]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (header, marks, *rows))


def tables(result):
    """Returns the Markdown of a result: for each family its cases and whether it reaches its targets."""
    lines = []
    for family in dict.fromkeys(row["family"] for row in result["rows"]):
        module = importlib.import_module(family)
        rows = [row for row in result["rows"] if row["family"] == family]
        cases = by_case(rows)
        others = [peer for peer in next(iter(cases.values())) if peer != "kzoo"]
        lines += [f"### {family.rpartition('.')[2]}", "", module.__doc__.partition("\n\nSource:")[0].strip(), ""]
        if hasattr(module, "table"):  # not a comparison of times
            lines += [markdown(*module.table(rows)), ""]
            continue
        header = ["case", "", "kzoo", "/ floor", *(f"{peer} / kzoo" for peer in others)]
        body = [line(case, kind, peers) for (_, case, kind), peers in cases.items()]
        lines += [markdown(header, body), ""]
        targets = [
            (case, target.kind, peer, f"{target.ratio:.2g}", str(got), "yes" if got.median >= target.ratio else "no")
            for target, case, peer, got in reached(family, rows)
        ]
        if targets:
            lines += [markdown(["case", "", "peer", "target", "measured: peer / kzoo", "reached"], targets), ""]
    return "\n".join(lines)
