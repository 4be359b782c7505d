from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.config import Choices, Config, FunctionTable, Settings
from lambdabuild.model import (
    Batch,
    Diagnostic,
    Flags,
    Function,
    Package,
    Plan,
    Runtime,
    Step,
    Target,
)
from lambdabuild.plan import artifact_path, batches_in_order, make_plan, reached
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
                "both": FunctionTable(Choices(targets=(X86_64, ARM64))),
                "flagged": FunctionTable(Choices(ldflags="")),
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
    settings = Settings(flags=Choices(targets=(X86_64, ARM64, DARWIN)))
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
    settings = Settings(flags=Choices(targets=(X86_64, ARM64)))
    plan = make_plan(functions, settings, loaded(functions, ARM64), out=OUT)
    assert plan.steps == (step(functions[0], ARM64, artifact=f"{OUT}/users-get/arm64/bootstrap"),)


def test_in_place_the_executable_is_beside_its_sources() -> None:
    functions = [function("users-get")]
    plan = make_plan(functions, Settings(in_place=True), loaded(functions, X86_64), out=OUT)
    assert plan.steps == (step(functions[0], artifact=f"{PROJECT}/api/users/get/bootstrap"),)
    assert artifact_path(functions[0], ARM64, several=True, out=None) == (
        f"{PROJECT}/api/users/get/arm64/bootstrap"
    )


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
