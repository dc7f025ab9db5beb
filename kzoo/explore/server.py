"""The server of the page: a token in its address, the Host header checked, small bodies, errors of one line of JSON.

Source: Jupyter Server's rules for a local page: a random token for each start, and Host names that only this machine
has, which stops pages of other sites that resolve their name to 127.0.0.1 (DNS rebinding).
"""

import hmac
import ipaddress
import json
import re
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kzoo.checks import Refusal, one_line, require
from kzoo.explore.session import Computed, Session
from kzoo.explore.upload import MAX_BYTES
from kzoo.terminal import say

PAGE = Path(__file__).parent / "page"
NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,20})?")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """ASGI middleware that refuses foreign Host headers and, except for the page's own files, wrong tokens."""

    def __init__(self, app: ASGIApp, token: str, hosts: Iterable[str]) -> None:
        self.app, self.token, self.hosts = app, token.encode(), frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *((key.lower().encode(), value.encode()) for key, value in HEADERS.items()),
                ]
            await send(message)

        refused = self._refused(Request(scope))
        answer = self.app if refused is None else JSONResponse({"error": refused}, 403)
        await answer(scope, receive, send_with_headers)

    def _refused(self, request: Request) -> str | None:
        """Returns why a request is refused, or None."""
        if not self._is_known(request.headers.get("host", "")):
            return "This address is not one of this server's: open the one that kzoo explore printed."
        if request.url.path.startswith("/page/"):
            return None
        given = request.headers.get("authorization", "").removeprefix("Bearer ") or request.query_params.get(
            "token", ""
        )
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self.token):
            return "The token is wrong: open the address that kzoo explore printed."
        return None

    def _is_known(self, host: str) -> bool:
        """Returns whether a Host header names this machine; any numeric address does if the server listens on all."""
        name = host_name(host)
        return name in self.hosts or ("any" in self.hosts and is_address(name))


