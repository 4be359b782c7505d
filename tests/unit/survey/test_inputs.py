import posixpath
import random
import string
from collections.abc import Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lambdabuild.core.artifact import UNKNOWN, Input
from lambdabuild.core.build import Function, Step
from lambdabuild.core.gopackage import Diagnostic, GoEnvironment, Module, Package
from lambdabuild.core.paths import Paths, name_of, path_of
from lambdabuild.core.target import CCompiler, Flags, Runtime, Target
from lambdabuild.survey.inputs import (
    Inputs,
    first_change,
    goenv_path,
    loading_settings,
    settings_of,
    untracked,
)
from lambdabuild.survey.plan import order_of
from tests.unit.values import ARM64, PROJECT, X86_64, directories, graph, package, texts

PATHS = Paths(PROJECT, f"{PROJECT}/web", f"{PROJECT}/dist", "dist")
GO = GoEnvironment("go1.26.8", "", None, "/cache", "/go/pkg/mod", "auto")
SHOP = Module("example.com/shop", PROJECT, None, main=True, go_version="1.22")
SDK = Module(
    "example.com/sdk", "/go/pkg/mod/example.com/sdk@v1.2.0", "v1.2.0", main=False, go_sum="h1:sdk="
)
MAIN = "example.com/shop/api/users/get"
AUTH = "example.com/shop/internal/auth"


def step(**flags: object) -> Step:
    function = Function("users-get", MAIN, f"{PROJECT}/api/users/get", PROJECT)
    artifact = f"{PROJECT}/dist/users-get/bootstrap"
    return Step(function, X86_64, Runtime.AL2023, Flags()._replace(**flags), artifact)  # type: ignore[arg-type]


def local(import_path: str, *imports: str, **changes: object) -> Package:
    """Return a package of the project, with one file `main.go` unless it is said otherwise."""
    below = import_path.removeprefix("example.com/shop")
    made = package(import_path, *imports, directory=f"{PROJECT}{below}")
    return made._replace(**({"module": SHOP, "local": True} | changes))  # type: ignore[arg-type]


def digest_of(path: str) -> str | None:
    """Return a digest for whatever is no profile."""
    return None if path.endswith(".pgo") else f"digest of {path.rpartition('/')[2]}"


def inputs(
    packages: Mapping[str, Package],
    step: Step,
    *,
    environment: GoEnvironment = GO,
    settings: Mapping[str, str] | None = None,
    digests: Mapping[str, str | None] | None = None,
) -> tuple[Input, ...]:
    """Return the inputs of one step; `digests` are those that are not as usual."""
    special = digests or {}
    lister = Inputs(
        packages, environment, settings or {}, project=PROJECT,
        digest_of=lambda path: special[path] if path in special else digest_of(path),
    )  # fmt: skip
    return lister.of(step)


PREFIX = (
    ("go", "go1.26.8"),
    ("flag tags", ""),
    ("flag ldflags", ""),
    ("flag gcflags", ""),
    ("command", ""),
    ("variables", "GOOS=linux GOARCH=amd64 CGO_ENABLED=0 GOAMD64=v1"),
)


def test_a_step_is_made_from_go_its_flags_and_every_package_it_is_linked_of() -> None:
    third = package("example.com/sdk", "example.com/sdk/http")._replace(module=SDK)
    http = package("example.com/sdk/http")._replace(module=SDK)
    lib = Module("example.com/lib", "/srv/lib", "v0.1.0", main=False, go_version="1.21",
                 replacement="../../srv/lib")  # fmt: skip
    packages = graph(
        local(
            MAIN, AUTH, "example.com/sdk", godebug="panicnil=1", go_files=("main.go", "b.go"),
            other_files=("add.s",), embed_files=("static/logo.svg",),
        ),
        local(AUTH, "example.com/lib"),
        third,
        http,
        package("example.com/lib", directory="/srv/lib")._replace(module=lib, local=True,
            go_files=("lib.go",),
        ),
        local("example.com/shop/api/orders/get"),
    )  # fmt: skip
    found = inputs(packages, step())
    assert found == (
        *PREFIX,
        ("package", MAIN),
        ("godebug", "panicnil=1"),
        ("go.mod example.com/shop", "1.22 ."),
        ("file api/users/get/main.go", "digest of main.go"),
        ("file api/users/get/b.go", "digest of b.go"),
        ("file api/users/get/add.s", "digest of add.s"),
        ("file api/users/get/static/logo.svg", "digest of logo.svg"),
        ("file internal/auth/main.go", "digest of main.go"),
        ("module example.com/sdk", "v1.2.0 h1:sdk="),
        ("go.mod example.com/lib", "1.21 v0.1.0 ../srv/lib"),
        ("file ../srv/lib/lib.go", "digest of lib.go"),
    )


