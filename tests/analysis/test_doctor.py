"""`kzoo doctor`: a working installation passes every check; a broken part is reported."""

import importlib.metadata
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
    assert rows["required packages"] == "installed" and rows["extra flow"].startswith("installed; ")
    assert rows["Keras backend"].startswith("tensorflow 2.") and "jax" in rows["Keras backend"]
    assert "files, " in rows["cache (KZOO_CACHE_DIR)"] or "not there" in rows["cache (KZOO_CACHE_DIR)"]


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


def test_what_is_missing(monkeypatch, tmp_path):
    """A required package is a failure, an extra is not, and neither is a GPU that TensorFlow cannot use."""
    real = doctor.needed

    def without_onnx(package="kzoo", extra="", deep=False):
        for each in real(package, extra, deep):
            yield each._replace(version=None, fits=False) if each.name in ("onnx", gone) else each

    monkeypatch.setattr(doctor, "needed", without_onnx)
    monkeypatch.setattr("kzoo.analysis.installed.needed", without_onnx)
    monkeypatch.setattr(doctor, "NVIDIA", str(tmp_path))
    gone = ""
    table, healthy = doctor.checks()
    assert healthy and found(table)["extra export"].startswith("missing for ONNX, LiteRT and OpenVINO: onnx; pip")
    assert found(table)["devices"].endswith("the NVIDIA GPU of this machine: pip install 'kzoo[gpu]'")
    gone = "numpy"
    table, healthy = doctor.checks()
    assert not healthy and found(table)["required packages"] == "FAILED: missing: numpy"


def test_not_installed(monkeypatch):
    """As a checkout on the path."""

    def absent(*_, **__):
        raise importlib.metadata.PackageNotFoundError("kzoo")

    monkeypatch.setattr(doctor, "needed", absent)
    monkeypatch.setattr(doctor, "extras", absent)
    table, healthy = doctor.checks()
    assert not healthy and "kzoo" in found(table)["required packages"] and "extra flow" not in found(table)


def test_wrong_numbers_are_reported(monkeypatch):
    module = sys.modules["kzoo.ops.max_pool_with_argmax"]  # the package has the function under that name
    real = module.max_pool_with_argmax
    monkeypatch.setattr(module, "max_pool_with_argmax", lambda x, size: (real(x, size)[0], real(x, size)[1] + 1))
    table, healthy = doctor.checks()
    assert not healthy and "wrong numbers" in found(table)["one XLA-compiled op and its gradient"]
