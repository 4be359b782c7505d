import pytest

from lambdabuild.config.options import Config
from lambdabuild.config.settings import Settings
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.paths import Paths
from lambdabuild.core.target import Runtime, Target
from lambdabuild.local.host import for_host, host_target
from tests.unit.values import ARM64

MAC = Target("darwin", "arm64")


@pytest.mark.parametrize(
    ("system", "machine", "target"),
    [
        ("linux", "x86_64", Target("linux", "amd64")),
        ("linux", "aarch64", Target("linux", "arm64")),
        ("linux", "armv7l", Target("linux", "arm")),
        ("darwin", "arm64", MAC),
        ("darwin", "x86_64", Target("darwin", "amd64")),
        ("freebsd14", "amd64", Target("freebsd", "amd64")),
    ],
)
def test_go_has_its_own_names_for_machines(system: str, machine: str, target: Target) -> None:
    assert host_target(system, machine) == target


def test_a_machine_that_go_does_not_know_is_named() -> None:
    with pytest.raises(LambdabuildError) as caught:
        host_target("linux", "vax")
    assert str(caught.value) == (
        "functions cannot run on this machine: it is `linux` on `vax`\n"
        "  hint: run them on Linux or macOS, on amd64 or arm64"
    )


def test_every_function_is_built_for_the_host_whatever_it_is_deployed_on() -> None:
    config = Config(
        choices={"targets": (ARM64,), "zip": True, "max_size": 1},
        functions={"users-get": {"targets": (ARM64, ARM64), "runtime": Runtime.AL2, "sbom": True}},
        strict=True,
        check_size=True,
        in_place=True,
    )
    settings = for_host(Settings(config, {"tags": ("x",)}, defaults={"targets": (ARM64,)}), MAC)
    for name in ("users-get", "any"):
        chosen = settings.of(name)
        assert chosen.targets == (MAC,)
        assert (chosen.zip, chosen.sbom, chosen.max_size, chosen.tags) == (
            False,
            False,
            None,
            ("x",),
        )
    assert (settings.config.strict, settings.config.check_size) == (False, False)


def test_what_is_built_to_run_here_is_kept_apart_from_what_is_deployed() -> None:
    settings = for_host(Settings(Config(out="build/out")), MAC)
    assert settings.paths("/p", "/p/web") == Paths(
        project="/p",
        working="/p/web",
        out="/p/.lambdabuild/local/bin",
        layout=".lambdabuild/local/bin",
        home=".lambdabuild/local",
        deployed="/p/build/out",
    )
