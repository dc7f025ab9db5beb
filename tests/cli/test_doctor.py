"""`kzoo doctor`."""


def test_doctor(call, monkeypatch):
    code, out, _ = call("doctor")
    assert code == 0 and "XLA-compiled" in out and "works" in out
    monkeypatch.setattr("kzoo.analysis.doctor._devices", lambda: 1 / 0)
    code, out, err = call("doctor")
    assert code == 2 and "FAILED" in out and err == "kzoo: something above failed.\n"
