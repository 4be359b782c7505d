"""What typer refuses is said in the words and the style of all other errors."""

import pytest
import typer

from lambdabuild.cli.app import app
from lambdabuild.cli.usage.errors import usage_error


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("all --achr x",
         "`lambdabuild all` has no flag `--achr`\n  hint: did you mean `--arch`?"),
        ("doctor --wat",
         "`lambdabuild doctor` has no flag `--wat`\n"
         "  hint: `lambdabuild doctor -h` shows what there is"),
        ("--poll watch",
         "`lambdabuild` has no flag `--poll`\n"
         "  hint: it comes after the command: `lambdabuild watch`, `lambdabuild serve`"),
        ("list --poll",
         "`lambdabuild list` has no flag `--poll`\n  hint: it is a flag of `lambdabuild watch`, `lambdabuild serve`"),
        ("all users-* carts-expire",
         "`lambdabuild all` takes no names\n  hint: `lambdabuild build 'users-*' carts-expire`"),
        ("clean a b",
         "`lambdabuild clean` takes no `a b`\n"
         "  hint: `lambdabuild clean -h` shows what there is"),
        ("chek", "there is no command `chek`\n  hint: did you mean `check`?"),
        ("users-get",
         "there is no command `users-get`\n"
         "  hint: `lambdabuild -h` lists the commands; "
         "`lambdabuild build NAME` builds a function"),
        ("cache fill",
         "there is no command `fill`\n  hint: `lambdabuild cache -h` lists the commands"),
        ("build",
         "`lambdabuild build` needs NAME...\n  hint: `lambdabuild list` shows the functions"),
        ("all -j x",
         "`--jobs` is a whole number from 1, not `x`\n"
         "  hint: `lambdabuild all -h` shows what there is"),
        ("all -j 0",
         "`--jobs` is a whole number from 1, not `0`\n"
         "  hint: `lambdabuild all -h` shows what there is"),
        ("all --json=yes",
         "option '--json' does not take a value\n"
         "  hint: `lambdabuild -h` shows what there is"),
        ("all -R", "`lambdabuild all` has no flag `-R`\n"
         "  hint: `lambdabuild all -h` shows what there is"),
        ("all --out", "`--out` needs a value\n  hint: `lambdabuild -h` shows what there is"),
        ("", "no command was given\n  hint: `lambdabuild -h` shows what there is"),
    ],
)  # fmt: skip
def test_a_command_line_is_refused_with_what_helps(line: str, told: str) -> None:
    with pytest.raises(typer.TyperException) as raised:
        typer.main.get_command(app).main(
            line.split(), prog_name="lambdabuild", standalone_mode=False
        )
    assert str(usage_error(raised.value)) == told
