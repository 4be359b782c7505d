import json
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lambdabuild.core.artifact import Artifact, Identity
from lambdabuild.core.gopackage import CFlags, Diagnostic, Foreign, GoEnvironment, Module, Package
from lambdabuild.core.record import replaced
from lambdabuild.deployment.declared import Declared, Deployment, Witness
from lambdabuild.golang.tree import Tree
from lambdabuild.state import serialization
from lambdabuild.state.serialization import VERSION, ForeignError
from lambdabuild.state.signing import Keys
from lambdabuild.state.stamps import (
    CONTENT,
    SOURCE,
    TOOL,
    WHOLE,
    DirectoryStamp,
    FileStamp,
    Level,
    Stamps,
)
from lambdabuild.state.state import Evidence, Findings, State
from tests.unit.values import A_STATE, ARM64, PROJECT, X86_64, artifacts, texts

KEYS = Keys(b"of this user")
BOTH = Keys(b"of this user", b"of a team")


def to_text(state: State, project: str, keys: Keys = KEYS) -> str:
    return serialization.to_text(state, project, keys)


def from_text(text: str, project: str, keys: Keys = KEYS) -> State:
    return serialization.from_text(text, project, keys)


def announcement_text(announced: list[Artifact]) -> str:
    return serialization.announcement_text(announced, KEYS)


def from_announcement(text: str) -> list[Artifact]:
    return serialization.from_announcement(text, KEYS)


DAMAGE = (ValueError, TypeError, KeyError, AttributeError, IndexError)
"""What `from_text` says that it raises."""

# Of few values each: a state holds many, and what is the same twice is written once.
numbers = st.sampled_from([0, 1, 2**63 - 1])
paths = st.sampled_from([
    *("/shop/api", "/shop/api/main.go", "/größe", "/a b", "/line\nfeed"),
    # A name that is no UTF-8 comes from the disk with half of a surrogate pair.
    "/latin-\udcfc1",
])  # fmt: skip
hashes = st.sampled_from(["", "here", "0123456789abcdef", "fedcba9876543210"])
words = st.sampled_from(["", "main", "größe", 'a "quoted" word', "null"])
several = st.sampled_from([[], ["a"], ["b", "größe"], ["a", "b", "c"]])
files = st.builds(
    FileStamp,
    inode=numbers,
    size=numbers,
    modified=numbers,
    changed=numbers,
    trusted=st.booleans(),
    kind=st.sampled_from([SOURCE, CONTENT, WHOLE, TOOL]),
    digest=hashes,
    outline=hashes,
)
folders = st.builds(
    DirectoryStamp,
    inode=numbers,
    modified=numbers,
    changed=numbers,
    trusted=st.booleans(),
    level=st.sampled_from(Level).map(int),
    names=several.map("\n".join),
)
stamps = st.builds(
    Stamps,
    files=st.dictionaries(paths, files, max_size=2),
    directories=st.dictionaries(paths, folders, max_size=2),
    doubted=st.booleans(),
)
trees = st.builds(
    Tree,
    directories=several,
    modules=several,
    sources=several,
    passed_over=st.dictionaries(words, words, max_size=2),
)
environments = st.builds(
    GoEnvironment,
    version=words, flags=words, workspace=st.none() | paths, cache=paths, module_cache=paths,
    toolchain=words, root=paths, tools=paths,
)  # fmt: skip
modules = st.builds(
    Module,
    path=words,
    directory=st.none() | paths,
    version=st.none() | st.just("v1.2.0"),
    main=st.booleans(),
    go_version=st.none() | st.just("1.22"),
    go_sum=st.none() | st.just("h1:x="),
    replacement=st.none() | st.sampled_from(["../lib", "example.com/fork v1.0.0"]),
)
lists = several.map(tuple)
c_flags = st.builds(CFlags, c=lists, preprocessor=lists, cxx=lists, linker=lists, pkg_config=lists)
searched = st.lists(st.tuples(paths, st.sampled_from(Level).map(int)), max_size=2).map(tuple)
foreign = st.builds(Foreign, files=lists, libraries=lists, searched=searched, absent=lists)
packages = st.builds(
    Package,
    import_path=words, name=words, directory=paths,
    go_files=lists, ignored_files=lists, imports=lists, module=st.none() | modules,
    only_dependency=st.booleans(), errors=st.just(()), other_files=lists, embed_files=lists,
    embed_patterns=lists, godebug=st.sampled_from(["", "panicnil=1"]), cgo=st.booleans(),
    declares_main=st.booleans(), local=st.booleans(), c_flags=c_flags, foreign=st.just(Foreign()),
)  # fmt: skip
findings = st.builds(
    Findings,
    trees=st.dictionaries(paths, trees, max_size=2),
    environments=st.dictionaries(words, environments, max_size=2),
    packages=st.dictionaries(words, st.lists(packages, max_size=2).map(tuple), max_size=2),
    foreign=st.dictionaries(words, foreign, max_size=2),
    stamps=stamps,
)
states = st.builds(
    State,
    artifacts=st.lists(artifacts(), max_size=2).map(lambda made: {a.path: a for a in made}),
    manifests=st.dictionaries(words, hashes, max_size=2),
    findings=findings,
    assets=st.builds(Stamps, files=st.dictionaries(paths, files, max_size=2)),
    failed=st.sets(st.tuples(words, st.just(X86_64) | st.just(ARM64)), max_size=2),
    index=st.none() | st.tuples(numbers, numbers),
)


