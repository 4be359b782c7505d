"""What answers of Lambda authorizers mean."""

import json
from typing import Any

import pytest

from lambdabuild.deployment.routes.apis import Authorizer
from lambdabuild.local.gateway.policies import PolicyError, Verdict, verdict

ARN = "arn:aws:execute-api:us-east-1:123456789012:abc/local/GET/users/7"
OLD = Authorizer("request", "a", payload="1.0")
SIMPLE = Authorizer("request", "a", payload="2.0", simple=True)


def policy(*statements: Any, **more: Any) -> dict[str, Any]:
    return {
        "principalId": "ada",
        "policyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
        **more,
    }


def statement(effect: str, resource: Any = ARN, action: Any = "execute-api:Invoke") -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource}


def said(answer: Any, kind: str = "rest", authorizer: Authorizer = OLD) -> Verdict:
    return verdict(json.dumps(answer).encode(), authorizer, kind, ARN)


@pytest.mark.parametrize(
    ("statements", "allowed", "explicitly"),
    [
        ([statement("Allow")], True, False),
        ([statement("Allow", "*")], True, False),
        ([statement("Allow", ARN.replace("users/7", "*"))], True, False),
        ([statement("Allow", ARN.replace("users/7", "users/?"))], True, False),
        ([statement("Allow", ["x", "arn:*:GET/nothing", ARN])], True, False),
        ([statement("Allow", action=["s3:GetObject", "execute-api:*"])], True, False),
        ([statement("Allow", action="*")], True, False),
        ([statement("Allow", ARN.replace("GET", "POST"))], False, False),
        ([statement("Allow", ARN.replace("7", "[7]"))], False, False),
        ([statement("Allow", action="s3:*")], False, False),
        ([statement("Allow"), statement("Deny", "*")], False, True),
        ([statement("Deny", "arn:other"), statement("Allow")], True, False),
        ([{**statement("Allow"), "NotResource": "arn:other"}], True, False),
        ([{**statement("Allow"), "NotResource": "*"}], False, False),
        ([], False, False),
    ],
)
def test_a_policy_allows_what_it_allows_and_does_not_deny(
    statements: list[Any], allowed: bool, explicitly: bool
) -> None:
    assert said(policy(*statements))[:2] == (allowed, explicitly)


def test_a_single_statement_needs_no_list() -> None:
    answer = policy()
    answer["policyDocument"]["Statement"] = statement("Allow")
    assert said(answer).allowed


def test_a_rest_api_passes_a_context_on_as_text() -> None:
    context = {"name": "ada", "number": 7, "float": 1.5, "yes": True, "none": None}
    assert said(policy(statement("Allow"), context=context)).authorizer == {
        "principalId": "ada",
        "integrationLatency": 0,
        "name": "ada",
        "number": "7",
        "float": "1.5",
        "yes": "true",
    }


def test_an_http_api_passes_a_context_on_as_it_is() -> None:
    context = {"number": 7, "list": [1]}
    answer = policy(statement("Allow"), context=context)
    assert said(answer, "http").authorizer == {"lambda": context}
    assert said({"isAuthorized": True, "context": context}, "http", SIMPLE) == Verdict(
        True, False, {"lambda": context}
    )
    assert said({"isAuthorized": False}, "http", SIMPLE) == Verdict(False, False, {"lambda": None})


def test_where_nobody_said_which_an_answer_is_simple_or_a_policy() -> None:
    either = SIMPLE._replace(simple=None)
    assert said({"isAuthorized": True}, "http", either).allowed
    assert said(policy(statement("Allow")), "http", either).allowed
    assert not said(policy(statement("Deny")), "http", either).allowed


@pytest.mark.parametrize(
    ("answer", "authorizer", "why"),
    [
        ("x", OLD, "no object"),
        ({}, OLD, "principalId"),
        ({"principalId": "a"}, OLD, "policyDocument"),
        (policy("x"), OLD, "effect"),
        (policy({"Effect": "allow"}), OLD, "effect"),
        (policy(statement("Allow"), context={"a": {}}), OLD, "context"),
        (policy(statement("Allow"), context="x"), OLD, "context"),
        ({"isAuthorized": "yes"}, SIMPLE, "isAuthorized"),
        (policy(statement("Allow")), SIMPLE, "isAuthorized"),
    ],
)
def test_an_answer_of_another_form_says_why(answer: Any, authorizer: Authorizer, why: str) -> None:
    with pytest.raises(PolicyError, match=why):
        said(answer, "http" if authorizer is SIMPLE else "rest", authorizer)


def test_what_is_not_json_says_so() -> None:
    with pytest.raises(PolicyError, match="not JSON"):
        verdict(b"{", OLD, "rest", ARN)
