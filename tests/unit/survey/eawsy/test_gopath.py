"""The go.mod of a repository that has none: by text, and as a real Go takes it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.golang.toolchain import find_go
from lambdabuild.golang.tree import walk
from lambdabuild.survey.eawsy import gopath as gopath_module
from lambdabuild.survey.eawsy.gopath import Made, module_for

CORE = "github.com/eawsy/aws-lambda-go-core/service/lambda/runtime"
OLD = "github.com/eawsy/aws-lambda-go/service/lambda/runtime"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def imports(package: str, *paths: str) -> str:
    return f"package {package}\n\n" + "".join(f'import _ "{path}"\n' for path in paths)


def program(*paths: str) -> str:
    return imports("main", *paths) + "\nfunc main() {}\n"


def made(project: Path, *gopath: Path) -> Made:
    return module_for(str(project), walk(str(project)).sources, [*map(str, gopath)])


def replaced(of: Made, project: Path) -> dict[str, str]:
    """Return what the go.mod of the repository replaces, each with its version and its place."""
    lines = [line.split() for line in of.files[f"{project}/go.mod"].splitlines()]
    versions = {line[1]: line[2] for line in lines if line[:1] == ["require"]}
    return {
        line[1]: f"{versions[line[1]]} {' '.join(line[3:])}"
        for line in lines
        if line[:1] == ["replace"]
    }


def test_dependencies_are_replaced_by_what_vendor_has(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "api/get/main.go": program("fmt", "github.com/acme/shop/lib", CORE),
            "api/get/main_test.go": imports("main", "github.com/only/tests"),
            "lib/lib.go": imports("lib", "C", "gopkg.in/yaml.v2", "golang.org/x/net/context"),
            f"vendor/{CORE}/context.go": imports("runtime"),
            "vendor/github.com/only/tests/t.go": imports("tests"),
            "vendor/gopkg.in/yaml.v2/yaml.go": imports("yaml"),
            "vendor/golang.org/x/net/context/context.go": imports("context", "log"),
        },
    )
    assert made(tmp_path) == (
        "github.com/acme/shop",
        {
            f"{tmp_path}/go.mod": """\
module github.com/acme/shop

go 1.16

require github.com/eawsy/aws-lambda-go-core v0.0.0
replace github.com/eawsy/aws-lambda-go-core => ./vendor/github.com/eawsy/aws-lambda-go-core

require golang.org/x/net v0.0.0
replace golang.org/x/net => ./vendor/golang.org/x/net

