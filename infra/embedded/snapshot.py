"""The platform's whole state in one file, written while it runs, so that a SIGKILL loses two seconds at the most.

MiniStack saves at a clean shutdown only, service by service, and forgets mail, stream records and the bodies of S3
objects. Here everything is taken at one instant of the event loop (between requests, so no request is half in it) and
replaces the former file in one rename: table, queues and the mail log are always of the same moment.

The items of tables are most of what there is to serialise, and the platform stands still meanwhile. MiniStack replaces
an item and never changes one (all its writes end in `_set_item`), so what is the same object as at the last snapshot
has the same bytes and is not serialised again.
"""

# ruff: noqa: SLF001  MiniStack's private names; infra.embedded.reliance lists them, its test fails when they move

from __future__ import annotations

import importlib
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

# What get_state() of these modules leaves out and we must not lose.
EXTRA: Mapping[str, tuple[str, ...]] = {
    "dynamodb": ("_stream_records", "_stream_trimmed", "_stream_seq_counter"),
    "s3": ("_buckets", "_object_versions", "_object_tags", "_object_acl", "_object_retention", "_object_legal_hold"),
    "scheduler": ("_schedule_last_fired",),
    "ses": ("_sent_emails",),
}

# Taken by name: get_state() of lambda_svc writes code to disk and drops the older before the new state is safe, and
# that of apigateway_v1 copies all it has, which is a third of what a snapshot would cost.
BY_NAME: Mapping[str, tuple[str, ...]] = {
    "lambda_svc": (
        "functions", "layers", "esms", "function_urls", "kinesis_positions", "dynamodb_stream_positions",
    ),
    "apigateway_v1": (
        "rest_apis", "resources", "stages_v1", "deployments_v1", "authorizers_v1", "models", "api_keys", "usage_plans",
        "usage_plan_keys", "domain_names", "base_path_mappings", "v1_tags", "account_settings", "request_validators",
        "gateway_responses", "deployed_gateway_responses", "documentation_parts",
    ),
}  # fmt: skip

FORM = 2
"""Of the file; a file of another form is not read."""

IN_HAND_S = 60.0
"""After so long a message comes again that a function had in hand when the platform ended: the function is gone too,
but what it wrote of being at it (a claim's lease, an event's "in progress") holds for a minute at the most."""

_PREFIX = "ministack.services."


class SnapshotError(RuntimeError):
    """The file is of another MiniStack, or not whole."""


class _NoCopy:
    """Stands in for the `copy` module while states are taken: they are serialised before anything can change them."""

    @staticmethod
    def deepcopy(value: Any) -> Any:  # noqa: ANN401  as copy.deepcopy
        return value

    @staticmethod
    def copy(value: Any) -> Any:  # noqa: ANN401  as copy.copy
        return value


@contextmanager
def _without_copies() -> Iterator[None]:
    # looked up in their own names: asked for a name that they lack, some of MiniStack's modules go and search
    ours = [module for name, module in list(sys.modules.items()) if name.startswith(_PREFIX)]
    touched = [(module, module.copy) for module in ours if "copy" in vars(module)]
    for module, _ in touched:
        module.copy = _NoCopy  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module, real in touched:
            module.copy = real  # type: ignore[attr-defined]


def _service(name: str) -> Any:  # noqa: ANN401  a module of MiniStack
    return importlib.import_module(_PREFIX + name)


class Snapshots:
    """Takes one snapshot after another."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, bytes]] = {}

    def take(self) -> bytes:
        """The state of every service, as bytes. Must run on the platform's event loop."""
        app = importlib.import_module("ministack.app")
        sources: Mapping[str, Callable[[], Any]] = app._build_persistence_save_dict()
        states: dict[str, Any] = {}
        positions = _service("lambda_svc")._dynamodb_stream_positions_lock
        with _service("sqs")._queues_lock, positions, _without_copies():
            for key, get_state in sources.items():
                module = app._state_map[key]
                if module in BY_NAME:
                    states[key] = {name: getattr(_service(module), f"_{name}") for name in BY_NAME[module]}
                else:
                    states[key] = self._reduced(module, get_state())
            extra = {m: {n: getattr(_service(m), n) for n in names} for m, names in EXTRA.items()}
            content = {"form": FORM, "ministack": version("ministack"), "states": states, "extra": extra}
            return pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL)

    def _reduced(self, module: str, state: Any) -> Any:  # noqa: ANN401  as the module has it
        if module == "cloudwatch_logs":
            return _without_log_lines(state)
        return {**state, "tables": self._packed(state["tables"])} if module == "dynamodb" else state

    def _packed(self, tables: Any) -> Any:  # noqa: ANN401  MiniStack's dictionary by account and region
        """The tables with the items of each as a list of serialised ones."""
        known, fresh = self._known, dict[int, tuple[Any, bytes]]()
        packed = type(tables)()
        for place, table in tables._data.items():
            items = []
            for pk, of_partition in table["items"].items():
                for sk, item in of_partition.items():
                    kept = known.get(id(item))  # what is held here lives, so that no other object has its id
                    if kept is None:
                        kept = (item, pickle.dumps((pk, sk, item), protocol=pickle.HIGHEST_PROTOCOL))
                    fresh[id(item)] = kept
                    items.append(kept[1])
            packed._data[place] = {**table, "items": items}
        self._known = fresh
        return packed


def _unpacked(tables: Any) -> Any:  # noqa: ANN401  as `_packed`
    """Inverse of `Snapshots._packed`, in place."""
    for table in tables._data.values():
        items: dict[str, dict[str, Any]] = {}
        for pk, sk, item in map(pickle.loads, table["items"]):
            items.setdefault(pk, {})[sk] = item
        table["items"] = items
    return tables


def _without_log_lines(state: Mapping[str, Any]) -> dict[str, Any]:
    """Log groups without their lines: they grow with every call, and no one needs them after a restart."""
    groups = type(state["log_groups"])()
    groups._data.update({k: {**g, "streams": {}} for k, g in state["log_groups"]._data.items()})
    return {**state, "log_groups": groups}


def write(path: Path, content: bytes) -> None:
    """Replace the file in one step."""
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.replace(path)


def restore(path: Path) -> bool:
    """Load the file into the running services, before the first request.

    Returns:
        Whether there was a file.

    Raises:
        SnapshotError: It is of another MiniStack or broken; removing the state directory starts anew.
    """
    if not path.exists():
        return False
    try:
        content = pickle.loads(path.read_bytes())  # noqa: S301  our own file, in a directory that only its owner writes
    except Exception as error:
        raise SnapshotError(f"{path} can't be read: {error}") from error
    if content["ministack"] != version("ministack"):
        raise SnapshotError(f"{path} is of MiniStack {content['ministack']}, this is {version('ministack')}")
    if content.get("form") != FORM:
        raise SnapshotError(f"{path} is of another form than this platform writes; without it, it starts anew")
    app = importlib.import_module("ministack.app")
    for module, values in content["extra"].items():
        for name, value in values.items():
            setattr(_service(module), name, value)
    for key, state in content["states"].items():
        if app._state_map[key] == "dynamodb":
            _unpacked(state["tables"])
        if state:
            app._get_module(app._state_map[key]).load_persisted_state(state)
    _give_back(time.time() + IN_HAND_S)
    return True


def _give_back(at: float) -> None:
    """Let what was in hand come again by an instant; its visibility timeout may have minutes to go."""
    for queue in _service("sqs")._queues._data.values():
        for message in queue["messages"]:
            if message.get("receive_count"):
                message["visible_at"] = min(message["visible_at"], at)
