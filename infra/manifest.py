"""What package.toml says, and which of the pins of requirements.txt a package takes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANIFEST_FILE = Path(__file__).with_name("package.toml")
REQUIREMENTS_FILE = ROOT / "requirements.txt"

_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", re.MULTILINE)


class ManifestError(ValueError):
    """package.toml asks for what requirements.txt does not pin."""


@dataclass(frozen=True, slots=True)
class Group:
    """One package.

    Args:
        name: "ml", "console" or "worker".
        distributions: Names of the distributions it ships, sorted.
        own: Patterns of our own files.
        zip_mb: Largest zip, in MB (10^6 bytes).
    """

    name: str
    distributions: tuple[str, ...]
    own: tuple[str, ...]
    zip_mb: int


@dataclass(frozen=True, slots=True)
class Slimming:
    """What is cut away.

    Args:
        drop: Patterns of paths never shipped.
        keep: Patterns that stay in spite of `drop`.
    """

    drop: tuple[str, ...]
    keep: tuple[str, ...]

    def wants(self, path: str) -> bool:
        """Whether the file stays."""
        return matches(path, self.keep) or not matches(path, self.drop)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole of package.toml."""

    groups: Mapping[str, Group]
    slim: Slimming

    @classmethod
    def load(cls, path: Path = MANIFEST_FILE) -> Manifest:
        """Read it."""
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        base, slim = table["base"], table["slim"]
        tables = [f"{library}/data/{service}/**" for library in ("boto3", "botocore") for service in slim["services"]]
        return cls(
            groups={
                name: Group(
                    name=name,
                    distributions=tuple(sorted({*base["distributions"], *fields["extra"]})),
                    own=(*base["own"], *fields["own"]),
                    zip_mb=fields["zip_mb"],
                )
                for name, fields in table["groups"].items()
            },
            slim=Slimming(drop=tuple(slim["drop"]), keep=(*slim["keep"], *tables)),
        )


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path with forward slashes matches any pattern; `**` spans folders, `*` does not."""
    return _compiled(patterns).fullmatch(path) is not None


@lru_cache(maxsize=32)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_translated(pattern)})" for pattern in patterns) or "(?!)")


def _translated(pattern: str) -> str:
    marks = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return "".join(marks.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*)", pattern))


@lru_cache(maxsize=1)
def pins(path: Path = REQUIREMENTS_FILE) -> Mapping[str, str]:
    """The block of requirements.txt (pin and hashes) of each distribution."""
    text = path.read_text(encoding="utf-8")
    starts = list(_PIN.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return {m.group(1): text[m.start() : end].strip() for m, end in zip(starts, ends, strict=True)}


def requirements_of(group: Group) -> str:
    """A requirements file of exactly the group's distributions, with their hashes.

    Raises:
        ManifestError: One of them is not pinned.
    """
    pinned = pins()
    unknown = sorted(set(group.distributions) - pinned.keys())
    if unknown:
        raise ManifestError(f"{group.name}: requirements.txt does not pin {', '.join(unknown)}")
    return "\n".join(pinned[name] for name in group.distributions) + "\n"
