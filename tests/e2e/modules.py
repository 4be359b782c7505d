"""Modules that a directory offers as a proxy does, and what imports them."""

import zipfile
from pathlib import Path


def offer(proxy: Path, module: str, version: str, word: str) -> None:
    """Put a version of a module, of one package, into a directory that GOPROXY may name."""
    name = module.rpartition("/")[2]
    place = proxy / module / "@v"
    place.mkdir(parents=True, exist_ok=True)
    go_mod = f"module {module}\n\ngo 1.22\n"
    (place / f"{version}.info").write_text(f'{{"Version": "{version}"}}')
    (place / f"{version}.mod").write_text(go_mod)
    with zipfile.ZipFile(place / f"{version}.zip", "w") as archive:
        top = f"{module}@{version}"
        archive.writestr(f"{top}/go.mod", go_mod)
        archive.writestr(f"{top}/{name}.go", package_saying(name, word))
    versions = sorted(path.stem for path in place.glob("*.mod"))
    (place / "list").write_text("".join(f"{item}\n" for item in versions))


def package_saying(name: str, word: str) -> str:
    return f'package {name}\n\nfunc Word() string {{ return "{word}" }}\n'


def main_importing(*paths: str) -> str:
    imports = "".join(f'\t"{path}"\n' for path in paths)
    words = ", ".join(f"{path.rpartition('/')[2]}.Word()" for path in paths)
    return f"package main\n\nimport (\n{imports})\n\nfunc main() {{ println({words}) }}\n"
