"""Find which files C, assembly and their flags include, and which flags Go passes on."""

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from lambdabuild.golang.source import head

# A comment may stand before the `#`, which may be written in other ways (C17, 5.2.1.1 and 6.4.6).
_DIRECTIVE = re.compile(
    rb"^(?:[ \t]|/\*[^\n]*?\*/)*(?:#|%:|\?\?=)(?:[^\n]*\\\r?\n)*[^\n]*", re.MULTILINE
)
_INCLUDE = re.compile(
    rb"(?:#|%:|\?\?=)(?:\s|\\\r?\n)*(?:include|include_next|import|embed)\b(?:\s|\\\r?\n)*"
    rb'(?:"(?P<quoted>[^"\n]+)"|<(?P<angled>[^>\n]+)>|(?P<computed>\S))'
)
_ASKED_FOR = re.compile(
    rb"""__has_(?:include|include_next|embed)\s*\(\s*(?:"(?P<quoted>[^"\n]+)"|<(?P<angled>[^>\n]+)>"""
    rb"""|(?P<computed>\w))"""
)
# Of assembly, also within C, where the quotes are escaped.
_OF_ASSEMBLY = re.compile(rb"""\.(?:incbin|include)\b[ \t]*\\?"(?P<name>[^"\\\n]+)\\?\"""")
_LITERAL = re.compile(rb'"([^"\\\n]+)\\?"')

_COMMENT = rb"(?:[ \t]*//[^\n]*\n|[ \t]*/\*(?:[^*]|\*(?!/))*\*/[ \t]*\n?)"
_IMPORT_C = re.compile(
    rb"(?P<outer>" + _COMMENT + rb"*)(?:^|(?<=\*/))[ \t]*(?:import[ \t]*(?:\(\s*)?)?"
    rb"(?P<inner>" + _COMMENT + rb"""*)[ \t]*["`]C["`][ \t]*(?:[;)\n/]|\r|\Z)""",
    re.MULTILINE,
)
_COMMENTS = re.compile(rb"//([^\n]*)|/\*(.*?)\*/", re.DOTALL)
_CGO_LINE = re.compile(rb"^[ \t]*#cgo[ \t].*$", re.MULTILINE)

_SEARCHED = (
    "--include-directory-after", "--include-directory", "-isystem", "-iquote", "-idirafter", "-I",
)  # fmt: skip
_FORCED = ("-include", "-imacros", "--include", "--imacros", "@")
_LINKED = (".a", ".o", ".so", ".ld", ".lds", ".map", ".syms")


class Named(NamedTuple):
    """The files that a source includes, as it names them."""

    quoted: tuple[str, ...] = ()
    """In quotes: looked for beside the file itself as well."""
    angled: tuple[str, ...] = ()
    assembled: tuple[str, ...] = ()
    """By the assembler, from where it is run."""
    optional: tuple[str, ...] = ()
    """Of those in quotes, what conditions ask for: no compiler reports that it is missing."""
    computed: bool = False
    """Also such whose names macros make up."""

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.quoted, *self.angled, *self.assembled)


class Libraries(NamedTuple):
    """What the flags of a link name."""

    paths: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    names: tuple[tuple[str, ...], ...] = ()
    """Of each `-l`, what a file may be called for it."""


def directives(source: bytes) -> bytes:
    """Return what decides which other files a C file includes: equal ones include the same."""
    if b".incbin" in source or b".include" in source:
        return source
    return b"\n".join(match[0] for match in _DIRECTIVE.finditer(source))


