"""The server: tokens, Host headers, hostile bodies, what it sends against the session, and a real process."""

import asyncio
import io
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import keras
import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs the extra `explore`")
import uvicorn  # noqa: E402
from starlette.testclient import TestClient  # noqa: E402

from kzoo.checks import Refusal  # noqa: E402
from kzoo.explore.open_session import open_session  # noqa: E402
from kzoo.explore.server import PAGE, create_app, serve  # noqa: E402
from kzoo.explore.session import Session  # noqa: E402
from kzoo.explore.upload import MAX_BYTES  # noqa: E402
from tests.explore.test_packing import unpack, unpack_outputs  # noqa: E402

ROOT = Path(__file__).parents[2]
TOKEN = "secret"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def session():
    return open_session("mnist1d_tiled")


@pytest.fixture
def client(session):
    return TestClient(create_app([session], TOKEN), "http://127.0.0.1:8000", headers=AUTHORIZED)


def error_of(response, code):
    assert response.status_code == code, response.text
    assert response.headers["content-type"] == "application/json"
    (line,) = response.json().values()
    assert "\n" not in line and "Traceback" not in line
    return line


def test_outputs_and_maps_are_those_of_the_session(client, session):
    x = session.example(2)
    response = client.post("/api/0/run?maps=1,5", content=x.tobytes())
    header, maps = unpack_outputs(response.content)
    computed = session.compute(x)
    assert header["kind"] == "probability" and list(maps) == [1, 5]
    np.testing.assert_array_equal(np.float32(header["outputs"]), computed.outputs)
    for number, y in maps.items():
        np.testing.assert_array_equal(y, computed.maps[number])
    assert unpack_outputs(client.post("/api/0/run", content=x.tobytes()).content)[1] == {}


def test_views_of_units_are_those_of_the_session(client, session):
    x = session.example(2)
    for name, number in (("filter", 1), ("deconvnet", 5)):
        response = client.post(f"/api/0/unit?view={name}&at={number},3", content=x.tobytes())
        view, (header, arrays) = session.unit_view(name, number, 3, x), unpack(response.content)
        assert header["text"] == view.text
        for entry, values, picture in zip(header["pictures"], arrays, view.pictures, strict=True):
            assert (entry["title"], entry["signed"]) == (picture.title, picture.signed)
            np.testing.assert_array_equal(values, picture.values)


def test_the_label_map_comes_after_the_maps(seeds):
    keras.utils.set_random_seed(0)
    net = keras.Sequential([keras.Input((5, 6, 1)), keras.layers.Conv2D(3, 3, kernel_initializer="normal")])
    session = Session(net, examples=seeds.normal(size=(1, 5, 6, 1)))
    x = session.example(0)
    client = TestClient(create_app([session], TOKEN), "http://127.0.0.1:8000", headers=AUTHORIZED)
    header, arrays = unpack(client.post("/api/0/run?maps=0,1", content=x.tobytes()).content)
    expected = session.compute(x).outputs.argmax(-1)
    assert header["steps"] == [0, 1] and len(arrays) == 3 and len(np.unique(expected)) > 1
    np.testing.assert_array_equal(arrays[2], expected)
    np.testing.assert_allclose(header["outputs"], np.bincount(expected.ravel(), minlength=3) / expected.size)


def test_other_inputs_are_those_of_the_example_in_a_header(seeds):
    x, y = keras.Input((4, 1)), keras.Input((4, 1))
    net = keras.Model([x, y], keras.layers.Conv1D(1, 1)(keras.layers.Add()([x, y])))
    session = Session(net, examples=list(seeds.normal(size=(2, 3, 4, 1))))
    client = TestClient(create_app([session], TOKEN), "http://127.0.0.1:8000", headers=AUTHORIZED)
    body = session.example(0).tobytes()
    for example in (2, 0):
        headers = {"Kzoo-Example": str(example)} if example else {}
        response = client.post("/api/0/run?maps=1", content=body, headers=headers)
        np.testing.assert_array_equal(unpack_outputs(response.content)[1][1], session.others[0][example].T)
        response = client.post("/api/0/cell?at=3,0,1", content=body, headers=headers)
        assert response.json()["total"] == session.cell(session.example(0), 3, [1], 0, example)["total"]
    for bad in ("3", "-1", "x"):
        response = client.post("/api/0/run", content=body, headers={"Kzoo-Example": bad})
        assert "numbers below 3" in error_of(response, 400)


def test_equivariance_errors_are_those_of_the_session(client, session):
    x = session.example(2)
    response = client.post("/api/0/equivariance?by=1.5,0,-4", content=x.tobytes())
    assert response.json() == session.equivariance(x, (1.5, 0, -4)) and len(response.json()) == 3


