"""Zips that come out the same, byte for byte, whenever they are made from the same files."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
_PLAIN, _PROGRAM = 0o644 << 16, 0o755 << 16


def write_zip(path: Path, files: Mapping[str, Path], *, level: int = 9) -> None:
    """Write `files` (name in the zip → where it is) in the order of their names, without times or owners.

    Args:
        path: The zip; replaced.
        files: What goes in.
        level: Deflate level; 9 for what is uploaded once and loaded often, less for what is thrown away.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3
            info.external_attr = _PROGRAM if name.endswith(".so") or ".so." in name else _PLAIN
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name].read_bytes(), compresslevel=level)


def tree(root: Path) -> dict[str, Path]:
    """Every file under `root`, by its path inside it."""
    return {p.relative_to(root).as_posix(): p for p in root.rglob("*") if p.is_file()}
