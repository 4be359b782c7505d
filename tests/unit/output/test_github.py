import re
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from lambdabuild.core.artifact import Artifact, Identity, Kind, Sidecar
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Activity, Report, Span, Status, StepResult
from lambdabuild.core.text import inert, visible
from lambdabuild.output.github import annotations, command, summary
from tests.unit.values import ARM64, PROJECT, artifact, relative, reports, step, texts

MAIN = f"{PROJECT}/api/users/get/main.go"
AUTH = f"{PROJECT}/internal/auth/auth.go"


def result(name: str = "users-get", status: Status = Status.BUILT, **more: Any) -> StepResult:
    return StepResult(step(name), status, **more)


def failed(name: str, *errors: Diagnostic) -> StepResult:
    return result(name, Status.FAILED, errors=errors)


def report(*results: StepResult, removed: Iterable[Artifact] = (), seconds: float = 6.4) -> Report:
    ok = not any(result.status is Status.FAILED for result in results)
    return Report(ok, seconds, "go1.26.8", 2, results, tuple(removed))


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Read a workflow command as the runner of GitHub Actions does.

    https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
    """
    head, data = line.removeprefix("::").split("::", 1)
    name, _, told = head.partition(" ")
    properties = dict(pair.split("=", 1) for pair in told.split(",") if "=" in pair)

    def taken_back(text: str, *signs: str) -> str:
        for sign in (*signs, "%"):
            text = text.replace(f"%{ord(sign):02X}", sign)
        return text

    values = {key: taken_back(value, *"\r\n:,") for key, value in properties.items()}
    return name, values, taken_back(data, *"\r\n")


def test_an_error_is_shown_at_its_file_line_and_column() -> None:
    error = Diagnostic("m/api/users/get", "declared and not used: x", MAIN, 3, 19)
    assert annotations(report(failed("users-get", error)).results, relative) == [
        "::error file=api/users/get/main.go,line=3,col=19,title=users-get did not build"
        "::declared and not used: x"
    ]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Diagnostic("m", "a", MAIN, 3), "::error file=api/users/get/main.go,line=3,{}::a"),
        (Diagnostic("m", "a", MAIN, None, 7), "::error file=api/users/get/main.go,{}::a"),
        (Diagnostic("m", "link: a\nb"), "::error {}::link: a%0Ab"),
        (Diagnostic(None, ""), "::error {}::no message"),
        # Nowhere in the repository.
        (Diagnostic("m", "a", "/go/mod/x.go", 3, 7), "::error {}::/go/mod/x.go:3:7: a"),
        (Diagnostic("m", "100 %\r\n", f"{PROJECT}/a,b:c%.go"),
         "::error file=a%2Cb%3Ac%25.go,{}::100 %25%0A"),
    ],
)  # fmt: skip
def test_an_error_is_shown_as_near_as_its_place_is_known(error: Diagnostic, line: str) -> None:
    (told,) = annotations(report(failed("a", error)).results, relative)
    assert told == line.format("title=a did not build")


def test_a_file_above_the_repository_is_told_in_the_message() -> None:
    error = Diagnostic("m", "a", "/elsewhere/x.go", 3)
    (told,) = annotations(report(failed("a", error)).results, lambda path: f"..{path}")
    assert told == "::error title=a did not build::../elsewhere/x.go:3: a"


def test_one_error_is_told_once_with_the_functions_it_costs() -> None:
    error = Diagnostic("m/auth", "undefined: token", AUTH, 9, 2)
    results = [failed(name, error) for name in ("a", "b", "a", "c", "d", "e")]
    results.append(failed("f", error._replace(package="m/auth [m/auth.test]")))
    assert annotations(report(*results).results, relative) == [
        "::error file=internal/auth/auth.go,line=9,col=2,title=a%2C b%2C c and 3 more did not build"
        "::undefined: token"
    ]


def test_of_many_errors_those_of_different_files_come_first() -> None:
    errors = [Diagnostic("m", str(line), MAIN, line) for line in (1, 2, 3)]
    errors += [
        Diagnostic("m", "linking"),
        Diagnostic("m", "4", AUTH, 4),
        Diagnostic("m", "5", AUTH, 5),
    ]
    told = [read(line)[2] for line in annotations(report(failed("a", *errors)).results, relative)]
    assert told == ["1", "4", "linking", "2", "5", "3"]


def test_warnings_come_after_the_errors() -> None:
    made = report(failed("a", Diagnostic("m", "a")))
    told = [read(line)[::2] for line in annotations(made.results, relative, ["b\n%c"])]
    assert told == [("error", "a"), ("warning", "b\n%c")]


def test_a_run_without_errors_has_no_annotations() -> None:
    assert annotations(report(result()).results, relative) == []


@settings(max_examples=20)
@given(reports)
def test_every_error_is_annotated_once(made: Report) -> None:
    told = [read(line) for line in annotations(made.results, relative)]
    errors = {error._replace(package=None) for r in made.results for error in r.errors}
    assert sorted((p.get("file", ""), p.get("line", ""), text) for _, p, text in told) == sorted(
        (relative(e.file) if e.file else "", str(e.line or "") if e.file else "",
         e.message or "no message")
        for e in errors
    )  # fmt: skip


@given(texts.filter(bool), texts.filter(bool), texts.filter(bool))
def test_whatever_a_command_says_the_runner_reads_it_as_it_is_shown(
    message: str, file: str, title: str
) -> None:
    line = command("error", message, file=file, line=3, col=None, title=title)
    assert "\n" not in line
    assert "\r" not in line
    message, file, title = (inert(visible(text)) for text in (message, file, title))
    assert read(line) == ("error", {"file": file, "line": "3", "title": title}, message)


def test_a_path_that_is_no_text_can_be_told() -> None:
    assert command("error", "a\udcff", file="b\udcff") == r"::error file=b\udcff::a\udcff"


MARKDOWN = MarkdownIt("commonmark").enable("table")
"""What GitHub reads: CommonMark with tables. https://github.github.com/gfm/"""


