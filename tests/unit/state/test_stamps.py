import itertools
import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.golang.source import outline
from lambdabuild.state.stamps import (
    CONTENT,
    SOURCE,
    TOOL,
    WHOLE,
    DirectoryStamp,
    FileStamp,
    Level,
    Look,
    Stamps,
    World,
    clock_of,
    is_settled,
    look,
    take,
    take_directory,
    take_file,
)

SECOND = 1_000_000_000
LONG_AFTER = 2**62
"""A clock by which all that is on disk was written long ago."""
AT_ONCE = 0
"""A clock by which all that is on disk may be written to again at its time of now."""

MAIN = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println(1) }\n'
OTHER_BODY = MAIN.replace("1", "2")
OTHER_IMPORT = MAIN.replace('"fmt"', '"log"').replace("fmt.", "log.")


def wait_for_another_time(root: Path) -> None:
    """Write until the file system's clock has moved on: what is written now gets other times."""
    probe = root.parent / f"{root.name}-probe"
    probe.touch()
    first = probe.stat().st_ctime_ns
    while probe.stat().st_ctime_ns == first:
        probe.touch()


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a project with all kinds of files."""
    root = tmp_path / "shop"
    write(root / "go.mod", "module example.com/shop\n")
    write(root / "api/main.go", MAIN)
    write(root / "api/add.s", "TEXT add(SB)\n")
    write(root / "api/default.pgo", "profile")
    write(root / "api/static/logo.svg", "<svg/>")
    write(root / "shared/lib.go", "package lib\n")
    write(root / "tools/compile", "ELF")
    (root / "api/linked.go").symlink_to(root / "shared/lib.go")
    return root


def world(root: Path) -> World:
    """Return a world as that of a root, a package and what it embeds."""
    made = World()
    for directory in ("", "api", "shared", "tools"):
        made.enter(str(root / directory), Level.TREE)
    made.enter(str(root / "api"), Level.PACKAGE)
    made.enter(str(root / "api/static"), Level.EVERYTHING)
    made.files[str(root / "go.mod")] = WHOLE
    made.files[str(root / "go.work")] = WHOLE
    made.files[str(root / "api/static/logo.svg")] = CONTENT
    made.files[str(root / "tools/compile")] = TOOL
    return made


def taken(root: Path, clock: int = LONG_AFTER) -> Stamps:
    return take(world(root), {}, clock, ())


def names(root: Path, paths: list[str]) -> set[str]:
    return {os.path.relpath(path, root) for path in paths}


@pytest.mark.parametrize("clock", [LONG_AFTER, AT_ONCE])
def test_a_look_right_after_finds_nothing(root: Path, clock: int) -> None:
    stamps = taken(root, clock)
    assert look(stamps, clock, ()) == Look(stamps)


def test_what_is_looked_at_is_what_go_may_see(root: Path) -> None:
    write(root / "api/main_test.go")
    write(root / "api/README.md")
    stamps = taken(root)
    kinds = {os.path.relpath(path, root): stamp.kind for path, stamp in stamps.files.items()}
    assert kinds == {
        "go.mod": WHOLE,
        "go.work": WHOLE,
        "api/add.s": WHOLE,
        "api/default.pgo": CONTENT,
        "api/linked.go": SOURCE,
        "api/main.go": SOURCE,
        "api/static/logo.svg": CONTENT,
        "shared/lib.go": SOURCE,
        "tools/compile": TOOL,
    }
    listed = {os.path.relpath(path, root): item for path, item in stamps.directories.items()}
    assert {name: (item.level, item.names.split("\n")) for name, item in listed.items()} == {
        ".": (Level.TREE, ["api/", "go.mod", "shared/", "tools/"]),
        "api": (Level.TREE, ["add.s", "default.pgo", "linked.go", "main.go", "static/"]),
        "api/static": (Level.EVERYTHING, ["logo.svg"]),
        "shared": (Level.TREE, ["lib.go"]),
        "tools": (Level.TREE, [""]),
    }


def test_a_digest_is_known_of_every_file_that_is_there(root: Path) -> None:
    stamps = taken(root)
    missing, main = str(root / "go.work"), str(root / "api/main.go")
    assert stamps.files[missing] == FileStamp(0, 0, 0, 0, True, WHOLE, "", "")
    assert stamps.digest(missing) is None
    assert stamps.digest(str(root / "never-looked-at")) is None
    assert stamps.digest(main) == stamps.files[main].digest != ""


Edit = Callable[[Path], object]


def set_back(root: Path) -> None:
    """Write as many other bytes, and set the time of writing back."""
    file = root / "api/main.go"
    before = file.stat()
    file.write_text(OTHER_BODY)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size


def rename_over(path: str, text: str) -> Edit:
    """Write as most editors do."""

    def edit(root: Path) -> None:
        write(root.parent / "written-beside", text).replace(root / path)

    return edit


def rename_over_with_its_times(root: Path) -> None:
    """Replace a file by one of the same size and time of writing, as `cp -p` and `mv` do."""
    file = root / "api/main.go"
    before = file.stat()
    beside = write(root.parent / "written-beside", OTHER_BODY)
    os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))
    beside.replace(file)


def retarget(path: str, target: str) -> Edit:
    def edit(root: Path) -> None:
        (root / path).unlink()
        (root / path).symlink_to(root / target)

    return edit


def embed_a_link(root: Path) -> None:
    """Put a link to the same bytes in a file's place."""
    (root / "api/static/logo.svg").rename(root / "logo.svg")
    (root / "api/static/logo.svg").symlink_to(root / "logo.svg")


