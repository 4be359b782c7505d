"""Values of lambdabuild's nouns: plain ones that a test varies, and strategies for any of them."""

import logging
import string
from collections.abc import Mapping

from hypothesis import strategies as st

from lambdabuild.core.artifact import Artifact, Identity, Kind, Sidecar
from lambdabuild.core.build import Batch, Function, Step
from lambdabuild.core.gopackage import Diagnostic, GoEnvironment, Package
from lambdabuild.core.result import Report, Share, Status, StepResult
from lambdabuild.core.target import TARGETS, Architecture, Flags, Runtime, Target
from lambdabuild.state.stamps import Stamps
from lambdabuild.state.state import Findings, State

X86_64 = TARGETS[Architecture.X86_64]
ARM64 = TARGETS[Architecture.ARM64]
DARWIN = Target("darwin", "arm64")
PROJECT = "/shop"


def relative(path: str) -> str:
    """Show a path below the project as `os.path.relpath` would, from there."""
    return path.removeprefix(f"{PROJECT}/")


def function(name: str = "users-get", *, load: str = PROJECT) -> Function:
    """Return a function in the directory that gives it its name."""
    below = f"api/{name.replace('-', '/')}"
    return Function(name, f"example.com/shop/{below}", f"{PROJECT}/{below}", load)


def step(
    name: str = "users-get",
    *,
    target: Target = X86_64,
    runtime: Runtime | None = Runtime.AL2023,
    errors: tuple[Diagnostic, ...] = (),
) -> Step:
    """Return a step that publishes to `dist/<name>/bootstrap`."""
    return Step(
        function(name), target, runtime, Flags(), f"{PROJECT}/dist/{name}/bootstrap", errors
    )


def artifact(name: str = "users-get") -> Artifact:
    """Return what was published at `dist/<name>/bootstrap`, as a report tells it: absolute."""
    made = step(name)
    return Artifact(
        made.artifact, "dist", name, made.function.package, made.function.directory, X86_64,
        Runtime.AL2023, "", Identity(1, 2, 3, 4), None,
    )  # fmt: skip


def batch(*steps: Step, number: int = 0) -> Batch:
    """Return a batch of these steps, whatever they are."""
    return Batch(PROJECT, steps[0].target, Flags(), steps, {}, number)


def package(
    import_path: str, *imports: str, errors: tuple[Diagnostic, ...] = (), directory: str = ""
) -> Package:
    """Return a package that imports others."""
    return Package(
        import_path=import_path,
        name="main",
        directory=directory,
        go_files=("main.go",),
        ignored_files=(),
        imports=imports,
        module=None,
        only_dependency=False,
        errors=errors,
    )


def graph(*packages: Package) -> Mapping[str, Package]:
    """Return the packages by import path."""
    return {item.import_path: item for item in packages}


# What Go accepts in an import path, and so in the name of a directory with a package.
elements = st.text(string.ascii_letters + string.digits + "-._~", min_size=1, max_size=8).filter(
    lambda text: text[0] not in "._" and text[-1] != "."
)
directories = st.lists(elements, min_size=1, max_size=4).map("/".join)
names = st.lists(elements, min_size=1, max_size=3).map("-".join)
texts = st.text(st.characters(codec="utf-8"), max_size=30)
"""Anything that can be written in UTF-8."""
messages = st.sampled_from(["", "undefined: token", "cannot use x\n\tdeclared here", "größe „x“"])
"""Quicker to draw than any text, for values that hold many."""
paths = st.sampled_from(["api/users/get", "api/users-get", "api/v2", "api", "cmd/a.b/Get", "x~1/y"])
"""Quicker to draw than any directory."""

targets = st.sampled_from(
    [X86_64, ARM64, DARWIN, Target("windows", "amd64"), Target("linux", "386")]
)
runtimes = st.sampled_from(Runtime)
digests = st.integers(0, 2**256 - 1).map("{:064x}".format)
seconds = st.floats(0, 1e6)
sizes = st.integers(0, 10**9)

diagnostics = st.builds(
    Diagnostic,
    package=st.none() | paths,
    message=messages,
    file=st.none() | paths.map(lambda path: f"{PROJECT}/{path}.go"),
    line=st.none() | st.integers(1, 10_000),
    column=st.none() | st.integers(1, 500),
)


