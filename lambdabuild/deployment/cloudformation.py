"""Read SAM and CloudFormation templates, and those that the CDK synthesizes; no disk.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-function.html
"""

import os.path
from collections.abc import Iterator, Mapping
from typing import Any

from lambdabuild.deployment.declared import Declared
from lambdabuild.deployment.documents import Table
from lambdabuild.deployment.literals import literal, local_path, number, text, variables
from lambdabuild.deployment.routes.apis import Route
from lambdabuild.deployment.routes.resources import Resources
from lambdabuild.deployment.routes.sam import Include, SamApis, url_of

_SAM = "AWS::Serverless::Function"
_KINDS = (_SAM, "AWS::Lambda::Function")


def is_template(value: object) -> bool:
    """Return whether a document is a template with Lambda functions."""
    return isinstance(value, dict) and any(
        isinstance(resource, dict) and resource.get("Type") in _KINDS
        for resource in _table(value.get("Resources")).values()
    )


def functions_in(
    template: Table, file: str, include: Include = lambda _: None
) -> Iterator[Declared]:
    """Yield the functions of a template; `file` is its absolute path.

    `include` returns what another file holds, which the template names relative to itself.
    """
    defaults = {
        name: parameter["Default"]
        for name, parameter in _table(template.get("Parameters")).items()
        if isinstance(parameter, dict) and "Default" in parameter
    }
    shared = _table(_table(template.get("Globals")).get("Function"))
    resources = _table(template.get("Resources"))
    apis = SamApis(template, lambda value: resolved(value, defaults), include)
    others = Resources(resources)
    constructs = {
        name: construct
        for name, resource in resources.items()
        if isinstance(resource, Table) and (construct := _construct(resource))
    }
    for name, resource in resources.items():
        if isinstance(resource, Table) and resource.get("Type") in _KINDS:
            own = _table(resource.get("Properties"))
            if own.get("PackageType") == "Image" or _is_of_another_language(resource):
                continue
            above = shared if resource["Type"] == _SAM else Table()
            line = resources.lines.get(name) if isinstance(resources, Table) else None
            made = _function(name, resource, own, above, defaults, file, line)
            called = made.deployed_as or ""
            routes = [
                *apis.routes_of(own),
                *(route for of in (name, called) for route in apis.defined.get(of, ())),
                *(route for of in (name, called) for route in others.routes.get(of, ())),
            ]
            yield made._replace(
                routes=tuple(dict.fromkeys(_renamed(route, constructs) for route in routes)),
                url=url_of(own) or others.urls.get(name) or others.urls.get(called),
            )


def _function(
    name: str,
    resource: Table,
    own: Mapping[str, Any],
    shared: Mapping[str, Any],
    defaults: Mapping[str, Any],
    file: str,
    line: int | None,
) -> Declared:
    lines: dict[str, int] = {}

    def said(key: str, field: str) -> Any:
        for table in (own, shared):
            if key in table:
                if isinstance(table, Table) and key in table.lines:
                    lines[field] = table.lines[key]
                return resolved(table[key], defaults)
        return None

    architectures = said("Architectures", "architecture")
    if isinstance(architectures, list):
        architectures = resolved(architectures[0], defaults) if architectures else None
    code = said("CodeUri", "code") if resource["Type"] == _SAM else said("Code", "code")
    asset = _table(resource.get("Metadata")).get("aws:asset:path")
    place = code if isinstance(code, str) else asset if isinstance(asset, str) else None
    values = {**_variables(shared), **_variables(own)}
    environment, computed = variables({k: resolved(v, defaults) for k, v in values.items()})
    return Declared(
        name=_construct(resource) or name,
        file=file,
        line=line,
        deployed_as=text(resolved(own.get("FunctionName"), defaults)),
        code=local_path(place, os.path.dirname(file)),
        handler=text(said("Handler", "handler")),
        architecture=literal(architectures),
        runtime=literal(said("Runtime", "runtime")),
        timeout=number(said("Timeout", "timeout")),
        memory=number(said("MemorySize", "memory")),
        environment=environment,
        lines=lines,
        computed=computed,
    )


def _renamed(route: Route, constructs: Mapping[str, str]) -> Route:
    """Return a route whose authorizer is called as its function is."""
    authorizer = route.authorizer
    if authorizer is None or authorizer.function not in constructs:
        return route
    function = constructs[authorizer.function]
    return route._replace(authorizer=authorizer._replace(function=function))


def _is_of_another_language(resource: Table) -> bool:
    """Return whether SAM builds it with another toolchain that makes a `bootstrap`.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/building-custom-runtimes.html
    """
    method = _table(resource.get("Metadata")).get("BuildMethod")
    return isinstance(method, str) and method.startswith(("rust", "dotnet"))


def _construct(resource: Table) -> str | None:
    """Return the ID that a CDK program gave a function: `Stack/Orders/Resource` is `Orders`."""
    path = _table(resource.get("Metadata")).get("aws:cdk:path")
    parts = path.split("/") if isinstance(path, str) else []
    return parts[-2] if len(parts) > 1 and parts[-1] == "Resource" else None


def _variables(properties: Mapping[str, Any]) -> dict[str, Any]:
    return _table(_table(properties.get("Environment")).get("Variables"))


def resolved(value: Any, defaults: Mapping[str, Any]) -> Any:
    """Return a value with the default of the parameter that it refers to."""
    if isinstance(value, dict) and len(value) == 1 and isinstance(value.get("Ref"), str):
        return defaults.get(value["Ref"])
    return value


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
