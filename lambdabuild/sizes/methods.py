"""Tell from an executable whether the linker kept the methods that nothing calls."""

from lambdabuild.sizes.executable import DAMAGE, Executable, opened

CANARIES = ("runtime.(*TypeAssertionError).RuntimeError", "runtime.errorAddressString.Addr")
"""Exported methods that are in an executable only if the linker kept all of them.

Their types are in every program, as the runtime panics with them. The first does nothing but mark
its type, and the second is called by who handles a segmentation fault. A program that calls one by
an interface keeps that one; both, no program should.

Measured with Go 1.22.10 and 1.26.8: neither is in programs of fmt, of net/http with encoding/json
and log/slog, of aws-lambda-go, or with `MethodByName("Name")`, whose name is a constant. Both are
in programs of text/template, with `MethodByName(os.Args[1])`, and of dd-trace-go v1.74.8, which
imports golang.org/x/net/trace.
"""


def keeps_all(executable: Executable | None) -> bool | None:
    """Tell whether all exported methods were kept; None where it cannot be told."""
    if executable is None:
        return None
    try:
        return executable.names_functions(*CANARIES)
    except DAMAGE:
        return None


def keeps_all_methods(path: str) -> bool | None:
    """Tell it of a file; None, too, for one that is no ELF file of Go's, or cannot be read.

    It reads the names of functions alone: a tenth of a millisecond for each megabyte of them.
    """
    try:
        with opened(path) as executable:
            return keeps_all(executable)
    except OSError:
        return None
