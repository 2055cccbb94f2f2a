"""Bytecode made ahead of time: half of a cold start is otherwise spent compiling.

Unchecked-hash bytecode carries no time and is never checked against its source, so it survives the zip and is the same
on every machine. It must be made by the interpreter version that will run it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# One process and one order, so that the same source gives the same bytes. Assertions stay: they are the libraries' own.
_COMPILE = """
import ast, pathlib, py_compile, sys
from importlib._bootstrap_external import _code_to_hash_pyc
from importlib.util import source_hash

DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)

def without_docstrings(source, name):
    tree = ast.parse(source, name)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            first = node.body.pop(0)
            if not node.body and not isinstance(node, ast.Module):
                node.body.append(ast.copy_location(ast.Pass(), first))
    return compile(tree, name, "exec", dont_inherit=True, optimize=0)

root, own = pathlib.Path(sys.argv[1]), tuple(sys.argv[2:])
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
for file in sorted(root.rglob("*.py")):
    name = file.relative_to(root).as_posix()
    try:
        if name.startswith(own):
            py_compile.compile(str(file), None, name, True, 0, mode)
            continue
        source = file.read_bytes()
        code = without_docstrings(source, name)
    except (SyntaxError, py_compile.PyCompileError):
        continue
    file.with_suffix(".pyc").write_bytes(_code_to_hash_pyc(code, source_hash(source), False))
    file.unlink()
"""


def find_interpreter(version: str) -> str | None:
    """An interpreter of this minor version on this machine, or None.

    Args:
        version: For example "3.13".
    """
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    candidates = [shutil.which(f"python{version}")]
    for root in (Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions",):
        candidates += [str(p / "bin" / f"python{version}") for p in sorted(root.glob(f"{version}*"), reverse=True)]
    return next((c for c in candidates if c and _runs_as(c, version)), None)


def _runs_as(python: str, version: str) -> bool:
    try:
        says = subprocess.run(
            [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip
    except OSError:
        return False
    return says.stdout.strip() == version


def compile_tree(root: Path, python: str, *, sources: tuple[str, ...]) -> None:
    """Compile everything under `root`; a file that is not for this version of Python stays as it is.

    Args:
        root: The package's files.
        python: Interpreter of the version that will run them.
        sources: Beginnings of the paths whose source stays beside the bytecode, for tracebacks that show our lines;
            elsewhere the bytecode, without docstrings, takes the source's place: that halves the libraries.

    Raises:
        CalledProcessError: The interpreter failed as a whole.
    """
    env = {"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0"}
    # Without column positions, which only underline a part of a line in a traceback: a quarter of all bytecode.
    command = [python, "-X", "no_debug_ranges", "-c", _COMPILE, str(root), *sources]
    subprocess.run(command, check=True, env=env)