def test_whatever_a_person_chose_is_an_input() -> None:
    chosen = step(
        tags=("lambda.norpc", "prod"), ldflags="-s -w", gcflags="all=-N",
        environment=(("CGO_ENABLED", "1"), ("GOAMD64", "v3")),
    )  # fmt: skip
    environment = GO._replace(flags="-tags=netgo -trimpath=false")
    settings = {
        "GOFLAGS": "-tags=netgo -trimpath=false", "GOEXPERIMENT": "jsonv2", "CC": "clang",
        "GOAMD64": "v2", "GOPROXY": "off", "GOCACHE": "/c", "GOWORK": "off", "GOROOT": "/go",
    }  # fmt: skip
    assert inputs(graph(), chosen, environment=environment, settings=settings) == (
        ("go", "go1.26.8"),
        ("setting CC", "clang"),
        ("setting GOEXPERIMENT", "jsonv2"),
        ("setting GOFLAGS", "-tags=netgo\n-trimpath=false"),
        ("flag tags", "lambda.norpc,prod"),
        ("flag ldflags", "-s -w"),
        ("flag gcflags", "all=-N"),
        ("env CGO_ENABLED", "1"),
        ("env GOAMD64", "v3"),
        (
            "command",
            "-tags=netgo,lambda.norpc,prod -ldflags=-s -w -gcflags=all=-N",
        ),
        ("variables", "GOOS=linux GOARCH=amd64 CGO_ENABLED=1 GOAMD64=v3"),
        # Without -trimpath, it is in the executable.
        ("directory", f"{PROJECT} /go/pkg/mod "),
        ("runtime", "provided.al2023"),
        ("package", MAIN),
    )


def test_what_compiles_c_and_what_it_will_run_on_are_inputs_wherever_they_are() -> None:
    zig = CCompiler("zig 0.17.0", (("CC", "zig cc -target x"), ("CPATH", None)), "/opt/zig:/bin")
    chosen = step(cgo=True, compiler=zig)._replace(layer_libraries=("libpq.so.5", "libz.so.1"))
    settings = {"CPATH": "/include", "CGO_CFLAGS": "-O3"}
    assert inputs(graph(), chosen, settings=settings) == (
        ("go", "go1.26.8"),
        ("setting CGO_CFLAGS", "-O3"),
        ("flag tags", ""),
        ("flag ldflags", ""),
        ("flag gcflags", ""),
        ("flag cgo", "true"),
        ("compiler", "zig 0.17.0"),
        ("command", ""),
        ("variables", "GOOS=linux GOARCH=amd64 CGO_ENABLED=1 GOAMD64=v1 CC=zig cc -target x"),
        ("runtime", "provided.al2023"),
        ("layer_libraries", "libpq.so.5 libz.so.1"),
        ("package", MAIN),
    )


def test_steps_that_differ_in_runtime_alone_have_each_their_own() -> None:
    chosen = step(environment=(("CGO_ENABLED", "1"),))
    lister = Inputs(graph(), GO, {}, project=PROJECT, digest_of=digest_of)
    found = [dict(lister.of(chosen._replace(runtime=runtime)))["runtime"] for runtime in Runtime]
    assert found == ["provided.al2023", "provided.al2"]


def test_without_cgo_the_compiler_of_c_is_none() -> None:
    made = step()._replace(runtime=Runtime.AL2, layer_libraries=("libpq.so.5",))
    assert inputs(graph(), made, settings={"CC": "clang", "CGO_CFLAGS": "-O3"}) == (
        *PREFIX,
        ("package", MAIN),
    )


@pytest.mark.parametrize(
    ("goarch", "decides"),
    [("mips64le", {"GOMIPS64", "GOMIPS"}), ("ppc64", {"GOPPC64"}), ("wasm", {"GOWASM"})],
)
def test_an_instruction_set_counts_only_where_it_is_compiled_for(
    goarch: str, decides: set[str]
) -> None:
    settings = dict.fromkeys(
        ["GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GOWASM"], "1"
    )
    made = step()._replace(target=Target("linux", goarch))
    found = {name for name, _ in inputs(graph(), made, settings=settings)}
    # GOMIPS is a false friend of mips64, which costs a build too many and never one too few.
    assert {name for name in settings if f"setting {name}" in found} == decides


