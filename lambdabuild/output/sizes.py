"""Show what executables are made of, and what keeps their methods: as text and as JSON."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from lambdabuild.core.build import Step
from lambdabuild.core.result import SCHEMA
from lambdabuild.core.text import counted, some
from lambdabuild.core.text import size as bytes_text
from lambdabuild.output.report import Relative, identity_value, labels
from lambdabuild.output.terminal.style import BOLD, CYAN, DIM, YELLOW
from lambdabuild.sizes.composition import STANDARD, UNLOADED, Composition, ModuleSize, Sized
from lambdabuild.sizes.dependencies import Cause
from lambdabuild.sizes.imports import is_standard
from lambdabuild.sizes.symbols import package_of

_MODULES = 10
"""Modules that are shown, and packages of each that takes a twentieth of all."""
_PACKAGES = 3
_WORTH_TELLING = 0.05
_CAUSES = 5
_ARROW = " -> "


class Line(NamedTuple):
    """A line of text."""

    subject: str
    text: str = ""
    style: str = ""
    """Of the subject on a terminal that has colours (SGR)."""


class Keeper(NamedTuple):
    """What keeps all methods, and how the function comes to it."""

    cause: Cause
    imports: tuple[str, ...]
    """Packages from the function's own to that of the cause; each imports the next."""
    first_foreign: str | None = None
    """The first of them that is of no module of the repository."""
    by_name: str | None = None
    """The package that calls a method by a constant name; only by that name is the cause reached."""

    @property
    def package(self) -> str:
        """The package that is to blame."""
        return self.by_name or package_of(self.cause.function)

    @property
    def sentence(self) -> str:
        """What calls what."""
        calls = self.cause.calls or "Method or MethodByName of reflect"
        sentence = f"{self.cause.function} calls {calls}"
        method = self.cause.method
        if self.by_name is not None:
            return f'{sentence}, and is kept as {self.by_name} calls MethodByName("{method}")'
        return f"{sentence}, and is kept as something calls {method}" if method else sentence

    @property
    def remedy(self) -> str | None:
        """What would help; None where what is to blame is not known."""
        if self.cause.method is not None and self.by_name is None:
            return None
        if self.first_foreign is None:
            return "call methods by an interface, or give MethodByName a constant name"
        if is_standard(self.first_foreign):
            return (
                f"do without {self.first_foreign}, or have a function of its own for what needs it"
            )
        package = "" if self.first_foreign == self.package else f" without {self.package}"
        return f"replace {self.first_foreign}, or take a version or a build tag of it{package}"


class Examined(NamedTuple):
    """What is known of one executable."""

    step: Step
    size: int
    """Bytes of its file."""
    is_built: bool
    """The file is what is in place; else one that was linked for this alone."""
    zip_size: int | None
    parts: Composition | None
    keeps_all: bool | None
    """Whether the linker kept all exported methods; None where that is not known."""
    keepers: tuple[Keeper, ...] = ()
    """What makes it keep them; one is enough."""
    followers: tuple[Keeper, ...] = ()
    """What may be there only because it did."""
    missing: tuple[str, ...] = ()
    """What is not known, and why: sentences."""

    @property
    def rest(self) -> tuple[Sized, ...]:
        """What is of no package, with what is not loaded."""
        if self.parts is None:
            return ()
        unloaded = self.size - self.parts.size
        return (*self.parts.rest, *([Sized(UNLOADED, unloaded)] if unloaded > 0 else []))


def size_lines(examined: Sequence[Examined], *, everything: bool) -> Iterator[Line]:
    """Yield the lines that people read; with `everything`, one for every module and package."""
    names = labels(item.step for item in examined)
    for number, item in enumerate(examined):
        if number:
            yield Line("")
        packed = f", {bytes_text(item.zip_size)} as a zip" if item.zip_size is not None else ""
        built = "" if item.is_built else ", as it would be built now"
        yield Line(names[item.step.key], f": {bytes_text(item.size)}{packed}{built}", BOLD)
        if item.parts is not None:
            yield from _parts(item, item.parts, everything=everything)
        yield from _methods(item)
        for sentence in item.missing:
            yield Line("  not known", f": {sentence}", YELLOW)


