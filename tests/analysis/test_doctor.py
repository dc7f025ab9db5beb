"""`kzoo doctor`: a working installation passes every check; a broken part is reported."""

import platform
import sys

from kzoo.analysis import doctor


def found(table):
    return dict(zip(*(column.cells for column in table.columns)))


def test_healthy():
    table, healthy = doctor.checks()
    rows = found(table)
    assert healthy and rows["python"] == platform.python_version()
    assert rows["one XLA-compiled op and its gradient"] == "works" and "CPU:0" in rows["devices"]
    assert rows["keras"].startswith("3.") and set(doctor.PACKAGES) <= rows.keys()


def test_a_broken_part_is_reported(monkeypatch):
    def broken():
        raise RuntimeError("no\n  driver " + "x" * 500)

    monkeypatch.setattr(doctor, "_devices", broken)
    monkeypatch.setattr(doctor, "PACKAGES", ("no-such-package",))
    table, healthy = doctor.checks()
    rows = found(table)
    assert not healthy and rows["devices"].startswith("FAILED: no driver x") and len(rows["devices"]) < 320
    assert rows["no-such-package"] == "not installed as a package"
    assert rows["one XLA-compiled op and its gradient"] == "works"


def test_wrong_numbers_are_reported(monkeypatch):
    module = sys.modules["kzoo.ops.max_pool_with_argmax"]  # the package has the function under that name
    real = module.max_pool_with_argmax
    monkeypatch.setattr(module, "max_pool_with_argmax", lambda x, size: (real(x, size)[0], real(x, size)[1] + 1))
    table, healthy = doctor.checks()
    assert not healthy and "wrong numbers" in found(table)["one XLA-compiled op and its gradient"]
