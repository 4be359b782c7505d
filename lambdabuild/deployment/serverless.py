"""Read the Serverless Framework's `serverless.yml`; no disk.

https://www.serverless.com/framework/docs/providers/aws/guide/serverless.yml
"""

import os.path
from collections.abc import Iterator, Mapping
from typing import Any

from lambdabuild.deployment.declared import COMPUTED, Declared
from lambdabuild.deployment.documents import Table
from lambdabuild.deployment.literals import is_scalar, literal, local_path, number, text, variables
from lambdabuild.deployment.routes.serverless import ServerlessApis, url_of


def is_service(value: object) -> bool:
    """Return whether a document is a service on AWS with functions."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("functions"), dict | list)
        and isinstance(provider := value.get("provider"), dict | str)
        and (provider == "aws" or (isinstance(provider, dict) and provider.get("name") == "aws"))
    )


def functions_in(service: Table, file: str) -> Iterator[Declared]:
    """Yield the functions of a service; `file` is its absolute path."""
    provider = service["provider"] if isinstance(service["provider"], Table) else Table()
    tables = (
        service["functions"] if isinstance(service["functions"], list) else [service["functions"]]
    )
    apis = ServerlessApis(service)
    for table in tables:
        if isinstance(table, Table):
            for name, own in table.items():
                if isinstance(own, Table) and "image" not in own:
                    made = _function(name, own, provider, file, table.lines.get(name))
                    routes = tuple(apis.routes_of(own))
                    yield made._replace(routes=routes, url=url_of(own))


def _function(name: str, own: Table, provider: Table, file: str, line: int | None) -> Declared:
    lines: dict[str, int] = {}

    def said(key: str) -> Any:
        for table in (own, provider):
            if key in table:
                lines[key] = table.lines[key]
                return table[key]
        return None

    top = os.path.dirname(file)
    package = own.get("package")
    artifact = package.get("artifact") if isinstance(package, dict) else None
    handler = _literal(text(said("handler")))
    place = artifact if isinstance(artifact, str) else handler
    environment, computed = variables({**_variables(provider), **_variables(own)}, _is_literal)
    return Declared(
        name=name,
        file=file,
        line=line,
        deployed_as=_literal(text(own.get("name"))),
        # A Go handler is the path of the executable, or of what it is built from.
        code=local_path(place, top),
        handler=handler,
        architecture=_known(said("architecture")),
        runtime=_known(said("runtime")),
        timeout=number(said("timeout")),
        memory=number(said("memorySize")),
        environment=environment,
        lines=lines,
        computed=computed,
    )


def _known(value: object) -> str | None:
    return COMPUTED if isinstance(value, str) and "${" in value else literal(value)


def _literal(value: str | None) -> str | None:
    """Return a text unless it has to be computed: `${self:custom.x}`."""
    return None if value is None or "${" in value else value


def _variables(table: Mapping[str, Any]) -> dict[str, Any]:
    found = table.get("environment")
    return found if isinstance(found, dict) else {}


def _is_literal(value: object) -> bool:
    return is_scalar(value) and "${" not in str(value)