def become_a_directory(root: Path) -> None:
    (root / "api/main.go").unlink()
    (root / "api/main.go").mkdir()


def become_a_link(root: Path) -> None:
    (root / "shared").rename(root / "common")
    (root / "shared").symlink_to(root / "common")


# What is done, the paths that changed by it, and whether the packages are still the same.
EDITS: dict[str, tuple[Edit, set[str], bool]] = {
    "a body": (lambda r: write(r / "api/main.go", OTHER_BODY + " "), {"api/main.go"}, True),
    "a body of the same size, times set back": (set_back, {"api/main.go"}, True),
    "an import": (lambda r: write(r / "api/main.go", OTHER_IMPORT), {"api/main.go"}, False),
    "a rename over": (rename_over("api/main.go", OTHER_BODY), {"api/main.go"}, True),
    "a rename over, times kept": (rename_over_with_its_times, {"api/main.go"}, True),
    "a rename over with another import": (
        rename_over("api/main.go", OTHER_IMPORT), {"api/main.go"}, False,
    ),
    "a file emptied": (lambda r: write(r / "api/main.go"), {"api/main.go"}, False),
    "a file deleted": (lambda r: (r / "api/main.go").unlink(), {"api", "api/main.go"}, False),
    "a file renamed": (
        lambda r: (r / "api/main.go").rename(r / "api/b.go"), {"api", "api/main.go"}, False,
    ),
    "a file gone behind a directory of its name": (
        become_a_directory, {"api/main.go"}, False,
    ),
    "a new file": (lambda r: write(r / "api/b.go", "package main\n"), {"api"}, False),
    "a new assembly file": (lambda r: write(r / "api/sub.s"), {"api"}, False),
    "assembly": (lambda r: write(r / "api/add.s", "RET\n"), {"api/add.s"}, False),
    "a new directory": (lambda r: (r / "orders").mkdir(), {"."}, False),
    "a new module": (lambda r: write(r / "api/go.mod"), {"api"}, False),
    "a new workspace": (lambda r: write(r / "go.work", "use ."), {"go.work"}, False),
    "vendoring": (lambda r: (r / "vendor").mkdir(), {"."}, False),
    "a directory deleted": (
        lambda r: shutil.rmtree(r / "shared"),
        {".", "shared", "shared/lib.go", "api/linked.go"}, False,
    ),
    "a directory renamed": (
        lambda r: (r / "shared").rename(r / "common"),
        {".", "shared", "shared/lib.go", "api/linked.go"}, False,
    ),
    "a directory that became a link": (
        become_a_link, {"."}, False,
    ),
    "a link to another file": (
        retarget("api/linked.go", "api/main.go"), {"api/linked.go"}, False,
    ),
    "a link to nothing": (retarget("api/linked.go", "gone.go"), {"api/linked.go"}, False),
    "what a link leads to": (
        lambda r: write(r / "shared/lib.go", "package lib\n\nvar x = 1\n"),
        {"shared/lib.go", "api/linked.go"}, False,
    ),
    "go.mod": (lambda r: write(r / "go.mod", "module example.com/shopp\n"), {"go.mod"}, False),
    "what is embedded": (
        lambda r: write(r / "api/static/logo.svg", "<svg />"), {"api/static/logo.svg"}, True,
    ),
    "what is embedded deleted": (
        lambda r: (r / "api/static/logo.svg").unlink(),
        {"api/static", "api/static/logo.svg"}, False,
    ),
    "what cannot be read and was not there": (
        lambda r: (r / "go.work").symlink_to("go.work"), {"go.work"}, False,
    ),
    "what is embedded became a link": (embed_a_link, set(), False),
    "a file to embed": (lambda r: write(r / "api/static/b.svg"), {"api/static"}, False),
    "a hidden file to embed": (lambda r: write(r / "api/static/.b"), {"api/static"}, False),
    "a directory to embed": (lambda r: (r / "api/static/b").mkdir(), {"api/static"}, False),
    "a profile": (lambda r: write(r / "api/default.pgo", "p"), {"api/default.pgo"}, True),
    "a profile deleted": (
        lambda r: (r / "api/default.pgo").unlink(), {"api", "api/default.pgo"}, False,
    ),
    "the compiler": (rename_over("tools/compile", "ELF2"), {"tools/compile"}, False),
}  # fmt: skip