def named_in(source: bytes) -> Named:
    """Return what a C or assembly file includes, its conditions ignored."""
    quoted: dict[str, None] = {}
    angled: dict[str, None] = {}
    optional: dict[str, None] = {}
    computed = False
    for directive in _DIRECTIVE.finditer(source):
        for pattern in (_INCLUDE, _ASKED_FOR):
            for match in pattern.finditer(directive[0]):
                if match["quoted"]:
                    quoted[_text(match["quoted"])] = None
                    if pattern is _ASKED_FOR:
                        optional[_text(match["quoted"])] = None
                elif match["angled"]:
                    angled[_text(match["angled"])] = None
                else:
                    computed = True
    assembled = dict.fromkeys(_text(m["name"]) for m in _OF_ASSEMBLY.finditer(source))
    if b".incbin" in source:
        # By a macro, most often, that puts the name together: any text may be one.
        assembled |= dict.fromkeys(_text(text) for text in _LITERAL.findall(source))
        computed = True
    return Named(tuple(quoted), tuple(angled), tuple(assembled), tuple(optional), computed)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def imports_c(source: bytes) -> bool:
    """Return whether a Go file imports "C"."""
    return b"C" in source and _IMPORT_C.search(head(source)) is not None


def preamble(source: bytes) -> bytes:
    """Return the C that stands before `import "C"` in a Go file; nothing where there is none.

    https://pkg.go.dev/cmd/cgo
    """
    texts = [
        comment[1] if comment[1] is not None else comment[2]
        for match in _IMPORT_C.finditer(head(source))
        for comment in _COMMENTS.finditer(match["outer"] + match["inner"])
    ]
    return _CGO_LINE.sub(b"", b"\n".join(texts)) + b"\n" if texts else b""


def searched(flags: Sequence[str], base: str) -> list[str]:
    """Return the directories in which a C compiler with these flags looks for headers; absolute.

    `base` is where it runs.
    """
    found = []
    words = iter(flags)
    for word in words:
        option = next((name for name in _SEARCHED if word.startswith(name)), None)
        if option is not None:
            value = word[len(option) :].removeprefix("=") or next(words, "")
            found.append(os.path.normpath(os.path.join(base, value)))
    return list(dict.fromkeys(found))


def forces(flags: Sequence[str]) -> bool:
    """Return whether flags make a C compiler read files that no text names."""
    return any(word.startswith(_FORCED) for word in flags)


def libraries(flags: Sequence[str]) -> Libraries:
    """Return what the flags of a link name: libraries, objects, scripts of the linker."""
    paths: list[str] = []
    directories: list[str] = []
    names: list[tuple[str, ...]] = []
    words = iter([piece for word in flags for piece in _pieces(word)])
    for word in words:
        if word.startswith(("-L", "-l")):
            value = word[2:] or next(words, "")
            if word[1] == "L":
                directories.append(value)
            elif value.startswith(":"):
                names.append((value[1:],))
            else:
                names.append((f"lib{value}.so", f"lib{value}.a"))
        elif not word.startswith("-") and word:
            paths.append(word.removeprefix("@"))
    return Libraries(tuple(paths), tuple(directories), tuple(names))


def _pieces(word: str) -> list[str]:
    if word.startswith("-Wl,"):
        return [piece for part in word.split(",")[1:] for piece in _pieces(part)]
    _, equals, value = word.partition("=")
    if word.startswith("-") and equals and not word.startswith(("-L", "-l")):
        return [value]
    return [] if word == "-Xlinker" else [word]


def is_linkable(path: str) -> bool:
    """Return whether a file of this name is an object, a library, or a script of a linker."""
    name = os.path.basename(path)
    return name.endswith(_LINKED) or ".so." in name


def parse_rule(text: str) -> list[str]:
    """Return what a rule of `make` depends on, as `cc -M` prints it; several rules count as one."""
    found: dict[str, None] = {}
    for rule in text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        _, colon, rest = rule.partition(": ")
        for word in re.findall(r"(?:\\.|[^\s\\])+", rest) if colon else ():
            found[re.sub(r"\\([ #\\:])", r"\1", word).replace("$$", "$")] = None
    return list(found)