def test_what_only_go_can_follow_is_said_first() -> None:
    environment = GO._replace(flags="-overlay=/o.json")
    assert inputs(graph(), step(), environment=environment)[0] == ("untracked", "overlay")


def test_a_profile_beside_the_program_is_an_input() -> None:
    profile = f"{PROJECT}/api/users/get/default.pgo"
    packages = graph(local(MAIN, AUTH), local(AUTH))
    assert inputs(packages, step(), digests={profile: "profile"}) == (
        *PREFIX,
        ("package", MAIN),
        ("godebug", ""),
        ("file api/users/get/default.pgo", "profile"),
        ("go.mod example.com/shop", "1.22 ."),
        ("file api/users/get/main.go", "digest of main.go"),
        ("file internal/auth/main.go", "digest of main.go"),
    )


@pytest.mark.parametrize("value", ["auto", "off"])
def test_a_profile_that_no_file_is_named_for_is_no_input(value: str) -> None:
    environment = GO._replace(flags=f"-pgo={value}")
    assert inputs(graph(), step(), environment=environment) == (
        PREFIX[0],
        ("setting GOFLAGS", f"-pgo={value}"),
        *PREFIX[1:],
        ("package", MAIN),
    )


def test_a_profile_that_is_named_is_an_input() -> None:
    environment = GO._replace(flags="-pgo=cpu.pgo")
    digests = {f"{PROJECT}/cpu.pgo": "profile"}
    assert inputs(graph(), step(), environment=environment, digests=digests) == (
        PREFIX[0],
        ("setting GOFLAGS", "-pgo=cpu.pgo"),
        *PREFIX[1:],
        ("file cpu.pgo", "profile"),
        ("package", MAIN),
    )


def test_a_file_that_is_not_there_is_unknown() -> None:
    packages = graph(local(MAIN))
    found = inputs(packages, step(), digests={f"{PROJECT}/api/users/get/main.go": None})
    assert found[-1] == ("file api/users/get/main.go", UNKNOWN)


def test_a_module_that_takes_anothers_place_counts_with_its_version() -> None:
    module = SDK._replace(replacement="example.com/fork v1.2.1")
    packages = graph(local(MAIN, "q"), package("q")._replace(module=module))
    assert inputs(packages, step())[-1] == (
        "module example.com/sdk", "v1.2.0=>example.com/fork@v1.2.1 h1:sdk=",
    )  # fmt: skip


@pytest.mark.parametrize("place", ["../lib", "/srv/lib", "../my lib"])
def test_a_directory_that_takes_a_modules_place_counts_with_its_language_version(
    place: str,
) -> None:
    def of(go_version: str) -> tuple[Input, ...]:
        module = SDK._replace(directory="/lib", replacement=place, go_version=go_version)
        lib = package("q", directory="/lib")._replace(module=module, local=True)
        return inputs(graph(local(MAIN, "q"), lib), step())

    # Go 1.22 gave the variables of loops another meaning.
    assert of("1.21") != of("1.22")


def test_modules_that_change_places_are_a_change() -> None:
    one, other = (
        Module(f"example.com/{name}", f"{PROJECT}/{name}", None, main=True, go_version="1.22")
        for name in ("a", "b")
    )

    def listed(first: str, second: str) -> tuple[Input, ...]:
        return inputs(
            graph(
                local(MAIN, "example.com/a", "example.com/b"),
                *(
                    package(f"example.com/{module}", directory=f"{PROJECT}/{where}")._replace(
                        module=named._replace(directory=f"{PROJECT}/{where}"), local=True
                    )
                    for module, where, named in (("a", first, one), ("b", second, other))
                ),
            ),
            step(),
        )

    assert first_change(listed("a", "b"), listed("b", "a"), PATHS) == "go.mod: example.com/a a → b"


@pytest.mark.parametrize(
    "flags", ["-buildvcs=false -trimpath", "-p=2 -mod=mod -modcacherw", "-x -trimpath=1"]
)
def test_flags_that_decide_nothing_are_no_inputs(flags: str) -> None:
    packages = graph(local(MAIN))
    told = inputs(packages, step(), environment=GO._replace(flags=flags))
    assert told == inputs(packages, step())


