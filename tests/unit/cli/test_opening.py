import os
from pathlib import Path

import pytest

from lambdabuild.cli.opening import settle
from lambdabuild.cli.options import Options


@pytest.mark.parametrize(
    ("glob", "typed_in", "meant"),
    [
        # Names stay as they are, whatever is in them.
        ("users-*", "api", "users-*"),
        ("*", "api", "*"),
        ("", "", ""),
        # Directories are those of roots: of the place they were typed in.
        ("api/legacy", "", "api/legacy"),
        ("./api/legacy", "", "api/legacy"),
        ("api/legacy/", "", "api/legacy"),
        ("api//legacy/*", "", "api/legacy/*"),
        ("legacy/old", "api", "api/legacy/old"),
        ("./legacy", "api", "api/legacy"),
        ("../services/*", "api", "services/*"),
        ("{}/api/legacy/*", "api", "api/legacy/*"),
        ("{}/api/[lx]*", "", "api/[lx]*"),
        # As the shell's PWD has it, by a symbolic link.
        ("{}-link/api/legacy", "api", "api/legacy"),
        ("{}-link/api/legacy/*", "", "api/legacy/*"),
        # Outside: it means nothing here.
        ("/elsewhere/api", "", "../elsewhere/api"),
    ],
)
def test_a_glob_of_directories_is_taken_from_where_it_is_written(
    tmp_path: Path, glob: str, typed_in: str, meant: str
) -> None:
    shop = Path(os.path.realpath(tmp_path), "shop")
    (shop / "api/legacy").mkdir(parents=True)
    shop.with_name("shop-link").symlink_to("shop")
    glob = glob.format(shop)
    meant = os.path.relpath(glob, shop) if meant.startswith("..") else meant
    (shop / "lambdabuild.toml").write_text("")
    options = Options(chosen={"exclude": (glob,)})
    project, settings = settle(str(shop / typed_in), options, {}, untrusted=False)
    assert (project, settings.exclude) == (str(shop), (meant,))
    if not typed_in:
        (shop / "lambdabuild.toml").write_text(f'exclude = ["{glob}"]\n')
        _, settings = settle(str(shop / "api"), Options(), {}, untrusted=False)
        assert settings.exclude == (meant,)