def rendered(text: str) -> str:
    """Return the text as people see it, a line for each block or row of a table."""
    return "\n".join(lines_of(MARKDOWN.parse(text)))


def lines_of(tokens: Iterable[Token]) -> Iterable[str]:
    cells: list[str] = []
    for token in tokens:
        if token.type == "inline":
            cells.append("".join(child.content for child in token.children or ()))
        elif token.type in {"tr_close", "heading_close", "paragraph_close"}:
            yield " | ".join(cells)
            cells = []
        elif token.content:
            yield from token.content.removesuffix("\n").splitlines()


ZIP = Sidecar(Kind.ZIP, "dist/a.zip", "0" * 64, Identity(1, 3_722_193, 3, 4), "")


def test_a_run_is_summed_up() -> None:
    made = report(
        result("slow", size=8_900_000, previous_size=8_898_800, compile_seconds=0.5,
               link_seconds=1.5, seconds=2.0, zip=ZIP),
        result("quick", Status.UNCHANGED, size=2_000, previous_size=2_000, compile_seconds=0.1,
               seconds=0.1),
        result("idle", Status.UP_TO_DATE, size=1_000),
        result("fetched", Status.RESTORED, size=8_000_000),
        failed("bad", Diagnostic("m/auth", "undefined: `x`", AUTH, 9, 2)),
        removed=[artifact("gone")],
    )  # fmt: skip
    text = summary(made, relative, warnings=["`slow` is large"], title="shard 1/4")
    assert (
        text
        == """\
## ❌ shard 1/4: built 1, restored 1, unchanged 1, up to date 1, failed 1 of 5 in 6.4 s

### Did not build

```text
`bad` did not build: in package m/auth
  internal/auth/auth.go:9:2: undefined: `x`
```

### Warnings

- \\`slow\\` is large

### Built

| function | target | status | size | change | zip |
| :-- | :-- | :-- | --: | --: | --: |
| fetched | linux/amd64 | restored | 8.0 MB | new |  |
| quick | linux/amd64 | unchanged | 2.0 kB |  |  |
| slow | linux/amd64 | built | 8.9 MB | +1.2 kB | 3.7 MB |

### Slowest

| function | target | time | compile | link |
| :-- | :-- | --: | --: | --: |
| slow | linux/amd64 | 2.0 s | 0.50 s | 1.5 s |
| quick | linux/amd64 | 0.10 s | 0.10 s |  |

From the cache: 1 of 4, 8.0 MB

<details>
<summary>Removed 1, as their functions are gone</summary>

- dist/gone/bootstrap

</details>

go1.26.8, 2 jobs at once
"""
    )


@pytest.mark.parametrize(
    ("results", "line"),
    [
        (
            (result("a", Status.UP_TO_DATE), result("b", Status.UP_TO_DATE)),
            "lambdabuild: up to date 2 of 2 in 0.03 s\n",
        ),
        ((), "lambdabuild: nothing to build in 0.03 s\n"),
    ],
)
def test_a_run_with_nothing_to_do_is_one_line(results: tuple[StepResult, ...], line: str) -> None:
    assert summary(report(*results, seconds=0.03), relative) == line


def test_what_went_wrong_is_told_even_if_nothing_was_to_be_built() -> None:
    idle = result(status=Status.UP_TO_DATE)
    text = summary(report(idle), relative, warnings=["the cache cannot be reached"])
    assert "- the cache cannot be reached" in text
    text = summary(report(idle, removed=[artifact("gone")]), relative)
    assert "dist/gone/bootstrap" in text