@pytest.mark.parametrize("clock", [LONG_AFTER, AT_ONCE], ids=["settled", "just written"])
@pytest.mark.parametrize("what", EDITS)
def test_a_change_is_found(root: Path, what: str, clock: int) -> None:
    edit, changed, same_packages = EDITS[what]
    stamps = taken(root, clock)
    if clock == LONG_AFTER:
        wait_for_another_time(root)
    edit(root)
    found = look(stamps, clock, ())
    assert (names(root, found.changed), found.holds) == (changed, same_packages)
    assert found.renewed
    assert {path for path in found.changed if path in stamps.files} <= set(found.touched)
    # It is found once.
    assert look(found.stamps, clock, ()) == Look(found.stamps)


# What editors, version control and people do beside the sources.
IRRELEVANT: dict[str, Edit] = {
    "a swap file of vim": lambda r: write(r / "api/.main.go.swp", "b0VIM"),
    "vim looking whether it may write": lambda r: write(r / "api/4913").unlink(),
    "what vim wrote to look": lambda r: write(r / "api/4913"),
    "a backup": lambda r: write(r / "api/main.go~", MAIN),
    "a lock of Emacs": lambda r: (r / "api/.#main.go").symlink_to("user@host.1:2"),
    "a backup of Emacs": lambda r: write(r / "api/#main.go#", MAIN),
    "a file that Goland writes beside": lambda r: write(r / "api/main.go___jb_tmp___"),
    "a test": lambda r: write(r / "api/main_test.go", "package main\n"),
    "test data": lambda r: write(r / "api/testdata/want.json"),
    "a hidden directory": lambda r: write(r / ".git/index"),
    "a directory that Go ignores": lambda r: write(r / "_old/main.go", MAIN),
    "a file that Go ignores": lambda r: write(r / "api/_main.go", MAIN),
    "documentation": lambda r: write(r / "api/README.md"),
    "a file that came and went": lambda r: write(r / "api/b.go").unlink(),
    "the rights of a directory": lambda r: (r / "api").chmod(0o700),
}


