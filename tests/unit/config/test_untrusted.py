"""What a configuration may do that a stranger wrote: no more than a plain `go build`."""

import os
from pathlib import Path

import pytest

from lambdabuild.config.reading import read_config
from lambdabuild.core.errors import LambdabuildError


def read(project: Path, text: str) -> LambdabuildError | None:
    (project / "lambdabuild.toml").write_text(text, "utf-8")
    read_config(str(project), None)
    try:
        read_config(str(project), None, untrusted=True)
    except LambdabuildError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        *((f'env = {{ {name} = "x" }}', f"env.{name}") for name in (
            "CC", "CXX", "AR", "FC", "PKG_CONFIG", "PKG_CONFIG_PATH", "CGO_CFLAGS", "CGO_LDFLAGS",
            "CGO_CFLAGS_ALLOW", "PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES",
            "GOCACHEPROG", "GOROOT", "GOTOOLDIR", "GOTOOLCHAIN", "GOPROXY", "GOSUMDB", "GONOSUMDB",
            "GONOSUMCHECK", "GOINSECURE", "GOPRIVATE", "GOAUTH", "GOENV", "GOCACHE", "GOMODCACHE",
            "GOPATH", "GOVCS", "GODEBUG", "TMPDIR", "HOME", "GIT_SSH_COMMAND", "SSL_CERT_FILE",
            "HTTPS_PROXY", "https_proxy", "GOSSAFUNC", "BASH_ENV", "goamd64", "ANYTHING",
        )),
        ('ldflags = "-extld ./x"', "ldflags"),
        ('gcflags = "-embedcfg-x=/etc/passwd"', "gcflags"),
        ('out = "../elsewhere"', "out"), ('out = "/tmp/x"', "out"), ('out = "a/../../x"', "out"),
        ('roots = ["api", "/"]', "roots"), ('roots = [".."]', "roots"),
        ('out = "link"', "out"), ('roots = ["link/inner"]', "roots"),
        ('cache = "s3://theirs?endpoint=https://evil"', "cache"),
        ('cache_mode = "read-write"', "cache_mode"),
    ],
)  # fmt: skip
def test_what_runs_programs_or_leaves_the_project_is_refused(
    tmp_path: Path, text: str, key: str
) -> None:
    os.symlink("/tmp", tmp_path / "link")
    places = [("", key)]
    if key.partition(".")[0] in {"env", "ldflags", "gcflags"}:
        places.append(('[functions."a.b"]\n', f'functions."a.b".{key}'))
    for head, path in places:
        error = read(tmp_path, f"# a comment\n{head}zip = true\n{text}\n")
        assert error is not None
        assert error.message.startswith(f"`{path}` ")
        assert error.message.endswith(", which --untrusted does not allow")
        assert (error.file, error.line) == (str(tmp_path / "lambdabuild.toml"), 3 + bool(head))
        assert error.at == ("lambdabuild.toml",)
        assert error.hint
        assert error.exit_code == 2


def test_the_directory_of_a_function_is_in_the_project(tmp_path: Path) -> None:
    error = read(tmp_path, '[functions.a]\ndirectory = "../b"\n')
    assert error is not None
    assert error.message.startswith('`functions."a".directory` names `../b`')


def test_what_decides_what_is_compiled_is_taken(tmp_path: Path) -> None:
    text = """
        roots = ["api", "./more/api"]
        exclude = ["x*"]
        out = "build/dist"
        cache_mode = "read"
        tags = ["a"]
        ldflags = "-s -w -X main.version=1"
        gcflags = "all=-N -l"
        env = { GOAMD64 = "v3", GOEXPERIMENT = "jsonv2", CGO_ENABLED = "0" }
        architecture = ["x86_64", "arm64"]
        zip = true
        sbom = true
        [functions.a]
        directory = "api/a"
        cgo = true
        assets = ["conf.json"]
        layer_libraries = ["libpq.so.5"]
    """
    assert read(tmp_path, text) is None


def test_without_a_file_the_outputs_stay_in_the_project_as_well(tmp_path: Path) -> None:
    read_config(str(tmp_path), None, untrusted=True)
    (tmp_path / "dist").symlink_to("/tmp")
    with pytest.raises(LambdabuildError, match="`out` names `dist`, outside of the project"):
        read_config(str(tmp_path), None, untrusted=True)
