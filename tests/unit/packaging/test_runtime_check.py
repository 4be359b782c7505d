"""Every check, held against a binary that fails it and one that passes, linked here."""

import hashlib
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdabuild.core.target import Architecture, Runtime
from lambdabuild.golang.toolchain import find_go
from lambdabuild.packaging import runtime_check

ZIG = "`cgo = true` and no CC of your own, so that zig links it"
X86_64, ARM64 = Architecture.X86_64, Architecture.ARM64
LOADERS = {"x86_64": "/lib64/ld-linux-x86-64.so.2", "aarch64": "/lib/ld-linux-aarch64.so.1"}


def problems(
    executable: Path,
    *,
    architecture: Architecture = X86_64,
    runtime: Runtime = Runtime.AL2023,
    bundled: Iterable[Path] = (),
    layers: Iterable[str] = (),
) -> list[str]:
    packed = {path.name: str(path) for path in bundled}
    return runtime_check.problems(
        str(executable),
        architecture=architecture,
        runtime=runtime,
        bundled=packed,
        layers=tuple(layers),
    )


@dataclass(frozen=True, slots=True)
class Linker:
    """Compiles and links with zig's own clang and lld, for any machine, without a C library."""

    directory: Path

    def zig(self, *arguments: str | Path) -> None:
        environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": str(self.directory / "cache")}
        command = [sys.executable, "-m", "ziglang", *map(str, arguments)]
        subprocess.run(command, check=True, env=environment, cwd=self.directory)

    def object(self, text: str, target: str = "x86_64-linux-gnu") -> Path:
        digest = hashlib.sha256(f"{target} {text}".encode()).hexdigest()
        source = self.directory / f"{digest}.c"
        source.write_text(text)
        made = source.with_suffix(".o")
        if not made.exists():
            self.zig("cc", "-target", target, "-O1", "-c", source, "-o", made)
        return made

    def library(
        self,
        soname: str,
        versions: Iterable[str] = (),
        needed: Iterable[Path] = (),
        *,
        machine: str = "x86_64",
        place: str = "libraries",
    ) -> Path:
        """Link a shared library with one symbol, named as itself, for each of its versions."""
        made = self.directory / place / machine / soname
        made.parent.mkdir(parents=True, exist_ok=True)
        symbols = {symbol(version): version for version in versions}
        calls = "".join(f"void {name}(void); " for name in imported(needed))
        body = "".join(f"{name}();" for name in imported(needed))
        text = f"{calls}void in_{symbol(soname)}(void) {{{body}}}"
        text += "".join(f"void {name}(void) {{}}" for name in symbols)
        script = made.with_suffix(".map")
        script.write_text(
            "".join(f"{version} {{ global: {name}; }};" for name, version in symbols.items())
        )
        arguments = [f"--version-script={script}"] if symbols else []
        code = self.object(text, f"{machine}-linux-gnu")
        self.zig("ld.lld", "-shared", "-soname", soname, *arguments, "-o", made, code, *needed)
        EXPORTS[made] = [*symbols, f"in_{symbol(soname)}"] if symbols else [f"in_{symbol(soname)}"]
        return made

    def executable(
        self,
        name: str,
        needed: Iterable[Path] = (),
        *,
        machine: str = "x86_64",
        loader: str | None = None,
        options: Iterable[str] = (),
        entry: str = "_start",
    ) -> Path:
        made = self.directory / name
        calls = "".join(f"void {symbol}(void); " for symbol in imported(needed))
        body = "".join(f"{symbol}();" for symbol in imported(needed))
        start = self.object(f"{calls}void {entry}(void) {{{body}}}", f"{machine}-linux-gnu")
        loading = ["--dynamic-linker", loader or LOADERS[machine]] if needed or loader else []
        self.zig("ld.lld", *loading, *options, "-o", made, start, *needed)
        return made


EXPORTS: dict[Path, list[str]] = {}


def imported(libraries: Iterable[Path]) -> list[str]:
    """Return the versioned symbols of libraries; those of one without versions: all."""
    return [
        name
        for path in libraries
        for name in EXPORTS[path]
        if len(EXPORTS[path]) == 1 or not name.startswith("in_")
    ]


def symbol(text: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in text)


@pytest.fixture(scope="session")
def linker(tmp_path_factory: pytest.TempPathFactory) -> Linker:
    return Linker(tmp_path_factory.mktemp("elf"))


Needing = Callable[..., Path]


@pytest.fixture(scope="session")
def needing(linker: Linker) -> Needing:
    """Link an executable that needs versions of a library of the runtime."""

    def link(library: str, *versions: str, machine: str = "x86_64") -> Path:
        name = symbol("-".join([library, *versions, machine]))
        if not (linker.directory / name).exists():
            stub = linker.library(library, versions, machine=machine, place=name + "-stubs")
            linker.executable(name, [stub], machine=machine)
        return linker.directory / name

    return link