def test_imports_are_told_beside_the_functions_and_a_strict_run_says_why_it_failed() -> None:
    made = report(result("a", seconds=1.0))._replace(
        ok=False,
        complaint="1 warning, and --strict is given",
        spans=(Span(Activity.COMPILE, "net/http", 1, 4), Span(Activity.COMPILE, "fmt", 4, 5.5)),
    )
    lines = summary(made, relative, warnings=["`a` is large"]).splitlines()
    assert lines[0].startswith("## ❌ lambdabuild: ")
    assert lines[2] == "1 warning, and --strict is given"
    assert "Compiled beside them: 2 imports, 4.5 s" in lines


def test_of_many_functions_all_but_twenty_are_folded_away() -> None:
    made = report(*(result(f"f{number:02}", seconds=1.0 + number) for number in range(30)))
    shown, _, folded = summary(made, relative).partition("<summary>10 more</summary>")
    assert [f"f{number:02}" in shown.partition("### Slowest")[0] for number in (0, 19, 20)] == [
        *(True, True, False),
    ]
    rest, _, slowest = folded.partition("### Slowest")
    assert re.findall(r"f\d\d", rest) == [f"f{number}" for number in range(20, 30)]
    assert re.findall(r"f\d\d", slowest) == [f"f{number}" for number in range(29, 19, -1)]


@pytest.mark.parametrize("length", [40, 800])
def test_a_summary_stays_well_below_what_github_takes(length: int) -> None:
    name = "größe-" * (length // 6)
    message = f"cannot use x\n{'x' * 5_000}\n" + "declared here: `y`\n" * 50
    errors = [Diagnostic(f"m/{n}", f"{n}: {message}", MAIN, n + 1) for n in range(300)]
    made = report(
        *(result(f"{name}{n}", seconds=1, size=n) for n in range(2_000)),
        *(failed(f"{name}{n}", error) for n, error in enumerate(errors)),
        removed=[artifact(f"{name}{n}") for n in range(2_000)],
    )
    text = summary(made, relative, warnings=[f"{name} is large"] * 2_000)
    assert len(text.encode()) < 400_000
    assert re.search(r"\n\d+ more lines are in the log\n", text)
    assert "<summary>1980 more</summary>" in text
    folded = length == 40
    assert ("more are in the report that `--report` writes" not in text) == folded
    assert len(re.findall(r"\n- and \d+ more\n", text)) == 2
    assert text.endswith("\ngo1.26.8, 2 jobs at once\n")


signs = [
    "a",
    "1",
    "1. ",
    "- ",
    " ",
    "\n",
    "\r",
    "</",
    "```",
    "~~~",
    "\n\n#",
    *"\\`*_{}[]()#+-.!|~<>&$=:",
]
hostile = st.lists(st.sampled_from(signs), max_size=8).map("".join)


def as_one_line(text: str) -> str:
    return " ".join(text.split())


@given(hostile, hostile, hostile, hostile)
@example("", "```\n# no heading", "", "")
@example("", "````", "", "")
def test_nothing_that_is_told_is_taken_for_markdown(
    name: str, message: str, warning: str, removed: str
) -> None:
    made = report(
        result(f"a{name}", seconds=1, size=9),
        failed("bad", Diagnostic("m", message)),
        removed=[artifact()._replace(path=f"{removed}r")],
    )
    told = summary(made, relative, warnings=[f"{warning}w"], title=f"{name}t")
    lines = rendered(told).splitlines()
    assert lines[0] == f"❌ {as_one_line(f'{name}t')}: built 1, failed 1 of 2 in 6.4 s"
    assert as_one_line(f"{warning}w") in lines
    rows = [line for line in lines if line.endswith("| linux/amd64 | built | 9 B | new | ")]
    assert rows == [f"{as_one_line(f'a{name}')} | linux/amd64 | built | 9 B | new | "]
    assert as_one_line(f"{removed}r") in lines
    fences = [token for token in MARKDOWN.parse(told) if token.type == "fence"]
    (fence,) = fences
    said = visible(message).splitlines() or [""]
    assert fence.content.splitlines()[: len(said) + 1] == [
        "`bad` did not build: in package m",
        f"  {said[0]}",
        *(f"    {line.strip()}" for line in said[1:]),
    ]
    assert lines[-1] == "go1.26.8, 2 jobs at once"


@settings(max_examples=20)
@given(reports)
def test_any_run_can_be_summed_up(made: Report) -> None:
    text = summary(made, relative)
    assert text.endswith("\n")
    assert text.count("\n") == 1 or text.startswith("## ")


def test_several_targets_are_told_apart() -> None:
    other = StepResult(step("a", target=ARM64), Status.BUILT, size=9)
    lines = rendered(summary(report(result("a", size=9), other), relative)).splitlines()
    assert [line for line in lines if line.startswith("a | ")] == [
        "a | linux/amd64 | built | 9 B | new | ",
        "a | linux/arm64 | built | 9 B | new | ",
    ]
