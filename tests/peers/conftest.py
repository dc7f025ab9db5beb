"""Counts the comparisons with peers; the run ends with a table of the counts and the largest differences."""

import collections
import sys

import pytest

from kzoo import ops
from tests.ops.harness import close

REASON = 'a peer that is not installed: pip install ".[bench]"'


def pytest_itemcollected(item):
    """Selects every test here by `-m peers`: those of a peer's recorded outputs are default tests as well."""
    if item.config.option.markexpr == "peers":
        item.add_marker("peers")


@pytest.fixture(autouse=True)
def _peer(request, monkeypatch):
    """Imports the peer when a test runs: the default tests collect these files too, and should not wait for PyTorch.

    Without Triton, a compiler that PyTorch can do without: imported after TensorFlow it ends the process.
    """
    if "triton" not in sys.modules:
        monkeypatch.setitem(sys.modules, "triton", None)
    for name, module in getattr(request.module, "NEEDS", {}).items():
        setattr(request.module, name, pytest.importorskip(module, reason=REASON))


@pytest.fixture(autouse=True)
def _uncompiled():
    """Runs the tests without islands: the ops' own tests check that islands change nothing, and each costs a second."""
    with ops.no_islands():
        yield


@pytest.fixture
def compare(request):
    """Compares the outputs or gradients of one setting with the peer's, within `tolerance` times the largest value.

    A tolerance of 0 means equality, which integers always have to meet.
    """

    def hold(op, got, want, tolerance=0.0, kind="forward", setting=None):
        worst = close(got, want, tolerance, what=(op, kind, setting))
        request.node.user_properties.append(("compared", (request.module.PEER, op, kind, worst)))

    return hold


def pytest_terminal_summary(terminalreporter):
    """Prints the table from the reports, which include those of xdist's workers."""
    rows = collections.defaultdict(lambda: {"forward": [], "gradient": []})
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            if name == "compared":
                peer, op, kind, worst = value
                rows[peer, op][kind].append(worst)
    if not rows:
        return
    terminalreporter.section("settings compared with peers; largest differences, relative to the largest value")
    wide = [max(map(len, column)) for column in zip(*rows, ("peer", "op"))]

    def line(peer, op, *cells):
        terminalreporter.write_line(f"{peer:{wide[0]}}  {op:{wide[1]}}  " + "  ".join(f"{c:>8}" for c in cells))

    line("peer", "op", "settings", "forward", "gradient")
    for (peer, op), kinds in sorted(rows.items()):
        line(peer, op, len(kinds["forward"]), *(f"{max(w):.1e}" if w else "-" for w in kinds.values()))
    line("all", "", sum(len(kinds["forward"]) for kinds in rows.values()), "", "")