@pytest.fixture(scope="session")
def plugin(linker: Linker) -> Path:
    """A shared library that nothing but the package can bring, and that needs glibc 2.34."""
    libc = linker.library("libc.so.6", ["GLIBC_2.34"], place="plugin-stubs")
    return linker.library("libplugin.so.1", needed=[libc])


@pytest.fixture(scope="session", params=[("amd64", X86_64), ("arm64", ARM64)])
def plain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Architecture]:
    """What Go links without C."""
    goarch, architecture = request.param
    directory = tmp_path_factory.mktemp("go")
    (directory / "main.go").write_text('package main\n\nfunc main() { println("started") }\n')
    # What the end-to-end tests build with: with other flags, the runtime would be compiled again.
    flags = ("-trimpath", "-ldflags=-s -w", "-gcflags=all=-dwarf=false")
    subprocess.run(
        [find_go(os.environ), "build", *flags, "-o", "bootstrap", "main.go"],
        check=True,
        env=os.environ | {"GOFLAGS": "", "CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": goarch},
        cwd=directory,
    )
    return directory / "bootstrap", architecture


@pytest.mark.needs_go
@pytest.mark.parametrize("runtime", Runtime)
def test_what_go_links_without_c_starts_on_every_runtime(
    plain: tuple[Path, Architecture], runtime: Runtime
) -> None:
    executable, architecture = plain
    assert problems(executable, architecture=architecture, runtime=runtime) == []


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b"#!/bin/sh\nexit 0\n", "a script"),
        (b"!<arch>\n__.PKGDEF", "an archive"),
        (b"MZ\x90\0", "a PE file, for Windows"),
        (b"hello", "no ELF file"),
        (b"\x7fEL", "no ELF file"),
    ],
)
def test_what_is_no_elf_file_is_told_by_how_it_begins(
    tmp_path: Path, content: bytes, what: str
) -> None:
    file = tmp_path / "bootstrap"
    file.write_bytes(content)
    assert problems(file) == [f"it is {what}; build it for linux/amd64"]
    assert problems(file, architecture=ARM64) == [f"it is {what}; build it for linux/arm64"]


def test_an_executable_for_macos_is_no_elf_file(linker: Linker) -> None:
    made = linker.object("int main(void) { return 0; }", "aarch64-macos")
    assert problems(made) == ["it is a Mach-O file, for macOS; build it for linux/amd64"]


def test_a_file_that_cannot_be_read_is_a_problem_and_no_error(tmp_path: Path) -> None:
    assert problems(tmp_path / "bootstrap") == [
        "it cannot be read: No such file or directory; build it again"
    ]


@pytest.mark.parametrize(
    ("machine", "architecture", "said"),
    [
        ("aarch64", X86_64, "it is for arm64, not for x86_64; build it for linux/amd64"),
        ("x86_64", ARM64, "it is for x86_64, not for arm64; build it for linux/arm64"),
        ("x86", X86_64, "it is for x86, 32 bit, not for x86_64; build it for linux/amd64"),
        ("aarch64_be", ARM64, "it is for arm64, big endian, not for arm64; build it for linux/"),
        ("riscv64", ARM64, "it is for RISCV, not for arm64; build it for linux/arm64"),
    ],
)
def test_another_machine_is_named_with_the_one_that_is_wanted(
    linker: Linker, machine: str, architecture: Architecture, said: str
) -> None:
    made = linker.executable(f"machine-{machine}", machine=machine)
    (problem,) = problems(made, architecture=architecture)
    assert problem.startswith(said)
    assert problem.endswith(", or set the `architecture` it is for")


def test_what_has_no_entry_is_not_an_executable(linker: Linker, plugin: Path) -> None:
    remedy = "not an executable; take `-buildmode` out of GOFLAGS and the configuration"
    made = linker.object("void _start(void) {}")
    no_entry = linker.executable("no-entry", entry="never", options=["-z", "separate-code"])
    assert problems(made) == [f"it is an object file, {remedy}"]
    assert problems(plugin) == [f"it is a shared library, {remedy}"]
    assert problems(no_entry) == [f"it is an ELF file without an entry point, {remedy}"]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize(
    ("runtime", "fits", "newer"),
    [(Runtime.AL2023, "2.34", "2.35"), (Runtime.AL2, "2.26", "2.27")],
)
def test_a_newer_glibc_than_the_runtime_has_is_refused(
    needing: Needing, machine: str, runtime: Runtime, fits: str, newer: str
) -> None:
    architecture = X86_64 if machine == "x86_64" else ARM64
    good = needing("libc.so.6", "GLIBC_2.17", f"GLIBC_{fits}", "GLIBC_PRIVATE", machine=machine)
    assert problems(good, architecture=architecture, runtime=runtime) == []
    bad = needing("libm.so.6", "GLIBC_2.17", f"GLIBC_{newer}", machine=machine)
    or_else = '; or set `runtime = "provided.al2023"`' if runtime is Runtime.AL2 else ""
    assert problems(bad, architecture=architecture, runtime=runtime) == [
        f"it needs glibc {newer} (`GLIBC_{newer}` of libm.so.6), and {runtime} has {fits}; "
        f"link it for glibc {fits}: {ZIG}; or leave C out (CGO_ENABLED=0){or_else}"
    ]


