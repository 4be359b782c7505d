"""Find the deployment files of a project, and read them: whatever is in them, nothing is raised."""

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from lambdabuild.deployment import cloudformation, serverless, terraform
from lambdabuild.deployment.declared import OF_PLUGINS, Declared, Deployment, Witness
from lambdabuild.deployment.documents import UnreadableError, read_json, read_yaml
from lambdabuild.deployment.literals import local_path
from lambdabuild.system import files

MOST_BYTES = 4 << 20
"""Of one file; CloudFormation takes templates of 1 MB."""
MOST_FILES = 2000
"""Of those that are opened in one project."""
_NEVER = frozenset({
    "node_modules", "vendor", "testdata", "venv", "__pycache__", "site-packages", "dist", "build",
})  # fmt: skip
"""Directories in which nobody keeps what is deployed, and that are large."""
_YAML = (".yaml", ".yml")
_GOARCH = re.compile(r"\bGOARCH\s*[:?]?[=:]\s*[\"']?(amd64|arm64)\b")
_OTHER_SYSTEM = re.compile(r"\bGOOS\s*[:?]?[=:]\s*[\"']?(?!linux)\w")
_IN_PROGRAMS = re.compile(
    r"\bArchitecture(?:\.|_)(ARM_64|X86_64)\b|\barchitectures\b.*[\"'](arm64|x86_64)[\"']"
)
"""How CDK and Pulumi programs say it.

https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_lambda.Architecture.html
"""
_PROGRAMS = (".ts", ".py", ".go", ".js", ".cs", ".java")
_OF_PROGRAMS = frozenset({"cdk.json", "Pulumi.yaml"})
"""Beside these, and below, are programs that deploy."""
_OF_LAMBDA = {
    "amd64": "x86_64",
    "arm64": "arm64",
    "ARM_64": "arm64",
    "X86_64": "x86_64",
    "x86_64": "x86_64",
}
_LAMBDA = (b"AWS::Serverless::Function", b"AWS::Lambda::Function")
_SERVICE = re.compile(r"serverless(?:[.-][\w-]+)?\.(?:ya?ml|json)")
_WITNESS = re.compile(r"(?:GNU)?[Mm]akefile|.*\.mk|Taskfile\.ya?ml|.*\.sh|buildspec[\w-]*\.ya?ml")


def find(top: str, ignored: Collection[str] = ()) -> tuple[list[str], list[str]]:
    """Return the files below `top` that may be deployment files, and the directories looked into.

    All are absolute. Hidden directories are left out but `.github`, and so is what is `ignored`.
    """
    found: list[str] = []
    directories: list[str] = []
    left = [(top, False)]
    while left and len(found) < MOST_FILES:
        directory, deploys = left.pop()
        try:
            with os.scandir(directory) as iterator:
                entries = sorted(iterator, key=lambda entry: entry.name)
        except OSError:
            continue
        directories.append(directory)
        deploys = deploys or any(entry.name in _OF_PROGRAMS for entry in entries)
        below = []
        for entry in entries:
            if _is_directory(entry):
                if not _passed_over(entry.name) and entry.path not in ignored:
                    below.append((entry.path, deploys))
            elif may_declare(entry.name, directory) or (deploys and _is_program(entry.name)):
                found.append(entry.path)
        left += reversed(below)
    return found, directories


def _passed_over(name: str) -> bool:
    # In cdk.out, `asset.…` is a copy of what is deployed.
    return (
        name in _NEVER or name.startswith("asset.") or (name.startswith(".") and name != ".github")
    )


