import os
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.config.options import Config
from lambdabuild.config.settings import Settings
from lambdabuild.core.artifact import Asset
from lambdabuild.core.build import Batch, Function, Plan, Step
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic, Module, Package
from lambdabuild.core.target import CCompiler, Flags, Runtime, Target
from lambdabuild.survey.plan import (
    batches_in_order,
    make_plan,
    places,
    reached,
    refuse_collisions,
)
from tests.unit.values import ARM64, DARWIN, PROJECT, X86_64, function, graph, package

OUT = f"{PROJECT}/dist"
FLAGS = Settings().of("any").flags
EMPTY: Mapping[str, Package] = {}


def loaded(
    functions: Sequence[Function], *targets: Target, packages: Mapping[str, Package] = EMPTY
) -> dict[tuple[str, Target], tuple[Package, Mapping[str, Package]]]:
    """Return every function as loaded for every target, within one graph."""
    whole = {**packages, **graph(*(package(f.package) for f in functions)), **packages}
    return {(f.name, target): (whole[f.package], whole) for f in functions for target in targets}


def step(
    of: Function,
    target: Target = X86_64,
    *,
    artifact: str,
    runtime: Runtime | None = Runtime.AL2023,
    flags: Flags = FLAGS,
    errors: tuple[Diagnostic, ...] = (),
) -> Step:
    return Step(of, target, runtime, flags, artifact, errors)


def test_functions_that_share_module_target_and_flags_are_built_together() -> None:
    functions = [function("carts"), function("users-get")]
    packages = loaded(functions, X86_64)
    steps = (
        step(functions[0], artifact=f"{OUT}/carts/bootstrap"),
        step(functions[1], artifact=f"{OUT}/users-get/bootstrap"),
    )
    assert make_plan(functions, Settings(), packages, out=OUT) == Plan(
        steps, (Batch(PROJECT, X86_64, FLAGS, steps, packages["carts", X86_64][1]),)
    )


def test_each_compiler_of_c_has_a_batch_and_what_has_no_c_is_with_none_of_them() -> None:
    old, new, plain = function("old"), function("new"), function("plain")
    table = {"cgo": True, "layer_libraries": ("libpq.so.5",)}
    settings = Settings(Config(functions={"old": table, "new": table}))
    compilers = {("old", X86_64): CCompiler("for al2"), ("new", X86_64): CCompiler("for al2023")}
    functions = [old, new, plain]
    plan = make_plan(functions, settings, loaded(functions, X86_64), {}, compilers, out=OUT)
    assert [(batch.flags.cgo, batch.flags.compiler) for batch in plan.batches] == [
        (True, compilers["old", X86_64]),
        (True, compilers["new", X86_64]),
        (False, None),
    ]
    assert [step.layer_libraries for step in plan.steps] == [("libpq.so.5",), ("libpq.so.5",), ()]


def test_each_module_target_and_set_of_flags_has_a_batch_the_largest_first() -> None:
    alone, other, both, flagged = (
        function("alone"),
        function("other", load="/shop/tools"),
        function("both"),
        function("flagged"),
    )
    settings = Settings(
        Config(
            functions={
                "both": {"targets": (X86_64, ARM64)},
                "flagged": {"ldflags": ""},
            }
        )
    )
    functions = [alone, other, both, flagged]
    plan = make_plan(functions, settings, loaded(functions, X86_64, ARM64), out=OUT)
    batches = [
        (b.directory, str(b.target), b.flags.ldflags, [s.function.name for s in b.steps])
        for b in plan.batches
    ]
    assert batches == [
        (PROJECT, "linux/amd64", "-s -w", ["alone", "both"]),
        ("/shop/tools", "linux/amd64", "-s -w", ["other"]),
        (PROJECT, "linux/arm64", "-s -w", ["both"]),
        (PROJECT, "linux/amd64", "", ["flagged"]),
    ]


def test_a_function_of_several_targets_has_a_directory_for_each() -> None:
    functions = [function("users-get")]
    settings = Settings(flags={"targets": (X86_64, ARM64, DARWIN)})
    plan = make_plan(functions, settings, loaded(functions, X86_64, ARM64, DARWIN), out=OUT)
    assert plan.steps == (
        step(functions[0], artifact=f"{OUT}/users-get/x86_64/bootstrap"),
        step(functions[0], ARM64, artifact=f"{OUT}/users-get/arm64/bootstrap"),
        step(
            functions[0], DARWIN, artifact=f"{OUT}/users-get/darwin-arm64/bootstrap", runtime=None
        ),
    )