def test_the_newest_version_that_is_needed_is_the_one_that_is_told(needing: Needing) -> None:
    # As numbers: 2.4 is older than 2.34, and 2.9 than 2.38.
    made = needing("libc.so.6", "GLIBC_2.4", "GLIBC_2.38", "GLIBC_2.36", "GLIBC_2.9")
    (problem,) = problems(made)
    assert problem.startswith("it needs glibc 2.38 (`GLIBC_2.38` of libc.so.6)")


def test_what_only_a_newer_loader_can_do_is_refused(needing: Needing) -> None:
    made = needing("libc.so.6", "GLIBC_2.2.5", "GLIBC_ABI_DT_RELR")
    assert problems(made) == [
        "it needs a newer glibc (`GLIBC_ABI_DT_RELR` of libc.so.6), and provided.al2023 has 2.34; "
        f"link it for glibc 2.34: {ZIG}; or leave C out (CGO_ENABLED=0)"
    ]


def test_a_version_that_the_loader_can_do_without_is_no_problem(needing: Needing) -> None:
    made = needing("libc.so.6", "GLIBC_2.38")
    assert problems(made)
    data = made.read_bytes()
    # vernaux: hash, flags, other; the hash is that of the name (the System V ABI's).
    hashed = 0
    for byte in b"GLIBC_2.38":
        hashed = (hashed << 4) + byte
        hashed = (hashed & 0x0FFFFFFF) ^ ((hashed >> 24) & 0xF0)
    old = struct.pack("<IH", hashed, 0)
    assert data.count(old) == 1
    weak = made.with_name("weak")
    weak.write_bytes(data.replace(old, struct.pack("<IH", hashed, 2)))
    assert problems(weak) == []


def test_a_newer_c_plus_plus_library_than_the_runtime_has_is_refused(needing: Needing) -> None:
    made = needing("libstdc++.so.6", "GLIBCXX_3.4.24", "GLIBCXX_3.4.25")
    assert problems(made) == []
    assert problems(made, runtime=Runtime.AL2) == [
        "it needs `GLIBCXX_3.4.25` of libstdc++.so.6, and provided.al2 has GLIBCXX_3.4.24; "
        f"link it for glibc 2.26: {ZIG}; or leave C out (CGO_ENABLED=0); "
        'or set `runtime = "provided.al2023"`'
    ]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_an_executable_for_musl_is_refused(linker: Linker, machine: str) -> None:
    loader = f"/lib/ld-musl-{machine}.so.1"
    libc = linker.library("libc.so", machine=machine)
    made = linker.executable(f"musl-{machine}", [libc], machine=machine, loader=loader)
    assert problems(made, architecture=X86_64 if machine == "x86_64" else ARM64) == [
        f"it is started by {loader} (musl's), which provided.al2023 does not have; link it for "
        f"glibc: {ZIG}; or statically (`-extldflags=-static` in `ldflags`)"
    ]


def test_a_loader_at_a_place_of_its_own_is_refused(linker: Linker, plugin: Path) -> None:
    made = linker.executable("nix", [plugin], loader="/nix/store/glibc/ld-linux-x86-64.so.2")
    (problem,) = problems(made, bundled=[plugin])
    assert problem.startswith("it is started by /nix/store/glibc/ld-linux-x86-64.so.2, which ")


def test_libraries_without_a_loader_are_refused(linker: Linker, plugin: Path) -> None:
    made = linker.executable("no-loader", [plugin], options=["--no-dynamic-linker", "-pie"])
    (problem,) = problems(made, bundled=[plugin])
    assert problem.startswith("it needs libplugin.so.1, and names no program interpreter")


def test_an_executable_that_can_be_loaded_anywhere_starts(linker: Linker) -> None:
    static = linker.executable("static-pie", options=["-pie", "--no-dynamic-linker"])
    assert problems(static) == []
    # As `go build -buildmode=pie` makes it: with a loader, and nothing to load.
    loaded = linker.executable("pie", options=["-pie"], loader=LOADERS["x86_64"])
    assert problems(loaded) == []


