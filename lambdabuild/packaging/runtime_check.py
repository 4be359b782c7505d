"""Check that an executable would start on a Lambda runtime: machine, loader, libraries, glibc."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.target import GLIBC, TARGETS, Architecture, Runtime
from lambdabuild.packaging.elf import Binary, Need, read

# The newest symbol version of each family in the libraries of a runtime. Those of libgcc_s and
# libstdc++ follow the gcc they come from: 7.3 on Amazon Linux 2, 14.2 on Amazon Linux 2023 since
# 2023.7 (https://github.com/docker-library/official-images/pull/18759); Lambda updates its runtimes.
# https://gcc.gnu.org/onlinedocs/libstdc++/manual/abi.html
_NEWEST = {
    Runtime.AL2023: {
        "GLIBC": GLIBC[Runtime.AL2023],
        "GCC": (14, 0, 0),
        "GLIBCXX": (3, 4, 33),
        "CXXABI": (1, 3, 15),
    },
    Runtime.AL2: {
        "GLIBC": GLIBC[Runtime.AL2],
        "GCC": (7, 0, 0),
        "GLIBCXX": (3, 4, 24),
        "CXXABI": (1, 3, 11),
    },
}

_PROVIDED = frozenset({
    "libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2",
    "libutil.so.1", "libanl.so.1", "libBrokenLocale.so.1", "libthread_db.so.1",
    "libnss_dns.so.2", "libnss_files.so.2", "libgcc_s.so.1", "libstdc++.so.6",
})  # fmt: skip
"""The shared libraries that both runtimes are known to have: those of glibc and gcc.