def test_a_target_that_a_function_has_no_files_for_is_left_out() -> None:
    functions = [function("users-get")]
    settings = Settings(flags={"targets": (X86_64, ARM64)})
    plan = make_plan(functions, settings, loaded(functions, ARM64), out=OUT)
    assert plan.steps == (step(functions[0], ARM64, artifact=f"{OUT}/users-get/arm64/bootstrap"),)


def test_in_place_the_executable_is_beside_its_sources() -> None:
    functions = [function("users-get")]
    plan = make_plan(functions, Settings(Config(in_place=True)), loaded(functions, X86_64), out=OUT)
    assert plan.steps == (step(functions[0], artifact=f"{PROJECT}/api/users/get/bootstrap"),)
    both = Settings(flags={"targets": (X86_64, ARM64)}).of("users-get")
    artifact, beside = places(functions[0], ARM64, both, out=None)
    assert artifact == beside == f"{PROJECT}/api/users/get/arm64/bootstrap"


PACKING = {"zip": True, "sbom": True}


def beside(plan: Plan) -> list[tuple[str | None, str | None]]:
    return [(step.zip, step.sbom) for step in plan.steps]


def test_a_zip_and_a_bill_of_one_target_are_named_after_the_function() -> None:
    functions = [function("users-get"), function("carts")]
    for choices, expected in (
        ({}, (None, None)),
        ({"zip": True}, (f"{OUT}/users-get.zip", None)),
        ({"sbom": True}, (None, f"{OUT}/users-get.sbom.json")),
    ):
        settings = Settings(Config(functions={"users-get": choices}))
        plan = make_plan(functions, settings, loaded(functions, X86_64), out=OUT)
        assert beside(plan) == [expected, (None, None)]


def test_zips_and_bills_of_several_targets_are_told_apart() -> None:
    functions = [function("users-get")]
    settings = Settings(flags={**PACKING, "targets": (X86_64, ARM64, DARWIN)})
    plan = make_plan(functions, settings, loaded(functions, X86_64, ARM64, DARWIN), out=OUT)
    assert beside(plan) == [
        (f"{OUT}/users-get-{label}.zip", f"{OUT}/users-get-{label}.sbom.json")
        for label in ("x86_64", "arm64", "darwin-arm64")
    ]


def test_in_place_a_zip_and_a_bill_are_beside_the_executable() -> None:
    functions = [function("users-get")]
    home = f"{PROJECT}/api/users/get"
    for targets, folders in (((X86_64,), ["/"]), ((X86_64, ARM64), ["/x86_64/", "/arm64/"])):
        settings = Settings(Config(in_place=True), {**PACKING, "targets": targets})
        plan = make_plan(functions, settings, loaded(functions, X86_64, ARM64), out=OUT)
        assert beside(plan) == [
            (f"{home}{place}bootstrap.zip", f"{home}{place}bootstrap.sbom.json")
            for place in folders
        ]


def test_assets_are_those_of_the_function_for_each_target() -> None:
    functions = [function("users-get"), function("carts")]
    asset = Asset("a", f"{PROJECT}/api/users/get/a", executable=False)
    settings = Settings(flags={"targets": (X86_64, ARM64)})
    packages = loaded(functions, X86_64, ARM64)
    plan = make_plan(functions, settings, packages, {"users-get": ((asset,), ())}, out=OUT)
    assert [step.assets for step in plan.steps] == [(asset,), (asset,), (), ()]


def test_a_function_with_something_wrong_about_its_assets_is_set_aside() -> None:
    broken, whole = function("broken"), function("whole")
    fault = Diagnostic(broken.package, "no file matches the asset `a`")
    packages = loaded([broken, whole], X86_64)
    plan = make_plan([broken, whole], Settings(), packages, {"broken": ((), (fault,))}, out=OUT)
    assert [(step.function, step.load_errors) for step in plan.set_aside] == [(broken, (fault,))]
    assert [step.function for batch in plan.batches for step in batch.steps] == [whole]


def collision(settings: Settings, *names: str) -> str | None:
    """Return what is said of functions with these names; None if nothing is."""
    try:
        refuse_collisions([function(name) for name in names], settings, out=OUT)
    except LambdabuildError as error:
        return str(error)
    return None