def _is_directory(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_program(name: str) -> bool:
    return name.endswith(_PROGRAMS) and not name.endswith((".d.ts", "_test.go", ".test.ts"))


def may_declare(name: str, directory: str) -> bool:
    """Return whether a file of this name in this directory may be a deployment file."""
    return (
        name.endswith((*_YAML, ".tf"))
        or name in {"template.json", "serverless.json"}
        or (
            name.endswith(".template.json") and not os.path.basename(directory).startswith("asset.")
        )
        or _WITNESS.fullmatch(name) is not None
    )


def read(paths: Iterable[str], *, named: bool = False) -> Deployment:
    """Return what the files declare; those that a person `named` may be called anything."""
    paths = list(paths)
    functions: list[Declared] = []
    witnesses: list[Witness] = []
    unreadable: list[tuple[str, str]] = []
    modules: dict[str, dict[str, str]] = defaultdict(dict)
    for path in paths:
        try:
            content = files.whole(path, MOST_BYTES)
        except OSError:
            continue
        text = content.decode("utf-8-sig", "replace")
        witnesses += _witnesses(path, text)
        if path.endswith(".tf"):
            modules[os.path.dirname(path)][path] = text
            if named:
                modules[os.path.dirname(path)] |= _beside(path)
            continue
        include = _Includes(path, unreadable)
        try:
            functions += _declared(path, content, text, include, named=named)
        except UnreadableError as error:
            unreadable.append((path, str(error)))
    for directory, sources in modules.items():
        if any("lambda" in source for source in sources.values()):
            try:
                functions += terraform.functions_in(sources)
            except UnreadableError as error:
                unreadable.append((directory, str(error)))
    of_files = _of_files(functions, paths)
    return Deployment(
        # One without a runtime does not run Go executables.
        tuple(function for function in of_files if function.is_go),
        tuple(witnesses),
        tuple(unreadable),
        tuple(function for function in of_files if function.runtime == OF_PLUGINS),
    )


def _of_files(functions: Iterable[Declared], paths: Collection[str]) -> list[Declared]:
    """Return the functions that the files themselves declare, by file and line."""
    files_read = set(paths)
    found = [function for function in functions if function.file in files_read]
    return sorted(found, key=lambda f: (f.file, f.line or 0, f.name))


def _beside(path: str) -> dict[str, str]:
    """Return the other files of a Terraform module: they may have its variables."""
    found = {}
    directory = os.path.dirname(path)
    for name in sorted(os.listdir(directory)):
        if name.endswith(".tf") and name != os.path.basename(path):
            with contextlib.suppress(OSError):
                found[os.path.join(directory, name)] = files.text(
                    os.path.join(directory, name), MOST_BYTES
                )
    return found


class _Includes:
    """Reads what a template names beside itself: an OpenAPI definition."""

    def __init__(self, template: str, unreadable: list[tuple[str, str]]) -> None:
        self._directory = os.path.dirname(template)
        self._unreadable = unreadable

    def __call__(self, place: str) -> object:
        path = local_path(place, self._directory)
        if path is None or not path.endswith((*_YAML, ".json")):
            return None
        try:
            content = files.whole(path, MOST_BYTES).decode("utf-8-sig", "replace")
            return (
                next(iter(read_yaml(content)), None) if path.endswith(_YAML) else read_json(content)
            )
        except OSError:
            return None
        except UnreadableError as error:
            self._unreadable.append((path, str(error)))
            return None


def _declared(
    path: str, content: bytes, text: str, include: _Includes, *, named: bool
) -> Iterator[Declared]:
    name = os.path.basename(path)
    if name.endswith(".json"):
        value = read_json(text)
        if terraform.is_shown(value):
            yield from terraform.functions_shown(value, path)
        yield from _of(value, path, include)
    elif named or _SERVICE.fullmatch(name) or any(word in content for word in _LAMBDA):
        for value in read_yaml(text):
            yield from _of(value, path, include)


def _of(value: object, path: str, include: _Includes) -> Iterator[Declared]:
    if cloudformation.is_template(value):
        yield from cloudformation.functions_in(value, path, include)  # type: ignore[arg-type]
    if serverless.is_service(value):
        yield from serverless.functions_in(value, path)  # type: ignore[arg-type]


def _witnesses(path: str, text: str) -> Iterator[Witness]:
    name = os.path.basename(path)
    in_workflow = f"{os.sep}.github{os.sep}workflows{os.sep}" in path
    if in_workflow or _WITNESS.fullmatch(name):
        pattern = _GOARCH
    elif _is_program(name):
        pattern = _IN_PROGRAMS
    else:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith(("#", "//")) or _OTHER_SYSTEM.search(line):
            continue
        if match := pattern.search(line):
            yield Witness(_OF_LAMBDA[next(filter(None, match.groups()))], path, number)