def test_steps_of_one_lister_are_told_apart() -> None:
    packages = graph(local(MAIN, AUTH), local(AUTH))
    lister = Inputs(packages, GO, {}, project=PROJECT, digest_of=digest_of)
    arm = step()._replace(target=ARM64)
    tagged = step(tags=("prod",))
    other = step()._replace(function=step().function._replace(package=AUTH))
    several = [step(), arm, tagged, other, step()]
    assert [lister.of(item) for item in several] == [inputs(packages, item) for item in several]
    assert len({lister.of(item) for item in several}) == 4


@st.composite
def graphs(draw: st.DrawFn) -> Mapping[str, Package]:
    """Draw packages that import each other, in circles too, and some that are not there."""
    names = st.sampled_from("abcdef")
    drawn = draw(st.dictionaries(names, st.lists(names, max_size=4), min_size=1))
    return graph(*(package(name, *imports) for name, imports in drawn.items()))


@given(graphs())
def test_a_package_is_linked_of_itself_and_whatever_those_import_each_once(
    packages: Mapping[str, Package],
) -> None:
    start = next(iter(packages))
    order = order_of(packages, start)
    reached = {start}
    while more := {i for p in reached & packages.keys() for i in packages[p].imports} - reached:
        reached |= more
    assert (order[0], set(order), len(set(order))) == (start, reached, len(order))


def test_what_is_nearer_comes_first() -> None:
    packages = graph(package("a", "b", "c"), package("b", "d"), package("c"), package("d"))
    assert order_of(packages, "a") == ["a", "b", "c", "d"]


def test_a_long_chain_of_imports_is_no_trouble() -> None:
    chain = graph(*(package(str(n), str(n + 1)) for n in range(3000)))
    assert order_of(chain, "0") == [str(n) for n in range(3001)]


def test_every_variable_that_go_reads_is_a_setting() -> None:
    environment = {
        "GOFLAGS": "-mod=mod", "GO111MODULE": "on", "GOEXPERIMENT": "", "CGO_CFLAGS": "-O2",
        "CC": "clang", "GO_EXTLINK_ENABLED": "1", "GOOGLE_APPLICATION_CREDENTIALS": "x",
        "PATH": "/bin", "HOME": "/root", "GO_ENV": "prod", "Gopath": "x", "MACOSX_DEPLOYMENT_TARGET": "11",
    }  # fmt: skip
    goenv = "GOFLAGS=-mod=vendor\nGOPROXY=off\nGOEXPERIMENT=jsonv2\n# GOSUMDB=off\nnot a line\n"
    assert settings_of(environment, goenv) == {
        "GOFLAGS": "-mod=mod",
        "GO111MODULE": "on",
        "GOEXPERIMENT": "jsonv2",
        "CGO_CFLAGS": "-O2",
        "CC": "clang",
        "GO_EXTLINK_ENABLED": "1",
        "MACOSX_DEPLOYMENT_TARGET": "11",
        "GOPROXY": "off",
    }


def test_a_setting_that_was_written_empty_counts_as_unset() -> None:
    assert settings_of({}, "GOFLAGS=\nGOPROXY=off\n") == {"GOPROXY": "off"}


variables = st.dictionaries(
    st.text(string.ascii_uppercase, max_size=4).map("GO{}".format),
    st.text(string.ascii_letters + "=-", min_size=1, max_size=8),
    max_size=4,
)


@given(variables, variables)
def test_a_variable_of_the_environment_wins(
    environment: dict[str, str], written: dict[str, str]
) -> None:
    goenv = "".join(f"{name}={value}\n" for name, value in written.items())
    assert settings_of(environment, goenv) == written | environment


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({"GOENV": "/etc/go/env", "HOME": "/root"}, "linux", "/etc/go/env"),
        ({"GOENV": "off", "HOME": "/root"}, "linux", None),
        ({"GOENV": "", "HOME": "/root"}, "linux", "/root/.config/go/env"),
        ({"HOME": "/root", "XDG_CONFIG_HOME": "/c"}, "linux", "/c/go/env"),
        ({"HOME": "/root", "XDG_CONFIG_HOME": ""}, "linux", "/root/.config/go/env"),
        ({"HOME": "/u", "XDG_CONFIG_HOME": "/c"}, "darwin",
         "/u/Library/Application Support/go/env"),
        ({}, "linux", None),
        ({}, "darwin", None),
    ],
)  # fmt: skip
def test_what_go_env_writes_is_where_go_looks(
    environment: dict[str, str], platform: str, expected: str | None
) -> None:
    assert goenv_path(environment, platform) == expected


