"""Starts the embedded platform on a state directory and brings the stack on it to the app as it is now.

The same template and the same deployment code as on AWS; only the packages are thin. A second start on the same
directory finds its stack, and deploys nothing when neither code, template nor parameters have changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from infra import template
from infra.deploy import Target, deploy, outputs, stack_name
from infra.embedded.server import SNAPSHOT_FILE
from infra.issuer import STAFF_AUDIENCE, STAFF_ISSUER, Issuer, write_private
from infra.manifest import ROOT
from infra.package import thin_zips

STAGE = "local"
MAIL_FROM = "whitenote@example.com"
REGION = "us-east-1"
CACHE = ROOT / "build" / "local"
_START_S = 60
_END_S = 30
_KEPT_BUILDS = 4


class PlatformError(RuntimeError):
    """The embedded platform did not come up, or went away."""


@dataclass(frozen=True, slots=True)
class LocalBuild:
    """What is deployed locally.

    Args:
        digest: Of the sources it was made from.
        template: The document.
        zips: Thin packages by group.
    """

    digest: str
    template: Mapping[str, Any]
    zips: Mapping[str, Path]


def build(root: Path = ROOT, cache: Path = CACHE) -> LocalBuild:
    """Template and thin packages of the sources as they are now, from the cache if they were built before."""
    digest = _digest(root)
    folder = cache / digest
    if not (folder / "template.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=cache))
        thin_zips(fresh, root)
        (fresh / "template.json").write_text(template.dumps(template.render(root)))
        with contextlib.suppress(OSError):  # another start was quicker
            fresh.replace(folder)
        shutil.rmtree(fresh, ignore_errors=True)
        _forget_old_builds(cache)
    folder.touch()
    zips = {path.stem.removesuffix("-thin"): path for path in folder.glob("*-thin.zip")}
    return LocalBuild(digest, json.loads((folder / "template.json").read_text()), zips)


def _digest(root: Path) -> str:
    seen = hashlib.sha256(sys.version.encode())
    files = [root / "app.py", root / "openapi.yaml", *Path(__file__).parent.rglob("*")]
    for top in ("functions", "model_artifacts"):
        files += (root / top).rglob("*")
    for file in sorted(f for f in files if f.is_file() and "__pycache__" not in f.parts):
        seen.update(str(file).encode() + b"\0" + file.read_bytes() + b"\0")
    return seen.hexdigest()[:24]


def _forget_old_builds(cache: Path) -> None:
    builds = sorted((p for p in cache.iterdir() if not p.name.startswith(".")), key=lambda p: p.stat().st_mtime)
    for old in builds[:-_KEPT_BUILDS]:
        shutil.rmtree(old, ignore_errors=True)


def free_port(preferred: int | None = None) -> int:
    """A port of 127.0.0.1 that nothing listens on; `preferred` if it is free."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise PlatformError("no free port on 127.0.0.1")


@dataclass(slots=True)
class Platform:
    """The embedded platform's process.

    Args:
        state: Its directory.
        port: Where it listens; the same at the next start if it is free then, because queue addresses carry it.
    """

    state: Path
    port: int = field(init=False)
    _process: subprocess.Popen[bytes] = field(init=False)
    _log: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        remembered = self.state / "platform.port"
        self.port = free_port(int(remembered.read_text()) if remembered.exists() else None)
        remembered.write_text(str(self.port))
        self._log = (self.state / "platform.log").open("ab")
        command = [sys.executable, "-m", "infra.embedded.server", "--port", str(self.port), "--state", str(self.state)]
        # In a session of its own: a ^C is ours to pass on, after the front has closed.
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "WHITENOTE_"))}
        self._process = subprocess.Popen(
            command,
            env=ours,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    @property
    def endpoint(self) -> str:
        """The address AWS clients are given."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def had_state(self) -> bool:
        """Whether it started from a snapshot."""
        return (self.state / SNAPSHOT_FILE).exists()

    def wait(self) -> None:
        """Until it answers.

        Raises:
            PlatformError: It ended, or took over a minute.
        """
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and self.alive:
            with contextlib.suppress(OSError):
                self.control("up")
                return
            time.sleep(0.03)
        tail = (self.state / "platform.log").read_text(errors="replace")[-2000:]
        raise PlatformError(f"the embedded platform did not start; {self.state}/platform.log ends:\n{tail}")

    def control(self, what: str) -> None:
        """Ask one of the server's control paths ("saving", "save")."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", f"/_whitenote/{what}")
            status = connection.getresponse().status
        finally:
            connection.close()
        if status != 204:
            raise PlatformError(f"{what}: the embedded platform answered {status}")

    def target(self) -> Target:
        """Where to deploy to."""
        import boto3

        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106
        return Target(session, self.endpoint, poll_s=0.1)

    def stop(self) -> None:
        """End it cleanly, its state saved."""
        if self.alive:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
        if self.alive:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        self._log.close()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()


def bring_up(platform: Platform, built: LocalBuild, issuer: Issuer, base_url: str) -> dict[str, str]:
    """Deploy if anything changed since the last start.

    Returns:
        The stack's outputs.
    """
    stack, target = stack_name(STAGE), platform.target()
    parameters = {
        "Stage": STAGE,
        "Architecture": "x86_64",
        "PublicUrl": base_url,
        "MailFrom": MAIL_FROM,
        "CustomerJwks": issuer.customer.jwks(),
        "StaffIssuer": STAFF_ISSUER,
        "StaffAudience": STAFF_AUDIENCE,
        "StaffJwks": issuer.staff.jwks(),
    }
    wanted = hashlib.sha256(json.dumps([built.digest, parameters, platform.port]).encode()).hexdigest()
    mark = platform.state / "deployed"
    if platform.had_state and mark.exists() and mark.read_text() == wanted:
        return outputs(target, stack)
    done = deploy(target, stack, built.template, built.zips, parameters)
    issuer.customer.keep(target, done["SecretId"])
    _forget_artifacts(target, stack)
    # on AWS a domain is verified once, by hand; here mail is only shown in the platform's inbox
    target.client("sesv2").create_email_identity(EmailIdentity=MAIL_FROM)
    write_private(mark, wanted)
    return done


def _forget_artifacts(target: Target, stack: str) -> None:
    """The functions hold their code now; what was uploaded would only make every snapshot larger."""
    s3, bucket = target.client("s3"), f"{stack}-artifacts-000000000000-{REGION}"
    for held in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=held["Key"])
