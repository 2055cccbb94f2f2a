"""`make package`: the Lambda zips, the template, the bill of materials and the licences, under build/package.

`thin_zips` makes the variant for the embedded platform: our own files only, compiled for the running interpreter, whose
site-packages the emulated functions share.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra import sbom, template
from infra.bytecode import compile_tree, find_interpreter
from infra.elf import trimmed
from infra.manifest import ROOT, Group, Manifest, matches, requirements_of
from infra.zips import tree, write_zip

TARGET = template.RUNTIME.removeprefix("python")
PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
HERE = "here"
"""An architecture of its own: this machine and the running interpreter, for the proof that a package stands alone."""

UNZIPPED_LIMIT_MB = 250
MB = 1_000_000
OWN_SOURCES = ("app.py", "functions/")
"""What keeps its source beside its bytecode on the embedded platform, whose tracebacks show our lines. Packages for AWS
ship bytecode alone: a traceback still names file and line, and the source is in the repository under its commit."""

BUILD = ROOT / "build" / "package"


class PackageTooLargeError(RuntimeError):
    """A package is over its limit; the message says by how much."""


@dataclass(frozen=True, slots=True)
class Built:
    """One zip.

    Args:
        group: "ml", "console" or "worker".
        architecture: "x86_64", "arm64" or "here".
        path: Where it is.
        zipped: Bytes.
        unzipped: Bytes.
        sha256: Of the zip.
    """

    group: str
    architecture: str
    path: Path
    zipped: int
    unzipped: int
    sha256: str


def own_files(group: Group, root: Path = ROOT) -> dict[str, Path]:
    """Our own files of a group, by their name in the zip."""
    tops = ("app.py", "openapi.yaml", "functions", "model_artifacts")
    found: dict[str, Path] = {}
    for top in tops:
        path = root / top
        candidates: Iterable[Path] = path.rglob("*") if path.is_dir() else [path]
        for file in candidates:
            name = file.relative_to(root).as_posix()
            if file.is_file() and "__pycache__" not in file.parts and matches(name, group.own):
                found[name] = file
    return found


def install(group: Group, architecture: str, into: Path) -> None:
    """Put the group's distributions, and nothing else, into a folder; every file must match its pinned hash.

    Raises:
        CalledProcessError: A distribution has no wheel for the platform, or its hash differs.
    """
    requirements = into.with_suffix(".txt")
    requirements.write_text(requirements_of(group))
    platform = (
        ["--python", sys.executable]
        if architecture == HERE
        else ["--python-version", TARGET, "--python-platform", PLATFORMS[architecture]]
    )
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(into), *platform]
    command += ["--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", str(requirements)]
    subprocess.run([*command, "--no-compile-bytecode"], check=True)


def build_zip(group: Group, architecture: str, out: Path, *, root: Path = ROOT, level: int = 9) -> Built:
    """One package, with its bill of materials and licences beside it.

    Args:
        group: What goes in.
        architecture: "x86_64", "arm64" or "here".
        out: Folder for the results.
        root: Where app.py is.
        level: Deflate level.

    Raises:
        PackageTooLargeError: Over the group's limit, or over Lambda's.
    """
    slim = Manifest.load().slim
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    python = sys.executable if architecture == HERE else find_interpreter(TARGET)
    with tempfile.TemporaryDirectory(prefix="whitenote-package-") as folder:
        raw, slimmed = Path(folder, "raw"), Path(folder, "slim")
        raw.mkdir()
        install(group, architecture, raw)
        files = {name: file for name, file in tree(raw).items() if slim.wants(name)} | own_files(group, root)
        for name, file in files.items():
            target = slimmed / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if ".so" in file.suffixes:
                target.write_bytes(trimmed(file.read_bytes()))
            else:
                shutil.copyfile(file, target)
        if python:
            compile_tree(slimmed, python, sources=())
        else:
            print(f"  no Python {TARGET} here: {group.name} ships without bytecode and starts more slowly")
        contents = tree(slimmed)
        path = out / f"{group.name}-{architecture}.zip"
        write_zip(path, contents, level=level)
        parts = sbom.components(raw)
        path.with_suffix(".cdx.json").write_text(sbom.bill(group.name, version, parts))
        path.with_suffix(".licences.txt").write_text(sbom.licence_list(parts))
        built = Built(
            group=group.name,
            architecture=architecture,
            path=path,
            zipped=path.stat().st_size,
            unzipped=sum(file.stat().st_size for file in contents.values()),
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
    _check_size(built, group)
    return built


def _check_size(built: Built, group: Group) -> None:
    for what, size, limit in (
        ("zipped", built.zipped, group.zip_mb),
        ("unzipped", built.unzipped, UNZIPPED_LIMIT_MB),
    ):
        if size > limit * MB:
            raise PackageTooLargeError(
                f"{built.path.name} is {size / MB:.1f} MB {what}, {size / MB - limit:.1f} over the limit of {limit}"
            )


def thin_zips(out: Path, root: Path = ROOT) -> dict[str, Path]:
    """The packages of the embedded platform: our own files, compiled for the running interpreter.

    Args:
        out: Folder for the zips.
        root: Where app.py is.

    Returns:
        Zip by group.
    """
    zips = {}
    for name, group in Manifest.load().groups.items():
        with tempfile.TemporaryDirectory(prefix="whitenote-thin-") as folder:
            staged = Path(folder)
            for inside, file in own_files(group, root).items():
                target = staged / inside
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
            compile_tree(staged, sys.executable, sources=OWN_SOURCES)
            zips[name] = out / f"{name}-thin.zip"
            write_zip(zips[name], tree(staged), level=1)
    return zips


def build_all(architectures: Sequence[str], out: Path = BUILD) -> list[Built]:
    """Every package for the given architectures, the template, and an index of what was made."""
    out.mkdir(parents=True, exist_ok=True)
    built = [build_zip(g, a, out) for g in Manifest.load().groups.values() for a in architectures]
    (out / "template.json").write_text(template.dumps(template.render()))
    index = [
        {"file": b.path.name, "group": b.group, "architecture": b.architecture, "zipped": b.zipped,
         "unzipped": b.unzipped, "sha256": b.sha256}
        for b in built
    ]  # fmt: skip
    (out / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    return built


def main() -> None:
    """Make the packages and say how large they are."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--arch", choices=[*PLATFORMS, HERE], action="append", help="default: both of AWS's")
    parser.add_argument("--out", type=Path, default=BUILD)
    given = parser.parse_args()
    print("package                zipped   unzipped   sha256")
    for built in build_all(given.arch or list(PLATFORMS), given.out):
        sizes = f"{built.zipped / MB:6.1f} MB  {built.unzipped / MB:6.1f} MB"
        print(f"{built.path.name:<20} {sizes}   {built.sha256[:16]}")
    print(f"in {given.out}")


if __name__ == "__main__":
    main()