def said(one: str, other: str, path: str) -> str:
    return (
        f"the functions `{one}` and `{other}` would both write `{path}`\n"
        "  hint: give one of them another name in lambdabuild.toml: a `directory` under [functions]"
    )


BOTH = {"targets": (X86_64, ARM64)}


@pytest.mark.parametrize("other", ["users-arm64", "Users-ARM64"])
def test_a_zip_for_an_architecture_is_not_that_of_another_function(other: str) -> None:
    config = Config(functions={"users": BOTH})
    zipped = Settings(config, flags={"zip": True})
    # The one that comes later is told the path.
    assert collision(zipped, "users", other) == said("users", other, f"{OUT}/{other}.sbom.json")
    assert collision(zipped, other, "users") == (
        said(other, "users", f"{OUT}/users-arm64.sbom.json")
    )
    assert collision(Settings(config), "users", other) is None
    assert collision(zipped, "users", "users-arm", "users-x86", "users-amd64") is None


@pytest.mark.parametrize(
    ("one", "other"), [("a", "a.zip"), ("a", "A.zip"), ("a", "a.ZIP"), ("a", "a.sbom.json")]
)
def test_a_zip_is_not_the_directory_of_another_function(one: str, other: str) -> None:
    for packing in ({"zip": True}, {"sbom": True}):
        config = Config(functions={one: packing})
        assert collision(Settings(config), one, other) == said(one, other, f"{OUT}/{other}")
    assert collision(Settings(), one, other) is None


@pytest.mark.parametrize(
    "name",
    ["manifest.json", "Manifest.JSON", ".lambdabuild", ".manifest.json.lambdabuild-tmp",
     ".a.zip.lambdabuild-tmp"],
)  # fmt: skip
def test_no_function_takes_the_place_of_what_lambdabuild_writes_itself(name: str) -> None:
    for names in ([name], ["a", name], [name, "b"]):
        assert collision(Settings(), *names) == (
            f"the function `{name}` would take the place of `{OUT}/{name}`, which lambdabuild "
            "writes itself\n"
            "  hint: give it another name in lambdabuild.toml: a `directory` under [functions]"
        )
    # There, a function is where its sources are.
    assert collision(Settings(Config(in_place=True)), name) is None
    assert collision(Settings(), "manifest", "json", "manifest.jsonl", "lambdabuild") is None


def test_in_place_no_function_s_directory_is_another_s_executable() -> None:
    path = f"{PROJECT}/api/users/bootstrap"
    one, other = function("users"), function("users-bootstrap")._replace(directory=path)
    refuse_collisions([one, other], Settings(), out=OUT)
    with pytest.raises(LambdabuildError) as caught:
        refuse_collisions([one, other], Settings(Config(in_place=True)), out=OUT)
    assert str(caught.value) == said("users", "users-bootstrap", path)


def test_in_place_no_two_functions_write_to_one_file() -> None:
    settings = Settings(Config(functions={"users": BOTH}, in_place=True))
    path = f"{PROJECT}/api/users/arm64/bootstrap"
    assert collision(settings, "users", "users-arm64") == said("users", "users-arm64", path)
    assert collision(settings, "users", "users-get", "a", "a.zip") is None


functions_named = st.lists(
    st.sampled_from(["a", "a.zip", "a-arm64", "A-arm64", "a.sbom.json", "a-arm64.zip", "b"]),
    unique_by=str.casefold,
    min_size=1,
    max_size=5,
)


@given(functions_named, st.data())
def test_of_functions_that_do_not_collide_every_file_is_its_own(
    names: list[str], data: st.DataObject
) -> None:
    tables = st.fixed_dictionaries(
        {"zip": st.booleans(), "sbom": st.booleans()},
        optional={"targets": st.sampled_from([(X86_64, ARM64), (ARM64,)])},
    )
    settings = Settings(Config(functions={name: data.draw(tables) for name in names}))
    functions = [function(name) for name in names]
    if collision(settings, *names) is None:
        plan = make_plan(functions, settings, loaded(functions, X86_64, ARM64), out=OUT)
        written = [
            path.casefold()
            for step in plan.steps
            for path in (step.artifact, step.zip, step.sbom)
            if path is not None
        ]
        assert len(set(written)) == len(written)
        directories = {os.path.dirname(path) for path in written}
        assert not directories & set(written)