@pytest.mark.parametrize("clock", [LONG_AFTER, AT_ONCE], ids=["settled", "just written"])
@pytest.mark.parametrize("what", IRRELEVANT)
def test_what_go_does_not_see_is_no_change(root: Path, what: str, clock: int) -> None:
    stamps = taken(root, clock)
    if clock == LONG_AFTER:
        wait_for_another_time(root)
    IRRELEVANT[what](root)
    found = look(stamps, clock, ())
    assert found == Look(found.stamps, stirred=found.stirred, renewed=True)
    assert look(found.stamps, clock, ()) == Look(found.stamps)


TOUCHES: dict[str, Edit] = {
    "touch": lambda r: os.utime(r / "api/main.go"),
    "a time in the past": lambda r: os.utime(r / "api/main.go", ns=(1, 1)),
    "rights": lambda r: (r / "api/main.go").chmod(0o600),
    "the same bytes again": lambda r: write(r / "api/main.go", MAIN),
    "a rename over with the same bytes": rename_over("api/main.go", MAIN),
    "a link to the same bytes": lambda r: (
        write(r / "copy.txt", MAIN), retarget("api/main.go", "copy.txt")(r),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TOUCHES)
def test_a_file_that_was_only_touched_did_not_change(root: Path, what: str) -> None:
    stamps = taken(root)
    wait_for_another_time(root)
    TOUCHES[what](root)
    found = look(stamps, LONG_AFTER, ())
    main = str(root / "api/main.go")
    assert found == Look(found.stamps, touched=[main], stirred=found.stirred, renewed=True)
    # From now on the new times are those that it is known by.
    assert look(found.stamps, LONG_AFTER, ()) == Look(found.stamps)


def test_a_tool_is_told_by_its_times(root: Path) -> None:
    stamps = taken(root)
    tool = str(root / "tools/compile")
    os.utime(tool, ns=(1, 1))
    found = look(stamps, LONG_AFTER, ())
    assert found == Look(found.stamps, holds=False, touched=[tool], changed=[tool], renewed=True)


FILE_NAMES = [
    "main.go", "b.go", "main_test.go", "add.s", "go.mod", "default.pgo", "notes.txt", ".x.swp",
]  # fmt: skip
DIRECTORY_NAMES = ["sub", "vendor", "testdata", "_x", ".git", "c.go"]
TEXTS = ["package main\n", MAIN, OTHER_BODY, OTHER_IMPORT, ""]
edits = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(FILE_NAMES), st.sampled_from(TEXTS)),
        st.tuples(st.just("replace"), st.sampled_from(FILE_NAMES), st.sampled_from(TEXTS)),
        st.tuples(st.just("remove"), st.sampled_from(FILE_NAMES + DIRECTORY_NAMES), st.just("")),
        st.tuples(st.just("mkdir"), st.sampled_from(DIRECTORY_NAMES), st.just("")),
        st.tuples(
            st.just("rename"), st.sampled_from(FILE_NAMES[:4]), st.sampled_from(FILE_NAMES[:4])
        ),
    ),
    max_size=5,
)


def apply(root: Path, made: list[tuple[str, str, str]]) -> None:
    """Do what can be done of some edits."""
    for kind, name, other in made:
        path = root / name
        if kind == "mkdir":
            path.mkdir(exist_ok=True)
        elif kind == "write":
            path.write_text(other)
        elif kind == "replace":
            write(root.parent / "beside", other).replace(path)
        elif kind == "rename" and path.exists():
            path.rename(root / other)
        elif kind == "remove" and path.is_dir():
            path.rmdir()
        elif kind == "remove":
            path.unlink(missing_ok=True)


def relevant(root: Path, level: Level) -> tuple[set[str], dict[str, bytes], dict[str, bytes]]:
    """Return the entries that matter, what is in the files that do, and what of that Go lists."""
    entries = {path.name: path for path in root.iterdir()}
    seen = {"main.go", "b.go", "add.s", "go.mod", "default.pgo", "vendor", "c.go"}
    if level == Level.TREE:
        seen |= {"sub"}
    if level == Level.EVERYTHING:
        seen = set(entries)
    there = {name for name in entries if name in seen}
    read = {
        name: entries[name].read_bytes()
        for name in there & {"main.go", "b.go", "add.s", "default.pgo"}
    }
    listed = {
        name: outline(content) if name.endswith(".go") else content
        for name, content in read.items() if name != "default.pgo"
    }  # fmt: skip
    return there, read, listed


