"""A file saved and undone while it is compiled: Go hashes it before, and keeps the result under that hash.

A toolexec makes the race certain: it saves a file when Go has hashed it, lets the compiler read
that, and puts the file back with the times it had.
"""

import random
import time
import uuid

import pytest

from tests.e2e.amounts import ROUNDS, amounts
from tests.e2e.conftest import Project
from tests.e2e.watcher import watching

pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)

SHARED = "example.com/empty/shared"

# Saves $RACE_FILE with $RACE_TEXT in the first tool of $RACE_TOOLS, and undoes it after the last.
# A stopped build ends it no earlier: who saves a file does not leave half of it.
RACE = """#!/bin/sh
trap '' TERM INT HUP
tool=${1##*/}
case "$*" in *" -V=full" | *" -gensymabis "*) exec "$@" ;; esac
[ "$TOOLEXEC_IMPORTPATH" = "$RACE_PACKAGE" ] || exec "$@"
if [ "$tool" = "${RACE_TOOLS%% *}" ] && [ "$(wc -l <"$RACE_LOG")" -lt "$RACE_MOST" ]; then
    echo saved >>"$RACE_LOG"
    cp -p "$RACE_FILE" "$RACE_LOG.kept" && printf %s "$RACE_TEXT" >"$RACE_FILE"
fi
"$@"
status=$?
if [ "$tool" = "${RACE_TOOLS##* }" ] && [ -f "$RACE_LOG.kept" ]; then
    cat "$RACE_LOG.kept" >"$RACE_FILE" && touch -r "$RACE_LOG.kept" "$RACE_FILE"
    rm "$RACE_LOG.kept"
fi
exit $status
"""


def word() -> str:
    """Return what no Go cache has ever heard of: one that is poisoned would stay so."""
    return f"w{uuid.uuid4().hex}"


def race(
    project: Project, file: str, text: str, *, package: str, tools: str, most: int = 1
) -> dict[str, str]:
    """Return what makes Go's tools save and undo a file, `most` times."""
    script = project / "race.sh"
    script.write_text(RACE, "utf-8")
    script.chmod(0o755)
    (project / "race.log").touch()
    return {
        "GOFLAGS": f"-toolexec={script}",
        "RACE_PACKAGE": package,
        "RACE_TOOLS": tools,
        "RACE_FILE": str(project / file),
        "RACE_TEXT": text,
        "RACE_LOG": str(project / "race.log"),
        "RACE_MOST": str(most),
    }


def raced(project: Project) -> int:
    return len((project / "race.log").read_text().splitlines())


def write_all_kinds(project: Project) -> None:
    """Write a function that holds a word from each kind of file that is compiled."""
    project.write(
        "api/f/main.go",
        'package main\n\nimport (\n\t_ "embed"\n\n\t"example.com/empty/shared"\n)\n\n'
        "//go:embed word.txt\nvar embedded string\n\n"
        "func main() { println(shared.Word, embedded, shared.Assembled(), shared.FromC()) }\n",
    )
    project.write("api/f/word.txt", "embedded-1")
    project.write("shared/word.go", 'package shared\n\nconst Word = "go-1"\n')
    project.write("shared/asm.go", "package shared\n\nfunc Assembled() int\n")
    project.write(
        "shared/asm_amd64.s",
        '#include "textflag.h"\n#include "value.h"\n\nTEXT ·Assembled(SB),NOSPLIT,$0-8\n'
        "\tMOVQ $(VALUE+2000), AX\n\tMOVQ AX, ret+0(FP)\n\tRET\n",
    )
    project.write("shared/value.h", "#define VALUE 300000\n")
    # Go takes no assembly beside C: that is a package of its own.
    project.write(
        "native/native.go",
        'package native\n\n// int number(void);\nimport "C"\n\n'
        "func Number() int { return int(C.number()) }\n",
    )
    project.write("native/number.c", "int number(void) { return 4001; }\n")
    project.write(
        "shared/c.go",
        'package shared\n\nimport "example.com/empty/native"\n\n'
        "func FromC() int { return native.Number() }\n",
    )
    project.write("lambdabuild.toml", 'cgo = true\nenv = { CC = "cc" }\n')


GO, TEXT, ASSEMBLY, HEADER, C = (
    "shared/word.go",
    "api/f/word.txt",
    "shared/asm_amd64.s",
    "shared/value.h",
    "native/number.c",
)


