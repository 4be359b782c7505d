from pathlib import Path

import pytest

from lambdabuild.local.functions import Platform
from lambdabuild.local.programs.credentials import platform_of

KEYS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}


@pytest.fixture
def home(tmp_path: Path) -> str:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(
        "[default]\nregion = eu-west-1\n[profile work]\nregion=eu-central-1\nsso_session = x\n"
    )
    return str(tmp_path)


def test_exported_keys_are_passed_on_and_no_profile_beside_them(home: str) -> None:
    caller = {**KEYS, "HOME": home, "AWS_PROFILE": "work", "PATH": "/bin", "DB_PASSWORD": "x"}
    assert platform_of(caller, "/w") == Platform("eu-central-1", KEYS)


def test_a_profile_is_passed_on_with_where_the_sdk_looks_for_it(home: str) -> None:
    assert platform_of({"HOME": home, "AWS_PROFILE": "work"}, "/w") == Platform(
        "eu-central-1",
        {"AWS_CONFIG_FILE": f"{home}/.aws/config", "HOME": home, "AWS_PROFILE": "work"},
    )


def test_the_default_profile_needs_no_name(home: str) -> None:
    assert platform_of({"HOME": home}, "/w") == Platform(
        "eu-west-1", {"AWS_CONFIG_FILE": f"{home}/.aws/config", "HOME": home}
    )


def test_files_that_the_caller_names_are_absolute_for_functions_run_elsewhere(
    home: str, tmp_path: Path
) -> None:
    (tmp_path / "keys").write_text("[default]\naws_access_key_id = a\n")
    caller = {
        "HOME": home,
        "AWS_CONFIG_FILE": "~/.aws/config",
        "AWS_SHARED_CREDENTIALS_FILE": "keys",
    }
    assert platform_of(caller, str(tmp_path)).credentials == {
        "AWS_CONFIG_FILE": f"{home}/.aws/config",
        "AWS_SHARED_CREDENTIALS_FILE": f"{tmp_path}/keys",
        "HOME": home,
    }


def test_the_region_that_is_exported_beats_that_of_a_profile(home: str) -> None:
    assert platform_of({"HOME": home, "AWS_REGION": "us-west-2"}, "/w").region == "us-west-2"
    caller = {"HOME": home, "AWS_DEFAULT_REGION": "us-west-1"}
    assert platform_of(caller, "/w").region == "us-west-1"


def test_with_nothing_there_is_a_region_and_no_credentials(tmp_path: Path) -> None:
    assert platform_of({"HOME": str(tmp_path)}, "/w") == Platform("us-east-1", {})


def test_a_damaged_profile_is_no_reason_to_fail(home: str) -> None:
    Path(home, ".aws/config").write_bytes(b"region = \xff\n[")
    assert platform_of({"HOME": home}, "/w").region == "us-east-1"


def test_endpoints_go_along_with_the_credentials_but_for_lambdas(home: str) -> None:
    caller = {
        **KEYS,
        "HOME": home,
        "AWS_ENDPOINT_URL": "http://localhost:4566",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://localhost:8000",
        "AWS_ENDPOINT_URL_LAMBDA": "http://localhost:9000",
    }
    assert platform_of(caller, "/w").credentials == {
        **KEYS,
        "AWS_ENDPOINT_URL": "http://localhost:4566",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://localhost:8000",
    }


def test_roles_of_a_runner_are_passed_on(tmp_path: Path) -> None:
    caller = {
        "HOME": str(tmp_path),
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/ci",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "token",
    }
    assert platform_of(caller, "/w").credentials == {
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/ci",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/w/token",
    }


def test_without_credentials_functions_get_dummies_and_nothing_of_the_callers(home: str) -> None:
    caller = {**KEYS, "HOME": home, "AWS_PROFILE": "work", "AWS_ENDPOINT_URL": "http://x"}
    dummies = dict.fromkeys(KEYS, "test")
    assert platform_of(caller, "/w", credentials=False) == Platform("us-east-1", dummies)
    caller["AWS_REGION"] = "eu-west-3"
    assert platform_of(caller, "/w", credentials=False) == Platform("eu-west-3", dummies)
