"""Every comparison with a peer is counted, and a table of the counts and the largest differences ends the run."""

import collections

import pytest

from kzoo import ops
from tests.ops.harness import close

REASON = 'a second oracle, not installed here: pip install ".[bench]"'


@pytest.fixture(autouse=True)
def _peer(request):
    """Imported when a test runs, as the normal tier collects these files too and shall not wait for PyTorch."""
    for name, module in getattr(request.module, "NEEDS", {}).items():
        setattr(request.module, name, pytest.importorskip(module, reason=REASON))


@pytest.fixture(autouse=True)
def _uncompiled():
    """The arithmetic itself: that islands change nothing is held by the ops' own tests, and each costs a second."""
    with ops.no_islands():
        yield


@pytest.fixture
def compare(request):
    """Hold one setting's outputs, or gradients, against the peer's: within `tolerance` of the largest of them.

    A tolerance of 0 is equality; integers are always held to it.
    """

    def hold(op, got, want, tolerance=0.0, kind="forward", setting=None):
        worst = close(got, want, tolerance, what=(op, kind, setting))
        request.node.user_properties.append(("compared", (request.module.PEER, op, kind, worst)))

    return hold


def pytest_terminal_summary(terminalreporter):
    """From the reports, and so also from the workers of xdist."""
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