provided.al2023 is made from the minimal container image of Amazon Linux 2023, provided.al2 from that
of Amazon Linux 2 (https://docs.aws.amazon.com/linux/al2023/ug/lambda.html). Both have glibc, libgcc and
libstdc++ (https://github.com/amazonlinux/amazon-linux-2023/issues/585 lists the packages of the first,
https://github.com/docker-library/official-images/pull/20651 those of the second).
"""

_INTERPRETERS = {
    Architecture.X86_64: "/lib64/ld-linux-x86-64.so.2",
    Architecture.ARM64: "/lib/ld-linux-aarch64.so.1",
}
_PROVIDED_ON = {
    # The vector library came to arm64 with glibc 2.38.
    Architecture.X86_64: frozenset({"ld-linux-x86-64.so.2", "libmvec.so.1"}),
    Architecture.ARM64: frozenset({"ld-linux-aarch64.so.1"}),
}

_VERSION = re.compile(r"(GLIBC|GLIBCXX|CXXABI|GCC)_([0-9]+(?:\.[0-9]+)*)")
_ABI = "GLIBC_ABI_"
"""Prefix of versions for features of newer loaders; DT_RELR was the first, in glibc 2.36."""


def problems(
    executable: str,
    *,
    architecture: Architecture,
    runtime: Runtime,
    bundled: Mapping[str, str],
    layers: Collection[str],
) -> list[str]:
    """Return why the executable would not start on the runtime, each with its remedy; [] if it would.

    `bundled` maps the file names of shared libraries in the package's root or its `lib/`, where the
    runtime's LD_LIBRARY_PATH looks, to their absolute paths; `layers` are names of libraries that a
    layer brings. A damaged file is a problem, too, and no error. The runtime's own libraries come
    first in LD_LIBRARY_PATH, so that a packed library of the same name is never loaded.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    check = _Check(architecture, runtime, bundled, layers)
    return list(dict.fromkeys(check.of(executable, None, set())))


class _Check(NamedTuple):
    """The runtime that a file is checked against."""

    architecture: Architecture
    runtime: Runtime
    bundled: Mapping[str, str]
    layers: Collection[str]

    def of(self, path: str, name: str | None, seen: set[str]) -> Iterator[str]:
        """Yield what is wrong with the executable, or with the packed library `name`."""
        who = "it" if name is None else f"the packed `{name}`"
        try:
            binary = read(path)
        except LambdabuildError as error:
            yield f"{who} {error.message}; {error.hint or self._rebuild()}"
            return
        if binary.machine != self.architecture:
            remedy = f"{self._rebuild()}, or set the `architecture` it is for"
            yield f"{who} is for {binary.machine}, not for {self.architecture}; {remedy}"
            return
        if name is None and not binary.executable:
            yield (
                f"{who} is {binary.kind}, not an executable; take `-buildmode` out of GOFLAGS "
                "and the configuration"
            )
            return
        if name is None and (reason := self._interpreter(binary)):
            yield f"{who} {reason}"
            return
        yield from self._versions(who, name, binary)
        yield from self._libraries(who, binary, seen)

    def _rebuild(self) -> str:
        return f"build it for {TARGETS[self.architecture]}"

    def _interpreter(self, binary: Binary) -> str | None:
        """Return what is wrong with the loader that the executable names, if anything."""
        loader = _INTERPRETERS[self.architecture]
        if binary.interpreter in {loader, f"/usr{loader}"}:
            return None
        if binary.interpreter is None:
            if not binary.libraries:
                return None
            return (
                f"needs {binary.libraries[0]}, and names no program interpreter to load it; "
                "link it either statically or as an ordinary executable"
            )
        libc = " (musl's)" if "ld-musl" in binary.interpreter else ""
        return (
            f"is started by {binary.interpreter}{libc}, which {self.runtime} does not have; link "
            f"it for glibc: {_ZIG}; or statically (`-extldflags=-static` in `ldflags`)"
        )

    def _versions(self, who: str, name: str | None, binary: Binary) -> Iterator[str]:
        newest = _NEWEST[self.runtime]
        missing: dict[str, tuple[tuple[int, ...], Need]] = {}
        for need in binary.needs:
            if not self._provides(need.library):
                continue
            family, version = _parse(need.version)
            if family not in newest or version <= newest[family]:
                continue
            if family not in missing or missing[family][0] < version:
                missing[family] = (version, need)
        for family, (version, need) in missing.items():
            what = f"`{need.version}` of {need.library}"
            has = f"{family}_{_dotted(newest[family])}"
            if family == "GLIBC":
                newer = need.version.startswith(_ABI)
                glibc = "a newer glibc" if newer else f"glibc {_dotted(version)}"
                what, has = f"{glibc} ({what})", _dotted(newest[family])
            remedy = self._link_for(name, family, version)
            yield f"{who} needs {what}, and {self.runtime} has {has}; {remedy}"

    def _link_for(self, name: str | None, family: str, version: tuple[int, ...]) -> str:
        glibc = _dotted(GLIBC[self.runtime])
        if name is not None:
            machine = "x86_64" if self.architecture is Architecture.X86_64 else "aarch64"
            return f"build it with `zig c++ -target {machine}-linux-gnu.{glibc}`"
        remedy = f"link it for glibc {glibc}: {_ZIG}; or leave C out (CGO_ENABLED=0)"
        fits = [r for r in Runtime if version <= _NEWEST[r][family]]
        return f'{remedy}; or set `runtime = "{fits[0]}"`' if fits else remedy

    def _libraries(self, who: str, binary: Binary, seen: set[str]) -> Iterator[str]:
        for library in binary.libraries:
            if library in seen or self._provides(library) or library in self.layers:
                continue
            seen.add(library)
            if library in self.bundled:
                yield from self.of(self.bundled[library], library, seen)
            else:
                yield (
                    f"{who} needs the shared library {library}, which is neither in {self.runtime} "
                    "nor in the package; link it statically, pack it as an asset in lib/, or name it "
                    "in `layer_libraries` if a layer has it"
                )

    def _provides(self, library: str) -> bool:
        return library in _PROVIDED or library in _PROVIDED_ON[self.architecture]


_ZIG = "`cgo = true` and no CC of your own, so that zig links it"


def _parse(version: str) -> tuple[str, tuple[int, ...]]:
    """Return the family and the number of a symbol version; GLIBC_PRIVATE has none."""
    if version.startswith(_ABI):
        return "GLIBC", (99,)
    match = _VERSION.fullmatch(version)
    if match is None:
        return "", ()
    return match[1], tuple(int(part) for part in match[2].split("."))


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
