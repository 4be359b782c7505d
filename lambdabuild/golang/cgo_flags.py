"""Tell which flags of `#cgo` lines Go would pass to a C compiler; no disk, no process.

A flag can name a program for the compiler to run (`-wrapper`, `-fplugin=`, `-B`) or a file for it
to write. `go build` refuses these, `go list` tells of them all the same: whoever asks a compiler
before `go build` does has to refuse them too.

Source: cmd/go/internal/work/security.go, Go 1.26 (golang/go#23672).
"""

import re
from collections.abc import Sequence

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
_LINKED = ("-l", "-L", "-Wl,")


def are_allowed(flags: Sequence[str]) -> bool:
    """Tell whether Go would pass all these flags of `#cgo` lines, or of pkg-config, to a compiler.

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
        elif not (word.startswith(_LINKED) or re.fullmatch(allowed, word)):
            return False
    return True