def _parts(item: Examined, parts: Composition, *, everything: bool) -> Iterator[Line]:
    shown = parts.modules if everything else parts.modules[:_MODULES]
    for module in shown:
        yield _sized(_named(module), module.size, item.size)
        packages = module.packages
        if not everything:
            large = module.size >= _WORTH_TELLING * item.size
            packages = packages[:_PACKAGES] if large and len(packages) > 1 else ()
        for package in packages:
            yield _sized(f"  {package.name}", package.size, item.size, DIM)
    if left := parts.modules[len(shown) :]:
        more = counted(len(left), "more module")
        yield _sized(f"{more} (--all lists them)", sum(m.size for m in left), item.size, DIM)
    for part in item.rest:
        yield _sized(f"({part.name})", part.size, item.size)


def _named(module: ModuleSize) -> str:
    if module.path == STANDARD:
        return f"{STANDARD} (the standard library)"
    return f"{module.path} {module.version}" if module.version else module.path


def _sized(name: str, size: int, whole: int, style: str = "") -> Line:
    return Line(f"  {bytes_text(size):>9} {size / max(1, whole):>4.0%}  {name}", style=style)


def _methods(item: Examined) -> Iterator[Line]:
    if not item.keepers:
        if item.keeps_all is False:
            yield Line("  methods", ": the linker left out those that nothing calls")
        elif item.keeps_all:
            yield Line("  methods", ": the linker kept all exported ones, called or not", YELLOW)
        return
    yield Line(
        "  methods",
        ": the linker kept all exported ones, called or not, as one may be called by its name",
        YELLOW,
    )
    by_package: dict[str, list[Keeper]] = {}
    for keeper in item.keepers:
        by_package.setdefault(keeper.package, []).append(keeper)
    for first, *others in list(by_package.values())[:_CAUSES]:
        more = f"; so do {len(others)} more" if others else ""
        yield Line(f"    {first.sentence}{more}")
        yield Line(f"      imports: {_ARROW.join(first.imports)}")
        yield Line(f"      calls: {_ARROW.join(_told(first.cause.chain))}")
    if len(by_package) > 1:
        yield Line(f"    each of these is enough: {some(list(by_package), _CAUSES, quote='')}")
    if item.followers:
        later = list(dict.fromkeys(keeper.package for keeper in item.followers))
        yield Line(
            "    reached only after that, and perhaps gone with it: "
            f"{some(later, _CAUSES, quote='')}"
        )
    remedies = dict.fromkeys(keeper.remedy for keeper in item.keepers)
    for remedy in list(filter(None, remedies))[:_CAUSES]:
        yield Line("  hint", f": {remedy}", CYAN)


def _told(chain: Sequence[str]) -> list[str]:
    """Return a chain without what starts every program, and without names of the compiler's own."""
    start = chain.index("main.main") if "main.main" in chain else 0
    told = (symbol.removesuffix("·f").removesuffix("..inittask") for symbol in chain[start:])
    return list(dict.fromkeys(symbol for symbol in told if not symbol.startswith("go:")))


def size_value(examined: Iterable[Examined], relative: Relative) -> dict[str, Any]:
    """Return what `why --size --json` gives (schema 1)."""
    return {"schema": SCHEMA, "functions": [_value(item, relative) for item in examined]}


def _value(item: Examined, relative: Relative) -> dict[str, Any]:
    step = item.step
    return {
        **identity_value(step.function, step.target, step.runtime, relative),
        "size": item.size,
        "zip_size": item.zip_size,
        "up_to_date": item.is_built,
        "modules": [modules_value(m) for m in item.parts.modules] if item.parts else None,
        "rest": [part._asdict() for part in item.rest] if item.parts else None,
        "keeps_all_methods": item.keeps_all,
        "causes": [_keeper_value(keeper) for keeper in item.keepers],
        "followers": [_keeper_value(keeper) for keeper in item.followers],
        "missing": list(item.missing),
    }


def modules_value(module: ModuleSize) -> dict[str, Any]:
    """Return one module's object: its size, and those of its packages."""
    return {
        "module": module.path,
        "version": module.version,
        "size": module.size,
        "packages": [package._asdict() for package in module.packages],
    }


def _keeper_value(keeper: Keeper) -> dict[str, Any]:
    return {
        "function": keeper.cause.function,
        "package": keeper.package,
        "calls": keeper.cause.calls,
        "imports": list(keeper.imports),
        "chain": list(keeper.cause.chain),
        "hint": keeper.remedy,
    }