@st.composite
def functions(draw: st.DrawFn) -> Function:
    """Draw a function somewhere below the project."""
    directory = draw(paths)
    return Function(
        draw(paths).replace("/", "-"), f"example.com/{directory}", f"{PROJECT}/{directory}", PROJECT
    )


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Draw a step whose runtime fits its target."""
    target = draw(targets)
    made = draw(functions())
    runtime = draw(runtimes) if target.architecture else None
    place = f"{PROJECT}/dist/{made.name}"
    packed = f"{place}.zip" if draw(st.booleans()) else None
    return Step(made, target, runtime, Flags(), f"{place}/bootstrap", zip=packed)


identities = st.builds(
    Identity,
    inode=st.integers(0, 2**64 - 1),
    size=sizes,
    modified=st.integers(0, 2**63 - 1),
    changed=st.integers(0, 2**63 - 1),
)


def sidecars(kinds: st.SearchStrategy[Kind]) -> st.SearchStrategy[Sidecar]:
    """Draw what stands with an executable."""
    return st.builds(
        Sidecar,
        kind=kinds,
        path=paths.map("dist/{}".format),
        sha256=digests,
        identity=identities,
        made_from=messages,
        executable=st.booleans(),
    )


@st.composite
def step_results(draw: st.DrawFn) -> StepResult:
    """Draw what became of a step; it has a zip only where one was asked for."""
    result = draw(_results)
    if result.step.zip is None:
        return result
    return result._replace(zip=draw(st.none() | sidecars(st.just(Kind.ZIP))))


_results = st.builds(
    StepResult,
    step=steps(),
    status=st.sampled_from(Status),
    reason=st.none() | messages.filter(bool),
    artifact=st.none() | paths.map(lambda path: f"{PROJECT}/dist/{path}/bootstrap"),
    size=st.none() | sizes,
    previous_size=st.none() | sizes,
    sha256=st.none() | digests,
    compile_seconds=st.none() | seconds,
    link_seconds=st.none() | seconds,
    seconds=st.none() | seconds,
    errors=st.lists(diagnostics, max_size=2).map(tuple),
    zip=st.none(),
)
results = step_results()


inputs = st.lists(
    st.tuples(
        st.sampled_from(["go", "package", "file api/main.go", "setting GOFLAGS", "module m"]),
        st.sampled_from(["", "?", "1", "größe"]) | digests,
    ),
    max_size=4,
).map(tuple)


@st.composite
def artifacts(draw: st.DrawFn) -> Artifact:
    """Draw an artifact whose runtime fits its target."""
    target = draw(targets)
    sha256 = draw(digests)
    layout = draw(st.sampled_from(["dist", ""]))
    directory = draw(paths)
    top = layout or directory
    return Artifact(
        path=f"{top}/{draw(paths)}/bootstrap",
        layout=layout,
        function=draw(paths).replace("/", "-"),
        package=draw(paths),
        directory=directory,
        target=target,
        runtime=draw(runtimes) if target.architecture else None,
        sha256=sha256,
        identity=draw(identities),
        build_id=draw(st.none() | directories),
        link_id=draw(st.none() | paths),
        inputs=draw(inputs),
        packed=draw(inputs),
        sidecars=tuple(
            sidecar._replace(
                path=f"{top}/{sidecar.path}",
                made_from=sha256 if draw(st.booleans()) else sidecar.made_from,
            )
            for sidecar in draw(st.lists(sidecars(st.sampled_from(Kind)), max_size=3))
        ),
        keeps_methods=draw(st.sampled_from([None, False, True])),
    )


reports = st.builds(
    Report,
    ok=st.booleans(),
    seconds=seconds,
    go=st.sampled_from(["go1.22.10", "go1.26.8", "devel go1.28-abcdef"]),
    jobs=st.integers(1, 512),
    results=st.lists(results, max_size=3).map(tuple),
    removed=st.lists(artifacts(), max_size=2).map(tuple),
    share=st.none()
    | st.builds(
        Share,
        index=st.integers(1, 9),
        count=st.integers(1, 9),
        functions=st.integers(0, 99),
        split=st.just("0a1b"),
    ),
    spans=st.just(()),
    warnings=st.lists(texts, max_size=2, unique=True).map(tuple),
)

A_STATE = State(
    manifests={"dist/manifest.json": "0"},
    findings=Findings(
        environments={"/shop": GoEnvironment("go1.26.8", "?", None, "/c", "/m", "auto")},
        stamps=Stamps(doubted=True),
    ),
)


def record(level: int, message: str, *arguments: object) -> logging.LogRecord:
    """Return what a logger would hand on."""
    return logging.LogRecord("lambdabuild", level, "process.py", 1, message, arguments, None)
