"""The packages: the same bytes twice, within their limits, complete, and nothing in them that was not asked for."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra import package
from infra.bytecode import compile_tree
from infra.elf import trimmed
from infra.manifest import Group, Manifest, ManifestError, matches, pins, requirements_of
from infra.package import HERE, MB, Built, PackageTooLargeError, build_zip, own_files, thin_zips
from infra.zips import write_zip

pytestmark = pytest.mark.xdist_group("package")

MANIFEST = Manifest.load()

# Stands alone: no site-packages, no environment, no current directory; only the package's own folder is on the path.
PROOF = """
import sys
folder = sys.argv[1]
sys.path[:] = [folder] + [p for p in sys.path if "site-packages" not in p]
import json
import app
from functions.credit.scoring import load_model

context = {"resourcePath": "/v1/credit-applications", "httpMethod": "POST", "requestId": "proof", "identity": {},
           "authorizer": {"kind": "customer", "id": "cus_00000000000000000000000000", "scopes": "customer"}}
event = {"requestContext": context, "headers": {"content-type": "application/json"}, "path": "/v1/credit-applications",
         "multiValueHeaders": {"content-type": ["application/json"]}, "multiValueQueryStringParameters": None,
         "pathParameters": None, "stageVariables": None, "body": "{", "isBase64Encoded": False}
answer = app.app(event, None)
model = load_model("application")
row = json.load(open(folder + "/model_artifacts/application/golden_scores.json"))["scores"][0]
strangers = sorted(n for n, m in sys.modules.items() if "site-packages" in (getattr(m, "__file__", None) or ""))
print(json.dumps({"status": answer["statusCode"], "body": json.loads(answer["body"]), "strangers": strangers,
                  "logit": model.scores([row["features"]])[0].logit, "expected": row["logit"]}))
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of our own files, so that nothing changes between two builds of the same."""
    root = tmp_path_factory.mktemp("sources")
    for name, file in own_files(MANIFEST.groups["worker"]).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, root / name)
    return root


@pytest.fixture(scope="module")
def worker_twice(tmp_path_factory: pytest.TempPathFactory, sources: Path) -> tuple[Built, Built]:
    outs = [tmp_path_factory.mktemp("worker") for _ in range(2)]
    first, second = (build_zip(MANIFEST.groups["worker"], "arm64", out, root=sources) for out in outs)
    return first, second


@pytest.fixture(scope="module")
def ml_here(tmp_path_factory: pytest.TempPathFactory) -> Built:
    # What is within its limit with the quickest compression is so with the best.
    return build_zip(MANIFEST.groups["ml"], HERE, tmp_path_factory.mktemp("ml"), level=1)


def test_a_package_is_the_same_byte_for_byte(worker_twice: tuple[Built, Built]) -> None:
    first, second = worker_twice
    assert first.path != second.path
    assert first.path.read_bytes() == second.path.read_bytes()


def test_the_worker_package_is_small(worker_twice: tuple[Built, Built]) -> None:
    assert worker_twice[0].zipped <= 12 * MB
    with zipfile.ZipFile(worker_twice[0].path) as archive:
        names = archive.namelist()
    assert not [n for n in names if n.startswith(("numpy", "onnxruntime"))]
    assert not [n for n in names if n.endswith(".onnx")]
    assert not [n for n in names if "site-packages" in n or n.endswith(".pyi") or "/tests/" in n]


def test_a_package_for_another_machine_holds_that_machines_libraries(worker_twice: tuple[Built, Built]) -> None:
    aarch64 = 183
    with zipfile.ZipFile(worker_twice[0].path) as archive:
        libraries = [n for n in archive.namelist() if n.endswith(".so")]
        assert libraries
        for name in libraries:
            assert struct.unpack_from("<H", archive.read(name), 18)[0] == aarch64, name


def test_our_files_are_shipped_whole_with_their_data(worker_twice: tuple[Built, Built], sources: Path) -> None:
    with zipfile.ZipFile(worker_twice[0].path) as archive:
        shipped = {name.removesuffix("c") if name.endswith(".pyc") else name for name in archive.namelist()}
    assert shipped >= own_files(MANIFEST.groups["worker"], sources).keys()
    assert shipped >= {"app.py", "functions/platform/container.py", "functions/risk/ruling/rules_default.json"}


def test_the_bill_of_materials_lists_exactly_what_is_shipped(worker_twice: tuple[Built, Built]) -> None:
    bill = json.loads(worker_twice[0].path.with_suffix(".cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert {c["name"] for c in bill["components"]} == set(MANIFEST.groups["worker"].distributions)
    for component in bill["components"]:
        assert component["purl"] == f"pkg:pypi/{component['name']}@{component['version']}"
        assert f"=={component['version']}" in pins()[component["name"]].splitlines()[0]
        assert component["hashes"], component["name"]
        assert component["licenses"][0]["license"]["name"] != "unknown", component["name"]
    licences = worker_twice[0].path.with_suffix(".licences.txt").read_text()
    assert licences.count("\n") == len(bill["components"])


class SecretsAnswer(BaseHTTPRequestHandler):
    """The one AWS call a view makes before it looks at the request: who keeps the master secret."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"Name": "master", "SecretString": json.dumps({"master": "m" * 64})}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def secrets_endpoint() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), SecretsAnswer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_unpacked_package_serves_and_scores_with_nothing_else_on_the_path(
    ml_here: Built, tmp_path: Path, secrets_endpoint: str
) -> None:
    folder = tmp_path / "task"
    with zipfile.ZipFile(ml_here.path) as archive:
        archive.extractall(folder)
    environment = {
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_ENDPOINT_URL": secrets_endpoint, "WHITENOTE_STAGE": "test", "WHITENOTE_SECRET_ID": "master",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROOF, str(folder)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["strangers"] == []
    assert said["status"] in {400, 422}
    assert said["body"]["code"], said
    assert said["logit"] == pytest.approx(said["expected"], abs=1e-6)


def test_the_scoring_package_is_within_its_limit_and_lambdas(ml_here: Built) -> None:
    assert ml_here.zipped <= 52 * MB
    assert ml_here.unzipped <= 250 * MB


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
@pytest.mark.parametrize("group", ["ml", "console", "worker"])
def test_every_package_is_the_same_twice_and_within_its_limit(group: str, architecture: str, tmp_path: Path) -> None:
    first = build_zip(MANIFEST.groups[group], architecture, tmp_path / "a")
    second = build_zip(MANIFEST.groups[group], architecture, tmp_path / "b")
    assert first.sha256 == second.sha256


def test_a_package_over_its_limit_is_refused_with_the_excess() -> None:
    group = Group("worker", (), (), zip_mb=12)
    built = Built("worker", "arm64", Path("worker-arm64.zip"), zipped=13_500_000, unzipped=40 * MB, sha256="")
    with pytest.raises(PackageTooLargeError, match=r"13\.5 MB zipped, 1\.5 over the limit of 12"):
        package._check_size(built, group)


def test_every_distribution_of_a_package_is_pinned_with_hashes() -> None:
    for group in MANIFEST.groups.values():
        for block in requirements_of(group).split("\n\n"):
            assert "--hash=sha256:" in block


def test_a_distribution_that_is_not_pinned_is_refused() -> None:
    with pytest.raises(ManifestError, match="left-pad"):
        requirements_of(Group("worker", ("left-pad",), (), 12))


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("**/tests/**", "numpy/lib/tests/test_io.py", True),
        ("**/tests/**", "tests/test_io.py", True),
        ("**/tests/**", "numpy/testsuite/x.py", False),
        ("boto3/data/**", "boto3/data/s3/resources.json", True),
        ("model_artifacts/*/*.onnx", "model_artifacts/application/model.onnx", True),
        ("model_artifacts/*/*.onnx", "model_artifacts/training/fraud/model.onnx", False),
        ("*.dist-info/RECORD", "numpy-2.dist-info/RECORD", True),
    ],
)
def test_two_stars_span_folders_and_one_does_not(pattern: str, path: str, *, expected: bool) -> None:
    assert expected == matches(path, (pattern,))


