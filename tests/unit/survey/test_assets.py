import errno
import glob
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdabuild.config.globs import covers, pattern_problem
from lambdabuild.core.artifact import Asset
from lambdabuild.survey.assets import Selection, select


def make(top: Path, *names: str) -> Path:
    """Make files, which hold their names; a name that ends in a slash is that of a directory."""
    top.mkdir(exist_ok=True)
    for name in names:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir()
        else:
            path.write_text(name)
    return top


def selected(top: Path, *patterns: str, own: Collection[str] = ()) -> list[str]:
    """Return the names of the assets, which nothing is wrong with."""
    selection = select(str(top), patterns, own)
    assert selection.problems == ()
    return [asset.name for asset in selection.assets]


def problems(top: Path, *patterns: str) -> tuple[str, ...]:
    """Return what is wrong, where nothing is selected."""
    selection = select(str(top), patterns, ())
    assert selection.assets == ()
    return selection.problems


# Of lower case, so that every file system tells them apart.
elements = st.sampled_from(["a", "b", "ab", "c.x", ".a", ".b", "é"])
trees = st.lists(st.lists(elements, min_size=1, max_size=4).map("/".join), max_size=8).map(
    # What is a file is no directory.
    lambda names: [n for n in names if not any(other.startswith(f"{n}/") for other in names)]
)
components = elements | st.sampled_from(["*", "?", "**", "a*", "*.x", ".*", "[ab]", "[!a]", "*b"])
globs = st.lists(components, min_size=1, max_size=4).map("/".join)
several = st.lists(globs, min_size=1, max_size=3)


@contextmanager
def tree(names: Sequence[str]) -> Iterator[Path]:
    directory = tempfile.mkdtemp()
    try:
        yield make(Path(directory, "function"), *names)
    finally:
        shutil.rmtree(directory)


def meant(top: Path, pattern: str) -> set[str]:
    """Return what a glob means, by Python's own `glob`."""
    last = pattern.rpartition("/")[2]
    found = set()
    for name in glob.glob(pattern, root_dir=top, recursive=True):
        if not (top / name).is_dir():
            found.add(name)
        elif not glob.has_magic(last):
            found |= {n for n in meant(top, f"{glob.escape(name)}/**") if (top / n).is_file()}
    return found


@given(trees, several)
def test_globs_mean_the_files_that_they_mean_to_python(
    names: list[str], patterns: list[str]
) -> None:
    with tree(names) as top:
        selection = select(str(top), patterns, ())
        each = {pattern: meant(top, pattern) for pattern in patterns}
        assert selection.assets == tuple(
            Asset(name, str(top / name), executable=False)
            for name in sorted(set().union(*each.values()))
        )
        assert selection.problems == tuple(
            f"no file matches the asset `{pattern}`" for pattern, found in each.items() if not found
        )


@given(trees, several, st.data())
def test_the_order_of_the_globs_decides_nothing(
    names: list[str], patterns: list[str], data: st.DataObject
) -> None:
    other = data.draw(st.permutations(patterns))
    with tree(names) as top:
        one, two = select(str(top), patterns, ()), select(str(top), other, ())
        assert one.assets == two.assets
        assert set(one.problems) == set(two.problems)
        assert set(one.directories) == set(two.directories)


@given(trees, several)
@settings(max_examples=20)
def test_the_order_in_which_the_disk_lists_files_decides_nothing(
    names: list[str], patterns: list[str]
) -> None:
    listdir = os.listdir
    with tree(names) as top, pytest.MonkeyPatch.context() as patch:
        before = select(str(top), patterns, ())
        patch.setattr(os, "listdir", lambda path: sorted(listdir(path), reverse=True))
        assert select(str(top), patterns, ()) == before


@given(trees, several, st.lists(elements, min_size=1, max_size=4))
def test_a_new_file_that_changes_the_assets_is_seen_in_a_directory_that_is_watched(
    names: list[str], patterns: list[str], new: list[str]
) -> None:
    with tree(names) as top:
        before = select(str(top), patterns, ())
        place = top
        for part in new[:-1]:
            place /= part
            if place.exists() and not place.is_dir():
                return
        path = top.joinpath(*new)
        if path.exists():
            return
        # Where the listing changes: the last directory that was there before.
        around = next(parent for parent in path.parents if parent.exists())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        after = select(str(top), patterns, ())
        if (after.assets, after.problems) != (before.assets, before.problems):
            assert str(around) in before.directories


