"""Build the shop once, and run the deploy tools on it, against a Lambda on loopback.

The clients are the real ones, as `make test-all` installs them into `.deploy-tools`; the service they
talk to is moto's server. Credentials are made up, and nothing is asked of any other machine: usage
reports, notices and the look for credentials in an instance's metadata are turned off.
"""

import json
import os
import re
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.environment import CLEAN, INSTALLED

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "fixtures" / "shop"
TOOLS = ROOT / ".deploy-tools"
ROLE = "arn:aws:iam::123456789012:role/shop"
BUCKET = "packages"

# What an account has before anything is deployed to it: a role that Lambda may take, and a bucket.
_PREPARE = f"""\
import boto3
trust = '{{"Version": "2012-10-17", "Statement": []}}'
boto3.client("iam").create_role(RoleName="shop", AssumeRolePolicyDocument=trust)
boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="{BUCKET}")
"""

ENVIRONMENT = CLEAN | {
    "BUCKET": BUCKET,
    "NO_COLOR": "1",
    "PATH": f"{TOOLS / 'bin'}{os.pathsep}{INSTALLED}",
    "ROLE": ROLE,
}


@dataclass(frozen=True, slots=True)
class Shop:
    """A copy of fixtures/shop, and the environment that its deploy tools are run in."""

    path: Path
    environment: dict[str, str]

    def run(self, *command: str | Path, cwd: str = ".") -> str:
        """Run a command that is to succeed, and return what it wrote to stdout."""
        done = subprocess.run(
            command,
            cwd=self.path / cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def build(self, *flags: str) -> None:
        """Build and pack every function."""
        self.run("lambdabuild", "all", "--zip", "--quiet", *flags)

    def manifest(self) -> dict[str, dict[str, Any]]:
        """Return what the manifest says of each function, by name."""
        told = json.loads((self.path / "dist" / "manifest.json").read_text("utf-8"))
        return {function["name"]: function for function in told["functions"]}

    def edit(self, function: str) -> None:
        """Make the executable of one function, by its directory, another one."""
        source = self.path / "api" / function / "main.go"
        text = source.read_text("utf-8")
        source.write_text(f'{text}\nfunc init() {{ println("edited") }}\n', "utf-8")

    def copy(self, to: Path) -> "Shop":
        """Copy it with all that was built in it."""
        return Shop(Path(shutil.copytree(self.path, to, symlinks=True)), self.environment)

    def in_region(self, region: str) -> "Shop":
        """Return it with another region to deploy to, which is empty."""
        return Shop(
            self.path, self.environment | {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        )


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop, built and packed; not to be changed."""
    assert (TOOLS / "cdk" / "installed").exists(), "`make deploy-tools` installs them"
    ignored = shutil.ignore_patterns("dist", ".lambdabuild", "bootstrap", "node_modules", "cdk.out")
    top = tmp_path_factory.mktemp("deploy")
    path = Path(shutil.copytree(SHOP, top / "shop", ignore=ignored))
    (path / "cdk" / "node_modules").symlink_to(TOOLS / "cdk" / "node_modules")
    shop = Shop(path, _tool_environment(top / "home"))
    shop.build()
    return shop


def _tool_environment(home: Path) -> dict[str, str]:
    home.mkdir()
    # Go finds its caches through HOME; the tools are to leave nothing in the real one.
    go = subprocess.run(
        ["go", "env", "GOCACHE", "GOMODCACHE", "GOPATH"],
        check=True, capture_output=True, text=True, env=ENVIRONMENT,
    ).stdout.splitlines()  # fmt: skip
    return (
        ENVIRONMENT
        | {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_CONFIG_FILE": str(home / "config"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CHECKPOINT_DISABLE": "1",
            "HOME": str(home),
            "SAM_CLI_TELEMETRY": "0",
        }
        | dict(zip(("GOCACHE", "GOMODCACHE", "GOPATH"), go, strict=True))
    )


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The address of moto's server, on a port that is free."""
    with subprocess.Popen(
        [TOOLS / "bin" / "moto_server", "--host", "127.0.0.1", "--port", "0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=ENVIRONMENT | {"PYTHONUNBUFFERED": "1"},
    ) as server:  # fmt: skip
        assert server.stdout is not None
        said = []
        for line in server.stdout:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        else:
            pytest.fail("".join(said))
        # It tells of every request, and would stop when nobody reads that.
        reader = threading.Thread(target=server.stdout.read)
        reader.start()
        yield found[0]
        server.terminate()
        reader.join()


@pytest.fixture(scope="session")
def deployable(built: Shop, endpoint: str) -> Shop:
    """The shop as built, with a Lambda to deploy it to; not to be changed."""
    environment = built.environment | {"AWS_ENDPOINT_URL": endpoint}
    shop = Shop(built.path, environment).in_region("eu-central-1")
    shop.run(TOOLS / "bin" / "python", "-c", _PREPARE)
    return shop


Deployed = Callable[[Shop], dict[str, dict[str, Any]]]


@pytest.fixture(scope="session")
def deployed() -> Deployed:
    """Ask Lambda, as its API is documented, for the functions in a shop's region, by name.

    https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html
    """

    def ask(shop: Shop) -> dict[str, dict[str, Any]]:
        region = shop.environment["AWS_REGION"]
        credential = f"testing/20260101/{region}/lambda/aws4_request"
        request = urllib.request.Request(  # noqa: S310
            f"{shop.environment['AWS_ENDPOINT_URL']}/2015-03-31/functions/",
            headers={"Authorization": f"AWS4-HMAC-SHA256 Credential={credential}"},
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310
            functions = json.load(response)["Functions"]
        return {function["FunctionName"]: function for function in functions}

    return ask