@given(states)
def test_what_was_written_is_read(state: State) -> None:
    assert from_text(to_text(state, PROJECT), PROJECT) == state


@given(states)
def test_what_was_read_is_written_as_it_was(state: State) -> None:
    text = to_text(state, PROJECT)
    assert to_text(from_text(text, PROJECT), PROJECT) == text


@given(st.lists(artifacts(), max_size=3))
def test_what_was_announced_is_read(announced: list[Artifact]) -> None:
    assert from_announcement(announcement_text(announced)) == announced


@given(states)
def test_a_state_is_two_lines_of_ascii(state: State) -> None:
    text = to_text(state, PROJECT)
    head, body, rest = text.split("\n")
    assert (text.isascii(), rest) == (True, "")
    assert json.loads(head)["lambdabuild"] == VERSION
    assert set(json.loads(body)) == {
        *("artifacts", "inputs", "manifests", "findings", "assets", "failed", "index", "evidence"),
    }


def test_what_deployment_files_say_is_read_back_as_it_was() -> None:
    function = Declared(
        "Get", "/p/template.yaml", 3, None, "/p/get", "bootstrap", "arm64", "provided.al2", 5, 128,
        lines={"architecture": 7},
    )  # fmt: skip
    deployment = Deployment(
        (function,), (Witness("arm64", "/p/Makefile", 1),), (("/p/x.yaml", "it is not YAML"),)
    )
    stamps = Stamps({"/p/template.yaml": FileStamp(1, 2, 3, 4, True, "whole", "d", "d")})
    state = State(evidence=Evidence(stamps, deployment))
    assert from_text(to_text(state, PROJECT), PROJECT).evidence == state.evidence
    assert from_text(to_text(state, PROJECT), "/elsewhere").evidence == Evidence()


@given(states, paths)
def test_a_state_that_was_moved_knows_its_artifacts_and_nothing_of_the_disk(
    state: State, project: str
) -> None:
    assume(project != PROJECT)
    known = replaced(state, findings=Findings(), assets=Stamps(), evidence=Evidence())
    assert from_text(to_text(state, PROJECT), project) == known


@given(states, packages)
def test_of_what_could_not_be_loaded_only_the_stamps_are_kept(
    state: State, package: Package
) -> None:
    fault = Diagnostic(package.import_path, "expected 'package', found 'EOF'")
    broken = package._replace(errors=(fault,))
    state.findings.packages["broken"] = (broken,)
    assert state.findings.broken
    kept = Findings(stamps=state.findings.stamps)
    assert from_text(to_text(state, PROJECT), PROJECT) == replaced(state, findings=kept)


def test_the_assets_of_a_project_are_known_again_while_it_is_where_it_was() -> None:
    stamp = FileStamp(1, 2, 3, 4, True, CONTENT, "0123456789abcdef", "here")
    state = State(assets=Stamps({"/shop/api/users/get/a": stamp}))
    assert from_text(to_text(state, PROJECT), PROJECT).assets == state.assets
    assert from_text(to_text(state, PROJECT), "/elsewhere").assets == Stamps()


def test_what_several_artifacts_are_built_from_is_written_once() -> None:
    shared = ("file internal/auth/auth.go", "0123456789abcdef")
    state = State()
    for name in ("users-get", "orders-get"):
        made = Artifact(
            f"dist/{name}/bootstrap", "dist", name, name, name, X86_64, None, "", Identity(1, 2, 3, 4),
            None, inputs=(shared, (f"file {name}/main.go", "1")),
        )  # fmt: skip
        state.put(made)
    assert to_text(state, PROJECT).count("0123456789abcdef") == 1


TEXT = to_text(A_STATE, PROJECT)
ANNOUNCED = announcement_text([])


@given(st.integers(0, len(TEXT) - 2), st.integers(0, 255))
def test_a_damaged_byte_is_noticed(place: int, byte: int) -> None:
    damaged = bytearray(TEXT.encode())
    assume(damaged[place] != byte)
    damaged[place] = byte
    try:
        read = from_text(damaged.decode("utf-8"), PROJECT)
    except DAMAGE:
        return
    # White space between the words of the first line says nothing.
    assert place < TEXT.index("\n")
    assert chr(byte) in string.whitespace
    assert read == A_STATE


