"""A chief and its workers, in processes of their own."""

import json
import multiprocessing
import os
import socket
import threading
import time

import pytest

from kzoo.checks import Refusal
from kzoo.tuning import chief as module
from kzoo.tuning.chief import lead, role, share
from kzoo.tuning.trials import Trials
from tests.tuning.small import small, write_arrays

VARIABLES = {"KERASTUNER_TUNER_ID": "worker1", "KERASTUNER_ORACLE_IP": "10.0.0.1", "KERASTUNER_ORACLE_PORT": "8000"}


def kill_one(trials, told):
    """Kill the worker of trial 1, within that."""
    while not (found := [given for given in trials.given.copy().values() if given.trial["trial"] == 1]):
        time.sleep(0.05)
    while not list((trials.folder / "0001").glob("seed_0/state*")):
        time.sleep(0.05)
    (process,) = [child for child in multiprocessing.active_children() if child.name == found[0].worker]
    process.kill()
    told.append(found[0].id)


def test_two_workers_and_one_is_killed(tmp_path, capfd):
    """Its trial is given out again, all trials end, and they are those of a search without any of it."""
    arrays = write_arrays(tmp_path / "s.npz")
    config = small(arrays, "training.epochs=60", "training.steps_per_epoch=100", "training.steps_per_call=4", trials=5)
    folder, told = tmp_path / "trials", []
    folder.mkdir()
    trials = Trials(config, folder, "it")
    thread = threading.Thread(target=kill_one, args=(trials, told), daemon=True)
    thread.start()
    lead(trials, config, 2)
    assert told and not trials.seen(told[0])
    assert [record["status"] for record in trials.sorted()] == ["completed"] * 5
    assert "trial 1 is given out again: worker" in capfd.readouterr().err
    logs = [file.read_text() for file in sorted(folder.glob("worker*.log"))]
    assert len(logs) == 2 and all("it trial" in text for text in logs)
    assert "it trial 1: going on after period" in "".join(logs)
    assert not [child for child in multiprocessing.active_children() if child.name.startswith("worker")]
    again = Trials(small(arrays, "training.epochs=60", trials=5), tmp_path / "again", "it")
    for number in range(5):
        given = again.give("0")
        assert given.trial["values"] == trials.begun[number]["values"]
        (again.folder / f"{number:04d}" / "result.json").write_text(json.dumps(trials.records[number]))
        again.end(given.id)


def test_a_worker_that_never_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_serve_local", os._exit)  # with the address for a code: an error, at once
    config = small("x.npz")
    with pytest.raises(Refusal, match="^worker0 ended with exit code 1. It did so 3 times, without a trial; .*log has"):
        lead(Trials(config, tmp_path, "it"), config, 1)


def test_a_worker_that_cannot_go_on_stops_the_search(tmp_path):
    config = small(write_arrays(tmp_path / "s.npz"))
    trials = Trials(config, tmp_path / "trials", "it")
    (tmp_path / "trials" / "0000" / "seed_0").mkdir(parents=True)
    (tmp_path / "trials" / "0000" / "seed_0" / "state.pickle").write_bytes(b"damaged")
    with pytest.raises(Refusal, match="^it trial 0 ended with exit code 1, for what it printed"):
        lead(trials, config, 1)


def test_an_address_that_is_taken(tmp_path):
    config = small("x.npz")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Refusal, match="a free address of this machine; received 127.0.0.1:"):
            lead(Trials(config, tmp_path, "it"), config, 0, port=taken.getsockname()[1])


def test_roles():
    assert role({}) is None
    found = role(VARIABLES)
    assert found.address == "10.0.0.1:8000" and not found.leads
    assert role({**VARIABLES, "KERASTUNER_TUNER_ID": "chief"}).leads
    with pytest.raises(Refusal, match="^KERASTUNER_ORACLE_IP is set, KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_PORT is"):
        role({"KERASTUNER_ORACLE_IP": "10.0.0.1"})
    for port in ("0", "65536", "http", "-1", "²"):
        with pytest.raises(Refusal, match="a port from 1 to 65535; received"):
            role({**VARIABLES, "KERASTUNER_ORACLE_PORT": port})


def test_shares(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2, 3, 5, 7, 8})
    assert [share(place, 2)[0] for place in range(2)] == [[2, 3], [5, 7, 8]]
    assert [share(place, 7)[0] for place in range(7)][-1] == [8]
    assert all(share(place, 7)[0] for place in range(7))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    assert [share(place, 3)[1] for place in range(3)] == ["4", "6", "4"]
