"""Which variables a process that is started does not get to see: secrets are lambdabuild's own.

What a build runs, the repository may have written: a CC, a test of what was built, a generator.
None of it needs the key that cached executables are signed with, nor what opens their store.
"""

from collections.abc import Iterable, Mapping

CACHE_KEY = "LAMBDABUILD_CACHE_KEY"
"""The secret that cached executables are signed with; no child ever gets it."""
PASSED = "LAMBDABUILD_PASS_ENV"
"""Names of variables that children get all the same, such as `AWS_*`; by commas or spaces."""

_AWS = ("AWS_",)
_AZURE = ("AZURE_", "IDENTITY_HEADER", "MSI_SECRET")
_GOOGLE = ("GOOGLE_",)
# Whoever has the token is lent the roles that trust the job, or writes to its cache.
# https://docs.github.com/actions/reference/security/oidc
_GITHUB = ("ACTIONS_ID_TOKEN_REQUEST_", "ACTIONS_RUNTIME_TOKEN")
OF_STORES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("s3", "s3a"), _AWS),
    "gs": _GOOGLE,
    **dict.fromkeys(("az", "azure", "adl", "abfs", "abfss"), _AZURE),
}
"""By scheme, how the variables begin that open such a store."""
_ALL = (*_AWS, *_AZURE, *_GOOGLE, *_GITHUB)


def for_builds(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for `go`, git, a C compiler and whatever these run."""
    return _without(environment, _ALL)


def for_command(environment: Mapping[str, str], store: str | None) -> dict[str, str]:
    """Return the environment for the command of `--exec`.

    That is the user's own, and may deploy: so it gets the credentials of all but `store`, the
    address of the shared cache, if there is one.
    """
    scheme = (store or "").partition(":")[0]
    return _without(environment, (*OF_STORES.get(scheme, ()), *_GITHUB))


def kept_back(environment: Mapping[str, str], children: Mapping[str, str]) -> list[str]:
    """Return which variables that open a store children do not get; sorted."""
    left_out = environment.keys() - children.keys() - {CACHE_KEY}
    return sorted(name for name in left_out if not name.startswith(_GITHUB))


def _without(environment: Mapping[str, str], secret: tuple[str, ...]) -> dict[str, str]:
    passed = environment.get(PASSED, "").replace(",", " ").split()
    return {
        name: value
        for name, value in environment.items()
        if name != CACHE_KEY and (not name.startswith(secret) or _matches(name, passed))
    }


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(
        name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
        for pattern in patterns
    )