def test_what_cannot_be_loaded_is_set_aside_with_its_errors_and_the_others_are_built() -> None:
    broken, whole = function("broken"), function("whole")
    missing = Diagnostic("m/deep", "package q is not in std", "/shop/deep/deep.go", 3, 8)
    packages = loaded(
        [broken, whole],
        X86_64,
        packages=graph(
            package(broken.package, "m/auth"),
            package("m/auth", "m/deep"),
            package("m/deep", errors=(missing,)),
        ),
    )
    plan = make_plan([broken, whole], Settings(), packages, out=OUT)
    aside = step(broken, artifact=f"{OUT}/broken/bootstrap", errors=(missing,))
    built = step(whole, artifact=f"{OUT}/whole/bootstrap")
    assert plan == Plan(
        (aside, built), (Batch(PROJECT, X86_64, FLAGS, (built,), packages["whole", X86_64][1]),)
    )
    assert plan.set_aside == (aside,)


def test_a_missing_package_of_a_module_that_is_here_is_no_matter_of_go_get() -> None:
    broken = function("broken")
    told = (
        "no required module provides package {}; to add it:\n\tgo get {}",
        "there is no package {}: the module has no directory `internal/user` with Go files",
    )
    own = Module("m", PROJECT, None, main=True)

    def errors(missing: str) -> list[Diagnostic]:
        error = Diagnostic(broken.package, told[0].format(missing, missing), "/shop/a.go", 3, 8)
        packages = graph(
            package(broken.package, errors=(error,))._replace(module=own),
            package("m/internal/users")._replace(module=own, name="users"),
        )
        plan = make_plan([broken], Settings(), loaded([broken], X86_64, packages=packages), out=OUT)
        return list(plan.steps[0].load_errors)

    (here,) = errors("m/internal/user")
    assert (here.message, here.hint) == (
        told[1].format("m/internal/user"), "did you mean `m/internal/users`?"
    )  # fmt: skip
    (elsewhere,) = errors("mm/internal/user")
    assert elsewhere.message == told[0].format("mm/internal/user", "mm/internal/user")


def test_without_functions_there_is_nothing_to_do() -> None:
    assert make_plan([], Settings(), {}, out=OUT) == Plan((), ())


def test_a_package_reaches_itself_and_its_imports_nearest_first() -> None:
    packages = graph(
        package("main", "a", "b"),
        package("a", "deep", "fmt"),
        package("b", "a", "main"),
        package("deep", "b"),
        package("elsewhere"),
    )
    wanted = {"deep", "elsewhere", "fmt", "main", "b"}
    assert reached(packages, "main", wanted) == ("main", "b", "deep", "fmt")
    assert reached(packages, "elsewhere", wanted) == ("elsewhere",)
    assert reached(packages, "unknown", wanted) == ()


nodes = st.sampled_from("abcdef")
graphs = st.dictionaries(nodes, st.lists(nodes, max_size=3))


@given(graphs, nodes, st.sets(nodes))
def test_reached_is_what_is_wanted_of_all_that_a_package_imports(
    imports: dict[str, list[str]], start: str, wanted: set[str]
) -> None:
    packages = graph(*(package(path, *imported) for path, imported in imports.items()))
    everything = {start}
    while more := {i for path in everything for i in imports.get(path, [])} - everything:
        everything |= more
    found = reached(packages, start, wanted)
    assert len(found) == len(set(found))
    assert set(found) == everything & wanted


modules = st.sampled_from(["/shop", "/shop/tools", "/shop/web"])
batches = st.builds(
    Batch,
    directory=modules,
    target=st.sampled_from([X86_64, ARM64]),
    flags=st.sampled_from([Flags(), Flags(ldflags="-s")]),
    steps=st.just(()),
    graph=st.just({}),
)


@given(st.lists(batches))
def test_the_first_batch_of_every_target_and_flags_goes_ahead(made: list[Batch]) -> None:
    alone, together = batches_in_order(made)
    keys = [(batch.target, batch.flags) for batch in alone]
    assert keys == list(dict.fromkeys((batch.target, batch.flags) for batch in made))
    firsts = [next(b for b in made if (b.target, b.flags) == key) for key in keys]
    assert [id(batch) for batch in alone] == [id(batch) for batch in firsts]
    ahead = {id(batch) for batch in alone}
    assert [id(b) for b in together] == [id(b) for b in made if id(b) not in ahead]