@given(edits, edits, st.sampled_from(Level))
def test_whatever_is_done_the_look_finds_what_matters_of_it(
    first: list[tuple[str, str, str]], then: list[tuple[str, str, str]], level: Level
) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place, "shop")
        root.mkdir()
        apply(root, first)
        there, read, listed = relevant(root, level)
        made = World()
        made.enter(str(root), level)
        stamps = take(made, {}, AT_ONCE, ())
        apply(root, then)
        there_now, read_now, listed_now = relevant(root, level)
        found = look(stamps, AT_ONCE, ())
        files = {name for name in read if read[name] != read_now.get(name)}
        folders = {"."} if there != there_now else set()
        assert names(root, found.changed) == files | folders
        assert found.holds == (there == there_now and listed == listed_now)
        if there == there_now:
            assert found.stamps == take(made, {}, AT_ONCE, ())
        assert look(found.stamps, AT_ONCE, ()) == Look(found.stamps)


def test_what_was_just_written_is_looked_at_again_until_it_is_settled(root: Path) -> None:
    young = taken(root, AT_ONCE)
    later = look(young, LONG_AFTER, ())
    assert later == Look(taken(root), renewed=True)
    assert look(later.stamps, LONG_AFTER, ()) == Look(later.stamps)


def test_stamps_that_are_doubted_do_not_hold_until_they_are_taken_anew(root: Path) -> None:
    stamps = taken(root)
    doubted = Stamps(stamps.files, stamps.directories, doubted=True)
    assert look(doubted, LONG_AFTER, ()) == Look(stamps, holds=False)


def test_a_look_leaves_the_stamps_as_they_were(root: Path) -> None:
    stamps = taken(root)
    rename_over("api/main.go", OTHER_IMPORT)(root)
    write(root / "orders/main.go")
    look(stamps, LONG_AFTER, ())
    (root / "orders/main.go").unlink()
    assert look(stamps, LONG_AFTER, ()).changed != []


@pytest.mark.parametrize("field", ["inode", "size", "modified", "changed"])
def test_a_trusted_stamp_is_read_again_where_anything_differs(root: Path, field: str) -> None:
    main = str(root / "api/main.go")
    true = take_file(main, SOURCE, LONG_AFTER)
    wrong = true._replace(digest="wrong")
    differs = FileStamp(**(wrong._asdict() | {field: 1}))
    # Unread, what is wrong of it goes unseen: that shows that it is not read.
    assert look(Stamps({main: wrong}), LONG_AFTER, ()) == Look(Stamps({main: wrong}))
    found = look(Stamps({main: differs}), LONG_AFTER, ())
    assert found == Look(Stamps({main: true}), touched=[main], changed=[main], renewed=True)


@pytest.mark.parametrize("field", ["inode", "modified", "changed"])
def test_a_trusted_directory_is_listed_again_where_anything_differs(root: Path, field: str) -> None:
    api = str(root / "api")
    true = take_directory(api, Level.PACKAGE, LONG_AFTER, ())
    wrong = true._replace(names="wrong.go")
    assert look(Stamps({}, {api: wrong}), LONG_AFTER, ()) == Look(Stamps({}, {api: wrong}))
    differs = DirectoryStamp(**(wrong._asdict() | {field: 1}))
    found = look(Stamps({}, {api: differs}), LONG_AFTER, ())
    assert found == Look(
        Stamps({}, {api: true}), holds=False, stirred=[api], changed=[api], renewed=True
    )


