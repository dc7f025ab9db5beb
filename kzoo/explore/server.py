"""The server of the page: a token in its address, the Host header checked, small bodies, errors of one line of JSON.

Source: Jupyter Server's rules for a local page: a random token for each start, and Host names that only this machine
has, which stops pages of other sites that resolve their name to 127.0.0.1 (DNS rebinding).
"""

import hmac
import ipaddress
import re
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kzoo.checks import Refusal, one_line, require
from kzoo.explore.packing import floats, pack_outputs, pack_view
from kzoo.explore.session import Session
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


def create_app(sessions: Sequence[Session], token: str, host: str = LOOPBACK[0]) -> Starlette:
    """Returns the application that serves the page of sessions with the same inputs; host: where it listens.

    Examples and uploads are those of the first session.
    """
    first = sessions[0]
    hosts = {*LOOPBACK, host}
    if is_address(host) and ipaddress.ip_address(host).is_unspecified:
        hosts.add("any")

    async def page(request: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def models(request: Request) -> Response:
        return JSONResponse([session.describe() for session in sessions])

    async def example(request: Request) -> Response:
        return Response(floats(first.example(request.path_params["index"])), media_type="application/octet-stream")

    async def upload(request: Request) -> Response:
        x = await run_in_threadpool(first.upload, await _body(request, MAX_BYTES))
        return Response(floats(x), media_type="application/octet-stream")

    def of_model(request: Request) -> Session:
        number = request.path_params["model"]
        require(number < len(sessions), "explore", f"model below {len(sessions)}", model=number)
        return sessions[number]

    async def run(request: Request) -> Response:
        session = of_model(request)
        wanted = _numbers(request.query_params.get("maps", ""), len(session.steps))
        x = await _example(request, session)
        computed = await run_in_threadpool(session.compute, x, _followed(request, session))
        return Response(pack_outputs(session, computed, wanted), media_type="application/octet-stream")

    async def cell(request: Request) -> Response:
        session = of_model(request)
        at = _numbers(request.query_params.get("at", ""), 2**31)
        require(len(at) > 2, "explore", "at, the numbers of a step, a channel and a position", at=at)
        x = await _example(request, session)
        found = await run_in_threadpool(session.cell, x, at[0], at[2:], at[1], _followed(request, session))
        return JSONResponse(found)

    async def equivariance(request: Request) -> Response:
        session = of_model(request)
        by = request.query_params.get("by", "").split(",")
        require(all(map(NUMBER.fullmatch, by)), "explore", "by, a factor, degrees and pixels along each axis", by=by)
        amount = tuple(float(one) if "." in one else int(one) for one in by)
        x = await _example(request, session)
        return JSONResponse(await run_in_threadpool(session.equivariance, x, amount, _followed(request, session)))

    async def unit(request: Request) -> Response:
        session = of_model(request)
        at = _numbers(request.query_params.get("at", ""), 2**31)
        require(len(at) == 2, "explore", "at, the numbers of a step and a unit", at=at)
        x = await _example(request, session)
        name, example = request.query_params.get("view", ""), _followed(request, session)
        view = await run_in_threadpool(session.unit_view, name, at[0], at[1], x, example)
        return Response(pack_view(view), media_type="application/octet-stream")

    routes = [
        Route("/", page),
        Route("/api/models", models),
        Route("/api/example/{index:int}", example),
        Route("/api/upload", upload, methods=["POST"]),
        Route("/api/{model:int}/run", run, methods=["POST"]),
        Route("/api/{model:int}/cell", cell, methods=["POST"]),
        Route("/api/{model:int}/unit", unit, methods=["POST"]),
        Route("/api/{model:int}/equivariance", equivariance, methods=["POST"]),
        Mount("/page", StaticFiles(directory=PAGE)),
    ]
    app = Starlette(routes=[_reporting(route) for route in routes], exception_handlers={HTTPException: _http_error})
    app.add_middleware(Guard, token=token, hosts=hosts)
    return app


def serve(sessions: Sequence[Session], host: str = LOOPBACK[0], port: int = 0) -> None:
    """Serves the page until Ctrl-C, and prints its address first; port 0: one that is free."""
    import uvicorn

    require(0 <= port < 2**16, "explore --port", "a number from 0 to 65,535", port=port)
    require(host, "explore --host", "an address", host=host)  # the system takes "" as all addresses
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        host.encode("idna")  # with names that this refuses, create_server leaves a socket open
        listening = socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Refusal(f"explore: cannot listen at {host}:{port}: {reason}.") from None
    token = secrets.token_urlsafe(24)
    app = create_app(sessions, token, host)
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    received: list[int] = []

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # uvicorn's own raises the signal once more
            received.append(sig)
            self.should_exit = True

    server = Server(config)
    before = signal.getsignal(signal.SIGHUP)  # of a closed terminal, which uvicorn does not handle
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, server.handle_exit)
    shown = f"[{host}]" if ":" in host else host
    print(f"http://{shown}:{listening.getsockname()[1]}/?token={token}", flush=True)
    say("Open this address in a browser; Ctrl-C ends it.")
    with listening:
        server.run(sockets=[listening])
    signal.signal(signal.SIGHUP, before)
    handler = signal.getsignal(received[0]) if received else None
    if callable(handler):
        handler(received[0], None)


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
        except ClientDisconnect:  # nobody reads a response
            return Response(status_code=400)
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
    if not session.others:
        return 0
    return (_numbers(request.headers.get("kzoo-example", ""), len(session.examples)) or [0])[0]


def _numbers(text: str, below: int) -> list[int]:
    """Returns the numbers in a list such as "0,3"."""
    numbers = text.split(",") if text else []
    good = len(numbers) <= below and all(one.isascii() and one.isdecimal() and len(one) < 8 for one in numbers)
    good = good and all(int(one) < below for one in numbers)
    require(good, "explore", f"numbers below {below} with commas between", numbers=text)
    return [int(one) for one in numbers]