def test_a_shared_library_has_to_be_in_the_runtime_the_package_or_a_layer(
    linker: Linker, plugin: Path
) -> None:
    made = linker.executable("plugged", [plugin])
    assert problems(made) == [
        "it needs the shared library libplugin.so.1, which is neither in provided.al2023 nor in "
        "the package; link it statically, pack it as an asset in lib/, or name it in "
        "`layer_libraries` if a layer has it"
    ]
    assert problems(made, bundled=[plugin]) == []
    assert problems(made, layers=["libplugin.so.1"]) == []


def test_a_packed_library_is_held_against_the_runtime_too(linker: Linker, plugin: Path) -> None:
    made = linker.executable("plugged-for-al2", [plugin])
    assert problems(made, bundled=[plugin], runtime=Runtime.AL2) == [
        "the packed `libplugin.so.1` needs glibc 2.34 (`GLIBC_2.34` of libc.so.6), and "
        "provided.al2 has 2.26; build it with `zig c++ -target x86_64-linux-gnu.2.26`"
    ]


def test_what_a_packed_library_needs_has_to_be_there_too(linker: Linker) -> None:
    last = linker.library("liblast.so")
    middle = linker.library("libmiddle.so", needed=[last])
    first = linker.library("libfirst.so", needed=[middle, last])
    made = linker.executable("chained", [first])
    assert problems(made, bundled=[first, middle, last]) == []
    (missing,) = problems(made, bundled=[first, middle])
    assert missing.startswith("the packed `libmiddle.so` needs the shared library liblast.so, ")
    # What nothing needs is not looked at.
    assert problems(linker.executable("alone"), bundled=[first]) == []


def test_a_packed_library_for_another_machine_is_refused(linker: Linker, plugin: Path) -> None:
    made = linker.executable("plugged-with-another", [plugin])
    other = linker.library("libplugin.so.1", machine="aarch64")
    (problem,) = problems(made, bundled=[other])
    assert problem.startswith("the packed `libplugin.so.1` is for arm64, not for x86_64; ")


def test_the_runtimes_own_library_is_loaded_before_a_packed_one(
    linker: Linker, needing: Needing
) -> None:
    newer = linker.library("libm.so.6", ["GLIBC_2.38"], place="newer")
    made = needing("libm.so.6", "GLIBC_2.38")
    (problem,) = problems(made, bundled=[newer])
    assert problem.startswith("it needs glibc 2.38 ")


@pytest.fixture(scope="session")
def whole(linker: Linker, needing: Needing, plugin: Path) -> bytes:
    """An executable with all that is looked at."""
    needing("libc.so.6", "GLIBC_2.34")
    stub = linker.directory / "libc_so_6_GLIBC_2_34_x86_64-stubs" / "x86_64" / "libc.so.6"
    return linker.executable("whole", [stub, plugin], options=["--strip-all"]).read_bytes()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_never_ends_in_an_error(
    tmp_path: Path, whole: bytes, plugin: Path, data: st.DataObject
) -> None:
    damage: Mapping[int, int] = data.draw(
        st.dictionaries(st.integers(0, len(whole) - 1), st.integers(0, 255), max_size=8)
    )
    content = bytearray(whole)
    for position, byte in damage.items():
        content[position] = byte
    file = tmp_path / "bootstrap"
    file.write_bytes(content)
    told = problems(file, bundled=[plugin])
    assert all(problem.startswith(("it ", "the packed ")) for problem in told)


def test_a_truncated_file_is_damaged_wherever_it_ends(
    tmp_path: Path, whole: bytes, plugin: Path
) -> None:
    file = tmp_path / "bootstrap"
    file.write_bytes(whole)
    assert problems(file, bundled=[plugin]) == []
    for length in [*range(4, len(whole), 7), len(whole) - 1]:
        file.write_bytes(whole[:length])
        (problem,) = problems(file, bundled=[plugin])
        assert problem.endswith("; build it again"), (length, problem)


def test_sections_are_not_needed_to_read_it(tmp_path: Path, whole: bytes, plugin: Path) -> None:
    file = tmp_path / "bootstrap"
    # Nor by the loader, so some tools strip them: e_shoff, and e_shnum with e_shstrndx.
    file.write_bytes(whole[:0x28] + bytes(8) + whole[0x30:0x3C] + bytes(4) + whole[0x40:])
    assert problems(file, bundled=[plugin]) == []
    both = problems(file, runtime=Runtime.AL2)
    assert [problem.partition(",")[0].partition(" (")[0] for problem in both] == [
        "it needs glibc 2.34",
        "it needs the shared library libplugin.so.1",
    ]
