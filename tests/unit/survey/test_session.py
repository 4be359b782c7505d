from pathlib import Path

from lambdabuild.config.options import Config
from lambdabuild.config.settings import Settings
from tests.unit.shop import small_shop


def test_the_paths_of_a_session_follow_its_settings(tmp_path: Path) -> None:
    session = small_shop(tmp_path).session()
    assert (session.paths.out, session.paths.layout) == (f"{tmp_path}/shop/dist", "dist")
    other = session.under(Settings(Config(out="../build")), str(tmp_path / "moved"))
    assert (other.paths.out, other.paths.layout) == (f"{tmp_path}/build", "../build")
    assert other.paths.working == session.paths.working
    beside = session.under(Settings(Config(in_place=True)))
    assert (beside.paths.project, beside.paths.layout) == (session.paths.project, "")
