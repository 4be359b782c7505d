"""Documents of executables that a real Go built, held against CycloneDX's own schema."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from lambdabuild import __version__
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.golang.toolchain import find_go
from lambdabuild.packaging import sbom
from lambdabuild.packaging.buildinfo import BuildInfo, BuiltModule
from lambdabuild.system.installation import install_command
from lambdabuild.system.process import Runner

pytestmark = pytest.mark.needs_go

SHA256 = "0f" * 32

MODULES = {
    "example.com/Greet": "v1.2.3",
    "example.com/fork": "v2.1.0+incompatible",
}
"""What there is to download: paths and versions."""

WORK = """\
go 1.22

use (
	.
	./neighbour
)
"""
MOD = """\
module example.com/shop

go 1.22

require (
	example.com/Greet v1.2.3
	example.com/patched v1.0.0
	example.com/swapped v1.0.0
)

replace (
	example.com/patched v1.0.0 => "./patched copy"
	example.com/swapped => example.com/fork v2.1.0+incompatible
)
"""
MAIN = """\
package main

import (
	greet "example.com/Greet"
	"example.com/neighbour"
	"example.com/patched"
	fork "example.com/swapped"
)

func main() { println(greet.Word + neighbour.Word + patched.Word + fork.Word) }
"""
ELSEWHERE = """\
module example.com/elsewhere

go 1.22

require example.com/neighbour v0.0.0

replace example.com/neighbour => {directory}
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def go_sum(files: Mapping[str, bytes]) -> str:
    """Return the sum of a module's files as https://go.dev/ref/mod#go-sum-files has it."""
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    return f"h1:{base64.b64encode(hashlib.sha256(''.join(lines).encode()).digest()).decode()}"


def publish(proxy: Path, path: str, version: str) -> tuple[str, str]:
    """Put a module where `go` may download it; return its sum, and its lines of go.sum."""
    directory = proxy / "".join(f"!{c.lower()}" if c.isupper() else c for c in path) / "@v"
    name = PurePosixPath(path).name.lower()
    mod = f"module {path}\n"
    source = f'package {name}\n\nconst Word = "{name}"\n'
    files = {f"{path}@{version}/{name}.go": source.encode()}
    if not version.endswith("+incompatible"):
        files[f"{path}@{version}/go.mod"] = mod.encode()
    write(directory / f"{version}.info", json.dumps({"Version": version}))
    write(directory / f"{version}.mod", mod)
    with zipfile.ZipFile(directory / f"{version}.zip", "w") as archive:
        for file, content in files.items():
            archive.writestr(file, content)
    total = go_sum(files)
    of_mod = go_sum({"go.mod": mod.encode()})
    return total, f"{path} {version} {total}\n{path} {version}/go.mod {of_mod}\n"


def write_shop(directory: Path, sums: str) -> None:
    """Write a workspace whose one function has packages of each kind of module."""
    write(directory / "go.work", WORK)
    write(directory / "go.mod", MOD)
    write(directory / "go.sum", sums)
    write(directory / "api" / "users" / "get" / "main.go", MAIN)
    for name, below in (("neighbour", "neighbour"), ("patched", "patched copy")):
        write(directory / below / "go.mod", f"module example.com/{name}\n\ngo 1.22\n")
        write(directory / below / "it.go", f'package {name}\n\nconst Word = "{name}"\n')


