import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lambdabuild.golang.tree import IGNORED, LINKED, VENDORED, Tree, enclosing, walk


def write(root: Path, *names: str) -> None:
    """Write empty files, with their directories."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@contextmanager
def refused(directory: Path) -> Iterator[None]:
    """Let the system refuse to list a directory, also to root, whom no mode keeps out."""
    real = os.scandir

    def scandir(path: str) -> "os._ScandirIterator[str]":
        if str(path) == str(directory):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        yield


def seen(root: Path, *, everything: bool = False) -> Tree:
    """Walk, and return what there is relative to the root."""
    found = walk(str(root), everything=everything)

    def below(path: str) -> str:
        return os.path.relpath(path, root)

    return Tree(
        [below(path) for path in found.directories],
        [below(path) for path in found.modules],
        [below(path) for path in found.sources],
        {below(path): why for path, why in found.passed_over.items()},
        {below(path): why for path, why in found.unreadable.items()},
    )


def test_directories_with_go_files_are_sources_from_the_top_down(tmp_path: Path) -> None:
    write(tmp_path, "main.go", "b/x.go", "a/b/y_test.go", "a/README.md", "c/main.gox")
    (tmp_path / "empty").mkdir()
    assert seen(tmp_path) == Tree(
        directories=[".", "a", "a/b", "b", "c", "empty"], sources=[".", "a/b", "b"]
    )


def test_modules_below_are_told_and_walked(tmp_path: Path) -> None:
    write(tmp_path, "go.mod", "tools/go.mod", "tools/gen/main.go", "tools/deep/go.mod")
    assert seen(tmp_path) == Tree(
        directories=[".", "tools", "tools/deep", "tools/gen"],
        modules=[".", "tools", "tools/deep"],
        sources=["tools/gen"],
    )


PASSED_OVER = {
    "testdata/x": IGNORED,
    "_x": IGNORED,
    ".x": IGNORED,
    "a/testdata": IGNORED,
    "vendor/example.com/dep": VENDORED,
    "vendor/example.com/dep/testdata": VENDORED,
}


def test_what_go_ignores_is_not_entered(tmp_path: Path) -> None:
    write(
        tmp_path,
        "Gopkg.lock",
        *(f"{name}/main.go" for name in PASSED_OVER),
        "_x/go.mod",
        "vendors/main.go",
    )
    assert seen(tmp_path) == Tree(directories=[".", "a", "vendors"], sources=["vendors"])


def test_what_go_ignores_is_told_on_request_with_the_reason(tmp_path: Path) -> None:
    write(
        tmp_path,
        "Gopkg.lock",
        *(f"{name}/main.go" for name in PASSED_OVER),
        "_x/go.mod",
        "vendors/main.go",
    )
    assert seen(tmp_path, everything=True) == Tree(
        directories=[".", "a", "vendors"], sources=["vendors"], passed_over=PASSED_OVER
    )


@pytest.mark.parametrize("host", ["github.com", "gopkg.in", "git.example.org"])
def test_a_directory_called_vendor_with_hosts_in_it_is_gos(tmp_path: Path, host: str) -> None:
    write(tmp_path, f"vendor/{host}/acme/shop/main.go", "shop/vendor/main.go")
    assert seen(tmp_path).sources == ["shop/vendor"]


@pytest.mark.parametrize("list_", ["go.mod", "go.work", "vendor/modules.txt", "vendor/vendor.json"])
def test_a_directory_called_vendor_is_gos_only_where_something_says_so(
    tmp_path: Path, list_: str
) -> None:
    """Else it may be one of a shop's vendors: Go builds what is below by name."""
    write(tmp_path, "vendor/create/main.go")
    assert seen(tmp_path).sources == ["vendor/create"]
    write(tmp_path, list_)
    assert seen(tmp_path).sources == []


def test_what_cannot_be_looked_into_or_followed_ends_no_walk(tmp_path: Path) -> None:
    write(tmp_path, "a/main.go", "b/main.go")
    (tmp_path / "a/self").symlink_to("self")
    (tmp_path / "a/nowhere.go").symlink_to("nothing")
    deep = str(tmp_path / "b")
    for _ in range(1100):
        deep = f"{deep}/d"
        os.mkdir(deep)
    found = seen(tmp_path)
    assert found.sources == ["a", "b"]
    assert found.unreadable == {}
    with refused(tmp_path / "b"):
        found = seen(tmp_path)
    assert (found.sources, found.unreadable) == (["a"], {"b": "Permission denied"})
    # Neither shutil nor pytest goes that deep.
    while os.path.basename(deep) == "d":
        os.rmdir(deep)
        deep = os.path.dirname(deep)


def test_a_file_that_go_would_ignore_as_a_directory_is_a_file(tmp_path: Path) -> None:
    write(tmp_path, "_generated.go", "vendor", "a.go/readme")
    assert seen(tmp_path) == Tree(directories=[".", "a.go"], sources=["."])


def test_links_to_directories_are_not_followed_but_told_on_request(tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/main.go", "root/real/main.go", "root/other/readme")
    root = tmp_path / "root"
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "empty").symlink_to(root / "other")
    (root / "loop").symlink_to(root)
    (root / "dangling").symlink_to(root / "nowhere")
    directories = [".", "other", "real"]
    assert seen(root) == Tree(directories, sources=["real"])
    assert seen(root, everything=True) == Tree(
        directories, sources=["real"], passed_over={"linked": LINKED}
    )


def test_links_to_files_are_files(tmp_path: Path) -> None:
    write(tmp_path, "shared/main.go", "shared/go.mod", "root/a/readme")
    (tmp_path / "root/a/main.go").symlink_to(tmp_path / "shared/main.go")
    (tmp_path / "root/a/go.mod").symlink_to(tmp_path / "shared/go.mod")
    assert seen(tmp_path / "root") == Tree([".", "a"], modules=["a"], sources=["a"])


def test_a_root_that_is_a_link_is_walked(tmp_path: Path) -> None:
    write(tmp_path, "real/a/main.go")
    (tmp_path / "api").symlink_to(tmp_path / "real")
    assert walk(str(tmp_path / "api")) == Tree(
        directories=[str(tmp_path / "api"), str(tmp_path / "api/a")],
        sources=[str(tmp_path / "api/a")],
    )


def test_a_root_that_is_missing_is_empty(tmp_path: Path) -> None:
    assert walk(str(tmp_path / "missing")) == Tree()


@pytest.mark.parametrize("start", ["a/b/c", "a/b", "a"])
def test_the_nearest_directory_around_that_holds_a_file_is_found(
    tmp_path: Path, start: str
) -> None:
    write(tmp_path, "a/b/c/x", "go.mod", "a/b/go.mod", "a/go.work")
    nearest = tmp_path / "a/b" if start.startswith("a/b") else tmp_path
    assert enclosing(str(tmp_path / start), "go.mod") == str(nearest)
    assert enclosing(str(tmp_path / start), "go.work") == str(tmp_path / "a")


def test_where_no_directory_around_holds_the_file_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "a-name-that-nobody-has").mkdir()
    assert enclosing(str(tmp_path), "a-name-that-nobody-has") is None
