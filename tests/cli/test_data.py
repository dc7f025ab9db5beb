"""`kzoo data`: the command; tests.reports.test_data_report.py has the tests of what it says."""

import json

RECORD = {
    "splits": {"train": {"examples": 3, "read": 3}},
    "targets": [
        {
            **{"name": "", "kind": "classification", "names": ["cat", "dog"]},
            "splits": {"train": {"counts": [2, 1]}},
        }
    ],
    "input_shape": [2, 2, 1],
    "dtype": "uint8",
    "values": {"mean": [1.0], "deviation": [2.0], "smallest": 0.0, "largest": 9.0},
    "model_inputs": {"mean": [0.1], "deviation": [0.2], "smallest": 0.0, "largest": 1.0},
    "image_sizes": None,
    "skipped": {},
    "warnings": ["there is no test split"],
    "files": ["x/examples.png"],
}


def test_data(call, monkeypatch, tmp_path):
    received = []

    def report(*args):
        received.append(args)
        return RECORD

    monkeypatch.setattr("kzoo.reports.data_report.report_data", report)
    code, out, err = call("data", "mnist1d_fc", "--out", str(tmp_path / "x"), "--set", "data.batch_size=7")
    assert (code, err) == (0, "") and "warning: there is no test split" in out and "dog" in out
    ((config, name, folder),) = received
    assert (config.data.batch_size, name, folder) == (7, "mnist1d_fc", tmp_path / "x")
    code, out, err = call("data", "mnist1d_fc", "--out", str(tmp_path / "x"), "--json")
    assert (code, err) == (0, "") and json.loads(out) == RECORD


def test_refusals(call, tmp_path):
    (tmp_path / "file").touch()
    code, out, err = call("data", "mnist1d_fc", "--out", str(tmp_path / "file" / "x"))
    assert (code, out) == (2, "") and err.startswith("kzoo: --out: ") and err.count("\n") == 1
    code, out, err = call("data", "mnist1d_f")
    assert (code, out) == (2, "") and "no config is called 'mnist1d_f'; did you mean 'mnist1d_fc'" in err