class Built:
    """Executables by name, and what Go wrote into them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.sums: dict[str, str] = {}
        proxy, lines = directory / "proxy", ""
        for path, version in MODULES.items():
            self.sums[path], more = publish(proxy, path, version)
            lines += more
        # GOFLAGS and the like of the machine's owner must not decide how a test ends.
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("GO", "CGO_"))
        } | {name: value for name, value in os.environ.items() if name == "GOCACHE"}
        self.environment |= {
            "GOENV": "off",
            "GOTOOLCHAIN": "local",
            "GOPROXY": proxy.as_uri(),
            "GOSUMDB": "off",
            "GOMODCACHE": str(directory / "modules"),
            "GOFLAGS": "-modcacherw",
            "CGO_ENABLED": "0",
            "GOOS": "linux",
            "GOARCH": "amd64",
            "GOAMD64": "v1",
        }
        self.run = Runner(self.environment)
        for place in ("here", "another place"):
            write_shop(directory / place, lines)
            self.build(place, "a b: go1", "-trimpath", "-tags=one,two", "./api/users/get")
        write(directory / "alone" / "main.go", "package main\n\nfunc main() {}\n")
        self.build("alone", "file", "main.go")
        self.build("alone", "without", "-trimpath", ".", modules="off")
        neighbour = directory / "here" / "neighbour"
        write(directory / "elsewhere" / "go.mod", ELSEWHERE.format(directory=neighbour))
        imports = 'import "example.com/neighbour"'
        main = f"package main\n\n{imports}\n\nfunc main() {{ println(neighbour.Word) }}\n"
        write(directory / "elsewhere" / "main.go", main)
        self.build("elsewhere", "absolute", "-trimpath", "-ldflags=-X 'main.a=b \"c'", ".")

    def build(self, place: str, name: str, *arguments: str, modules: str = "on") -> None:
        subprocess.run(
            [find_go(os.environ), "build", "-buildvcs=false", "-o", name, *arguments],
            cwd=self.directory / place,
            env=self.environment | {"GO111MODULE": modules},
            check=True,
        )

    def info(self, place: str, name: str) -> BuildInfo:
        directory = str(self.directory / place)
        return sbom.read_build_info(self.run, find_go(os.environ), [name], directory)[name]

    def document(self, place: str, name: str) -> Any:
        text = sbom.document(self.info(place, name), name="users-get", sha256=SHA256)
        assert str(self.directory) not in text
        return valid(text)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(tmp_path_factory.mktemp("sbom"))


def valid(text: str) -> Any:
    """Return the document, once CycloneDX's own schema has nothing against it."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    return json.loads(text)


def properties(holder: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(item["name"], item["value"]) for item in holder.get("properties", [])]


def of_module(document: Mapping[str, Any], name: str) -> Any:
    (found,) = [item for item in document["components"] if item["name"] == name]
    return found


def in_hexadecimal(total: str) -> str:
    return base64.b64decode(total.removeprefix("h1:")).hex()


def library(name: str, reference: str, purl: str, **more: object) -> dict[str, object]:
    fixed = {"type": "library", "scope": "required", "name": name}
    return {**fixed, "bom-ref": f"module:{reference}", "purl": f"pkg:golang/{purl}", **more}


def test_every_module_is_a_component_by_the_code_that_was_compiled(built: Built) -> None:
    version = built.info("here", "a b: go1").go
    greet, fork = built.sums.values()
    assert built.document("here", "a b: go1")["components"] == [
        library(
            *("example.com/Greet", "example.com/Greet@v1.2.3", "example.com/greet@v1.2.3"),
            version="v1.2.3",
            hashes=[{"alg": "SHA-256", "content": in_hexadecimal(greet)}],
            properties=[{"name": "lambdabuild:go:sum", "value": greet}],
        ),
        library(
            *("example.com/fork", "example.com/swapped@v1.0.0"),
            "example.com/fork@v2.1.0%2Bincompatible",
            version="v2.1.0+incompatible",
            hashes=[{"alg": "SHA-256", "content": in_hexadecimal(fork)}],
            properties=[
                {"name": "lambdabuild:go:replaces", "value": "example.com/swapped@v1.0.0"},
                {"name": "lambdabuild:go:sum", "value": fork},
            ],
        ),
        library("example.com/neighbour", "example.com/neighbour", "example.com/neighbour"),
        library(
            *("example.com/patched", "example.com/patched@v1.0.0", "example.com/patched"),
            properties=[
                {"name": "lambdabuild:go:directory", "value": "./patched copy"},
                {"name": "lambdabuild:go:replaces", "value": "example.com/patched@v1.0.0"},
            ],
        ),
        library(
            *("std", f"std@{version}", f"stdlib@{version.removeprefix('go')}"),
            version=version,
            cpe=f"cpe:2.3:a:golang:go:{version.removeprefix('go')}:-:*:*:*:*:*:*",
        ),
    ]