_FORMS = (
    r"-D([A-Za-z_][A-Za-z0-9_]*)(=[^@\-]*)?",
    r"-U([A-Za-z_][A-Za-z0-9_]*)",
    r"-[FI]([^@\-].*)",
    r"-O([^@\-].*)?",
    r"-W([^@,]+)?",
    r"-Wa,-mbig-obj",
    r"-Wp,-D([A-Za-z_][A-Za-z0-9_]*)(=[^@,\-]*)?",
    r"-Wp,-U([A-Za-z_][A-Za-z0-9_]*)",
    r"-ansi",
    r"-f(no-)?asynchronous-unwind-tables",
    r"-f(no-)?(blocks|common|constant-cfstrings|exceptions|fast-math|inline-functions)",
    r"-f(no-)builtin-[a-zA-Z0-9_]*",
    r"-f(debug|file)-prefix-map=([^@]+)=([^@]+)",
    r"-fdiagnostics-show-note-include-stack",
    r"-fno-canonical-system-headers",
    r"-f(no-)?eliminate-unused-debug-types",
    r"-finput-charset=([^@\-].*)",
    r"-f(no-)?(fat-lto-objects|lto|keep-inline-dllexport|modules|omit-frame-pointer)",
    r"-fm(acro-backtrace-limit|essage-length)=(.+)",
    r"-f(no-)?objc-(arc|nonfragile-abi|legacy-dispatch)",
    r"-f(no-)?(openmp(-simd)?|permissive|pic|PIC|pie|PIE|plt|rtti|split-stack)",
    r"-f(no-)?stack-(.+)",
    r"-f(no-)?(strict-aliasing|use-linker-plugin|visibility-inlines-hidden)",
    r"-f(un)signed-char",
    r"-fsanitize=(.+)",
    r"-fsanitize-undefined-strip-path-components=(-)?[0-9]+",
    r"-ftemplate-depth-(.+)",
    r"-ftls-model=(global-dynamic|local-dynamic|initial-exec|local-exec)",
    r"-fvisibility=(.+)",
    r"-g([^@\-].*)?",
    r"-m(32|64|arm|thumb(-interwork)?|threads|windows|nop-fun-dllimport)",
    r"-m(abi|arch|cpu|fpu|simd|tls-dialect|tune|float-abi)=([^@\-].*)",
    r"-mcmodel=[0-9a-z-]+",
    r"-m(soft|single|double)-float",
    r"-mfpmath=[0-9a-z,+]*",
    r"-m(no-)?(v?aes|avx[0-9a-z.]*|sse[0-9.]*|ssse3|ms-bitfields|relax|strict-align)",
    r"-m(no-)?stack-(.+)",
    r"-mmacosx-(.+)",
    r"-m(no-)?(lsx|lasx|frecipe|div32|lam-bh|lamcas|ld-seq-sa)",
    r"-m(ios-simulator|iphoneos|(tv|watch)os(-simulator)?)-version-min=(.+)",
    r"-mlarge-data-threshold=[0-9]+",
    r"-no-canonical-prefixes",
    r"--param=ssp-buffer-size=[0-9]*",
    r"-pedantic(-errors)?|-pipe|-pthread|--static|-w|-v",
    r"-?-std(lib)?=([^@\-].*)",
    r"--sysroot=([^@\-].*)",
    r"-x([^@\-].*)",
)
_WITH_NEXT = frozenset({
    "-arch", "-D", "-U", "-I", "-F", "-framework", "-include", "-isysroot", "-isystem",
    "--sysroot", "-target", "-x",
})  # fmt: skip
# As a word of its own: neither a flag, nor a file with more of them (cmd/go, load.SafeArg).
_SAFE = re.compile(r"[0-9A-Za-z._/\x80-\U0010ffff]")
_FOR_LINKER = ("-l", "-L", "-Wl,")


def are_allowed(flags: Sequence[str]) -> bool:
    """Return whether Go would pass all these flags of `#cgo` lines, or of pkg-config, to a compiler.

    What is for the linker alone, and is not passed to a compiler that is only asked, does not count.
    """
    allowed = "|".join(_FORMS)  # compiled when it is asked for: few runs are about C
    words = iter(flags)
    for word in words:
        if word in _WITH_NEXT:
            following = next(words, "")
            below_root = word == "-I" and following.removeprefix("$SYSROOT").removeprefix("=")
            if not (_SAFE.match(following) or (below_root and _SAFE.match(below_root))):
                return False
        elif not (word.startswith(_FOR_LINKER) or re.fullmatch(allowed, word)):
            return False
    return True
