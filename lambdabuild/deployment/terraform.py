"""Read the Lambda functions of Terraform: literals in `.tf` files, and `terraform show -json`; no disk.

python-hcl2 8.1.4 takes 0.07 to 0.1 s to import, for what is needed here: blocks, attributes and
literals. What has to be computed is not known, here as with a parser.
https://developer.hashicorp.com/terraform/language/syntax/configuration
https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/lambda_function
"""

import os.path
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lambdabuild.deployment.declared import COMPUTED, Declared
from lambdabuild.deployment.documents import MOST_NODES, Table, UnreadableError
from lambdabuild.deployment.literals import (
    MOST_DIGITS,
    is_scalar,
    literal,
    local_path,
    number,
    text,
    variables,
)
from lambdabuild.deployment.routes.resources import Resources
from lambdabuild.deployment.routes.terraform import resources_of

_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r\f\v]+|\#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<newline>\n)
    |<<-?(?P<mark>\w+)[^\n]*\n(?P<heredoc>.*?)(?:\n[ \t]*(?P=mark)(?=\s|$)|\Z)
    |"(?P<string>(?:\\.|\$\{[^{}\n]*\}|[^"\\\n])*+)"
    |(?P<word>[A-Za-z_][\w-]*(?:(?:\.[\w*-]+)|\[(?:\d+|\*|"[^"\n]*")\])*|\d+(?:\.\d+)?)
    |(?P<sign>.)""",
    re.DOTALL | re.VERBOSE,
)
_FUNCTION = "aws_lambda_function"
_DEEPEST = 50
_MODULE = re.compile(r"^terraform-aws-modules/lambda/aws\b")
_ESCAPE = re.compile(r'\\(["\\nrt])')
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


class Reference(str):
    """What an attribute refers to, or computes: no value that is known."""

    __slots__ = ()


class Block(Table):
    """A block's attributes; blocks inside are tables in lists, under the name of their kind."""


def parse(source: str) -> list[tuple[tuple[str, ...], Block]]:
    """Return the blocks of a `.tf` file, each with its kind and labels.

    Raises:
        UnreadableError: it has more than any such file.

    """
    tokens = _Tokens(source)
    found: list[tuple[tuple[str, ...], Block]] = []
    while tokens.kind:
        words: list[str] = []
        line = tokens.line
        while tokens.kind in {"word", "string"}:
            words.append(tokens.take())
        if words and tokens.text == "{":
            tokens.take()
            found.append((tuple(words), _body(tokens, line, 0)))
        else:
            tokens.take()
    return found


class _Tokens:
    """The tokens of a file, one at a time."""

    def __init__(self, source: str) -> None:
        self._matches = _TOKEN.finditer(source)
        self._left = MOST_NODES
        self.kind = self.text = ""
        self.line = 1
        self._next_line = 1
        self.take()

    def take(self) -> str:
        """Return the text of this token, and go on to the next; its kind is empty at the end."""
        before = self.text
        for match in self._matches:
            self._left -= 1
            if self._left < 0:
                raise UnreadableError("it is too large")
            self.line = self._next_line
            self._next_line += match[0].count("\n")
            self.kind = match.lastgroup or ""
            if self.kind == "skip":
                continue
            self.text = match[self.kind]
            return before
        self.kind = self.text = ""
        return before


def _body(tokens: _Tokens, line: int, depth: int) -> Block:
    """Read up to the brace that closes a block, or a map."""
    if depth > _DEEPEST:
        raise UnreadableError("it is nested beyond measure")
    block = Block(line)
    while tokens.kind and tokens.text != "}":
        if tokens.kind not in {"word", "string"}:
            tokens.take()
            continue
        at = tokens.line
        name = tokens.take()
        labels = []
        while tokens.kind in {"word", "string"}:
            labels.append(tokens.take())
        if tokens.kind == "sign" and tokens.text == "{":
            tokens.take()
            block.setdefault(name, []).append(_body(tokens, at, depth + 1))
        elif tokens.kind == "sign" and tokens.text in "=:":
            tokens.take()
            block[name] = _expression(tokens, depth + 1)
        block.lines.setdefault(name, at)
    tokens.take()
    return block


def _expression(tokens: _Tokens, depth: int) -> Any:
    """Read a value; whatever is no literal is a reference."""
    value: Any = Reference()
    match tokens.kind:
        case "string" | "heredoc":
            kind, raw = tokens.kind, tokens.take()
            value = Reference(raw) if "${" in raw or "%{" in raw else _unescaped(raw, kind)
        case "word":
            value = _word(tokens.take())
        case "sign" if tokens.text == "[":
            value = _list(tokens, depth)
        case "sign" if tokens.text == "{":
            line = tokens.line
            tokens.take()
            value = _body(tokens, line, depth)
    return value if _ends(tokens) else _skipped(tokens)


def _ends(tokens: _Tokens) -> bool:
    return tokens.kind in {"", "newline"} or (tokens.kind == "sign" and tokens.text in ",]})")


def _skipped(tokens: _Tokens) -> Reference:
    """Pass over the rest of an expression: a call, an operator, a `for`."""
    opened = 0
    while tokens.kind and (opened or not _ends(tokens)):
        if tokens.kind == "sign":
            opened += (tokens.text in "([{") - (tokens.text in ")]}")
        tokens.take()
    return Reference()


def _list(tokens: _Tokens, depth: int) -> list[Any]:
    tokens.take()
    items: list[Any] = []
    while tokens.kind and tokens.text != "]":
        if tokens.kind == "newline" or (tokens.kind == "sign" and tokens.text in ",})"):
            tokens.take()
        elif depth > _DEEPEST:
            raise UnreadableError("it is nested beyond measure")
        else:
            items.append(_expression(tokens, depth + 1))
    tokens.take()
    return items


def _word(word: str) -> Any:
    if word in {"true", "false"}:
        return word == "true"
    if word == "null":
        return None
    if word.isascii() and word.isdigit():
        return int(word) if len(word) <= MOST_DIGITS else Reference(word)
    return Reference(word)


def _unescaped(raw: str, kind: str) -> str:
    return raw if kind == "heredoc" else _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), raw)


def functions_in(files: Mapping[str, str]) -> Iterator[Declared]:
    """Yield the functions of one directory's `.tf` files, given by absolute path.

    Variables with a default and locals count as that, and an archive as what goes into it.

    Raises:
        UnreadableError: a file has more than any such file.

    """
    blocks = [(labels, block, file) for file in files for labels, block in parse(files[file])]
    known = _known_values((labels, block) for labels, block, _ in blocks)
    resources = resources_of(
        ((labels, block) for labels, block, _ in blocks),
        lambda value: _resolved(value, known),
        lambda value: isinstance(value, Reference),
    )
    apis = Resources(resources)
    for labels, block, file in blocks:
        match labels:
            case ("resource", kind, name):
                declares = kind == _FUNCTION
            case ("module", name):
                declares = _MODULE.match(str(block.get("source", ""))) is not None
            case _:
                continue
        if declares and block.get("package_type") != "Image":
            made = _function(name, block, block, known, file)
            of = (name, made.deployed_as or "")
            yield made._replace(
                routes=tuple(route for known_as in of for route in apis.routes.get(known_as, ())),
                url=apis.urls.get(name),
            )


def _known_values(blocks: Iterable[tuple[tuple[str, ...], Block]]) -> dict[str, Any]:
    """Return what references lead to, as far as that is written down."""
    known: dict[str, Any] = {}
    for labels, block in blocks:
        match labels:
            case ("variable", name) if "default" in block:
                known[f"var.{name}"] = block["default"]
            case ("locals",):
                known |= {f"local.{name}": value for name, value in block.items()}
            case ("data" | "resource", "archive_file", name):
                place = block.get("source_file", block.get("source_dir"))
                known[f"data.archive_file.{name}.output_path"] = place
                known[f"archive_file.{name}.output_path"] = place
    return known


def _function(
    name: str, block: Table, said: Mapping[str, Any], known: Mapping[str, Any], file: str
) -> Declared:
    def value(key: str) -> Any:
        return _resolved(said.get(key), known)

    architectures = value("architectures")
    if isinstance(architectures, list):
        architectures = _resolved(architectures[0], known) if architectures else None
    code = next(
        (key for key in ("filename", "local_existing_package", "source_path") if said.get(key)), ""
    )
    said_variables = value("environment_variables")
    if said_variables is None:
        inside = _first(value("environment"))
        said_variables = _resolved(inside.get("variables"), known)
    environment, computed = variables(
        said_variables if isinstance(said_variables, dict) else {}, _is_literal
    )
    line_of = {"architectures": "architecture", code: "code"}
    return Declared(
        name=name,
        file=file,
        line=block.line,
        deployed_as=_literal(value("function_name")),
        code=local_path(_literal(value(code)), os.path.dirname(file)),
        handler=_literal(value("handler")),
        architecture=_known(architectures),
        runtime=_known(value("runtime")),
        timeout=number(value("timeout")),
        memory=number(value("memory_size")),
        environment=environment,
        lines={line_of.get(key, key): line for key, line in block.lines.items()},
        computed=computed,
    )


def _is_literal(value: object) -> bool:
    return is_scalar(value) and not isinstance(value, Reference)


def _resolved(value: Any, known: Mapping[str, Any]) -> Any:
    """Return what a reference leads to, if that is known; `${path.module}/x` is `x`."""
    for _ in range(5):
        if not isinstance(value, Reference):
            return value
        bare = value.removeprefix("${").removesuffix("}") if value.count("${") == 1 else value
        if value.startswith(("${path.module}/", "${path.root}/")) and value.count("${") == 1:
            return value.partition("/")[2]
        if bare not in known:
            return value
        value = known[bare]
    return value


def _known(value: Any) -> str | None:
    return COMPUTED if isinstance(value, Reference) else literal(value)


def _literal(value: Any) -> str | None:
    return None if isinstance(value, Reference) else text(value)


def _first(value: Any) -> Mapping[str, Any]:
    inside = value[0] if isinstance(value, list) and value else value
    return inside if isinstance(inside, dict) else {}


def is_shown(value: object) -> bool:
    """Return whether a JSON document is what `terraform show -json` prints."""
    return (
        isinstance(value, dict)
        and "terraform_version" in value
        and ("planned_values" in value or "values" in value)
    )


def functions_shown(value: Mapping[str, Any], file: str) -> Iterator[Declared]:
    """Yield the functions of what `terraform show -json` printed to `file`.

    https://developer.hashicorp.com/terraform/internals/json-format
    """
    top = value.get("planned_values") or value.get("values")
    for resource in _resources(top.get("root_module") if isinstance(top, dict) else None, 0):
        said = resource.get("values")
        if resource.get("type") != _FUNCTION or not isinstance(said, dict):
            continue
        if said.get("package_type") != "Image":
            block = resource if isinstance(resource, Table) else Table()
            yield _function(str(resource.get("address", "")), block, said, {}, file)


def _resources(module: object, depth: int) -> Iterable[Mapping[str, Any]]:
    if not isinstance(module, dict) or depth > _DEEPEST:
        return
    for resource in module.get("resources") or ():
        if isinstance(resource, dict):
            yield resource
    for child in module.get("child_modules") or ():
        yield from _resources(child, depth + 1)
