"""A chief and its workers in their own processes."""

import json
import multiprocessing
import os
import socket
import threading
import time

import pytest

from kzoo.checks import Refusal
from kzoo.tuning import chief as module
from kzoo.tuning.chief import read_role, serve_trials, worker_resources
from kzoo.tuning.trials import Trials
from tests.tuning.small import small, write_arrays

VARIABLES = {"KERASTUNER_TUNER_ID": "worker1", "KERASTUNER_ORACLE_IP": "10.0.0.1", "KERASTUNER_ORACLE_PORT": "8000"}


def kill_one(trials, killed):
    """Kills the worker of trial 1 while it trains, and appends its lease id to `killed`."""
    while not (leases := [lease for lease in trials.leases.copy().values() if lease.trial["trial"] == 1]):
        time.sleep(0.05)
    while not list((trials.folder / "0001").glob("seed_0/state.npz")):  # whole: not the file it is first written as
        time.sleep(0.05)
    (process,) = [child for child in multiprocessing.active_children() if child.name == leases[0].worker]
    process.kill()
    killed.append(leases[0].id)


@pytest.mark.large
def test_two_workers_and_one_is_killed(tmp_path, capfd):
    """Its trial is run again, all trials finish, and they are the same as without a kill."""
    arrays = write_arrays(tmp_path / "s.npz")
    config = small(arrays, "training.epochs=15", "training.steps_per_epoch=100", "training.steps_per_call=4", trials=3)
    folder, killed = tmp_path / "trials", []
    folder.mkdir()
    trials = Trials(config, folder, "it")
    thread = threading.Thread(target=kill_one, args=(trials, killed), daemon=True)
    thread.start()
    serve_trials(trials, config, 2)
    assert killed and not trials.heartbeat(killed[0])
    assert [result["status"] for result in trials.sorted_results()] == ["completed"] * 3
    assert "trial 1 is run again: worker" in capfd.readouterr().err
    logs = [file.read_text() for file in sorted(folder.glob("worker*.log"))]
    assert len(logs) == 2 and all("it trial" in text for text in logs)
    assert "it trial 1: resuming after epoch" in "".join(logs)
    assert not [child for child in multiprocessing.active_children() if child.name.startswith("worker")]
    again = Trials(small(arrays, "training.epochs=15", trials=3), tmp_path / "again", "it")
    for number in range(3):
        lease = again.acquire("0")
        assert lease.trial["values"] == trials.started[number]["values"]
        (again.folder / f"{number:04d}" / "result.json").write_text(json.dumps(trials.results[number]))
        again.finish(lease.id)


def test_a_worker_that_never_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_run_local", os._exit)  # called with an address: a TypeError at once
    config = small("x.npz")
    with pytest.raises(
        Refusal, match="^worker0 ended with exit code 1. It did so 3 times without a trial; its output is in .*log"
    ):
        serve_trials(Trials(config, tmp_path, "it"), config, 1)


@pytest.mark.large
def test_a_worker_that_cannot_continue_stops_the_search(tmp_path):
    config = small(write_arrays(tmp_path / "s.npz"))
    trials = Trials(config, tmp_path / "trials", "it")
    (tmp_path / "trials" / "0000" / "seed_0").mkdir(parents=True)
    (tmp_path / "trials" / "0000" / "seed_0" / "state.npz").write_bytes(b"damaged")
    with pytest.raises(Refusal, match="^it trial 0 ended with exit code 1, see its output above"):
        serve_trials(trials, config, 1)


def test_an_address_that_is_taken(tmp_path):
    config = small("x.npz")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Refusal, match="a free address of this machine; received 127.0.0.1:"):
            serve_trials(Trials(config, tmp_path, "it"), config, 0, port=taken.getsockname()[1])


def test_roles():
    assert read_role({}) is None
    role = read_role(VARIABLES)
    assert role.address == "10.0.0.1:8000" and not role.is_chief
    assert read_role({**VARIABLES, "KERASTUNER_TUNER_ID": "chief"}).is_chief
    with pytest.raises(Refusal, match="^KERASTUNER_ORACLE_IP is set, KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_PORT is"):
        read_role({"KERASTUNER_ORACLE_IP": "10.0.0.1"})
    for port in ("0", "65536", "http", "-1", "²"):
        with pytest.raises(Refusal, match="a port from 1 to 65535; received"):
            read_role({**VARIABLES, "KERASTUNER_ORACLE_PORT": port})


def test_worker_resources(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2, 3, 5, 7, 8})
    assert [worker_resources(index, 2)[0] for index in range(2)] == [[2, 3], [5, 7, 8]]
    assert worker_resources(6, 7)[0] == [8]
    assert all(worker_resources(index, 7)[0] for index in range(7))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    assert [worker_resources(index, 3)[1] for index in range(3)] == ["4", "6", "4"]
