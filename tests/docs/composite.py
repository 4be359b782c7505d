"""Run the shell steps of .github/actions/lambdabuild as GitHub's runner does."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github" / "actions" / "lambdabuild"
_INPUT = re.compile(r"\$\{\{ inputs\.([a-z-]+) \}\}")
_BLOCK = re.compile(r"(?:(?P<name>[\w-]+)<<(?P<end>.+)\n(?P<lines>(?:.*\n)*?)(?P=end)\n)")


def load(text: str) -> Any:
    """Return what YAML says."""
    return YAML(typ="safe").load(text)


DEFINITION = load((ACTION / "action.yml").read_text("utf-8"))
STEPS: Mapping[str, Any] = {
    step["name"]: step for step in DEFINITION["runs"]["steps"] if "run" in step
}
"""Those that run a script, by name."""


class Ended(NamedTuple):
    """How a step ended."""

    code: int
    said: str
    outputs: Mapping[str, str]
    variables: Mapping[str, str]
    """What the steps that follow have in their environment."""


def run_step(
    name: str,
    directory: Path,
    environment: Mapping[str, str],
    *,
    inputs: Mapping[str, str] | None = None,
    told: Mapping[str, str] | None = None,
) -> Ended:
    """Run one step in a directory; `told` has the values of what is no input, by variable."""
    step = STEPS[name]
    told = {"FORK": "false", **(told or {})}
    own = {
        variable: told[variable] if variable in told else _value(expression, inputs or {})
        for variable, expression in step.get("env", {}).items()
    }
    output = Path(environment["RUNNER_TEMP"], "output")
    variables = Path(environment["RUNNER_TEMP"], "variables")
    for path in (output, variables):
        path.write_text("", "utf-8")
    script = Path(environment["RUNNER_TEMP"], "step.sh")
    script.write_text(step["run"], "utf-8")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
        check=False,
        cwd=directory,
        env={**environment, **own, "GITHUB_OUTPUT": str(output), "GITHUB_ENV": str(variables)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    told_later = _outputs(variables.read_text("utf-8"))
    return Ended(done.returncode, done.stdout, _outputs(output.read_text("utf-8")), told_later)


def _value(expression: str, inputs: Mapping[str, str]) -> str:
    found = _INPUT.fullmatch(expression)
    assert found, f"the test has to tell what `{expression}` is"
    default: str = DEFINITION["inputs"][found[1]]["default"]
    return inputs.get(found[1], default)


def _outputs(text: str) -> dict[str, str]:
    """Return what a step tells by GITHUB_OUTPUT.

    https://docs.github.com/actions/reference/workflow-commands#multiline-strings
    """
    several = {match["name"]: match["lines"].rstrip("\n") for match in _BLOCK.finditer(text)}
    rest = _BLOCK.sub("", text).splitlines()
    return several | {name: value for name, _, value in (line.partition("=") for line in rest)}
