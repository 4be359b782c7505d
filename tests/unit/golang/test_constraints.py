"""Build constraints as files have them now, and as they had them before Go 1.17."""

import pytest

from lambdabuild.core.target import Target
from lambdabuild.golang.constraints import left_in


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("//go:build linux && arm64", True),
        ("//go:build proxy", False),
        ("// +build proxy", False),
        ("// +build !proxy", True),
        ("// +build darwin linux", True),
        ("// +build darwin,arm64 windows", False),
        ("// +build linux,arm64 windows", True),
        ("// +build linux\n// +build cgo", False),
        ("// +build linux\n// +build !cgo", True),
        ("//go:build linux\n// +build proxy", True),
        ("", True),
    ],
)
def test_constraints_leave_a_file_in_or_out(line: str, expected: bool) -> None:
    source = f"{line}\n\npackage runtime\n".encode()
    assert left_in(source, Target("linux", "arm64"), (), cgo=False) is expected