def test_a_stamp_that_is_not_trusted_is_read_again(root: Path) -> None:
    main, api = str(root / "api/main.go"), str(root / "api")
    file = take_file(main, SOURCE, AT_ONCE)
    folder = take_directory(api, Level.PACKAGE, AT_ONCE, ())
    wrong = Stamps({main: file._replace(digest="wrong")}, {api: folder._replace(names="wrong.go")})
    assert look(wrong, AT_ONCE, ()) == Look(
        Stamps({main: file}, {api: folder}),
        holds=False, touched=[main], changed=[main, api], renewed=True,
    )  # fmt: skip


def test_a_file_is_not_read_again_that_is_as_it_is_known(root: Path) -> None:
    main = str(root / "api/main.go")
    true = taken(root)
    wrong = true.files[main]._replace(digest="wrong")
    assert take(world(root), {main: wrong}, LONG_AFTER, ()).files[main] == wrong
    for different in (
        wrong._replace(trusted=False),
        wrong._replace(kind=WHOLE),
        wrong._replace(inode=1),
        wrong._replace(size=1),
        wrong._replace(modified=1),
        wrong._replace(changed=1),
    ):
        assert take(world(root), {main: different}, LONG_AFTER, ()) == true


def test_a_file_that_is_known_and_gone_is_gone(root: Path) -> None:
    known = taken(root).files
    (root / "go.mod").unlink()
    stamps = take(world(root), known, LONG_AFTER, ())
    assert stamps.files[str(root / "go.mod")] == FileStamp(0, 0, 0, 0, True, WHOLE, "", "")


def test_a_file_that_came_is_read_whatever_is_known(root: Path) -> None:
    known = taken(root).files
    write(root / "go.work", "use .")
    assert take(world(root), known, LONG_AFTER, ()) == taken(root)


def test_a_directory_that_is_missing_is_looked_for_again(root: Path) -> None:
    missing = str(root / "orders")
    made = World()
    made.enter(missing, Level.TREE)
    stamps = take(made, {}, LONG_AFTER, ())
    assert stamps == Stamps({}, {missing: DirectoryStamp(0, 0, 0, False, Level.TREE, "")})
    assert look(stamps, LONG_AFTER, ()) == Look(stamps)
    write(root / "orders/main.go", MAIN)
    found = look(stamps, LONG_AFTER, ())
    assert (found.changed, found.holds) == ([missing], False)


@pytest.mark.parametrize("level", [Level.TREE, Level.EVERYTHING])
def test_what_lambdabuild_writes_itself_does_not_matter(root: Path, level: Level) -> None:
    own = {str(root / "dist"), str(root / "api/bootstrap")}
    made = World()
    made.enter(str(root), level)
    made.enter(str(root / "api"), level)
    stamps = take(made, {}, AT_ONCE, own)
    write(root / "dist/users-get/bootstrap")
    write(root / "api/bootstrap")
    assert look(stamps, AT_ONCE, own).holds
    # Of the same name elsewhere it does.
    write(root / "api/dist/x")
    assert names(root, look(stamps, AT_ONCE, own).changed) == {"api"}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(Level))))
def test_a_directory_is_looked_at_at_its_highest_level(entered: list[tuple[str, Level]]) -> None:
    made = World()
    for directory, level in entered:
        made.enter(directory, level)
    assert made.directories == {
        directory: max(level for other, level in entered if other == directory)
        for directory, _ in entered
    }


@pytest.mark.parametrize("kind", [SOURCE, WHOLE, CONTENT])
def test_a_file_that_is_asked_for_whole_is_seen_whole(root: Path, kind: str) -> None:
    made = world(root)
    main = str(root / "api/main.go")
    made.files[main] = kind
    stamp = take(made, {}, LONG_AFTER, ()).files[main]
    # That it is embedded as well takes nothing away from its being a source.
    assert stamp == take_file(main, WHOLE if kind == WHOLE else SOURCE, LONG_AFTER)


TICKS = [1, 1_000_000, 4_000_000, 10_000_000, SECOND, 2 * SECOND]
"""Nanoseconds between two times that a file system tells apart, up to FAT's."""
moments = st.integers(10**18, 10**18 + 10 * SECOND)