def test_examples_uploads_and_the_model(client, session):
    np.testing.assert_array_equal(
        np.frombuffer(client.get("/api/example/4").content, "<f4").reshape(40, 1), session.example(4)
    )
    file = io.BytesIO()
    np.save(file, session.example(4).astype("float64"))
    sent = client.post("/api/upload", content=file.getvalue())
    np.testing.assert_array_equal(np.frombuffer(sent.content, "<f4"), session.example(4).ravel())
    assert client.get("/api/models").json() == json.loads(json.dumps([session.describe()]))


def test_two_models(session):
    other = open_session("mnist1d_local")
    client = TestClient(create_app([session, other], TOKEN), "http://127.0.0.1:8000", headers=AUTHORIZED)
    assert [model["name"] for model in client.get("/api/models").json()] == ["mnist1d_tiled", "mnist1d_local"]
    x = session.example(1)
    for number, one in enumerate((session, other)):
        header, maps = unpack_outputs(client.post(f"/api/{number}/run?maps=2", content=x.tobytes()).content)
        np.testing.assert_array_equal(maps[2], one.compute(x).maps[2])
        np.testing.assert_array_equal(np.float32(header["outputs"]), one.compute(x).outputs)
        cell = client.post(f"/api/{number}/cell?at=2,3,4", content=x.tobytes()).json()
        assert cell["total"] == one.cell(x, 2, [4], 3)["total"]
    assert "model below 2; received model=2" in error_of(client.post("/api/2/run", content=x.tobytes()), 400)


def test_a_second_model_with_fewer_examples(session):
    other = Session(session.model, examples=session.examples[:1])
    client = TestClient(create_app([session, other], TOKEN), "http://127.0.0.1:8000", headers=AUTHORIZED)
    response = client.post("/api/1/run", content=session.example(9).tobytes(), headers={"Kzoo-Example": "9"})
    np.testing.assert_array_equal(
        np.float32(unpack(response.content)[0]["outputs"]), session.compute(session.example(9)).outputs
    )


def test_the_page_and_its_headers(client):
    response = client.get(f"/?token={TOKEN}", headers={"Authorization": ""})
    assert response.status_code == 200 and "<title>kzoo explore</title>" in response.text
    assert response.headers["cache-control"] == "no-store" and response.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'self'" in response.headers["content-security-policy"]
    for file in PAGE.iterdir():
        assert client.get(f"/page/{file.name}", headers={"Authorization": ""}).text == file.read_text()


def test_the_page_takes_nothing_from_elsewhere():
    for file in PAGE.iterdir():
        text = file.read_text()
        assert not re.search(r"https?://|//\w+\.\w+/", text.replace("http://www.w3.org", "")), file
        for name in re.findall(r'from "(.+?)"', text):
            assert (PAGE / name).is_file(), f"{file} imports {name}"


@pytest.mark.parametrize("token", ["", "wrong", "secre", "secrets", "é" * 9])
def test_a_wrong_token(client, token):
    for path in ("/", "/api/models", "/api/example/0", "/nothing"):
        response = client.get(path, params={"token": token}, headers={"Authorization": ""})
        assert error_of(response, 403).startswith("The token is wrong")
        response = client.get(path, headers={"Authorization": f"Bearer {token}".encode()})
        assert error_of(response, 403).startswith("The token is wrong")