links = st.dictionaries(
    elements,
    st.sampled_from(["a", "b", ".", "..", "../function/b", "../secret", "../outside", "../gone"])
    | globs.filter(lambda text: not glob.has_magic(text)),
    max_size=3,
)


@given(trees, links, st.lists(elements, max_size=1), several)
def test_wherever_links_lead_no_asset_is_of_another_directory(
    names: list[str], linked: dict[str, str], below: list[str], patterns: list[str]
) -> None:
    with tree(names) as top:
        make(top.parent / "outside", "a", "b/a", "c.x")
        (top.parent / "secret").write_text("secret")
        for name, target in linked.items():
            link = top.joinpath(*below, name)
            if link.parent.is_dir() and not os.path.lexists(link):
                link.symlink_to(target)
        inside = f"{os.path.realpath(top)}/"
        for asset in select(str(top), patterns, ()).assets:
            assert os.path.realpath(asset.source).startswith(inside)
            assert asset.source == f"{top}/{asset.name}"
            assert pattern_problem(asset.name) is None
            assert Path(asset.source).is_file()


def test_an_executable_file_is_executable_where_it_is_packed(tmp_path: Path) -> None:
    top = make(tmp_path, "run.sh", "data", "half")
    (top / "run.sh").chmod(0o700)
    (top / "half").chmod(0o654)
    assert select(str(top), ["*"], ()).assets == (
        Asset("data", str(top / "data"), executable=False),
        # Its owner may not run it.
        Asset("half", str(top / "half"), executable=False),
        Asset("run.sh", str(top / "run.sh"), executable=True),
    )


def test_a_directory_that_is_named_means_all_in_it(tmp_path: Path) -> None:
    top = make(tmp_path, "data/a", "data/deep/b", "data/.hidden", "data/.git/c", "other")
    every = ["data/a", "data/deep/b"]
    assert selected(top, "data") == selected(top, "./data/") == selected(top, "data/**") == every


def test_a_wildcard_means_files_and_a_component_of_it_directories(tmp_path: Path) -> None:
    top = make(tmp_path, "a", "data/b", "data/deep/c")
    assert selected(top, "*") == ["a"]
    assert selected(top, "*/*") == ["data/b"]
    assert selected(top, "**") == ["a", "data/b", "data/deep/c"]
    assert selected(top, "**/c") == ["data/deep/c"]
    assert selected(top, "d*/**/deep/*") == ["data/deep/c"]


def test_hidden_files_are_assets_where_the_glob_says_so(tmp_path: Path) -> None:
    top = make(tmp_path, ".env", ".well/known", "a", "data/.x")
    assert selected(top, "**") == ["a"]
    assert selected(top, ".*") == [".env"]
    assert selected(top, ".well") == [".well/known"]
    assert selected(top, "**/.x") == ["data/.x"]


@pytest.mark.parametrize(
    "pattern", ["a.txt", "*.html", "data/b", "data/*", "gone/**", "empty", "A"]
)
def test_a_glob_that_means_no_file_is_told(tmp_path: Path, pattern: str) -> None:
    top = make(tmp_path, "a", "data/deep/c", "empty/")
    assert problems(top, pattern) == (f"no file matches the asset `{pattern}`",)


def test_the_same_missing_file_is_told_once(tmp_path: Path) -> None:
    assert problems(tmp_path, "a", "a") == ("no file matches the asset `a`",)


def test_a_directory_that_is_not_there_has_no_assets(tmp_path: Path) -> None:
    assert problems(tmp_path / "gone", "*") == ("no file matches the asset `*`",)


def test_case_counts_also_where_the_file_system_folds_it(tmp_path: Path) -> None:
    top = make(tmp_path, "Data/A.TXT")
    assert problems(top, "data/A.TXT") == ("no file matches the asset `data/A.TXT`",)
    assert problems(top, "Data/a.txt") == ("no file matches the asset `Data/a.txt`",)
    assert selected(top, "Data/A.TXT") == ["Data/A.TXT"]