require gopkg.in/yaml.v2 v2.0.0
replace gopkg.in/yaml.v2 => ./vendor/gopkg.in/yaml.v2
""",
            f"{tmp_path}/vendor/github.com/eawsy/aws-lambda-go-core/go.mod": (
                "module github.com/eawsy/aws-lambda-go-core\n\ngo 1.16\n"
            ),
            f"{tmp_path}/vendor/golang.org/x/net/go.mod": "module golang.org/x/net\n\ngo 1.16\n",
            f"{tmp_path}/vendor/gopkg.in/yaml.v2/go.mod": "module gopkg.in/yaml.v2\n\ngo 1.16\n",
        },
    )


@pytest.mark.parametrize(
    ("package", "module", "version"),
    [
        ("github.com/a/b", "github.com/a/b", "v0.0.0"),
        ("github.com/a/b/c/d", "github.com/a/b", "v0.0.0"),
        ("bitbucket.org/a/b/c", "bitbucket.org/a/b", "v0.0.0"),
        ("github.com/a", "github.com/a", "v0.0.0"),
        ("github.com/a/v1/c", "github.com/a", "v0.0.0"),
        ("golang.org/x/net/context", "golang.org/x/net", "v0.0.0"),
        ("go.uber.org/zap/zapcore", "go.uber.org/zap", "v0.0.0"),
        ("k8s.io/api/core/v1", "k8s.io/api", "v0.0.0"),
        ("gopkg.in/yaml.v2", "gopkg.in/yaml.v2", "v2.0.0"),
        ("gopkg.in/go-playground/validator.v9/en", "gopkg.in/go-playground/validator.v9", "v9.0.0"),
        ("gopkg.in/x.v0", "gopkg.in/x.v0", "v0.0.0"),
        ("gopkg.in/x.v3-unstable/y", "gopkg.in/x.v3-unstable", "v3.0.0"),
        ("gopkg.in/x", "gopkg.in", "v0.0.0"),
        ("example.org/lib/sub", "example.org/lib/sub", "v0.0.0"),
        ("example.org/lib/v3", "example.org/lib/v3", "v3.0.0"),
        ("example.org/lib/v10", "example.org/lib/v10", "v10.0.0"),
        ("example.org/lib/v1", "example.org/lib", "v0.0.0"),
        ("example.org/lib/c++", "example.org/lib", "v0.0.0"),
        ("shared/lib", "shared/lib", "v0.0.0"),
    ],
)
def test_a_repository_is_a_module_with_a_version_that_goes_with_its_path(
    tmp_path: Path, package: str, module: str, version: str
) -> None:
    write(
        tmp_path, {"api/main.go": program(package), f"vendor/{package}/x.go": "package something\n"}
    )
    assert replaced(made(tmp_path), tmp_path) == {module: f"{version} ./vendor/{module}"}


def test_a_repository_of_another_host_is_where_its_vcs_has_its_directory(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "src/github.com/acme/shop/main.go": program("git.example.org/team/lib/a/b"),
            "src/git.example.org/team/lib/.git/HEAD": "",
            "src/git.example.org/team/lib/a/b/x.go": "package b\n",
        },
    )
    project = tmp_path / "src/github.com/acme/shop"
    assert replaced(made(project, tmp_path), project) == {
        "git.example.org/team/lib": "v0.0.0 ../../../git.example.org/team/lib"
    }


def test_what_has_a_go_mod_in_a_dependency_is_a_module_of_its_own(tmp_path: Path) -> None:
    # Go would not look for it in the module around it.
    write(
        tmp_path,
        {
            "main.go": program("github.com/a/b", "github.com/a/b/sub/c"),
            "vendor/github.com/a/b/x.go": "package b\n",
            "vendor/github.com/a/b/sub/go.mod": "module github.com/a/b/sub\n",
            "vendor/github.com/a/b/sub/c/x.go": "package c\n",
        },
    )
    assert replaced(made(tmp_path), tmp_path) == {
        "github.com/a/b": "v0.0.0 ./vendor/github.com/a/b",
        "github.com/a/b/sub": "v0.0.0 ./vendor/github.com/a/b/sub",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("module x\n", "1.16"),
        ("module x\n\ngo 1.9\n", "1.16"),
        ("module x\n\ngo 1.17 // unsafe.Slice\n", "1.17"),
        ("module x\n\ngo 1.24.3\n", "1.20"),
        ("module x\n\ngo 1.21rc2\n", "1.20"),
        ("module x\n\ngo nonsense\n", "1.16"),
        (f"module x\n\ngo 1.{'9' * 5000}\n", "1.16"),
    ],
)
def test_a_dependency_keeps_its_version_of_the_language_as_far_as_go_allows(
    tmp_path: Path, text: str, expected: str
) -> None:
    write(
        tmp_path,
        {
            "main.go": program("github.com/a/b"),
            "vendor/github.com/a/b/x.go": "package b\n",
            "vendor/github.com/a/b/go.mod": text,
        },
    )
    files = made(tmp_path).files
    assert files[f"{tmp_path}/vendor/github.com/a/b/go.mod"] == (
        f"module github.com/a/b\n\ngo {expected}\n"
    )


def test_vendor_is_looked_for_upwards_and_before_gopath(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "src/github.com/acme/shop/api/main.go": program(
                "a.org/near", "b.org/top", "c.org/path"
            ),
            "src/github.com/acme/shop/api/vendor/a.org/near/x.go": "package near\n",
            "src/github.com/acme/shop/vendor/a.org/near/x.go": "package near\n",
            "src/github.com/acme/shop/vendor/b.org/top/x.go": imports("top", "a.org/of/top"),
            "src/github.com/acme/shop/vendor/b.org/top/vendor/a.org/of/top/x.go": "package top\n",
            "src/b.org/top/x.go": "package top\n",
            "second/src/e.org/x/x.go": "package x\n",
            "src/c.org/path/x.go": imports("path", "d.org/nested", "e.org/x"),
            "src/c.org/path/vendor/d.org/nested/x.go": "package nested\n",
            "src/d.org/nested/x.go": "package nested\n",
        },
    )
    project = tmp_path / "src/github.com/acme/shop"
    assert replaced(made(project, tmp_path / "second", tmp_path), project) == {
        "a.org/near": "v0.0.0 ./api/vendor/a.org/near",
        "a.org/of/top": "v0.0.0 ./vendor/b.org/top/vendor/a.org/of/top",
        "b.org/top": "v0.0.0 ./vendor/b.org/top",
        "c.org/path": "v0.0.0 ../../../c.org/path",
        "d.org/nested": "v0.0.0 ../../../c.org/path/vendor/d.org/nested",
        "e.org/x": f"v0.0.0 {tmp_path}/second/src/e.org/x",
    }


def test_a_part_of_a_repository_in_gopath_finds_the_rest_and_its_vendor(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "src/github.com/acme/mono/shop/main.go": program("github.com/acme/mono/lib", "a.org/x"),
            "src/github.com/acme/mono/lib/x.go": "package lib\n",
            "src/github.com/acme/mono/vendor/a.org/x/x.go": "package x\n",
        },
    )
    project = tmp_path / "src/github.com/acme/mono/shop"
    found = made(project, tmp_path)
    assert found.path == "github.com/acme/mono/shop"
    assert replaced(found, project) == {
        "a.org/x": "v0.0.0 ../vendor/a.org/x",
        "github.com/acme/mono": "v0.0.0 ..",
    }


def test_packages_of_one_repository_in_two_places_are_modules_each(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "api/main.go": program("github.com/a/b/one"),
            "other/main.go": program("github.com/a/b/two"),
            "vendor/github.com/a/b/one/x.go": "package one\n",
            "other/vendor/github.com/a/b/two/x.go": "package two\n",
        },
    )
    assert replaced(made(tmp_path), tmp_path) == {
        "github.com/a/b/one": "v0.0.0 ./vendor/github.com/a/b/one",
        "github.com/a/b/two": "v0.0.0 ./other/vendor/github.com/a/b/two",
    }


def test_equal_copies_of_a_package_are_one(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(
            tmp_path / "functions" / name,
            {"main.go": program("a.org/x"), "vendor/a.org/x/x.go": "package x\n"},
        )
    (place,) = replaced(made(tmp_path), tmp_path).values()
    assert place.endswith("/vendor/a.org/x")


def test_a_package_in_two_places_is_an_error_that_names_both(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "shop/main.go": program("a.org/x", "b.org/y"),
            "shop/vendor/b.org/y/x.go": imports("y", "a.org/x"),
            "shop/vendor/b.org/y/vendor/a.org/x/x.go": "package x\n",
            "src/a.org/x/x.go": "package x // another\n",
        },
    )
    with pytest.raises(LambdabuildError) as caught:
        made(tmp_path / "shop", tmp_path)
    assert str(caught.value) == (
        "`a.org/x` is in two places, and a module has each package once\n"
        f"  at: {tmp_path}/src/a.org/x, for .\n"
        "  at: vendor/b.org/y/vendor/a.org/x, for vendor/b.org/y\n"
        "  hint: remove one of the two; or run `go mod init` and `go mod tidy`, which choose a version; or "
        "build each directory that has a `vendor` by itself, with `lambdabuild -C DIR all`"
    )


def test_what_lies_in_vendor_is_no_package_of_the_repository(tmp_path: Path) -> None:
    # Nothing imports it, and what it imports may be anywhere.
    write(
        tmp_path,
        {
            "main.go": program("a.org/x"),
            "vendor/a.org/x/x.go": "package x\n",
            "vendor/b.org/y/main.go": program("c.org/z"),
            "vendor/c.org/z/x.go": "package z\n",
        },
    )
    # A root may lie in there.
    sources = [str(tmp_path), f"{tmp_path}/vendor/b.org/y"]
    assert list(replaced(module_for(str(tmp_path), sources, []), tmp_path)) == ["a.org/x"]


def test_a_link_to_the_same_directory_is_no_second_place(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "api/main.go": program("a.org/x"),
            "other/main.go": program("a.org/x"),
            "vendor/a.org/x/x.go": "package x\n",
        },
    )
    (tmp_path / "other/vendor").symlink_to("../vendor")
    assert list(replaced(made(tmp_path), tmp_path)) == ["a.org/x"]


def test_what_is_missing_or_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main.go": program("a.org/missing", "../up", "./here", "a.org/../../x", "a.org/aux"),
            "comment.go": '/* "a.org/x" */ package main // "a.org/x"\n\nvar _ = "a.org/x"\n',
            "vendor/a.org/x/x.go": "package x\n",
            "vendor/a.org/aux/x.go": "package aux\n",
            "_hidden.go": program("a.org/x"),
        },
    )
    (tmp_path / "dangling.go").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.go")
    (tmp_path / "directory.go").mkdir()
    assert replaced(module_for(str(tmp_path), [str(tmp_path)], []), tmp_path) == {}


def test_no_repository_makes_it_look_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gopath_module, "_MOST_PACKAGES", 10)
    chain = {
        f"vendor/a.org/n{number}/x.go": imports("x", f"a.org/n{number + 1}") for number in range(50)
    }
    write(tmp_path, {"main.go": program("a.org/n0"), **chain})
    assert len(replaced(made(tmp_path), tmp_path)) < 12


@pytest.mark.parametrize("linked", [False, True])
def test_in_gopath_its_place_is_its_path(tmp_path: Path, *, linked: bool) -> None:
    write(
        tmp_path,
        {
            "go/src/github.com/acme/shop/main.go": program("github.com/other/shop/lib"),
            "go/src/x": "",
        },
    )
    if linked:
        (tmp_path / "linked").symlink_to("go")
    project = tmp_path / "go/src/github.com/acme/shop"
    assert made(project, tmp_path / ("linked" if linked else "go")).path == "github.com/acme/shop"


def test_a_link_in_gopath_counts_as_a_place(tmp_path: Path) -> None:
    write(tmp_path, {"shop/main.go": program(), "src/github.com/acme/x": ""})
    (tmp_path / "src/github.com/acme/shop").symlink_to("../../../../shop")
    project = tmp_path / "src/github.com/acme/shop"
    assert module_for(str(project), [str(project)], [str(tmp_path)]).path == "github.com/acme/shop"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {
                "api/a/main.go": program("github.com/acme/shop/lib", "github.com/x/y/lib"),
                "api/b/main.go": program("github.com/acme/shop/lib"),
                "lib/lib.go": "package lib\n",
            },
            "github.com/acme/shop",
            id="most imports",
        ),
        pytest.param(
            {
                "main.go": program("github.com/upstream/shop/lib", "github.com/x/y/lib"),
                "lib/lib.go": imports("lib", "github.com/x/y/lib"),
                ".git/config": '[remote "origin"]\n\turl = https://github.com/upstream/shop\n',
            },
            "github.com/upstream/shop",
            id="the remote, if an import agrees",
        ),
        pytest.param(
            {
                "main.go": program("github.com/upstream/shop/lib"),
                "lib/lib.go": "package lib\n",
                ".git/config": '[remote "origin"]\n\turl = https://github.com/fork/shop\n',
            },
            "github.com/upstream/shop",
            id="a fork",
        ),
        pytest.param(
            {
                "main.go": program("github.com/acme/shop/aws", "shop/aws"),
                "two/main.go": program("github.com/aws/sdk/aws"),
                "three/main.go": program("github.com/aws/sdk/aws"),
                "aws/aws.go": "package aws\n",
                "vendor/github.com/aws/sdk/aws/aws.go": "package aws\n",
            },
            "github.com/acme/shop",
            id="no dependency in vendor",
        ),
        pytest.param(
            {
                "main.go": program(CORE),
                "runtime/x.go": "package runtime\n",
                ".git/config": '[remote "origin"]\n\turl = https://github.com/acme/shop\n',
            },
            "github.com/acme/shop",
            id="not eawsy's",
        ),
        pytest.param(
            {
                "main.go": program("os"),
                "lib/lib.go": 'package lib // import "example.org/shop/lib"\n',
                ".git/config": '[remote "origin"]\n\turl = https://github.com/acme/shop\n',
            },
            "example.org/shop",
            id="an import comment",
        ),
        pytest.param(
            {"main.go": 'package main /* import "example.org/shop" */\n'},
            "example.org/shop",
            id="an import comment at the top",
        ),
        pytest.param(
            {"lib/lib.go": 'package lib // import "example.org/shop/other"\n'},
            "local.invalid/project",
            id="an import comment of another place",
        ),
    ],
)
def test_elsewhere_its_packages_tell_its_path(
    tmp_path: Path, files: dict[str, str], expected: str
) -> None:
    write(tmp_path / "shop", files)
    assert made(tmp_path / "shop").path == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("git@github.com:acme/shop.git", "github.com/acme/shop"),
        ("https://github.com/acme/shop", "github.com/acme/shop"),
        ("https://user:secret@GitHub.com/acme/shop.git/", "github.com/acme/shop"),
        ("ssh://git@git.example.org:2222/team/shop.git", "git.example.org/team/shop"),
        ("git://git.example.org/shop", "git.example.org/shop"),
        ("/srv/git/shop.git", "local.invalid/project"),
        ("../shop.git", "local.invalid/project"),
        ("file:///srv/git/shop.git", "local.invalid/project"),
        ("host:shop.git", "local.invalid/project"),
        ("https://github.com/acme/../../shop", "local.invalid/project"),
    ],
)
def test_else_the_remote_of_the_clone_tells_it(tmp_path: Path, url: str, expected: str) -> None:
    config = (
        f'[core]\n\tbare = false\n[remote "origin"]\n\tfetch = +x\n\turl = {url}\n[branch "x"]\n'
    )
    write(tmp_path / "shop", {"main.go": program(), ".git/config": config})
    assert made(tmp_path / "shop").path == expected


def test_a_directory_of_the_clone_is_a_part_of_its_path(tmp_path: Path) -> None:
    config = (
        '[remote "upstream"]\n\turl = x.y:z\n[remote "origin"]\n\turl = git@github.com:a/b.git\n'
    )
    write(tmp_path, {"services/shop/main.go": program(), ".git/config": config})
    assert made(tmp_path / "services/shop").path == "github.com/a/b/services/shop"


@pytest.mark.parametrize("worktree", [False, True])
def test_a_submodule_and_another_worktree_have_a_remote_too(
    tmp_path: Path, *, worktree: bool
) -> None:
    config = '[remote "origin"]\n\turl = git@github.com:acme/shop.git\n'
    where = {"git/worktrees/shop/commondir": "../..\n"} if worktree else {}
    place = "git/worktrees/shop" if worktree else "git"
    write(
        tmp_path,
        {"shop/main.go": program(), "shop/.git": f"gitdir: ../{place}\n", "git/config": config}
        | where,
    )
    assert made(tmp_path / "shop").path == "github.com/acme/shop"


@pytest.mark.parametrize("name", ["shop", "My Shop (2)", "läden"])
def test_else_the_same_path_stands_for_any(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, {"main.go": program()})
    assert made(tmp_path / name).path == "local.invalid/project"


def go(tmp_path: Path, project: Path, of: Made, *arguments: str) -> list[str]:
    """Run Go over a module that exists in an overlay, and see that it writes nothing beside it."""
    before = {path: path.lstat().st_mtime_ns for path in project.rglob("*")}
    overlay = tmp_path / "overlay"
    overlay.mkdir(exist_ok=True)
    places = {path: str(overlay / str(number)) for number, path in enumerate(of.files)}
    for path, text in of.files.items():
        Path(places[path]).write_text(text)
    (overlay / "overlay.json").write_text(json.dumps({"Replace": places}))
    command, *rest = arguments
    ran = subprocess.run(
        [find_go(os.environ), command, "-mod=readonly", f"-overlay={overlay}/overlay.json", *rest],
        cwd=project,
        env={
            **os.environ,
            "GOPROXY": "off",
            "GOWORK": "off",
            "GO111MODULE": "on",
            "CGO_ENABLED": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert {path: path.lstat().st_mtime_ns for path in project.rglob("*")} == before
    return ran.stdout.splitlines()


LIBRARIES = {
    f"{CORE}/context.go": "package runtime\n\ntype Context struct{ AWSRequestID string }\n",
    f"{OLD}/handler.go": "package runtime\n\nfunc HandleFunc(handle interface{}) {}\n",
    f"{OLD}/proxy.go": '// +build proxy\n\npackage runtime\n\n// #cgo pkg-config: none\nimport "C"\n',
    "gopkg.in/yaml.v2/yaml.go": "package yaml\n",
    "gopkg.in/yaml.v2/go.mod": "module gopkg.in/yaml.v2\n\nrequire gopkg.in/check.v1 v1.0.0\n",
    "golang.org/x/net/context/context.go": imports("context", "golang.org/x/net/internal/x"),
    "golang.org/x/net/internal/x/x.go": "package x\n",
    "golang.org/x/sys/unix/x.go": 'package unix\n\nimport "unsafe"\n\nvar _ = unsafe.Slice((*byte)(nil), 0)\n',
    "golang.org/x/sys/go.mod": "module golang.org/x/sys\n\ngo 1.17\n",
    "k8s.io/api/core/v1/x.go": imports("v1", "k8s.io/api/meta"),
    "k8s.io/api/meta/x.go": "package meta\n",
    "example.org/lib/x.go": imports("lib", "example.org/lib/sub", "example.org/lib/api/v1"),
    "example.org/lib/sub/x.go": "package sub\n",
    "example.org/lib/api/v1/x.go": imports("v1", "example.org/lib/new/v2"),
    "example.org/lib/new/go.mod": "module example.org/lib/new\n\ngo 1.25\n",
    "example.org/lib/new/v2/x.go": "package new\n",
    "shared/lib/x.go": "package lib\n",
}
SHOP = {
    "api/get/main.go": program(CORE, "github.com/acme/shop/lib"),
    "api/old/main.go": program(OLD),
    "api/old/generate.go": "// +build ignore\n\n" + program("github.com/not/there"),
    "lib/lib.go": imports(
        "lib",
        "example.org/lib",
        "golang.org/x/net/context",
        "golang.org/x/sys/unix",
        "gopkg.in/yaml.v2",
        "k8s.io/api/core/v1",
        "shared/lib",
    ),
}
PACKAGES = sorted(
    [
        *(f"github.com/acme/shop/{name}" for name in ("api/get", "api/old", "lib")),
        *{name.rpartition("/")[0] for name in LIBRARIES if name.endswith(".go")},
    ]
)


@pytest.mark.needs_go
def test_go_loads_and_compiles_all_from_vendor(tmp_path: Path) -> None:
    project = tmp_path / "shop"
    write(project, SHOP | {"Gopkg.lock": "", "vendor/modules.txt": "# other.org/x v1.0.0\n"})
    write(project / "vendor", LIBRARIES)
    module = made(project)
    listed = go(tmp_path, project, module, "list", "-deps", "./...")
    assert sorted(path for path in listed if path in PACKAGES) == PACKAGES
    go(tmp_path, project, module, "build", "-buildvcs=false", "-o", os.devnull, "./...")


@pytest.mark.needs_go
def test_go_loads_and_compiles_all_from_gopath(tmp_path: Path) -> None:
    entry, second = tmp_path / "go", tmp_path / 'a "second" one, é'
    project = entry / "src/github.com/acme/shop"
    write(entry / "src", LIBRARIES)
    write(project, SHOP)
    (second / "src").mkdir(parents=True)
    (entry / "src/k8s.io").rename(second / "src/k8s.io")
    # One of them has a `vendor` of its own.
    nested = entry / "src/example.org/lib/vendor/example.org"
    nested.mkdir(parents=True)
    (entry / "src/example.org/lib/new").rename(nested / "new")
    write(entry / "src/example.org/lib", {"api/v1/x.go": imports("v1", "example.org/new/v2")})
    module = made(project, entry, second)
    expected = [path.replace("example.org/lib/new", "example.org/new") for path in PACKAGES]
    listed = go(tmp_path, project, module, "list", "-deps", "./...")
    assert sorted(path for path in listed if path in expected) == sorted(expected)
    go(tmp_path, project, module, "build", "-buildvcs=false", "-o", os.devnull, "./...")


@pytest.mark.needs_go
def test_go_takes_a_repository_that_is_a_part_of_a_dependency(tmp_path: Path) -> None:
    project = tmp_path / "src/github.com/acme/mono/shop"
    write(
        tmp_path / "src/github.com/acme/mono",
        {
            "shop/main.go": program("github.com/acme/mono/lib", "github.com/acme/mono/shop/own"),
            "shop/own/x.go": "package own\n",
            "lib/x.go": imports("lib", "a.org/x"),
            "vendor/a.org/x/x.go": "package x\n",
        },
    )
    go(tmp_path, project, made(project, tmp_path), "build", "-buildvcs=false", "-o", os.devnull)


@pytest.mark.needs_go
def test_go_reports_a_missing_package_for_its_importer_alone(tmp_path: Path) -> None:
    write(tmp_path / "shop", {"a/main.go": program(), "b/main.go": program("github.com/not/there")})
    listed = go(
        tmp_path, tmp_path / "shop", made(tmp_path / "shop"),
        *("list", "-e", "-f", "{{.ImportPath}} {{len .DepsErrors}}", "./..."),
    )  # fmt: skip
    assert listed == ["local.invalid/project/a 0", "local.invalid/project/b 1"]