def test_the_function_and_its_executable_are_what_the_document_is_about(built: Built) -> None:
    document = built.document("here", "a b: go1")
    assert document["metadata"]["component"] == {
        "type": "application",
        "bom-ref": "function:users-get",
        "name": "users-get",
        "hashes": [{"alg": "SHA-256", "content": SHA256}],
        "purl": "pkg:golang/example.com/shop#api/users/get",
        "properties": [
            {"name": "lambdabuild:go:package", "value": "example.com/shop/api/users/get"}
        ],
    }
    assert document["metadata"]["tools"]["components"] == [
        {"type": "application", "name": "lambdabuild", "version": __version__}
    ]


def test_the_function_depends_on_every_component(built: Built) -> None:
    document = built.document("here", "a b: go1")
    references = sorted(component["bom-ref"] for component in document["components"])
    assert document["dependencies"] == [
        {"ref": "function:users-get", "dependsOn": references},
        *({"ref": reference} for reference in references),
    ]


def test_the_build_settings_are_properties(built: Built) -> None:
    told = properties(built.document("here", "a b: go1")["metadata"])
    version = built.info("here", "a b: go1").go
    # What Go's own defaults are at a version of Go differs.
    assert [item for item in told if "GODEBUG" not in item[0]] == [
        ("cdx:gomod:build:compiler", "gc"),
        ("cdx:gomod:build:env:CGO_ENABLED", "0"),
        ("cdx:gomod:build:env:GOAMD64", "v1"),
        ("cdx:gomod:build:env:GOARCH", "amd64"),
        ("cdx:gomod:build:env:GOOS", "linux"),
        ("cdx:gomod:build:env:GOVERSION", version),
        ("cdx:gomod:build:tag", "one"),
        ("cdx:gomod:build:tag", "two"),
        ("lambdabuild:go:build:-buildmode", "exe"),
        ("lambdabuild:go:build:-trimpath", "true"),
    ]


def test_equal_executables_have_equal_documents_wherever_and_whenever(built: Built) -> None:
    places = [built.directory / place / "a b: go1" for place in ("here", "another place")]
    assert places[0].read_bytes() == places[1].read_bytes()
    script = (
        "import sys; from lambdabuild.packaging import sbom; from lambdabuild.packaging.buildinfo import *;"
        "info = next(iter(parse_build_info(sys.stdin.read()).values()));"
        "print(sbom.document(info, name='users-get', sha256='0f' * 32), end='')"
    )
    texts = {sbom.document(built.info("here", "a b: go1"), name="users-get", sha256=SHA256)}
    for seed, zone, place in (("1", "Asia/Tokyo", places[0]), ("2", "UTC", places[1])):
        told = subprocess.run(
            [find_go(os.environ), "version", "-m", place], stdout=subprocess.PIPE, check=True
        )
        texts.add(
            subprocess.run(
                [sys.executable, "-c", script],
                env=os.environ | {"PYTHONHASHSEED": seed, "TZ": zone},
                input=told.stdout,
                stdout=subprocess.PIPE,
                check=True,
            ).stdout.decode()
        )
    assert len(texts) == 1
    assert "timestamp" not in texts.pop()


@pytest.mark.parametrize(
    ("name", "sha256", "moment"),
    [("users-list", SHA256, 0), ("users-get", "1e" * 32, 0), ("users-get", SHA256, 1)],
)
def test_documents_that_differ_have_serial_numbers_that_differ(
    name: str, sha256: str, moment: int
) -> None:
    info = BuildInfo("go1.26.8")
    one = valid(sbom.document(info, name="users-get", sha256=SHA256, moment=0))
    other = valid(sbom.document(info, name=name, sha256=sha256, moment=moment))
    assert one["serialNumber"] != other["serialNumber"]


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (0, "1970-01-01T00:00:00+00:00"),
        (1_700_000_000, "2023-11-14T22:13:20+00:00"),
        (10**18, "9999-12-31T23:59:59+00:00"),
    ],
)
def test_the_time_stamp_is_the_moment_asked_for(moment: int, told: str) -> None:
    text = sbom.document(BuildInfo("go1.26.8"), name="x", sha256=SHA256, moment=moment)
    assert valid(text)["metadata"]["timestamp"] == told


def test_a_directory_elsewhere_is_not_named(built: Built) -> None:
    document = built.document("elsewhere", "absolute")
    assert properties(of_module(document, "example.com/neighbour")) == [
        ("lambdabuild:go:directory", "a directory elsewhere"),
        ("lambdabuild:go:replaces", "example.com/neighbour@v0.0.0"),
    ]
    assert document["metadata"]["component"]["purl"] == "pkg:golang/example.com/elsewhere"


