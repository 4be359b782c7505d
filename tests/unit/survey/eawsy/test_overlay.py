"""What functions for eawsy's runtimes get in an overlay."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

import lambdabuild
from lambdabuild.core.build import Adapter
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import GoEnvironment
from lambdabuild.survey.eawsy import overlay
from lambdabuild.survey.eawsy.libraries import ADAPTER_VERSION, CORE, REGISTRY
from lambdabuild.survey.eawsy.mended import mended
from lambdabuild.survey.eawsy.overlay import write_overlay, written
from tests.unit.survey.eawsy.test_mended import DECODER
from tests.unit.values import batch, graph, package, step

ADAPTER = Path(lambdabuild.__file__).with_name("eawsy.go")
VERSIONS = {1: "c9ca70aa3f561504"}
"""A digest of all that executables are made of, for each version of the adapter."""


def test_another_adapter_has_another_version() -> None:
    texts = (
        ADAPTER.read_text(),
        overlay._EXPORTED.template,
        overlay._REGISTERED.template,
        mended(DECODER),
    )
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
    assert VERSIONS.get(ADAPTER_VERSION) == digest, (
        "executables differ from those of earlier versions: raise ADAPTER_VERSION once for a release"
    )


@pytest.mark.needs_go
def test_the_adapter_has_the_layout_of_gofmt() -> None:
    gofmt = shutil.which("gofmt")
    assert gofmt is not None
    done = subprocess.run([gofmt, "-l", str(ADAPTER)], check=True, capture_output=True, text=True)
    assert done.stdout == ""


def environment(flags: str = "") -> GoEnvironment:
    return GoEnvironment("go1.26.8", flags, None, "", "", "")


def replaced(path: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(Path(path).read_text())["Replace"]
    return found


@pytest.mark.parametrize(
    ("adapter", "has_main", "runtime", "entry"),
    [
        (Adapter("eawsy/aws-lambda-go-shim", "Handle"), False, CORE, "func main() {\n"),
        (Adapter("eawsy/aws-lambda-go-shim", "Handle"), True, CORE, "func init() {\n"),
        (Adapter("eawsy/aws-lambda-go"), True, REGISTRY, "func init() {\n"),
        (Adapter("eawsy/aws-lambda-go"), False, REGISTRY, "func main() {\n"),
    ],
)
def test_a_function_gets_the_adapter_and_what_gives_it_the_handler(
    tmp_path: Path, adapter: Adapter, has_main: bool, runtime: str, entry: str
) -> None:
    directory = tmp_path / "api"
    directory.mkdir()
    (directory / "handler.go").write_text("package main\n\nvar Handle = &handle\n")
    made = step()
    function = made.function._replace(adapter=adapter, directory=str(directory))
    one = package(function.package)._replace(
        directory=str(directory), go_files=("handler.go",), declares_main=has_main
    )
    of = batch(made._replace(function=function))._replace(graph=graph(one))
    found = write_overlay(of, environment(), None, str(tmp_path / "work"))
    files = replaced(found.overlay.path)
    assert [Path(name).parent for name in files] == [directory, directory]
    assert not (directory / "zz_lambdabuild.go").exists()
    texts = {Path(name).name: Path(path).read_text() for name, path in files.items()}
    assert f'lambdabuildRuntime "{runtime}"\n' in texts["zz_lambdabuild.go"]
    assert entry in texts["zz_lambdabuild_handler.go"]
    pointed = "lambdabuildAdapt(lambdabuildPointed(Handle))" in texts["zz_lambdabuild_handler.go"]
    assert pointed == (adapter.handler is not None)
    assert all(path.startswith(str(tmp_path / "work")) for path in files.values())


def test_an_overlay_of_goflags_is_merged_by_where_go_runs(tmp_path: Path) -> None:
    theirs = {"a.go": "../b.go", f"{tmp_path}/gone.go": "", f"{tmp_path}/mod/ours.go": "x.go"}
    (tmp_path / "o.json").write_text(json.dumps({"Replace": theirs}))
    ours = {f"{tmp_path}/mod/ours.go": "package main\n"}
    flags = f"-overlay={tmp_path}/o.json"
    made = written(ours, str(tmp_path / "work"), flags, f"{tmp_path}/mod", whole=True)
    files = replaced(made.path)
    assert Path(files.pop(f"{tmp_path}/mod/ours.go")).read_text() == "package main\n"
    assert files == {f"{tmp_path}/mod/a.go": f"{tmp_path}/b.go", f"{tmp_path}/gone.go": ""}
    assert made.arguments == [f"-overlay={made.path}", "-mod=readonly"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Replace": []}', '{"Replace": {"a": 1}}', None])
def test_an_overlay_of_goflags_that_is_none_is_an_error_that_names_it(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "o.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(
        LambdabuildError, match="cannot read the overlay that GOFLAGS names"
    ) as caught:
        written({}, str(tmp_path / "work"), f"-overlay={path}", str(tmp_path), whole=True)
    assert caught.value.at == (str(path),)