def test_go_list_does_not_see_what_is_kept_where() -> None:
    settings = {
        "GOFLAGS": "-mod=mod", "GOCACHE": "/c", "GOPROXY": "off", "GOMAXPROCS": "2",
        "GOMODCACHE": "/m", "GOPATH": "/p", "GOWORK": "off", "GOTOOLCHAIN": "local", "CC": "clang",
    }  # fmt: skip
    assert loading_settings(settings) == {
        "GOFLAGS": "-mod=mod",
        "GOMODCACHE": "/m",
        "GOPATH": "/p",
        "GOWORK": "off",
        "GOTOOLCHAIN": "local",
        "CC": "clang",
    }


@pytest.mark.parametrize(
    ("goflags", "expected"),
    [
        ("", None),
        ("-mod=mod -tags=a", None),
        ("-buildvcs=false", None),
        ("-buildvcs=0", None),
        ("-buildvcs", "buildvcs"),
        ("-buildvcs=auto", "buildvcs"),
        ("-overlay=o.json", "overlay"),
        ("-modfile=other.mod", "modfile"),
        ("'-toolexec=/usr/bin/time -v'", "toolexec"),
        ("-compiler=gccgo", "compiler"),
        ("-tags=overlay", None),
    ],
)
def test_flags_by_which_go_reads_what_cannot_be_followed_are_known(
    goflags: str, expected: str | None
) -> None:
    assert untracked(goflags) == expected


names = st.sampled_from([
    "go", "setting GOFLAGS", "setting CC", "flag tags", "flag ldflags", "env CGO_ENABLED",
    "command", "variables", "directory", "package", "godebug", "go.mod example.com/shop",
    "module example.com/sdk", "module example.com/x", "file api/main.go", "file b.go", "new",
])  # fmt: skip
known = st.dictionaries(names, st.sampled_from(["", "1", "2", "v1 h1:a=", "v1 h1:b="]))
unknown = st.dictionaries(names | st.just("untracked"), st.sampled_from(["1", UNKNOWN]), max_size=6)


