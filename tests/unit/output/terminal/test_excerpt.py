"""The source of an error is shown with a caret where it is, and nothing else is ever shown."""

import io
from pathlib import Path

import pytest

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.output.report import Fault
from lambdabuild.output.terminal.console import Console
from lambdabuild.output.terminal.excerpt import draw, read_excerpt
from lambdabuild.output.terminal.look import Look

PLAIN = Look(terminal=False, color=False)


def drawn(path: Path, line: int, column: int | None, width: int = 60) -> str | None:
    excerpt = read_excerpt(str(path), line, column)
    if excerpt is None:
        return None
    return "".join(f"{gutter}{text}".rstrip() + "\n" for gutter, text in draw(excerpt, width))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "main.go"


@pytest.mark.parametrize(
    ("text", "line", "column", "shown"),
    [
        pytest.param(
            "package main\n\nfunc main() {\n\tprintln(token)\n}\n", 4, 10,
            "  3 | func main() {\n"
            "  4 |     println(token)\n"
            "    |             ^^^^^\n",
            id="the word at the column, below a line that says where",
        ),
        pytest.param(
            "package main\n\n\tx := 1\n", 3, 2,
            "  3 | x := 1\n"
            "    | ^\n",
            id="a blank line above says nothing, nor does indentation of all",
        ),
        pytest.param(
            '\tif ok {\n\t\tf("grüße", wörld)\n', 2, 16,
            "  1 | if ok {\n"
            '  2 |     f("grüße", wörld)\n'
            "    |                ^^^^^\n",
            id="Go counts bytes",
        ),
        pytest.param(
            's := "世界" + x\n', 1, 17,
            '  1 | s := "世界" + x\n'
            "    |               ^\n",
            id="some characters are two columns wide",
        ),
        pytest.param(
            '\tf("a"\r\n', 1, 7,
            '  1 | f("a"\n'
            "    |      ^\n",
            id="the end of a line, which Windows ends with two characters",
        ),
        pytest.param(
            "x\x1b[2Jy z\n", 1, 8,
            "  1 | x\\x1b[2Jy z\n"
            "    |           ^\n",
            id="nothing is obeyed",
        ),
        pytest.param("a\nb\n", 2, None, "  1 | a\n  2 | b\n", id="no column, no caret"),
        pytest.param("a\n", 1, 40, "  1 | a\n", id="a column that is not there: the file changed"),
    ],
)  # fmt: skip
def test_a_frame_is_one_line_or_two_and_a_caret(
    source: Path, text: str, line: int, column: int | None, shown: str
) -> None:
    source.write_bytes(text.encode())
    assert drawn(source, line, column) == shown


def test_a_long_line_is_cut_around_its_caret(source: Path) -> None:
    source.write_text(f"first {'x ' * 40}culprit {'y ' * 40}last\n")
    assert drawn(source, 1, 87, 40) == (
        f"  1 | … {'x ' * 12}culprit…\n"
        f"    | {' ' * 26}^^^^^^^\n"
    )  # fmt: skip
    assert drawn(source, 1, 1, 40) == (
        f"  1 | first {'x ' * 14}…\n"
        "    | ^^^^^\n"
    ).replace(" …", "…")  # fmt: skip


def test_toml_counts_characters(tmp_path: Path) -> None:
    (tmp_path / "lambdabuild.toml").write_text('"ü" = 1 2\n')
    assert drawn(tmp_path / "lambdabuild.toml", 1, 9) == '  1 | "ü" = 1 2\n    |         ^\n'


@pytest.mark.parametrize("line", [0, 3, 10**9])
def test_a_line_that_is_not_there_is_not_shown(source: Path, line: int) -> None:
    source.write_text("a\n")
    assert drawn(source, line, 1) is None


