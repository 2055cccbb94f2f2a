"""The embedded platform's process: `python -m infra.embedded.server --port N --state DIR`.

It listens on 127.0.0.1 alone, restores the last snapshot, and saves a new one every two seconds in which something
was asked of it. Saving starts when POST /_whitenote/saving tells it to, after deployment: a half-deployed stack is
never kept. It ends cleanly, saving once more, on SIGTERM, or when its standard input closes: when its parent is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

import uvloop

from infra.embedded import fidelity, reliance, snapshot, speed
from infra.embedded.calls import CallLog

AUTOSAVE_S = 2.0
SNAPSHOT_FILE = "platform.state"
CONTROL = "/_whitenote/"
_LOCK_WAIT_S = 15.0
_OBJECTS_A_LOOK = 50_000
_READS = frozenset({"GET", "HEAD", "OPTIONS"})

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def environment(port: int, state: Path) -> dict[str, str]:
    """What MiniStack reads at import: where it listens, and that it keeps nothing itself."""
    scratch = state / "scratch"
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": "us-east-1",
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "STATE_DIR": str(scratch / "ministack"),
        "S3_DATA_DIR": str(scratch / "s3"),
        "TMPDIR": str(scratch / "tmp"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
        "LAMBDA_EXECUTOR": "local",
        "LOG_LEVEL": os.environ.get("PLATFORM_LOG_LEVEL", "WARNING"),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


class Saver:
    """Knows whether there is anything to save, and saves it.

    Args:
        file: The snapshot.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._snapshots = snapshot.Snapshots()
        self._changed_at = 0.0
        self._saved_at = 0.0
        self._cost_s = 0.0
        self._writing = asyncio.Lock()
        self.on = False

    def touch(self) -> None:
        """Something was asked of the platform that may have changed it."""
        self._changed_at = time.monotonic()

    async def save(self) -> None:
        """Take the state now; write it off the event loop."""
        async with self._writing:
            self._saved_at = time.monotonic()
            content = self._snapshots.take()
            self._cost_s = time.monotonic() - self._saved_at
            await asyncio.to_thread(snapshot.write, self._file, content)

    async def run(self) -> None:
        """Save every AUTOSAVE_S while there is something new; consumers may be at work after the last request.

        Only a state so large that taking it stops the platform for long is saved less often: an eleventh of the time.
        """
        while True:
            await asyncio.sleep(max(AUTOSAVE_S, 10 * self._cost_s))
            if self.on and self._changed_at + 2 * AUTOSAVE_S > self._saved_at:
                await self.save()


class Gate:
    """The ASGI application in front of MiniStack's: notices changes and calls, and answers our own control paths.

    Args:
        app: MiniStack.
        saver: Told of requests that may change something.
    """

    def __init__(self, app: App, saver: Saver) -> None:
        self._app = app
        self._saver = saver
        self._calls = CallLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].startswith(CONTROL):
            await self._control(scope["path"].removeprefix(CONTROL), send)
        else:
            if scope["method"] not in _READS:
                self._saver.touch()
            await self._noting(scope, receive, send)

    async def _noting(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if "x-amz-security-token" not in headers:
            await self._app(scope, receive, send)
            return
        body = b""

        async def keep() -> dict[str, Any]:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            return message

        await self._app(scope, keep, send)
        self._calls.note(scope["method"], scope["path"], headers, body)

    async def _control(self, what: str, send: Send) -> None:
        status, body = 204, b""
        if what == "saving":
            self._saver.on = True
            await self._saver.save()
        elif what == "save":
            await self._saver.save()
        elif what == "calls":
            status, body = 200, self._calls.dump()
        elif what != "up":
            status = 404
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})


def lock(state: Path) -> IO[str]:
    """Hold the state directory; a predecessor that is still saving is waited for.

    Raises:
        SystemExit: Another platform runs on it.
    """
    handle = (state / "platform.lock").open("w")
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"{state} is in use by another platform")
            time.sleep(0.1)
        else:
            return handle


def _end_with_parent(end: Callable[[], object]) -> None:
    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 64):
                pass
        end()

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _http(app: App, port: int) -> Any:  # noqa: ANN401  a uvicorn.Server
    """Uvicorn over httptools: a third of what a request costs hypercorn, and the clock asks thousands a day."""
    import uvicorn

    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        http="httptools",
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        backlog=512,
    )
    server = uvicorn.Server(config)
    # its own way with a signal ends the process before all is saved
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    return server


async def serve(port: int, state: Path) -> None:
    """Run until told to end, then save."""
    from ministack import app as ministack

    gone = reliance.moved()
    if gone:
        sys.exit("this MiniStack is not the one that infra/embedded was written for:\n  " + "\n  ".join(gone))
    fidelity.correct()
    speed.hasten()
    fidelity.fork_workers()
    file = state / SNAPSHOT_FILE
    saver = Saver(file)
    saver.on = file.exists()
    # Consumers wait for the port: what they call is the platform itself.
    start_consumers = fidelity.hold_consumers()
    snapshot.restore(file)

    async def resume() -> None:
        while not await asyncio.to_thread(_answers, port):
            await asyncio.sleep(0.02)
        start_consumers()

    http = _http(Gate(ministack.app, saver), port)
    loop = asyncio.get_running_loop()

    def end() -> None:
        http.should_exit = True

    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, end)
    _end_with_parent(partial(loop.call_soon_threadsafe, end))
    tasks = [asyncio.create_task(saver.run()), asyncio.create_task(resume())]
    await http.serve()
    for task in tasks:
        task.cancel()
    if saver.on:
        await saver.save()
    from ministack.core import lambda_runtime

    lambda_runtime.reset()


def main() -> None:
    """Start the platform."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    given = parser.parse_args()
    state: Path = given.state.resolve()
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    held = lock(state)
    # Code of functions that a killed predecessor had unpacked, among other leavings.
    shutil.rmtree(state / "scratch", ignore_errors=True)
    os.environ.update(environment(given.port, state))
    Path(os.environ["TMPDIR"]).mkdir(parents=True)
    logging.basicConfig(level=os.environ["LOG_LEVEL"])
    # what is asked of it leaves few cycles; looking for them at every 700 objects costs more than they hold
    gc.set_threshold(_OBJECTS_A_LOOK, 20, 50)
    uvloop.run(serve(given.port, state))
    held.close()


if __name__ == "__main__":
    main()
