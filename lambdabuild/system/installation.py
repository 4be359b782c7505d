"""Say how a part that lambdabuild can do without is installed where lambdabuild is."""

import contextlib
import os
import shlex
import sys

DISTRIBUTION = "lambdabuild-go"
"""Its name on PyPI, where `lambdabuild` is another project."""


def install_command(extra: str, prefix: str | None = None) -> str:
    """Return the command that installs what an extra needs into the running environment.

    pipx and uv keep an environment for each tool, which pip must not change behind their backs:
    https://pipx.pypa.io/stable/docs/#pipx-inject, https://docs.astral.sh/uv/concepts/tools/.
    `prefix` is the environment's directory, as in `sys.prefix`.
    """
    prefix = prefix or sys.prefix
    part = shlex.quote(_requirement(extra))
    if os.path.exists(os.path.join(prefix, "pipx_metadata.json")):
        return f"pipx inject {os.path.basename(prefix)} {part}"
    if (tool := _uv_tool(os.path.join(prefix, "uv-receipt.toml"))) is not None:
        return f"uv tool install {tool} --with {part}"
    python = shlex.quote(sys.executable or "python3")
    if _made_by_uv(prefix):
        return f"uv pip install --python {python} {part}"
    return f"{python} -m pip install {part}"


def _requirement(extra: str) -> str:
    """Return what an extra needs first, with its versions."""
    from importlib import metadata

    with contextlib.suppress(metadata.PackageNotFoundError):
        for requirement in metadata.requires(DISTRIBUTION) or ():
            needed, _, marker = requirement.partition(";")
            if marker.replace("'", '"').strip() == f'extra == "{extra}"':
                return needed.strip()
    return f"{DISTRIBUTION}[{extra}]"


def _uv_tool(receipt: str) -> str | None:
    """Return the argument of the `uv tool install` that a receipt is of."""
    import tomllib

    try:
        with open(receipt, "rb") as file:
            first, *_ = tomllib.load(file)["tool"]["requirements"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(first, dict):
        return None
    if source := first.get("git"):
        address, _, revision = str(source).partition("?rev=")
        source = f"git+{address}@{revision}" if revision else f"git+{address}"
        return shlex.quote(f"{first.get('name', DISTRIBUTION)} @ {source}")
    path = first.get("directory") or first.get("path") or first.get("url")
    return shlex.quote(str(path or first.get("name", DISTRIBUTION)))


def _made_by_uv(prefix: str) -> bool:
    """Tell whether uv made an environment, which then has no pip."""
    try:
        with open(os.path.join(prefix, "pyvenv.cfg"), encoding="utf-8") as file:
            return any(line.partition("=")[0].strip() == "uv" for line in file)
    except (OSError, UnicodeError):
        return False