@given(st.sampled_from(TICKS), st.tuples(moments, moments, moments).map(sorted))
def test_no_write_after_the_clock_leaves_the_times_of_a_settled_file(
    tick: int, times: list[int]
) -> None:
    written, clock, later = (moment - moment % tick for moment in times)
    if is_settled(written, written, clock):
        assert later > written


@given(moments, st.integers(0, 2**63 - 1))
def test_no_time_of_writing_that_a_program_set_hides_a_young_change(
    clock: int, modified: int
) -> None:
    assert not is_settled(modified, clock, clock)


@pytest.mark.parametrize(
    ("modified", "changed", "expected"),
    [
        pytest.param(-3 * SECOND, -3 * SECOND, True, id="long ago"),
        pytest.param(-20_000_001, -20_000_001, True, id="a tick ago"),
        pytest.param(-20_000_000, -20_000_000, False, id="within a tick"),
        pytest.param(0, 0, False, id="now"),
        pytest.param(1, 1, False, id="after"),
        pytest.param(-20_000_001, 0, False, id="changed now, time set back"),
        pytest.param(0, -20_000_001, False, id="written now, changed before"),
        pytest.param(2 * SECOND, -20_000_001, False, id="a clock that is a little ahead"),
        pytest.param(2 * SECOND + 1, -20_000_001, True, id="a time in the future that was set"),
    ],
)
def test_a_file_is_settled_when_its_times_are_past(
    modified: int, changed: int, *, expected: bool
) -> None:
    clock = 10**18 + 123
    assert is_settled(clock + modified, clock + changed, clock) is expected


@pytest.mark.parametrize(("age", "expected"), [(3, True), (2, False), (1, False)])
def test_where_only_seconds_are_kept_a_file_is_settled_after_two(
    age: int, *, expected: bool
) -> None:
    clock = 10**18
    assert is_settled(clock - age * SECOND, clock - age * SECOND, clock) is expected


def test_the_clock_is_the_file_systems(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.touch()
    os.utime(file, ns=(1, 1))
    times = [clock_of(str(file)) for _ in range(20)]
    assert times == sorted(times)
    assert times[-1] == file.stat().st_mtime_ns <= time.time_ns()


def test_where_nothing_can_be_written_the_clock_is_the_machines(tmp_path: Path) -> None:
    before = time.time_ns()
    assert before <= clock_of(str(tmp_path / "missing")) <= time.time_ns()


def test_two_looks_by_the_true_clock_miss_no_write_between_them(tmp_path: Path) -> None:
    # As fast as can be: many writes fall into one tick of the clock.
    lock = write(tmp_path / "lock")
    file = write(tmp_path / "main.go", "0")
    stamps = Stamps({str(file): take_file(str(file), SOURCE, clock_of(str(lock)))})
    for number in itertools.islice(itertools.count(1), 300):
        file.write_text(str(number % 10))
        found = look(stamps, clock_of(str(lock)), ())
        assert found.changed == [str(file)]
        stamps = found.stamps


def test_a_file_that_came_and_went_stirs_its_directory_and_no_other(root: Path) -> None:
    stamps = taken(root, LONG_AFTER)
    wait_for_another_time(root)
    write(root / "api/passing.go", MAIN)
    (root / "api/passing.go").unlink()
    assert look(stamps, LONG_AFTER, ()).stirred == [str(root / "api")]


def test_a_store_into_a_page_that_is_dirty_already_is_found(root: Path) -> None:
    path = root / "api/main.go"
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        at = MAIN.index("1")
        mapped[at : at + 1] = b"2"
        now = path.stat().st_ctime_ns + SECOND
        stamps = taken(root, now)
        assert stamps.files[str(path)].trusted
        assert look(stamps, now, ()).touched == []
        mapped[at : at + 1] = b"3"
        found = look(stamps, now, ())
        assert (found.changed, found.holds) == ([str(path)], True)
    # Long after, it is read once more and never again.
    later = look(found.stamps, LONG_AFTER, ())
    assert (later.touched, later.renewed) == ([], True)
    assert look(later.stamps, LONG_AFTER, ()) == Look(later.stamps)
