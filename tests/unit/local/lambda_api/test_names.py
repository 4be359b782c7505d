"""Names of functions, as clients write them."""

import pytest

from lambdabuild.local.lambda_api.errors import ServiceError
from lambdabuild.local.lambda_api.names import Named, meant

KNOWN = ("users-get", "users.list", "größe")
ARN = "arn:aws:lambda:eu-central-1:111122223333:function:users-get"


def refused(segment: str, qualifier: str = "") -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        meant(segment, qualifier, KNOWN, "eu-west-1")
    return caught.value


@pytest.mark.parametrize(
    ("segment", "qualifier", "named"),
    [
        ("users-get", "", Named("users-get")),
        ("users.list", "", Named("users.list")),
        ("users-get:$LATEST", "", Named("users-get", "$LATEST")),
        ("users-get:%24LATEST", "", Named("users-get", "$LATEST")),
        ("users-get", "$LATEST", Named("users-get", "$LATEST")),
        ("users-get:$LATEST", "$LATEST", Named("users-get", "$LATEST")),
        ("function:users-get", "", Named("users-get")),
        ("111122223333:users-get", "", Named("users-get")),
        ("111122223333:function:users-get:$LATEST", "", Named("users-get", "$LATEST")),
        ("eu-central-1:111122223333:function:users-get", "", Named("users-get")),
        (ARN, "", Named("users-get")),
        (ARN.replace(":", "%3A"), "", Named("users-get")),
        (f"{ARN}:$LATEST", "", Named("users-get", "$LATEST")),
        (ARN.replace("arn:aws:", "arn:aws-us-gov:"), "", Named("users-get")),
        ("gr%C3%B6%C3%9Fe", "", Named("größe")),
    ],
)
def test_a_function_is_meant_by_its_name_or_its_arn(
    segment: str, qualifier: str, named: Named
) -> None:
    assert meant(segment, qualifier, KNOWN, "eu-west-1") == named


def test_a_function_is_known_by_what_it_is_deployed_as() -> None:
    deployed = {"shop-dev-users-get": "users-get", "UsersGet": "users-get", "Gone": "gone"}
    for name in ("shop-dev-users-get", "UsersGet", ARN.replace("users-get", "UsersGet")):
        assert meant(name, "", KNOWN, "eu-west-1", deployed) == Named("users-get")
        assert meant(name, "$LATEST", KNOWN, "eu-west-1", deployed) == Named("users-get", "$LATEST")
    with pytest.raises(ServiceError) as caught:
        meant("Gone", "", KNOWN, "eu-west-1", deployed)
    assert caught.value.code == "ResourceNotFoundException"


@pytest.mark.parametrize("segment", ["", "users get", "a/b", "arn:aws:s3:::bucket", "a" * 257, "ä"])
def test_what_is_no_name_is_refused(segment: str) -> None:
    error = refused(segment)
    assert (error.status, error.code, error.key) == (400, "ValidationException", "message")
    start = f"1 validation error detected: Value '{segment}' at 'functionName' failed to satisfy "
    assert error.message.startswith(start)


def test_a_qualifier_has_a_pattern_of_its_own() -> None:
    error = refused("users-get", "a b")
    assert error.code == "ValidationException"
    assert "at 'qualifier'" in error.message


def test_two_qualifiers_must_agree() -> None:
    error = refused("users-get:$LATEST", "7")
    assert (error.status, error.code) == (400, "InvalidParameterValueException")


@pytest.mark.parametrize(
    ("segment", "qualifier", "arn", "hint"),
    [
        ("users-gte", "", "users-gte:$LATEST", "did you mean `users-get`?"),
        ("xyz", "", "xyz:$LATEST", "the functions here are: users-get, users.list, größe"),
        ("xyz", "7", "xyz:7", "the functions here are: users-get, users.list, größe"),
        (
            "users-get",
            "prod",
            "users-get:prod",
            "no versions or aliases are here: leave `prod` out",
        ),
        ("users-get:7", "", "users-get:7", "no versions or aliases are here: leave `7` out"),
    ],
)
def test_what_is_unknown_is_not_found(segment: str, qualifier: str, arn: str, hint: str) -> None:
    error = refused(segment, qualifier)
    assert (error.status, error.code, error.key) == (404, "ResourceNotFoundException", "Message")
    told = f"Function not found: arn:aws:lambda:eu-west-1:123456789012:function:{arn}"
    assert (error.message, error.hint) == (told, hint)