def test_names_that_differ_only_in_case_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = make(tmp_path, "data/readme", "data/README", "data/other")
    listed = {str(top): ["data"], str(top / "data"): ["other", "README", "readme"]}
    # As on Linux, also where these two are one file.
    monkeypatch.setattr(os, "listdir", listed.__getitem__)
    assert select(str(top), ["data/*"], ()).problems == (
        "the assets `data/README` and `data/readme` differ only in case",
    )
    assert selected(top, "data/readme") == ["data/readme"]


@pytest.mark.parametrize("name", ["bootstrap", "Bootstrap", "BOOTSTRAP"])
def test_what_would_be_in_the_place_of_the_executable_is_refused(tmp_path: Path, name: str) -> None:
    top = make(tmp_path, name)
    assert problems(top, "*") == (
        f"the asset `{name}` would take the place of the executable; give it another name, "
        "or a glob that leaves it out",
    )


def test_what_would_make_a_directory_of_the_executable_is_refused(tmp_path: Path) -> None:
    top = make(tmp_path, "bootstrap/a")
    assert problems(top, "**") == (
        "the asset `bootstrap/a` would take the place of the executable; give it another name, "
        "or a glob that leaves it out",
    )


def test_a_file_called_like_the_executable_may_be_packed_deeper(tmp_path: Path) -> None:
    top = make(tmp_path, "bin/bootstrap", "bootstrap.css")
    assert selected(top, "**") == ["bin/bootstrap", "bootstrap.css"]


def test_no_wildcard_means_what_lambdabuild_writes(tmp_path: Path) -> None:
    top = make(tmp_path, "a", "bootstrap", "bootstrap.zip", "dist/a", "arm64/bootstrap")
    own = {str(top / name) for name in ("bootstrap", "bootstrap.zip", "dist", "arm64")}
    assert selected(top, "**", own=own) == ["a"]
    assert selected(top, "*", "arm64/*", "dist", own=own - {str(top / "bootstrap.zip")}) == [
        "a", "arm64/bootstrap", "bootstrap.zip", "dist/a",
    ]  # fmt: skip


def test_links_to_files_of_the_function_are_followed(tmp_path: Path) -> None:
    top = make(tmp_path, "data/real", "other/")
    (top / "other/link").symlink_to("../data/real")
    (top / "absolute").symlink_to(top / "data/real")
    assert selected(top, "**") == ["absolute", "data/real", "other/link"]


def test_links_to_directories_of_the_function_are_followed_where_they_are_named(
    tmp_path: Path,
) -> None:
    top = make(tmp_path, "data/real", "data/deep/b")
    (top / "link").symlink_to("data")
    assert selected(top, "link") == selected(top, "link/**") == ["link/deep/b", "link/real"]
    assert selected(top, "link/r*") == ["link/real"]
    assert selected(top, "**") == ["data/deep/b", "data/real"]
    assert problems(top, "l*/real") == ("no file matches the asset `l*/real`",)


def test_a_function_in_a_linked_directory_has_its_assets(tmp_path: Path) -> None:
    make(tmp_path / "real", "data/a")
    (tmp_path / "link").symlink_to("real")
    assert select(str(tmp_path / "link"), ["data"], ()).assets == (
        Asset("data/a", str(tmp_path / "link/data/a"), executable=False),
    )


@pytest.mark.parametrize("pattern", ["link", "*", "**", "l?nk"])
@pytest.mark.parametrize("target", ["../secret", "../function-2/a"])
def test_a_link_to_a_file_elsewhere_is_refused(tmp_path: Path, pattern: str, target: str) -> None:
    make(tmp_path, "secret", "function-2/a")
    top = make(tmp_path / "function")
    (top / "link").symlink_to(target)
    assert problems(top, pattern) == (
        "the asset `link` is a link out of the function's directory; copy what it leads to",
    )


@pytest.mark.parametrize("pattern", ["link", "link/a", "link/*", "link/**"])
def test_a_link_to_a_directory_elsewhere_is_refused(tmp_path: Path, pattern: str) -> None:
    make(tmp_path, "outside/a")
    top = make(tmp_path / "function")
    (top / "link").symlink_to("../outside")
    assert problems(top, pattern) == (
        "the asset `link` is a link out of the function's directory; copy what it leads to",
    )