@pytest.mark.parametrize(
    "listen, host, allowed",
    [
        ("127.0.0.1", "127.0.0.1:9", True),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "[::1]:80", True),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "localhost.evil.example:8000", False),
        ("127.0.0.1", "192.168.0.7", False),
        ("127.0.0.1", "", False),
        ("192.168.0.7", "192.168.0.7:8000", True),
        ("0.0.0.0", "192.168.0.7:8000", True),
        ("0.0.0.0", "evil.example", False),
    ],
)
def test_host_headers(session, listen, host, allowed):
    client = TestClient(create_app([session], TOKEN, listen), "http://127.0.0.1", headers=AUTHORIZED)
    response = client.get("/api/models", headers={"Host": host})
    assert response.status_code == (200 if allowed else 403)
    if not allowed:
        assert error_of(response, 403).startswith("This address is not one of this server's")
        assert client.get("/page/app.js", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    "method, path, body, code, words",
    [
        ("POST", "/api/0/run", b"abc", 400, "40 numbers of float32 as an input; received bytes=3"),
        ("POST", "/api/0/run", bytes(164), 413, "at most 160 bytes"),
        ("POST", "/api/0/run", np.full(40, np.nan, "f4").tobytes(), 400, "an input of finite numbers"),
        ("POST", "/api/0/run?maps=6", bytes(160), 400, "numbers below 6 with commas between; received numbers='6'"),
        ("POST", "/api/0/run?maps=-1", bytes(160), 400, "numbers below 6"),
        ("POST", "/api/0/run?maps=" + "0," * 99 + "0", bytes(160), 400, "numbers below 6"),
        ("POST", "/api/0/run?maps=%C2%B2", bytes(160), 400, "numbers below 6"),
        ("POST", "/api/0/cell", bytes(160), 400, "the numbers of a step, a channel and a position"),
        ("POST", "/api/0/cell?at=9,0,0", bytes(160), 400, "a step that is a convolution; received step=9"),
        ("POST", "/api/0/cell?at=4,0,0", bytes(160), 400, "a step that is a convolution; received step=4"),
        ("POST", "/api/0/cell?at=1,15,0", bytes(160), 400, "channel below 15; received channel=15"),
        ("POST", "/api/0/cell?at=1,0,19", bytes(160), 400, "a position inside (19,); received position=(19,)"),
        ("POST", "/api/0/cell?at=1,0,1,1", bytes(160), 400, "a position inside (19,); received position=(1, 1)"),
        (
            "POST",
            "/api/0/unit?view=filter&at=1",
            bytes(160),
            400,
            "at, the numbers of a step and a unit; received at=[1]",
        ),
        ("POST", "/api/0/unit?view=filter&at=1,15", bytes(160), 400, "unit below 15; received unit=15"),
        ("POST", "/api/0/unit?view=&at=1,0", bytes(160), 400, "view, one of filter, patches, maximized, deconvnet"),
        ("POST", "/api/0/equivariance", bytes(160), 400, "by, a factor, degrees and pixels along each axis"),
        ("POST", "/api/0/equivariance?by=1,0,nan", bytes(160), 400, "by, a factor, degrees and pixels along each axis"),
        ("POST", "/api/0/equivariance?by=1,0,%C2%B2", bytes(160), 400, "by, a factor, degrees and pixels"),
        ("POST", "/api/0/equivariance?by=1,0,40", bytes(160), 400, "whole pixels along each axis, below (40,)"),
        ("POST", "/api/0/equivariance?by=1,90,4", bytes(160), 400, "degrees of 0"),
        ("POST", "/api/upload", bytes(MAX_BYTES + 1), 413, "at most 16,777,216 bytes"),
        ("POST", "/api/upload", b"\x89PNG\r\n\x1a\n" + bytes(99), 400, "upload expects an .npy file"),
        ("POST", "/api/upload", b"", 400, "a file of 1 to"),
        ("GET", "/api/example/100", None, 400, "example below 100"),
        ("GET", "/api/example/x", None, 404, "Not Found"),
        ("GET", "/api/0/run", None, 405, "Method Not Allowed"),
        ("GET", "/page/../session.py", None, 404, "Not Found"),
        ("GET", "/page/%2e%2e/session.py", None, 404, "Not Found"),
    ],
    ids=range(29),
)
def test_bad_requests(client, method, path, body, code, words):
    assert words in error_of(client.request(method, path, content=body), code)


def test_a_fault_is_one_line(client, session, monkeypatch, capsys):
    monkeypatch.setattr(session, "example", lambda index: 1 / 0)
    assert error_of(client.get("/api/example/0"), 500) == "explore: ZeroDivisionError: division by zero"
    assert capsys.readouterr().err == "explore: ZeroDivisionError: division by zero\n"


def test_a_client_that_disconnects_is_no_fault(session, capsys):
    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        pass

    headers = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {TOKEN}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/api/0/run", "query_string": b"", "headers": headers}
    asyncio.run(create_app([session], TOKEN)(scope, receive, send))
    assert capsys.readouterr().err == ""


def test_a_port_in_use_and_a_wrong_host(session):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Refusal, match=f"explore: cannot listen at 127.0.0.1:{port}: Address already in use"):
            serve([session], port=port)
    for host in ("not a host", "é..a"):
        with pytest.raises(Refusal, match=f"cannot listen at {host}:0"):
            serve([session], host)
    with pytest.raises(Refusal, match="explore --host expects an address; received host=''"):
        serve([session], "")


def test_a_closed_terminal_ends_the_server_then_the_command(session, monkeypatch):
    received = []
    before = signal.signal(signal.SIGHUP, lambda number, frame: received.append(number))
    try:
        monkeypatch.setattr(uvicorn.Server, "run", lambda *_, **__: os.kill(os.getpid(), signal.SIGHUP))
        serve([session])
    finally:
        signal.signal(signal.SIGHUP, before)
    assert received == [signal.SIGHUP]


@pytest.mark.large
def test_ctrl_c_ends_a_real_process_in_one_line(tmp_path):
    command = [sys.executable, "-m", "kzoo", "explore", "mnist1d_tiled"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert select.select([process.stdout], [], [], 120)[0]
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{32}", address), process.stderr.read()
        with urllib.request.urlopen(address, timeout=30) as page:
            assert b"<title>kzoo explore" in page.read()
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address + "x", timeout=30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130 and out == ""
    assert err == "Open this address in a browser; Ctrl-C ends it.\nkzoo: interrupted.\n"
    assert list(tmp_path.iterdir()) == []