def test_a_zip_does_not_know_when_it_was_made(tmp_path: Path) -> None:
    a, b = tmp_path / "a.py", tmp_path / "b.py"
    a.write_text("1")
    b.write_text("2")
    write_zip(tmp_path / "1.zip", {"x/a.py": a, "b.py": b})
    b.touch()
    a.chmod(0o600)
    write_zip(tmp_path / "2.zip", {"b.py": b, "x/a.py": a})
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


def test_a_trimmed_library_still_loads(tmp_path: Path) -> None:
    import _cffi_backend

    original = Path(_cffi_backend.__file__)
    small = tmp_path / original.name
    small.write_bytes(trimmed(original.read_bytes()))
    assert small.stat().st_size < original.stat().st_size
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import _cffi_backend; print(_cffi_backend.__file__)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(small)


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"#!/bin/sh\n" * 20, b"\x7fELF\x01\x01" + bytes(100)])
def test_what_is_not_a_64_bit_library_is_left_alone(content: bytes) -> None:
    assert trimmed(content) == content


def test_bytecode_takes_a_librarys_place_and_stands_beside_our_own(tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "mine.py").write_text("x = 1\n")
    (tmp_path / "library.py").write_text("y = 2\n")
    (tmp_path / "newer.py").write_text("this is not of this version\n")
    compile_tree(tmp_path, sys.executable, sources=("functions/",))
    assert sorted(p.name for p in tmp_path.glob("*.py*")) == ["library.pyc", "newer.py"]
    assert (tmp_path / "functions" / "mine.py").exists()
    assert list((tmp_path / "functions" / "__pycache__").glob("mine.*.pyc"))


def test_thin_packages_hold_our_files_alone(tmp_path: Path) -> None:
    zips = thin_zips(tmp_path)
    assert zips.keys() == {"ml", "console", "worker"}
    for group, path in zips.items():
        with zipfile.ZipFile(path) as archive:
            tops = {n.split("/")[0] for n in archive.namelist()}
            models = [n for n in archive.namelist() if n.endswith(".onnx")]
        assert tops <= {"app.py", "__pycache__", "functions", "model_artifacts", "openapi.yaml"}
        assert bool(models) == (group == "ml")