def test_a_file_that_was_built_alone_belongs_to_no_module(built: Built) -> None:
    document = built.document("alone", "file")
    assert "purl" not in document["metadata"]["component"]
    assert properties(document["metadata"]["component"]) == [
        ("lambdabuild:go:package", "command-line-arguments")
    ]
    assert [component["name"] for component in document["components"]] == ["std"]


def test_what_was_built_without_modules_is_told_by_go_s_version_alone(built: Built) -> None:
    assert built.info("alone", "without").path.startswith("_/")
    document = built.document("alone", "without")
    assert properties(document["metadata"]["component"]) == []
    assert [component["name"] for component in document["components"]] == ["std"]


@pytest.mark.parametrize(
    ("version", "told", "purl", "cpe"),
    [
        ("go1.26.8 X:nodwarf5", "go1.26.8", "1.26.8", "1.26.8"),
        ("go1.27rc1", "go1.27rc1", "1.27rc1", None),
        ("devel go1.28-3f4a2c1 Thu Nov 20", "go1.28-3f4a2c1", "1.28-3f4a2c1", None),
        ("devel +3f4a2c1", "devel +3f4a2c1", "devel%20%2B3f4a2c1", None),
    ],
)
def test_whatever_version_go_has_it_is_told(
    version: str, told: str, purl: str, cpe: str | None
) -> None:
    document = valid(sbom.document(BuildInfo(version), name="x", sha256=SHA256))
    std = of_module(document, "std")
    assert (std["version"], std["purl"]) == (told, f"pkg:golang/stdlib@{purl}")
    assert std.get("cpe") == (f"cpe:2.3:a:golang:go:{cpe}:-:*:*:*:*:*:*" if cpe else None)


def test_modules_whose_names_differ_in_case_alone_stay_apart() -> None:
    modules = (BuiltModule("example.com/A", "v1.0.0"), BuiltModule("example.com/a", "v1.0.0"))
    info = BuildInfo("go1.26.8", "example.com/shop", None, modules)
    document = valid(sbom.document(info, name="x", sha256=SHA256))
    names = [component["name"] for component in document["components"]]
    assert names == ["example.com/A", "example.com/a", "std"]


def test_a_sum_of_a_kind_that_is_not_known_is_passed_on() -> None:
    modules = (
        BuiltModule("example.com/a", "v1.0.0", "h2:abcd"),
        BuiltModule("example.com/b", "v1.0.0", "h1:not base64"),
    )
    document = valid(sbom.document(BuildInfo("go1.30", "", None, modules), name="x", sha256=SHA256))
    for name, total in (("example.com/a", "h2:abcd"), ("example.com/b", "h1:not base64")):
        assert properties(of_module(document, name)) == [("lambdabuild:go:sum", total)]
        assert "hashes" not in of_module(document, name)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    sbom.check_library()
    monkeypatch.setitem(sys.modules, "cyclonedx", None)
    with pytest.raises(LambdabuildError) as raised:
        sbom.check_library()
    assert str(raised.value) == (
        "a bill of materials needs cyclonedx-python-lib\n"
        f"  hint: `{install_command('sbom')}` installs it"
    )


def test_several_executables_are_read_by_one_go(built: Built) -> None:
    files = ["here/a b: go1", "elsewhere/absolute", "alone/file"]
    found = sbom.read_build_info(built.run, find_go(os.environ), files, str(built.directory))
    assert list(found) == files
    assert [info.path for info in found.values()] == [
        "example.com/shop/api/users/get",
        "example.com/elsewhere",
        "command-line-arguments",
    ]


def test_no_executables_take_no_go() -> None:
    assert sbom.read_build_info(Runner({}), "/nowhere/go", [], "/") == {}


def test_what_go_did_not_make_is_named(built: Built) -> None:
    text = built.directory / "alone" / "text"
    text.write_text("no executable\n")
    text.chmod(0o755)
    files = ["file", "text", "gone"]
    with pytest.raises(LambdabuildError, match="cannot tell what is in an executable") as raised:
        sbom.read_build_info(built.run, find_go(os.environ), files, str(text.parent))
    assert [place.partition(":")[0] for place in raised.value.at] == ["text", "stat gone"]