@pytest.mark.parametrize(
    ("file", "old", "new", "package", "tools"),
    [
        (GO, "go-1", "go-2", SHARED, "compile"),
        pytest.param(
            *(TEXT, "embedded-1", "embedded-2", "example.com/empty/api/f", "compile"),
            marks=pytest.mark.extended,
        ),
        pytest.param(ASSEMBLY, "+2000", "+7000", SHARED, "asm", marks=pytest.mark.extended),
        (HEADER, "300000", "800000", SHARED, "asm"),
        (C, "4001", "9001", "example.com/empty/native", "cgo compile"),
    ],
    ids=["go", "embedded", "assembly", "header", "c"],
)  # fmt: skip
def test_what_was_saved_and_undone_while_it_was_compiled_is_in_no_executable_and_no_cache(
    empty: Project, file: str, old: str, new: str, package: str, tools: str
) -> None:
    write_all_kinds(empty)
    # One word that no cache has, so that all is compiled.
    empty.write("shared/fresh.go", f'package shared\n\nfunc init() {{ println("{word()}") }}\n')
    empty.write("native/fresh.go", f"package native\n\n// {word()}\n")
    empty.replace("api/f/main.go", "package main", f"// {word()}\npackage main")
    text = (empty / file).read_text()
    racing = race(empty, file, text.replace(old, new), package=package, tools=tools)
    first = empty.run("all", "--json", env=racing)
    assert (first.code, raced(empty)) == (0, 1), first.err
    right = empty.says("f").split("\n")[-1]
    assert right == "go-1 embedded-1 302000 4001"
    # What another run takes out of Go's cache is no other.
    second = empty.run("all", "--json", "--out", "again")
    assert second.statuses == {"f": "built"}, second.err
    assert empty.says("f", directory="again").split("\n")[-1] == right


@pytest.mark.extended
def test_nor_is_it_where_go_compiles_to_tell_what_its_cache_has(empty: Project) -> None:
    """Of a package with C from elsewhere, what Go has kept is forgotten first."""
    right = word()
    function_with_c_from_elsewhere(empty)
    empty.write("plain/plain.go", f'package plain\n\nfunc init() {{ println("{right}") }}\n')
    racing = race(
        empty, "plain/plain.go", (empty / "plain/plain.go").read_text().replace(right, word()),
        package="example.com/empty/plain", tools="compile",
    )  # fmt: skip
    first = empty.run("all", "--json", env=racing)
    assert (first.code, raced(empty)) == (0, 1), first.err
    for directory in ("dist", "again"):
        assert empty.run("all", "--out", directory).code == 0
        assert empty.says("f", directory=directory) == right


def function_with_c_from_elsewhere(project: Project) -> None:
    project.write(
        "api/f/main.go",
        'package main\n\nimport (\n\t_ "example.com/empty/native"\n\t_ "example.com/empty/plain"\n'
        ")\n\nfunc main() {}\n",
    )
    project.write("elsewhere/value.h", "#define FOUR 4\n")
    project.write(
        "native/native.go",
        'package native\n\n// #include "../elsewhere/value.h"\nimport "C"\n\nconst Four = C.FOUR\n',
    )
    project.write("lambdabuild.toml", 'cgo = true\nenv = { CC = "cc" }\n')


@pytest.mark.extended
def test_what_changes_whenever_it_is_compiled_fails_by_name_and_is_built_once_it_rests(
    empty: Project,
) -> None:
    said = word()
    empty.write("api/f/main.go", f'package main\n\nfunc main() {{ println("{said}") }}\n')
    empty.write("api/g/main.go", 'package main\n\nfunc main() { println("other") }\n')
    other = f'package main\n\nfunc main() {{ println("{word()}") }}\n'
    racing = race(
        empty, "api/f/main.go", other, package="example.com/empty/api/f", tools="compile", most=9
    )  # fmt: skip
    result = empty.run("all", "--json", env=racing)
    assert result.code == 1
    assert result.statuses == {"f": "failed", "g": "built"}
    assert [error["message"] for error in result.functions["f"]["errors"]] == [
        "api/f/main.go was changed while it was compiled"
    ]
    assert raced(empty) == 3
    assert empty.run("all").code == 0
    assert empty.says("f") == said


