"""The environment that tests run commands in: the machine's, without what its owner has set.

What is set must not decide how a test ends, how long it takes, nor reach an account of theirs. Without
PYTHONDONTWRITEBYTECODE, which containers like to set, each run starts a quarter sooner.
"""

import os
import sys
from pathlib import Path

_DROPPED = (
    *("GO", "CGO_", "LAMBDABUILD_", "PYTEST_", "PYTHON", "COVERAGE", "COLUMNS", "NO_COLOR"),
    *("GITHUB_", "RUNNER_", "CI_", "MAKE", "MFLAGS"),
    *("AWS_", "CDK_", "SAM_", "TF_", "MOTO_", "npm_"),
)
"""How the names begin of what is left out."""
_KEPT = {
    *("GOPROXY", "GOCACHE", "GOMODCACHE", "GOPATH", "GONOSUMDB", "GOSUMDB"),
    "COVERAGE_PROCESS_CONFIG",  # by it, `make cover` measures the commands that tests start
}

CLEAN = {
    name: value
    for name, value in os.environ.items()
    if name in _KEPT or not name.startswith(_DROPPED)
} | {
    "GOENV": "off",
    "GOTOOLCHAIN": "local",
    # What one test built must not decide what another sees: tests of the cache turn it on.
    "LAMBDABUILD_CACHE_MODE": "off",
    "TERM": "dumb",
}

INSTALLED = f"{Path(sys.executable).parent}{os.pathsep}{CLEAN['PATH']}"
"""A PATH with `lambdabuild` on it, and whatever else is installed beside it."""

GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}
"""What `git` is run with, so that nothing its owner has configured counts."""