def test_a_way_out_over_two_links_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "outside/a")
    top = make(tmp_path / "function", "data/")
    (top / "data/out").symlink_to("../../outside")
    (top / "link").symlink_to("data/out/a")
    assert problems(top, "link") == (
        "the asset `link` is a link out of the function's directory; copy what it leads to",
    )


def test_a_loop_of_directories_has_an_end(tmp_path: Path) -> None:
    top = make(tmp_path, "data/deep/a")
    (top / "data/deep/loop").symlink_to("..")
    assert selected(top, "**") == ["data/deep/a"]
    assert selected(top, "data/deep/loop") == ["data/deep/loop/deep/a"]


@pytest.mark.parametrize(
    ("target", "number"), [("gone", errno.ENOENT), ("link", errno.ELOOP)], ids=["nothing", "itself"]
)
@pytest.mark.parametrize("pattern", ["link", "*"])
def test_a_link_to_nothing_is_refused(
    tmp_path: Path, pattern: str, target: str, number: int
) -> None:
    (tmp_path / "link").symlink_to(target)
    assert problems(tmp_path, pattern) == (
        f"the asset `link` cannot be read: {os.strerror(number)}",
    )


@pytest.mark.parametrize("pattern", ["pipe", "*", "**"])
def test_what_is_no_file_is_refused(tmp_path: Path, pattern: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert problems(tmp_path, pattern) == ("the asset `pipe` is no regular file",)


def test_a_directory_that_cannot_be_listed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = make(tmp_path, "a", "data/b")
    listdir = os.listdir

    def refuse(path: str) -> list[str]:
        if path.endswith("data"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return listdir(path)

    # Root, who runs these tests in CI, may list any.
    monkeypatch.setattr(os, "listdir", refuse)
    selection = select(str(top), ["data", "a"], ())
    assert selection.problems == ("`data` cannot be listed: Permission denied",)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    top = make(tmp_path, "a", "bootstrap")
    os.mkfifo(top / "pipe")
    assert select(str(top), ["gone", "*", "gone/*"], ()) == Selection(
        (Asset("a", str(top / "a"), executable=False),),
        (str(top),),
        (
            "no file matches the asset `gone`",
            "the asset `bootstrap` would take the place of the executable; give it another name, "
            "or a glob that leaves it out",
            "the asset `pipe` is no regular file",
            "no file matches the asset `gone/*`",
        ),
    )


def test_a_directory_is_listed_once_however_many_globs_look_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = make(tmp_path, "data/a", "data/b")
    listdir, listed = os.listdir, []

    def noted(path: str) -> list[str]:
        listed.append(path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", noted)
    selection = select(str(top), ["data/a", "data/*", "**", "data"], ())
    assert sorted(listed) == [str(top), str(top / "data")] == sorted(selection.directories)


@pytest.mark.parametrize(
    "pattern", ["**/" * 15 + "x", "**/a/" * 15 + "x", "**/a/**/" * 9 + "x", "**/*/" * 15 + "*"]
)
def test_it_does_not_matter_how_many_ways_lead_to_a_file(tmp_path: Path, pattern: str) -> None:
    """There are millions: whoever goes each of them does not come back."""
    name = "a/" * 30 + "x"
    top = make(tmp_path / "f", name)
    assert selected(top, pattern) == [name]
    assert covers(pattern, name)
    assert not covers(pattern.removesuffix("x") + "y", name) or pattern.endswith("*")
    assert problems(top, pattern + "y") == (f"no file matches the asset `{pattern}y`",)


@given(
    st.lists(st.sampled_from(["**", "*", "a", "b", "?", ".a"]), min_size=1, max_size=5),
    st.lists(st.sampled_from(["a", "b", ".a"]), min_size=1, max_size=4),
)
def test_what_a_glob_covers_is_what_it_would_select(pattern: list[str], name: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        top = make(Path(directory) / "f", "/".join(name))
        found = [asset.name for asset in select(str(top), ["/".join(pattern)], ()).assets]
    assert bool(found) == covers("/".join(pattern), "/".join(name))