def change(before: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    return first_change(tuple(before.items()), tuple(now.items()), PATHS)


@given(known)
def test_equal_inputs_changed_in_nothing(both: dict[str, str]) -> None:
    assert change(both, dict(both)) is None


@given(known, known)
def test_something_changed_unless_the_inputs_are_equal(
    before: dict[str, str], now: dict[str, str]
) -> None:
    assert (change(before, now) is None) == (before == now)
    assert (change(now, before) is None) == (before == now)


@given(unknown, unknown)
def test_what_may_have_changed_counts_as_changed(
    before: dict[str, str], now: dict[str, str]
) -> None:
    doubtful = UNKNOWN in before.values() or "untracked" in before
    assert (change(before, now) is None) == (before == now and not doubtful)


@given(known, st.randoms(use_true_random=False))
def test_the_order_of_the_inputs_is_no_change(
    both: dict[str, str], shuffler: random.Random
) -> None:
    shuffled = list(both.items())
    shuffler.shuffle(shuffled)
    assert change(both, dict(shuffled)) is None


@given(known, names, st.sampled_from(["3", None]))
def test_a_single_change_is_named(both: dict[str, str], name: str, value: str | None) -> None:
    assume(name in both or value is not None)
    now = {key: text for key, text in both.items() if key != name}
    if value is not None:
        now[name] = value
    alone = {name: both[name]} if name in both else {}
    assert change(both, now) == change(alone, {name: value} if value is not None else {})


@pytest.mark.parametrize(
    ("name", "before", "now", "expected"),
    [
        ("go", "go1.26.7", "go1.26.8", "go1.26.7 → go1.26.8"),
        ("setting GOFLAGS", None, "-race", "GOFLAGS changed"),
        ("env CGO_ENABLED", "1", None, "CGO_ENABLED changed"),
        ("flag cgo", None, "true", "cgo changed: none → true"),
        ("runtime", "provided.al2", "provided.al2023",
         "runtime changed: provided.al2 → provided.al2023"),
        ("compiler", "zig 0.16.0", "zig 0.17.0", "the C compiler changed: zig 0.16.0 → zig 0.17.0"),
        ("compiler", "gcc 100 1", "gcc 100 2", "the C compiler changed"),
        ("layer_libraries", None, "libpq.so.5", "layer_libraries changed: none → libpq.so.5"),
        ("flag tags", "", "prod", "tags changed: none → prod"),
        ("flag ldflags", "-s", "", "ldflags changed: -s → none"),
        ("file api/main.go", "a", "b", "../api/main.go changed"),
        ("file api/main.go", None, "b", "../api/main.go added"),
        ("file api/main.go", "a", None, "../api/main.go removed"),
        ("file api/main.go", "?", "b", "../api/main.go changed during the last build"),
        ("file api/main.go", "?", "?", "../api/main.go changed during the last build"),
        ("module example.com/q", "v1 h1:a=", "v2 h1:b=", "go.mod: example.com/q v1 → v2"),
        ("module example.com/q", "v1 h1:a=", "v1 h1:b=", "go.mod: example.com/q v1 has another sum"),
        ("module example.com/q", None, "v1 h1:a=", "go.mod: example.com/q v1 added"),
        ("module example.com/q", "v1 h1:a=", None, "go.mod: example.com/q v1 removed"),
        ("go.mod example.com/shop", "1.21", "1.22", "go.mod: go 1.21 → 1.22"),
        ("go.mod example.com/lib", None, "1.22", "go.mod: example.com/lib added"),
        ("go.mod example.com/lib", "1.22", None, "go.mod: example.com/lib removed"),
        ("package", "example.com/a", "example.com/b",
         "its import path changed: example.com/a → example.com/b"),
        ("directory", "/a", "/b", "the project, its modules or Go moved, and trimpath is off"),
        ("untracked", None, "overlay", "GOFLAGS has -overlay, which only Go can follow"),
        ("untracked", "overlay", "overlay", "GOFLAGS has -overlay, which only Go can follow"),
        ("untracked", "overlay", None, "GOFLAGS changed"),
        ("godebug", "", "panicnil=1", "its GODEBUG defaults changed"),
        ("command", "-a", "-b", "another lambdabuild passes other flags to Go"),
        ("variables", "A=1", "B=1", "another lambdabuild passes other flags to Go"),
        ("what a later one adds", None, "1", "another lambdabuild passes other flags to Go"),
    ],
)  # fmt: skip
def test_a_change_is_told_in_words(
    name: str, before: str | None, now: str | None, expected: str
) -> None:
    rest = {"godebug2": "the same"}
    old = rest | ({name: before} if before is not None else {})
    new = rest | ({name: now} if now is not None else {})
    assert change(old, new) == expected


IN_ORDER = [
    "untracked", "go", "setting GOFLAGS", "flag tags", "env A", "go.mod m", "module q", "package",
    "file main.go", "command",
]  # fmt: skip


@given(st.sets(st.sampled_from(IN_ORDER), min_size=1), st.randoms(use_true_random=False))
def test_of_several_changes_the_one_that_explains_the_others_is_named(
    changed: set[str], shuffler: random.Random
) -> None:
    mixed = list(changed)
    shuffler.shuffle(mixed)
    before = dict.fromkeys(mixed, "old")
    now = dict.fromkeys(reversed(mixed), "new")
    first = min(changed, key=IN_ORDER.index)
    assert change(before, now) == change({first: "old"}, {first: "new"})


@given(st.lists(directories, min_size=1, unique=True), texts)
def test_of_several_files_the_nearest_is_named(files: list[str], digest: str) -> None:
    now = {f"file {name}": digest for name in files}
    before = {name: f"{text} before" for name, text in reversed(now.items())}
    assert change(before, now) == f"../{files[0]} changed"


places = directories.map("/{}".format)


@given(places, places)
def test_a_file_is_called_by_its_way_from_the_project(path: str, project: str) -> None:
    assume(not f"{project}/".startswith(f"{path}/"))
    name = name_of(path, project)
    assert name == posixpath.relpath(path, project)
    assert path_of(name, project) == path


def test_a_package_that_cannot_be_loaded_has_inputs_all_the_same() -> None:
    broken = package(MAIN, errors=(Diagnostic(MAIN, "expected 'package'"),))
    assert inputs(graph(broken), step()) == (*PREFIX, ("package", MAIN), ("godebug", ""))