def test_a_directory_that_takes_anothers_place_and_goes_again_brings_nothing(
    empty: Project,
) -> None:
    """The times of its files are old, and a rename gives them no others."""
    said = word()
    empty.write(
        "api/f/main.go",
        'package main\n\nimport _ "example.com/empty/shared/all"\n\nfunc main() {}\n',
    )
    for directory, text in (("shared", said), ("other", word())):
        empty.write(
            f"{directory}/all/all.go", f'package all\n\nfunc init() {{ println("{text}") }}\n'
        )
    script = empty / "swap.sh"
    script.write_text(
        '#!/bin/sh\ncase "$TOOLEXEC_IMPORTPATH $2" in *-V=full*) exec "$@" ;; */shared/all\\ *) ;;'
        f' *) exec "$@" ;; esac\ncd {empty.path}\n[ ! -f once ] || exec "$@"\ntouch once\n'
        "mv shared away; mv other shared\n"
        '"$@"\nstatus=$?\nmv shared other; mv away shared\nexit $status\n'
    )  # fmt: skip
    script.chmod(0o755)
    assert empty.run("all", env={"GOFLAGS": f"-toolexec={script}"}).code == 0
    assert (empty / "once").exists()
    assert empty.says("f") == said


def test_force_believes_nothing_that_go_has_kept_of_the_repository(empty: Project) -> None:
    """Another program, which nothing keeps from it, may have left the wrong package there."""
    said, other = word(), word()
    empty.write("shared/word.go", f'package shared\n\nconst Word = "{said}"\n')
    empty.write(
        "api/f/main.go",
        'package main\n\nimport "example.com/empty/shared"\n\nfunc main() { println(shared.Word) }\n',
    )
    flags = ["-trimpath", "-buildvcs=false", "-tags=lambda.norpc", "-gcflags=all=-dwarf=false"]
    racing = race(
        empty, "shared/word.go", f'package shared\n\nconst Word = "{other}"\n',
        package=SHARED, tools="compile",
    )  # fmt: skip
    lambda_ = {"GOOS": "linux", "GOARCH": "amd64", "GOAMD64": "v1", "CGO_ENABLED": "0"}
    empty.go_run("build", *flags, "./shared", env=racing | lambda_)
    assert raced(empty) == 1
    assert empty.run("all").code == 0
    assert empty.says("f") == other, "this is what plain Go takes from its cache"
    assert empty.run("all", "--force").code == 0
    assert empty.says("f") == said


def test_a_watcher_takes_nothing_that_was_saved_and_undone_while_it_was_compiled(
    empty: Project,
) -> None:
    said = word()
    empty.write("api/zz/main.go", 'package main\n\nfunc main() { println("<<zz>>") }\n')
    empty.write("api/f/main.go", 'package main\n\nfunc main() { println("<<f1>>") }\n')
    text = f'package main\n\nfunc main() {{ println("{said}") }}\n'
    racing = race(
        empty, "api/f/main.go", text.replace(said, word()),
        package="example.com/empty/api/f", tools="compile", most=0,
    )  # fmt: skip
    racing["RACE_MOST"] = "2"
    (empty / "race.log").write_text("not\nyet\n")
    with watching(empty, env=racing) as watch:
        (empty / "race.log").write_text("first\n")
        empty.write("api/f/main.go", text)
        watch.until("built f")
        watch.settled()
    assert raced(empty) >= 1
    assert empty.says("f") == said


@pytest.mark.extended
@amounts("rounds", ROUNDS, short=4, long=12)
def test_saves_and_undoes_at_random_moments_leave_nothing_wrong(
    empty: Project, rounds: int
) -> None:
    """Run it at length with LAMBDABUILD_SAVE_AND_UNDO_ROUNDS=500."""
    seed = random.randrange(1 << 32)  # noqa: S311 - to be told, not to be kept
    chance = random.Random(seed)  # noqa: S311
    empty.write(
        "api/f/main.go",
        'package main\n\nimport "example.com/empty/shared"\n\nfunc main() { println(shared.Word) }\n',
    )
    shared = empty / "shared/all.go"
    shared.parent.mkdir()

    def save(text: str) -> None:
        shared.write_text(f'package shared\n\nconst Word = "{text}"\n', "utf-8")

    for number in range(rounds):
        before, meanwhile = word(), word()
        save(before)
        first = empty.start("all")
        time.sleep(chance.uniform(0.08, 0.3))
        save(meanwhile)
        if chance.random() < 0.5:
            time.sleep(chance.uniform(0, 0.02))
        else:
            first.wait()
        save(before)
        first.communicate()
        assert empty.run("all").code == 0
        assert empty.says("f") == before, f"round {number} of seed {seed}"