@pytest.mark.parametrize("other", ["0", " ", "\0", "?", "é", "\udcff", ""])
def test_every_damaged_character_of_the_state_itself_is_noticed(other: str) -> None:
    for place in range(TEXT.index("\n"), len(TEXT) - 1):
        if other != TEXT[place]:
            with pytest.raises(DAMAGE):
                from_text(TEXT[:place] + other + TEXT[place + 1 :], PROJECT)


def test_a_text_that_was_cut_off_is_noticed() -> None:
    for end in range(len(TEXT) - 1):
        with pytest.raises(DAMAGE):
            from_text(TEXT[:end], PROJECT)
    for end in range(len(ANNOUNCED) - 1):
        with pytest.raises(DAMAGE):
            from_announcement(ANNOUNCED[:end])


@given(texts, texts)
def test_what_stands_behind_the_state_is_noticed(before: str, behind: str) -> None:
    assume(behind.strip("\n"))
    with pytest.raises(DAMAGE):
        from_text(TEXT + before + behind, PROJECT)


@pytest.mark.parametrize("version", [*range(VERSION), VERSION + 1, None, str(VERSION)])
def test_a_text_of_another_version_is_none(version: object) -> None:
    head, _, body = TEXT.partition("\n")
    other = json.dumps(json.loads(head) | {"lambdabuild": version})
    with pytest.raises(DAMAGE):
        from_text(f"{other}\n{body}", PROJECT)


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "{}", "[]\n{}", "null\nnull", "1", '"lambdabuild"\n', "\0" * 100,
        '{"version": 1, "artifacts": [], "manifests": {}}', f'{{"lambdabuild": {VERSION}}}\n{{}}',
        "[" * 100_000,
    ],
)  # fmt: skip
def test_what_somebody_else_wrote_is_no_state(text: str) -> None:
    with pytest.raises(DAMAGE):
        from_text(text, PROJECT)
    with pytest.raises(DAMAGE):
        from_announcement(text)


def test_an_announcement_is_no_state() -> None:
    with pytest.raises(DAMAGE):
        from_text(ANNOUNCED, PROJECT)


@pytest.mark.parametrize(
    ("keys", "taken"),
    [
        (BOTH, True), (BOTH._replace(shared=None), True), (BOTH._replace(machine=None), True),
        (Keys(b"of another user", BOTH.shared), True), (Keys(b"of another user", b"of none"), False),
        (Keys(b"of another user"), False), (Keys(BOTH.shared, BOTH.machine), False),
        (Keys(), False),
    ],
)  # fmt: skip
def test_a_state_is_taken_by_whoever_holds_one_of_its_keys(keys: Keys, *, taken: bool) -> None:
    text = to_text(A_STATE, PROJECT, BOTH)
    if taken:
        assert from_text(text, PROJECT, keys) == A_STATE
    else:
        with pytest.raises(ForeignError):
            from_text(text, PROJECT, keys)


def test_of_a_state_that_nobody_signed_nothing_is_read() -> None:
    with pytest.raises(ForeignError):
        from_text(to_text(A_STATE, PROJECT, Keys()), PROJECT)
    head = json.dumps({"lambdabuild": VERSION, "machine": 0, "shared": ["\u00e9"]})
    for body in ("[" * 100_000, "{}", ""):
        with pytest.raises(ForeignError):
            from_text(f"{head}\n{body}\n", PROJECT)


@pytest.mark.parametrize(
    ("layout", "path", "placed"),
    [
        ("dist", "dist/f/bootstrap", True), ("dist", "../victim/known.txt", False),
        ("dist", "dist/../victim", False), ("dist", "/etc/passwd", False), ("dist", "dist", False),
        ("dist", "distant/f", False), ("dist", "dist/f/../../../victim", False),
        ("../out", "../out/f/bootstrap", True), ("../out", "../other", False),
        (".", "f/bootstrap", True), (".", "../victim", False), (".", "/etc/passwd", False),
        ("", "api/f/bootstrap", True), ("", "api/g/bootstrap", False),
        ("", "api/f/../../victim", False),
    ],
)  # fmt: skip
def test_every_file_of_a_state_is_below_the_directory_that_it_names(
    layout: str, path: str, *, placed: bool
) -> None:
    artifact = Artifact(
        path, layout, "f", "f", "api/f", X86_64, None, "0", Identity(1, 2, 3, 4), None
    )
    text = to_text(State({path: artifact}), PROJECT)
    if placed:
        assert from_text(text, PROJECT).artifacts == {path: artifact}
    else:
        with pytest.raises(ValueError, match="is not in"):
            from_text(text, PROJECT)
