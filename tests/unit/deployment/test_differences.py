"""What is built, against what deployment files declare."""

import pytest

from lambdabuild.deployment.declared import COMPUTED, Declared, Deployment, Witness
from lambdabuild.deployment.differences import (
    Agreement,
    Built,
    agreed_architecture,
    agreed_runtime,
    differences,
)
from lambdabuild.deployment.matching import Source, match

SOURCES = [
    Source("orders-get", "/p/functions/orders/get"),
    Source("orders-list", "/p/functions/orders/list"),
    Source("alert_forwarder", "/p/internal/alert_forwarder/main"),
    Source("users", "/p/users/cmd/main"),
]
OUTPUTS = {
    path: source.name
    for source in SOURCES
    for path in (f"/p/dist/{source.name}", f"/p/dist/{source.name}.zip")
}


def declared(name: str = "X", **fields: object) -> Declared:
    said = {"runtime": "provided.al2023", "handler": "bootstrap", **fields}
    return Declared(name, "/p/template.yaml", 3, **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (declared(code="/p/functions/orders/get"), "orders-get"),
        (declared(code="/p/functions/orders/get/main.go"), "orders-get"),
        (declared(code="/p/dist/users"), "users"),
        (declared(code="/p/dist/users.zip"), "users"),
        (declared(code="/p/dist/users/bootstrap"), "users"),
        # One function alone lies below.
        (declared(code="/p/users"), "users"),
        (declared(code="/p/internal/alert_forwarder"), "alert_forwarder"),
        # What the script made, called as the function or its directory.
        (declared(code="/p/bin/users/bootstrap"), "users"),
        (declared(code="/p/build/orders_get.zip"), "orders-get"),
        (declared(code="/p/bin/list", handler="bin/list"), "orders-list"),
        (declared("OrdersGetFunction", code="/p"), "orders-get"),
        (declared("x", deployed_as="users"), "users"),
        (declared("AlertForwarderLambda"), "alert_forwarder"),
        # Two or none: nobody knows.
        (declared("Orders", code="/p/functions/orders"), None),
        (declared("Main", code="/p/bin/main.zip"), None),
        (declared("Elsewhere"), None),
    ],
)  # fmt: skip
def test_a_declaration_is_of_the_function_that_its_code_or_its_names_lead_to(
    item: Declared, name: str | None
) -> None:
    assert match([item], SOURCES, OUTPUTS) == [name]


def built(name: str = "orders-get", *architectures: str, runtime: str = "provided.al2023") -> Built:
    source = next(source for source in SOURCES if source.name == name)
    return Built(source, architectures or ("x86_64",), runtime)


@pytest.mark.parametrize(
    ("item", "kinds"),
    [
        (declared("orders-get"), []),
        (declared("orders-get", architecture="x86_64"), []),
        (declared("orders-get", architecture=COMPUTED, runtime=COMPUTED), []),
        (declared("orders-get", architecture="arm64"), ["architecture"]),
        (declared("orders-get", runtime="provided.al2"), ["runtime"]),
        (declared("orders-get", runtime="go1.x", handler="main"), ["retired"]),
        (declared("orders-get", runtime="provided", architecture="arm64"),
         ["architecture", "retired"]),
        (declared("orders-get", handler="main"), ["handler"]),
        (declared("orders-get", handler="functions/get/bootstrap"), []),
        (declared("nobody", code="/p/nobody"), ["missing"]),
        # Where its code is has to be computed, or is a copy that the CDK made.
        (declared("nobody"), []),
        (declared("nobody", code="/p/cdk.out/asset.1f"), []),
    ],
)  # fmt: skip
def test_what_differs_is_named_with_its_place(item: Declared, kinds: list[str]) -> None:
    found = differences(Deployment((item,)), [built()], {})
    assert [difference.kind for difference in found] == kinds
    assert all(d.hint and (d.file, d.line) == ("/p/template.yaml", 3) for d in found)


def test_a_function_for_eawsys_runtimes_is_deployed_on_what_is_retired() -> None:
    plugin = declared("orders-get", runtime="python2.7", handler="handler.Handle")
    python = declared("users", runtime="python2.7", handler="index.handler")
    deployment = Deployment(of_plugins=(plugin, python))
    adapted = built()._replace(adapted=True)
    (found,) = differences(deployment, [adapted], {})
    assert (found.kind, found.function, found.line) == ("retired", "orders-get", 3)
    assert found.message == "`orders-get` has the runtime `python2.7`, which AWS has retired"
    assert differences(deployment, [built(), built("users")], {}) == []


def test_a_function_built_for_both_architectures_is_deployed_on_either() -> None:
    items = tuple(declared("orders-get", architecture=a) for a in ("arm64", "x86_64"))
    assert differences(Deployment(items), [built("orders-get", "x86_64", "arm64")], {}) == []


def test_what_nobody_deploys_is_told_where_all_of_the_deployment_is_known() -> None:
    both = [built(), built("users")]
    known = Deployment((declared("orders-get"),))
    assert [d.kind for d in differences(known, both, {})] == ["undeployed"]
    assert [d.kind for d in differences(Deployment(), both, {})] == []
    nobody = declared("nobody", code="/p/nobody")
    unknown = known._replace(functions=(declared("orders-get"), nobody))
    assert [d.kind for d in differences(unknown, both, {})] == ["missing"]
    assert differences(known._replace(unreadable=(("/p/x.yaml", "why"),)), both, {}) == []


def test_an_agreement_has_a_place_and_a_disagreement_two() -> None:
    arm = declared("a", architecture="arm64", lines={"architecture": 7})
    default = declared("b")
    computed = declared("c", architecture=COMPUTED)
    make = Witness("arm64", "/p/Makefile", 2)
    agreed = Agreement("arm64", "/p/template.yaml", 7)
    assert agreed_architecture(Deployment((arm, arm, computed))) == agreed
    assert agreed_architecture(Deployment((arm, default))) == [
        agreed, Agreement("x86_64", "/p/template.yaml", 3),
    ]  # fmt: skip
    assert agreed_architecture(Deployment((), (make,))) == Agreement("arm64", "/p/Makefile", 2)
    # A function says more than a script.
    assert agreed_architecture(Deployment((default,), (make,))) == Agreement(
        "x86_64", "/p/template.yaml", 3
    )
    assert agreed_architecture(Deployment()) is None
    old = declared("d", runtime="go1.x")
    assert agreed_runtime(Deployment((old, default))) == Agreement(
        "provided.al2023", "/p/template.yaml", 3
    )