def test_only_sources_are_shown_whatever_a_line_directive_names(tmp_path: Path) -> None:
    secret = tmp_path / ".env"
    secret.write_text("PASSWORD=hunter2\n")
    link = tmp_path / "link.go"
    link.symlink_to(secret)
    assert drawn(secret, 1, 1) is None
    assert drawn(link, 1, 1) is None
    assert drawn(tmp_path / "gone.go", 1, 1) is None
    assert drawn(Path("/dev/zero"), 1, 1) is None
    (tmp_path / "dir.go").mkdir()
    assert drawn(tmp_path / "dir.go", 1, 1) is None


def printed(fault: Fault | LambdabuildError, tmp_path: Path, look: Look = PLAIN) -> str:
    stream = io.StringIO()
    console = Console(look, stream)
    show = console.fault if isinstance(fault, Fault) else console.error
    show(fault, lambda path: path.removeprefix(f"{tmp_path}/"))  # type: ignore[arg-type]
    return stream.getvalue()


def test_errors_come_with_their_place_first_then_who_is_affected_then_the_remedy(
    source: Path, tmp_path: Path
) -> None:
    source.write_text("package main\n\nfunc main() { a; b }\n")
    errors = (
        Diagnostic("m", "undefined: a", str(source), 3, 15, "mend it"),
        Diagnostic("m", "undefined: b\n\thave x", str(source), 3, 18, "mend it"),
    )
    assert printed(Fault("m/auth", ("users-get", "carts"), errors), tmp_path) == (
        "main.go:3:15: error: undefined: a\n"
        "  3 | func main() { a; b }\n"
        "    |               ^\n"
        "main.go:3:18: error: undefined: b\n"
        "    have x\n"
        "  3 | func main() { a; b }\n"
        "    |                  ^\n"
        "  `users-get`, `carts` did not build: in package m/auth\n"
        "  hint: mend it\n"
    )


def test_what_a_c_compiler_shows_is_not_shown_again(source: Path, tmp_path: Path) -> None:
    source.write_text("int x = y;\n")
    told = "`y` undeclared\n    1 | int x = y;\n      |         ^"
    error = Diagnostic("m", told, str(source), 1, 9)
    assert printed(Fault("m", ("a",), (error,)), tmp_path) == (
        "main.go:1:9: error: `y` undeclared\n    1 | int x = y;\n    |         ^\n"
        "  `a` did not build: in package m\n"
    )


def test_an_error_of_lambdabuild_names_its_place_once(tmp_path: Path) -> None:
    path = tmp_path / "lambdabuild.toml"
    path.write_text('out = "dist"\nzip = "yes"\n')
    error = LambdabuildError(
        "`zip` is neither true nor false", at=["lambdabuild.toml, key `zip`"],
        hint="write `zip = true`", file=str(path), line=2, column=1,
    )  # fmt: skip
    assert printed(error, tmp_path) == (
        "lambdabuild.toml:2:1: error: `zip` is neither true nor false\n"
        '  1 | out = "dist"\n'
        '  2 | zip = "yes"\n'
        "    | ^^^\n"
        "  hint: write `zip = true`\n"
    )


def test_a_place_that_go_tells_in_its_message_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "go.mod"
    path.write_text("module m\nfoo\n")
    error = LambdabuildError(
        f"Go cannot load the module: errors parsing go.mod:\n{path}:2: unknown directive: foo",
        at=[str(tmp_path)], file=str(path), line=2,
    )  # fmt: skip
    assert printed(error, tmp_path) == (
        "go.mod:2: error: Go cannot load the module: errors parsing go.mod:\n"
        "    unknown directive: foo\n"
        "  1 | module m\n"
        "  2 | foo\n"
    )


def test_where_the_terminal_takes_links_a_place_leads_to_its_file(
    source: Path, tmp_path: Path
) -> None:
    error = Diagnostic("m", "no", str(source), 3, 15)
    shown = printed(
        Fault("m", ("a",), (error,)), tmp_path, Look(terminal=True, color=True, links=True)
    )
    first = shown.splitlines()[0]
    assert first.startswith("\x1b]8;;file://")
    assert f"{source}\x1b\\\x1b[1mmain.go:3:15\x1b[0m\x1b]8;;\x1b\\: \x1b[31;1merror" in first
