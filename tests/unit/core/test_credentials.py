"""Secrets in the environment: what a build starts gets none of them."""

import pytest

from lambdabuild.cache.addresses import _SCHEMES
from lambdabuild.core.secrets import OF_STORES, for_builds, for_command, kept_back

PLAIN = {
    "PATH": "/bin", "HOME": "/home/u", "GOPROXY": "https://u:p@host", "GOCACHEPROG": "prog",
    "HTTPS_PROXY": "http://u:p@proxy", "GITHUB_TOKEN": "t", "NETRC": "n", "SSH_AUTH_SOCK": "s",
    "LAMBDABUILD_CACHE": "s3://bucket", "LAMBDABUILD_CACHE_KEYS": "another",
}  # fmt: skip
KEY = {"LAMBDABUILD_CACHE_KEY": "SECRET"}
AWS = {"AWS_SECRET_ACCESS_KEY": "SECRET", "AWS_SESSION_TOKEN": "SECRET", "AWS_PROFILE": "p"}
AZURE = {"AZURE_STORAGE_ACCOUNT_KEY": "SECRET", "IDENTITY_HEADER": "SECRET"}
GOOGLE = {"GOOGLE_APPLICATION_CREDENTIALS": "/key.json", "GOOGLE_SERVICE_ACCOUNT_KEY": "SECRET"}
GITHUB = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "SECRET", "ACTIONS_RUNTIME_TOKEN": "SECRET"}
ALL = {**PLAIN, **KEY, **AWS, **AZURE, **GOOGLE, **GITHUB}


def test_a_build_gets_what_go_needs_and_no_secret() -> None:
    children = for_builds(ALL)

    assert children == PLAIN
    assert kept_back(ALL, children) == sorted({**AWS, **AZURE, **GOOGLE})


@pytest.mark.parametrize(
    ("store", "kept"),
    [
        (None, {}), ("", {}), ("file:///cache", {}), ("s3://b/p?region=x", AWS), ("s3a://b", AWS),
        ("gs://b", GOOGLE), ("az://c", AZURE), ("abfss://c@a.dfs", AZURE),
    ],
)  # fmt: skip
def test_the_command_of_exec_may_deploy_but_not_open_the_store(
    store: str | None, kept: dict[str, str]
) -> None:
    children = for_command(ALL, store)

    assert children == {n: v for n, v in ALL.items() if n not in {**KEY, **GITHUB, **kept}}


def test_the_user_may_pass_what_a_program_of_theirs_needs_but_not_the_key() -> None:
    environment = ALL | {"LAMBDABUILD_PASS_ENV": "AWS_SESSION_TOKEN,AZURE_* LAMBDABUILD_* *"}
    only = ALL | {"LAMBDABUILD_PASS_ENV": "AWS_SESSION_TOKEN,AZURE_*"}

    assert for_builds(environment) == {n: v for n, v in environment.items() if n not in KEY}
    assert for_builds(only).keys() - for_builds(ALL).keys() == {
        *("AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCOUNT_KEY", "LAMBDABUILD_PASS_ENV"),
    }


def test_each_store_has_its_credentials() -> None:
    assert OF_STORES.keys() == _SCHEMES.keys() - {"file"}
