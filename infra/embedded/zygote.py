"""A process that has imported the libraries once and forks for every function that starts.

Half of an emulated cold start is importing the same libraries anew in a dozen processes; on a small machine that is
most of the time until the platform is ready. The zygote never imports our own code: a fork runs MiniStack's worker
script, which finds app.py and functions/ in the package that was deployed, exactly as a fresh interpreter would.

`python -m infra.embedded.zygote FD` serves one socket: a length and three file descriptors, then JSON with script,
folder and environment; it answers with the process id. It ends when the socket closes.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

# What app.py's modules import, but for what scoring needs: numpy would start threads before the fork.
LIBRARIES = (
    "aws_lambda_powertools",
    "boto3",
    "botocore.client",
    "botocore.session",
    "chalice.app",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "cryptography.hazmat.primitives.ciphers.aead",
    "jinja2.sandbox",
    "jwt",
    "pydantic",
    "pynamodb.connection",
    "pynamodb.models",
    "zoneinfo",
)
_LENGTH = struct.Struct("!I")
_PID = struct.Struct("!i")


def serve(channel: socket.socket) -> None:
    """Fork for every request until the other side is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel collects the dead
    sys.path[:] = [p for p in sys.path if p not in {"", str(Path.cwd())}]
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    gc.collect()
    gc.freeze()
    while True:
        head, pipes, _flags, _address = socket.recv_fds(channel, _LENGTH.size, 3)
        if not head:
            return
        request = json.loads(_exactly(channel, _LENGTH.unpack(head)[0]))
        pid = os.fork()
        if pid == 0:
            channel.close()
            _become(request, pipes)
        for pipe in pipes:
            os.close(pipe)
        channel.sendall(_PID.pack(pid))


def _exactly(channel: socket.socket, size: int) -> bytes:
    out = b""
    while len(out) < size:
        part = channel.recv(size - len(out))
        if not part:
            raise ConnectionError("the other side is gone")
        out += part
    return out


def _become(request: Mapping[str, Any], pipes: Sequence[int]) -> None:
    """Turn this fork into the worker that was asked for; does not return."""
    code = 1
    try:
        for sign in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, signal.SIG_DFL)
        for target, pipe in enumerate(pipes):
            os.dup2(pipe, target)
            os.close(pipe)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        script = request["script"]
        sys.argv = [script]
        sys.path.insert(0, os.path.dirname(script))  # noqa: PTH120  as the interpreter itself puts it there
        with open(script, encoding="utf-8") as source:  # noqa: PTH123
            program = compile(source.read(), script, "exec")
        exec(program, {"__name__": "__main__", "__file__": script})  # noqa: S102  MiniStack's own script
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 0
    except BaseException:  # noqa: BLE001  as the interpreter does at the end of a program
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


class Forked:
    """A forked worker, as far as MiniStack uses a `Popen`.

    Args:
        pid: Its process.
        stdin, stdout, stderr: Our ends of its pipes.
    """

    def __init__(self, pid: int, stdin: IO[str], stdout: IO[str], stderr: IO[str]) -> None:
        self.pid, self.stdin, self.stdout, self.stderr = pid, stdin, stdout, stderr
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """None while it lives; how it ended is not known, nor asked."""
        if self.returncode is None:
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                self.returncode = 0
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Until it is gone.

        Raises:
            TimeoutExpired: It still lives.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("worker", timeout or 0)
            time.sleep(0.005)
        return self.returncode or 0

    def send_signal(self, sign: int) -> None:
        """Signal it if it lives."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sign)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Zygote:
    """The zygote as its user sees it; started at once, so that it is warm when the first function is."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "infra.embedded.zygote", str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        self._channel = ours
        self._turn = threading.Lock()

    def start(self, args: Sequence[str], *, cwd: str, env: Mapping[str, str], **_: object) -> Forked:
        """What `Popen([python, script], …)` does, by fork.

        Raises:
            OSError: The zygote is gone.
        """
        (their_in, stdin), (stdout, their_out), (stderr, their_err) = os.pipe(), os.pipe(), os.pipe()
        theirs = [their_in, their_out, their_err]
        body = json.dumps({"script": args[1], "cwd": cwd, "env": dict(env)}).encode()
        try:
            with self._turn:
                socket.send_fds(self._channel, [_LENGTH.pack(len(body))], theirs)
                self._channel.sendall(body)
                (pid,) = _PID.unpack(_exactly(self._channel, _PID.size))
        finally:
            for pipe in theirs:
                os.close(pipe)
        text = {"encoding": "utf-8", "errors": "replace"}
        return Forked(
            pid,
            os.fdopen(stdin, "w", buffering=1, **text),  # type: ignore[call-overload]
            os.fdopen(stdout, "r", **text),  # type: ignore[call-overload]
            os.fdopen(stderr, "r", **text),  # type: ignore[call-overload]
        )


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
