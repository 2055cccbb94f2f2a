"""`make run`: the whole of Whitenote on this machine.

    python -m infra.local --port 8000 --state .whitenote [--ephemeral] [--ready-file PATH]

Starts the embedded platform, deploys the production template to it, seeds it, and serves API and pages at one address.
When all is up, PATH is written in one step with everything a program needs to begin. SIGTERM or ^C ends it cleanly.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from infra.front import Front
from infra.issuer import Issuer, write_private
from infra.manifest import ROOT
from infra.platform_local import Platform, PlatformError, bring_up, build

SEED_FILE = "seed.json"


class Seed(Protocol):
    """infra.seed.seed: makes the demo merchant, shoppers and staff, once; tells their keys at every start."""

    def __call__(
        self, base_url: str, aws_endpoint: str, outputs: Mapping[str, str], state_dir: Path
    ) -> dict[str, Any]: ...


def _seed_function() -> Seed:
    seed: Seed = importlib.import_module("infra.seed").seed
    return seed


class Running:
    """A started Whitenote.

    Args:
        port: Of the front; 0 for any free one.
        state: The state directory.
        root: Where app.py is.
        seed: Fills it; None leaves it empty.
    """

    def __init__(self, port: int, state: Path, *, root: Path = ROOT, seed: Seed | None = None) -> None:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self.front = Front(port)
        except OSError as error:
            raise PlatformError(f"port {port} can't be had ({error.strerror}); choose another with --port") from error
        self.platform = Platform(state)
        try:
            built = build(root)
            self.platform.wait()
            issuer = Issuer.load(state)
            self.outputs = bring_up(self.platform, built, issuer, self.front.url)
            self.front.start(self.platform.port, self.outputs["ApiId"], self.outputs["ApiStageName"])
            self.ready: dict[str, Any] = {
                "base_url": self.front.url,
                "aws_endpoint": self.platform.endpoint,
                "outputs": self.outputs,
            }
            if seed is not None:
                self.ready |= seed(self.front.url, self.platform.endpoint, self.outputs, state)
            self.platform.control("saving")
            write_private(state / SEED_FILE, json.dumps(self.ready, indent=1))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End cleanly, the state saved."""
        self.front.server_close()
        self.platform.stop()


def _print_welcome(running: Running, took_s: float) -> None:
    ready = running.ready
    print(f"\nWhitenote is up at {ready['base_url']} ({took_s:.1f} s)\n")
    merchant = ready.get("merchant", {})
    if merchant:
        print(f"  merchant      {merchant['id']}\n  secret key    {merchant['secret_key']}")
    for name, customer in ready.get("customers", {}).items():
        print(f"  {name:<13} {customer['id']}")
    print(f"\n  contract      openapi.yaml\n  AWS endpoint  {ready['aws_endpoint']}")
    print(f"  all keys      {running.platform.state / SEED_FILE}\n\n^C ends it; what is in it stays.", flush=True)


def main() -> None:
    """Run until told to end."""
    parser = argparse.ArgumentParser(description="The whole of Whitenote on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="of API and pages; 0 for any free one")
    parser.add_argument("--state", type=Path, default=Path(".whitenote"), help="where everything is kept")
    parser.add_argument("--ephemeral", action="store_true", help="begin empty and keep nothing")
    parser.add_argument("--ready-file", type=Path, help="written when all is up")
    parser.add_argument("--while-pid", type=int, help="end when this process is gone")
    given = parser.parse_args()
    began = time.monotonic()
    ending = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: _end(ending))
    given.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    state: Path = Path(tempfile.mkdtemp(prefix="run-", dir=given.state)) if given.ephemeral else given.state
    try:
        running = Running(given.port, state.resolve(), seed=_seed_function())
        try:
            if given.ready_file:
                given.ready_file.parent.mkdir(parents=True, exist_ok=True)
                write_private(given.ready_file, json.dumps(running.ready, indent=1))
            _print_welcome(running, time.monotonic() - began)
            while not ending.wait(0.5):
                if not running.platform.alive:
                    raise PlatformError(f"the embedded platform ended; see {state}/platform.log")
                if given.while_pid and not _exists(given.while_pid):
                    break
        finally:
            running.stop()
    except (PlatformError, OSError) as error:
        sys.exit(f"whitenote: {error}")
    finally:
        if given.ephemeral:
            shutil.rmtree(state, ignore_errors=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end(ending: threading.Event) -> None:
    """The first signal ends; one that comes while starting must end that too."""
    if ending.is_set():
        raise KeyboardInterrupt
    ending.set()


if __name__ == "__main__":
    main()
