"""Repositories as strangers lay them out: no configuration, and what each command says of them."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.conftest import Copy, Project, Recorded
from tests.e2e.history import History, without_settings
from tests.schemas import code_quality, schema

pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)

HANDLER = (
    'package main\n\nimport "github.com/aws/aws-lambda-go/lambda"\n\n'
    'func main() {{\n\tlambda.Start(func() (string, error) {{ return "{}", nil }})\n}}\n'
)


@pytest.mark.parametrize(
    ("fixture", "functions", "architecture", "lines"),
    [
        ("sam-arm64", ["get-order", "put-order"], "arm64",
         ["for arm64 (template.yaml:6) and provided.al2 (template.yaml:5), as all deployment files say",
          "no api/: 2 Lambda functions under functions"]),
        pytest.param("terraform-cmd", ["ingest", "report"], "arm64",
                     ["for arm64 (infra/main.tf:10), as all deployment files say",
                      "no api/: 2 Lambda functions under cmd/lambda; 1 other main package left out "
                      "(list --skipped)"], marks=pytest.mark.extended),
        ("module-per-function", ["appointments", "billing", "users"], "x86_64",
         ["no api/: 3 Lambda functions"]),
        pytest.param("workspace", ["mail", "push"], "x86_64",
                     ["no api/: 2 Lambda functions under services"], marks=pytest.mark.extended),
        pytest.param("cdk-app-beside", ["resize", "upload"], "x86_64",
                     ["no api/: 2 Lambda functions under lambdas; 1 other main package left out "
                      "(list --skipped)"], marks=pytest.mark.extended),
    ],
)  # fmt: skip
def test_without_configuration_all_builds_what_the_repository_deploys(
    copy: Copy, fixture: str, functions: list[str], architecture: str, lines: list[str]
) -> None:
    project = copy(fixture)
    result = project.run("all", "--json")
    assert result.code == 0, result.err
    assert result.statuses == dict.fromkeys(functions, "built")
    assert {f["architecture"] for f in result.functions.values()} == {architecture}
    assert [line for line in lines if line not in result.err.splitlines()] == []
    # `init` writes what finds the same, and changes nothing.
    assert project.run("init").code == 0
    again = project.run("all", "--json")
    assert again.statuses == dict.fromkeys(functions, "up-to-date"), again.err
    checked = project.run("check")
    assert checked.code == 0, checked.err


def test_a_run_with_nothing_to_do_starts_no_go_wherever_functions_are(
    copy: Copy, recorded: Recorded
) -> None:
    project = Recorded(copy("mixed-mains").path, recorded.environment, recorded.go, recorded.log)
    result = project.run("all", "--json")
    assert result.statuses == dict.fromkeys(["webhook", "worker"], "built"), result.err
    found = "no api/: 2 Lambda functions under cmd; 3 other main packages left out (list --skipped)"
    assert found in result.err.splitlines()
    project.started()
    result = project.run("all", "--json")
    assert set(result.statuses.values()) == {"up-to-date"}
    assert project.started() == []
    # A function that comes, or a program that becomes one, is noticed.
    project.write("cmd/cli/main.go", HANDLER.format("cli"))
    project.write("jobs/nightly/main.go", HANDLER.format("nightly"))
    result = project.run("all", "--json")
    assert result.statuses["cmd-cli"] == result.statuses["jobs-nightly"] == "built"
    # And an api/ with a main package is where functions are, again.
    project.write("api/one/main.go", HANDLER.format("one"))
    assert list(project.run("list", "--json").functions) == ["one"]


def test_entrypoints_choose_for_given_roots_as_well(copy: Copy) -> None:
    project = copy("mixed-mains")
    every = ["cli", "migrate", "server", "webhook", "worker"]

    def listed(*flags: str) -> list[str]:
        result = project.run("list", "--json", *flags)
        assert result.code == 0, result.err
        return list(result.functions)

    assert listed("--root", "cmd") == every
    assert listed("--root", "cmd", "--entrypoints", "lambda") == ["webhook", "worker"]
    assert listed("--entrypoints", "all") == [f"cmd-{name}" for name in every]
    skipped = project.run("list", "--skipped", "--json").json["skipped"]
    assert [(s["directory"], s["reason"]) for s in skipped] == [
        (f"cmd/{name}", "it does not import github.com/aws/aws-lambda-go/lambda")
        for name in ("cli", "migrate", "server")
    ]
    wrong = project.run("list", "--entrypoints", "lamda")
    assert (wrong.code, "did you mean `lambda`?" in wrong.err) == (2, True)
    # A false friend is left out by name, and names stay.
    project.write("lambdabuild.toml", 'exclude = ["worker"]\n')
    assert listed() == ["webhook"]


def test_a_broken_module_is_named_and_costs_its_own_functions(copy: Copy) -> None:
    project = copy("broken-module")
    result = project.run("all", "--json")
    assert (result.code, result.statuses) == (
        *(1, {"alpha": "built", "beta": "built", "gamma": "failed"}),
    )  # fmt: skip
    assert "gamma/go.mod:5: error: unknown directive: requre" in result.err
    assert project.run("doctor").code == 2
    (hint,) = set(re.findall(r"hint: (.*)", result.err))
    assert hint == "correct line 5 of go.mod: did you mean `require`?"
    project.replace("gamma/go.mod", "requre", "require")
    assert project.run("all").code == 0
    assert project.run("doctor").code == 0


@pytest.mark.extended
def test_several_mains_in_one_directory_are_named_and_the_remedy_works(copy: Copy) -> None:
    project = copy("file-per-function")
    result = project.run("all", "--json")
    assert (result.code, result.statuses) == (1, {"todos": "failed"})
    assert (
        "3 of its files have a `func main` each: create.go, get.go, list.go; Go makes one program of "
        "a directory" in result.err
    )
    assert "hint: give each a directory of its own, such as `create/main.go`" in result.err
    for name in ("create", "get", "list"):
        (project / f"todos/{name}").mkdir()
        Path(project / f"todos/{name}.go").rename(project / f"todos/{name}/main.go")
    result = project.run("all", "--json")
    assert result.statuses == dict.fromkeys(["create", "get", "list"], "built")
    assert project.run("check").code == 0


@pytest.mark.extended
def test_where_no_lambda_is_found_the_remedies_work(copy: Copy, empty: Project) -> None:
    project = copy("no-api")
    result = project.run("all")
    assert result.code == 2
    assert "3 main packages found, and none imports the Lambda library" in result.err
    assert project.run("all", "--entrypoints", "all").code == 0
    assert project.run("init").code == 0
    assert project.run("all").code == 0
    # Nothing at all: no file is left behind that cannot work.
    result = empty.run("init")
    assert (result.code, (empty / "lambdabuild.toml").exists()) == (2, False)


def test_init_writes_what_git_is_to_ignore_and_keeps_out_of_a_tracked_dist(
    copy: Copy,
) -> None:
    project = copy("sam-arm64")
    project.write("dist/site/index.html", "<p>")
    project.write(".gitignore", "*.log")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=project.path, env=project.environment, check=True)
    result = project.run("init", "--gitignore")
    assert result.code == 0, result.err
    text = (project / "lambdabuild.toml").read_text("utf-8")
    assert 'out = "build"  # `dist` is tracked by git\n' in text
    assert 'architecture = "arm64"  # template.yaml:6\n' in text
    assert (project / ".gitignore").read_text("utf-8") == "*.log\n/build/\n/.lambdabuild/\n"
    assert project.run("all").code == 0
    assert (project / "build/get-order/bootstrap").exists()
    assert (project / "dist/site/index.html").exists()


def test_check_names_what_differs_and_links_nothing(copy: Copy) -> None:
    project = copy("sam-arm64")
    assert project.run("check").code == 0
    assert not (project / "dist").exists()
    project.replace("template.yaml", "functions/put-order", "functions/replace-order")
    project.replace("template.yaml", "      CodeUri: functions/get-order\n",
                    "      CodeUri: functions/get-order\n      Runtime: go1.x\n")  # fmt: skip
    given = ("--arch", "x86_64", "--code-quality", "quality.json")
    result = project.run("check", "--json", *given, env={"GITHUB_ACTIONS": "true"})
    assert result.code == 1
    Draft202012Validator(schema("check")).validate(result.json)
    kinds = [(d["kind"], d["function"], d["file"], d["line"]) for d in result.json["differences"]]
    assert kinds == [
        ("architecture", "get-order", "template.yaml", 6),
        ("retired", "get-order", "template.yaml", 15),
        ("architecture", "put-order", "template.yaml", 6),
    ]
    assert "::error file=template.yaml,line=15,title=get-order::" in result.err
    assert [found[:4] for found in code_quality(project / "quality.json")] == [
        ("architecture", "major", "template.yaml", 6),
        ("architecture", "major", "template.yaml", 6),
        ("retired", "major", "template.yaml", 15),
    ]
    broken = HANDLER.format("put-order").replace("nil })", "undefined })")
    project.write("functions/put-order/main.go", broken)
    result = project.run("check", "put-order", "--json")
    assert result.code == 1
    (function,) = [f for f in result.json["functions"] if not f["ok"]]
    Draft202012Validator(schema("check")).validate(result.json)
    assert (function["name"], function["errors"][0]["message"]) == (
        "put-order",
        "undefined: undefined",
    )
    refused = project.run("check", "--against", "nowhere.yaml", "--json")
    Draft202012Validator(schema("check")).validate(json.loads(refused.out))
    assert (refused.code, "nowhere.yaml" in json.loads(refused.out)["error"]["message"]) == (
        2,
        True,
    )


def test_every_run_warns_where_deployment_files_contradict_the_configuration(copy: Copy) -> None:
    project = copy("sam-arm64")
    project.write("lambdabuild.toml", 'architecture = "x86_64"\n')
    warning = (
        "warning: template.yaml:6: `get-order` is deployed on arm64, and built for x86_64; so it is "
        "with `put-order`"
    )
    for _ in range(2):
        result = project.run("all")
        assert (result.code, warning in result.err.splitlines()) == (0, True), result.err
    # A template that is mended is read again.
    project.replace("template.yaml", "[arm64]", "[x86_64]")
    assert "warning" not in project.run("all").err


def test_a_first_configuration_affects_only_what_it_sets(copy: Copy) -> None:
    found = copy("mixed-mains")
    project = History(found.path, without_settings(found.environment), found.go)
    project.start_history()
    assert project.run("init").code == 0
    project.commit()
    assert project.run("list", "--since", "HEAD~1", "--json").json["functions"] == []
    text = (project / "lambdabuild.toml").read_text("utf-8")
    project.write("lambdabuild.toml", f'{text}\n[functions.worker]\nldflags = "-s"\n')
    assert list(project.run("list", "--since", "HEAD~1", "--json").functions) == ["worker"]


def test_a_vendored_lambda_library_is_as_good(copy: Copy) -> None:
    project = copy("mixed-mains")
    project.go_run("mod", "vendor")
    (project / "go.sum").unlink()
    result = project.run("all", "--json", env={"GOPROXY": "off"})
    assert result.statuses == dict.fromkeys(["webhook", "worker"], "built"), result.err


@pytest.mark.extended
def test_a_function_at_the_top_is_named_after_its_module(copy: Copy) -> None:
    project = copy("sam-arm64")
    for name in ("functions", "template.yaml"):
        path = project / name
        path.rename(project.path.parent / name)
    project.write("main.go", HANDLER.format("top"))
    assert list(project.run("list", "--json").functions) == ["sam-arm64"]
    project.replace("go.mod", "example.com/sam-arm64", "example.com/shop/v2")
    for flags in ([], ["--root", "."]):
        assert list(project.run("list", "--json", *flags).functions) == ["shop"]
    # One function by name, and what npm installs is nobody's.
    project.write("node_modules/x/main.go", HANDLER.format("x"))
    assert project.run("build", "shop", "--json").statuses == {"shop": "built"}


def test_init_proposes_no_name_that_a_deployment_file_could_do_harm_with(copy: Copy) -> None:
    project = copy("sam-arm64")
    evil = 'build/put-order\\"]\\nenv = {CC = \\"./evil\\"}\\n[functions.\\"x'
    project.replace("template.yaml", "CodeUri: functions/put-order", f'CodeUri: "{evil}"')
    project.replace("template.yaml", "CodeUri: functions/get-order", "CodeUri: out/getOrder.zip")
    assert project.run("init").code == 0
    text = (project / "lambdabuild.toml").read_text("utf-8")
    assert "evil" not in text
    assert '[functions."getOrder"]\ndirectory = "functions/get-order"\n' in text
    assert list(project.run("list", "--json").functions) == ["getOrder", "put-order"]


def test_a_directory_without_any_go_file_is_called_so(tmp_path: Path, empty: Project) -> None:
    project = Project(tmp_path / "nothing", empty.environment, empty.go)
    project.path.mkdir()
    for command in ("all", "init", "check"):
        result = project.run(command)
        assert (result.code, "no Go file is there" in result.err) == (2, True), result.err
    assert not (project / "lambdabuild.toml").exists()