def host_name(host: str) -> str:
    """Returns the name in a Host header, without its port.

    >>> host_name("localhost:8000"), host_name("[::1]:80"), host_name("127.0.0.1")
    ('localhost', '::1', '127.0.0.1')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def is_address(name: str) -> bool:
    """Returns whether a host is given by number."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def create_app(session: Session, token: str, host: str = LOOPBACK[0]) -> Starlette:
    """Returns the application that serves the page of a session; host: where it listens."""
    hosts = {*LOOPBACK, host}
    if is_address(host) and ipaddress.ip_address(host).is_unspecified:
        hosts.add("any")

    async def page(request: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def model(request: Request) -> Response:
        return JSONResponse(session.describe())

    async def example(request: Request) -> Response:
        return Response(_floats(session.example(request.path_params["index"])), media_type="application/octet-stream")

    async def upload(request: Request) -> Response:
        x = await run_in_threadpool(session.upload, await _body(request, MAX_BYTES))
        return Response(_floats(x), media_type="application/octet-stream")

    async def run(request: Request) -> Response:
        wanted = _numbers(request.query_params.get("maps", ""), len(session.steps))
        x = await _example(request, session)
        computed = await run_in_threadpool(session.compute, x, _followed(request, session))
        return Response(pack(session, computed, wanted), media_type="application/octet-stream")

    async def cell(request: Request) -> Response:
        at = _numbers(request.query_params.get("at", ""), 2**31)
        require(len(at) > 2, "explore", "at, the numbers of a step, a channel and a position", at=at)
        x = await _example(request, session)
        found = await run_in_threadpool(session.cell, x, at[0], at[2:], at[1], _followed(request, session))
        return JSONResponse(found)

    async def equivariance(request: Request) -> Response:
        by = request.query_params.get("by", "").split(",")
        require(all(map(NUMBER.fullmatch, by)), "explore", "by, a factor, degrees and pixels along each axis", by=by)
        amount = tuple(float(one) if "." in one else int(one) for one in by)
        x = await _example(request, session)
        return JSONResponse(await run_in_threadpool(session.equivariance, x, amount, _followed(request, session)))

    routes = [
        Route("/", page),
        Route("/api/model", model),
        Route("/api/example/{index:int}", example),
        Route("/api/upload", upload, methods=["POST"]),
        Route("/api/run", run, methods=["POST"]),
        Route("/api/cell", cell, methods=["POST"]),
        Route("/api/equivariance", equivariance, methods=["POST"]),
        Mount("/page", StaticFiles(directory=PAGE)),
    ]
    app = Starlette(routes=[_reporting(route) for route in routes], exception_handlers={HTTPException: _http_error})
    app.add_middleware(Guard, token=token, hosts=hosts)
    return app


def pack(session: Session, computed: Computed, steps: Iterable[int]) -> bytes:
    """Returns the outputs and the maps of steps as bytes.

    They are the length of a header (uint32), the header (JSON, padded with spaces to 4 bytes), the maps (float32) of
    the steps one after the other, and the label map if the model has a class for each pixel (uint8, or int32 of more
    than 256 classes); all in little-endian order.
    """
    kind, values = session.output_kind(computed.outputs)
    maps = [(number, computed.maps[number]) for number in steps]
    labels = session.label_map(computed.outputs)
    header = {
        "kind": kind,
        "outputs": [float(value) if np.isfinite(value) else None for value in values],
        "maps": [{"step": number, "shape": list(y.shape)} for number, y in maps],
        "label_map": None if labels is None else list(labels.shape),
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    last = b"" if labels is None else labels.astype(labels.dtype.newbyteorder("<")).tobytes()
    return b"".join([len(text).to_bytes(4, "little"), text, *(_floats(y) for _, y in maps), last])


def serve(session: Session, host: str = LOOPBACK[0], port: int = 0) -> None:
    """Serves the page until Ctrl-C, and prints its address first; port 0: one that is free."""
    import uvicorn

    require(0 <= port < 2**16, "explore --port", "a number from 0 to 65,535", port=port)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise Refusal(f"explore: cannot listen at {host}:{port}: {error.strerror or error}.") from None
    token = secrets.token_urlsafe(24)
    app = create_app(session, token, host)
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # the terminal is closed
        signal.signal(signal.SIGHUP, server.handle_exit)
    shown = f"[{host}]" if ":" in host else host
    print(f"http://{shown}:{listening.getsockname()[1]}/?token={token}", flush=True)
    say("Open this address in a browser; Ctrl-C ends it.")
    with listening:
        server.run(sockets=[listening])


def _reporting(route: Any) -> Any:
    """Returns the route, whose errors are one line of JSON."""
    if isinstance(route, Route):
        return Route(route.path, _in_one_line(route.endpoint), methods=route.methods)
    return route


def _in_one_line(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            return await endpoint(request)
        except HTTPException:
            raise
        except Refusal as refusal:
            return JSONResponse({"error": str(refusal)}, 400)
        except Exception as error:
            line = f"explore: {type(error).__name__}: {one_line(error, 300)}"
            say(line)
            return JSONResponse({"error": line}, 500)

    return handle


async def _http_error(request: Request, error: Exception) -> Response:
    code = getattr(error, "status_code", 500)
    return JSONResponse({"error": getattr(error, "detail", "") or "error"}, code)


async def _body(request: Request, limit: int) -> bytes:
    """Returns the body of a request; raises HTTPException 413 as soon as it is longer than the limit."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise HTTPException(413, f"explore expects at most {limit:,} bytes.")
        parts.append(part)
    return b"".join(parts)


async def _example(request: Request, session: Session) -> np.ndarray:
    """Returns the input in the body of a request."""
    count = int(np.prod(session.shape))
    body = await _body(request, 4 * count)
    require(len(body) == 4 * count, "explore", f"{count} numbers of float32 as an input", bytes=len(body))
    return np.frombuffer(body, "<f4").reshape(session.shape)


def _followed(request: Request, session: Session) -> int:
    """Returns the number of the example that other inputs than the first are taken from."""
    return (_numbers(request.headers.get("kzoo-example", ""), len(session.examples)) or [0])[0]


def _numbers(text: str, below: int) -> list[int]:
    """Returns the numbers in a list such as "0,3"."""
    numbers = text.split(",") if text else []
    good = len(numbers) <= below and all(one.isascii() and one.isdecimal() and len(one) < 8 for one in numbers)
    good = good and all(int(one) < below for one in numbers)
    require(good, "explore", f"numbers below {below} with commas between", numbers=text)
    return [int(one) for one in numbers]


def _floats(x: np.ndarray) -> bytes:
    return np.ascontiguousarray(x, "<f4").tobytes()
