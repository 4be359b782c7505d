"""Deployment packages: what is in them, that equal inputs give equal bytes, and none is stale."""

import base64
import hashlib
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdabuild.system.installation import install_command
from tests.e2e.conftest import LAMBDABUILD, Once, Project, Recorded, build
from tests.e2e.processes import wait_for

pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)

FILES = {
    "go.mod": "module example.com/packed\n\ngo 1.22\n",
    "lambdabuild.toml": """\
[functions."mail"]
assets = ["templates", "*.sh", "./fonts/**/*.ttf", "größe.txt"]
""",
    "api/mail/main.go": 'package main\n\nfunc main() { println("mail") }\n',
    "api/mail/templates/welcome.html": "<p>welcome</p>",
    "api/mail/templates/deep/order.html": "<p>order</p>",
    "api/mail/templates/.draft": "not meant",
    "api/mail/hook.sh": "#!/bin/sh\necho hook\n",
    "api/mail/fonts/a/b/one.ttf": "font",
    "api/mail/fonts/README": "not meant",
    "api/mail/größe.txt": "ü",
    "api/ping/main.go": 'package main\n\nfunc main() { println("ping") }\n',
}
PACKED = [
    "bootstrap", "fonts/a/b/one.ttf", "größe.txt", "hook.sh", "templates/deep/order.html",
    "templates/welcome.html",
]  # fmt: skip


def write_files(project: Project) -> None:
    for name, text in FILES.items():
        project.write(name, text)
    (project / "api/mail/hook.sh").chmod(0o755)


@pytest.fixture
def packed(recorded: Recorded, once: Once) -> Recorded:
    """Two functions, one with assets, built and packed, and a `go` that records its starts."""

    def write() -> None:
        write_files(recorded)
        build(recorded, "--zip")
        recorded.started()

    once("packed", write)
    return recorded


def sha256(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def entries(path: Path) -> dict[str, tuple[bytes, int]]:
    """Return the content and the mode of everything in a zip, by name, in its order."""
    with zipfile.ZipFile(path) as archive:
        return {i.filename: (archive.read(i), i.external_attr >> 16) for i in archive.infolist()}


def assert_consistent(project: Project) -> None:
    """See that every zip holds just what stands in the function's directory, and is as told."""
    told = json.loads((project / "dist/manifest.json").read_text())["functions"]
    for function in told:
        home = project / f"dist/{function['name']}"
        beside = {
            str(path.relative_to(home)): (path.read_bytes(), path.stat().st_mode)
            for path in home.rglob("*")
            if path.is_file()
        }
        if function["zip"] is None:
            assert not (project / f"dist/{function['name']}.zip").exists()
            continue
        path = project / function["zip"]
        assert entries(path) == beside
        assert path.stat().st_size == function["zip_size"]
        assert base64.b64encode(sha256(path)).decode() == function["code_sha256"]


def test_a_zip_holds_the_executable_and_the_assets_as_the_directory_does(packed: Recorded) -> None:
    assert_consistent(packed)
    found = entries(packed / "dist/mail.zip")
    assert list(found) == PACKED
    assert {name: oct(mode & 0o777) for name, (_, mode) in found.items()} == {
        name: "0o755" if name in {"bootstrap", "hook.sh"} else "0o644" for name in PACKED
    }
    assert list(entries(packed / "dist/ping.zip")) == ["bootstrap"]
    result = packed.run("all", "--zip", "--json")
    told = result.functions["mail"]
    path = packed / "dist/mail.zip"
    assert told["zip"] == "dist/mail.zip"
    assert told["zip_size"] == path.stat().st_size
    assert told["code_sha256"] == base64.b64encode(sha256(path)).decode()


def tool(name: str) -> str:
    """Return a program that has to be there where tests are to show everything."""
    path = shutil.which(name)
    if path is None:
        assert not os.environ.get("CI"), f"CI installs `{name}`"
        pytest.skip(f"`{name}` is not on this machine")
    return path


EXTRACT: dict[str, Callable[[Path, Path], list[str]]] = {
    "unzip": lambda archive, to: ["unzip", "-q", str(archive), "-d", str(to)],
    "bsdtar": lambda archive, to: ["bsdtar", "-xf", str(archive), "-C", str(to)],
}


@pytest.mark.parametrize("name", EXTRACT)
def test_an_ordinary_user_extracts_it_and_runs_the_executable(packed: Recorded, name: str) -> None:
    tool(name)
    user = "nobody" if os.geteuid() == 0 else None
    place = Path(
        subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip()
    )
    try:
        archive = place / "mail.zip"
        shutil.copyfile(packed / "dist/mail.zip", archive)
        target = place / "task"
        target.mkdir()
        if user is not None:
            for path in (place, archive, target):
                os.chown(path, pwd.getpwnam(user).pw_uid, -1)
        command = EXTRACT[name](archive, target)
        subprocess.run(command, check=True, user=user, umask=0o077)
        expected = entries(packed / "dist/mail.zip")
        found = {
            str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()
        }
        assert found == {name: content for name, (content, _) in expected.items()}
        if os.uname().sysname == "Linux" and os.uname().machine == "x86_64":
            ran = subprocess.run(
                [target / "bootstrap"], check=True, capture_output=True, text=True, user=user
            )
            assert ran.stderr.strip() == "mail"
    finally:
        shutil.rmtree(place)


def test_two_checkouts_give_equal_zips_whatever_place_umask_time_zone_and_user(
    packed: Recorded, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    other = Project(tmp_path / "another place" / "deep", packed.environment, packed.go)
    write_files(other)
    for path in other.path.rglob("*"):
        if path.is_file():
            os.utime(path, (1_000_000_000, 1_000_000_000))
            # As a checkout under another umask leaves them.
            path.chmod(path.stat().st_mode & 0o700)
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
    environment = {
        "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "HOME": str(home), "USER": "somebody",
        # Which would lie in that home, with nothing in it.
        "GOCACHE": packed.go_run("env", "GOCACHE").strip(),
    }  # fmt: skip
    shell = 'umask 077 && exec "$0" "$@"'
    done = subprocess.run(
        [*as_somebody_else(other), "sh", "-c", shell, str(LAMBDABUILD), "all", "--zip", "--json"],
        cwd=other.path, env=other.environment | environment, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {f["status"] for f in json.loads(done.stdout)["functions"]} == {"built"}
    for name in ("mail.zip", "ping.zip", "manifest.json"):
        assert (other / f"dist/{name}").read_bytes() == (packed / f"dist/{name}").read_bytes()
    assert_consistent(other)


def as_somebody_else(project: Project) -> list[str]:
    """Return what runs a command as another user, who may still read and write what root may."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return []
    os.chown(project.path, 65534, 65534)
    capabilities = "+dac_override,+fowner"
    return [
        "setpriv", "--reuid=65534", f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}",
    ]  # fmt: skip


def test_nothing_changed_leaves_every_file_alone_and_starts_no_go(packed: Recorded) -> None:
    before = {p: p.stat().st_mtime_ns for p in (packed / "dist").rglob("*")}
    result = packed.run("all", "--zip", "--json")
    assert result.statuses == {"mail": "up-to-date", "ping": "up-to-date"}
    assert packed.started() == []
    assert {p: p.stat().st_mtime_ns for p in (packed / "dist").rglob("*")} == before


def truncate(path: Path) -> None:
    os.truncate(path, 100)


def corrupt(path: Path) -> None:
    """Change a byte, and leave size and time of writing as they were."""
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def unlink(path: Path) -> None:
    path.unlink()


def other_mode(path: Path) -> None:
    path.chmod(0o600)


@pytest.mark.parametrize(
    ("damage", "file", "reason"),
    [
        (unlink, "dist/mail.zip", "is missing"),
        (unlink, "dist/mail/templates/welcome.html", "is missing"),
        (other_mode, "dist/mail/hook.sh", "was changed"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_not_there_any_more_is_noticed_and_made_again_without_go(
    packed: Recorded, damage: Callable[[Path], None], file: str, reason: str
) -> None:
    before = (packed / file).read_bytes()
    damage(packed / file)
    assert packed.run("why", "--zip").out.splitlines() == [
        f"mail: {file} {reason}", "ping: up to date",
    ]  # fmt: skip
    result = packed.run("all", "--zip", "--json")
    assert result.statuses == {"mail": "built", "ping": "up-to-date"}
    assert (packed / file).read_bytes() == before
    assert packed.started() == []
    assert_consistent(packed)


@pytest.mark.extended
@pytest.mark.parametrize("damage", [truncate, corrupt])
def test_what_somebody_changed_is_noticed_and_left_until_it_is_replaced_by_force(
    packed: Recorded, damage: Callable[[Path], None]
) -> None:
    before = {name: (packed / "dist" / name).read_bytes() for name in packed.files()}
    files = ("dist/mail.zip", "dist/mail/templates/welcome.html")
    for file in files:
        path = packed / file
        right = path.read_bytes()
        damage(path)
        wrong = path.read_bytes()
        assert packed.run("why", "--zip", "mail").out == f"mail: {file} was changed\n"
        result = packed.run("all", "--zip", "--json")
        assert result.statuses == {"mail": "failed", "ping": "up-to-date"}
        (error,) = result.functions["mail"]["errors"]
        assert error["message"] == (
            f"`{path}` is in the way: it is a file that somebody else has changed since "
            "lambdabuild wrote it\n  hint: move it away, or let `--force` replace it"
        )
        assert path.read_bytes() == wrong
        path.write_bytes(right)
        assert packed.run("all", "--zip").summary == "up to date 2 of 2"
    for file in files:
        damage(packed / file)
    assert packed.run("build", "mail", "--zip", "--force").code == 0
    assert {name: (packed / "dist" / name).read_bytes() for name in packed.files()} == before
    assert_consistent(packed)


def test_an_edited_new_or_deleted_asset_is_packed_without_go(packed: Recorded) -> None:
    untouched = sha256(packed / "dist/ping.zip")
    packed.write("api/mail/templates/welcome.html", "<p>hello</p>")
    assert packed.run("why", "--zip", "mail").out == (
        "mail: api/mail/templates/welcome.html changed\n"
    )
    files = ("--file", "api/mail/templates/welcome.html")
    assert packed.run("why", *files).out == "mail\n"
    result = packed.run("all", "--zip", "--json")
    assert result.statuses == {"mail": "built", "ping": "up-to-date"}
    assert result.functions["mail"]["reason"] == "api/mail/templates/welcome.html changed"
    assert entries(packed / "dist/mail.zip")["templates/welcome.html"][0] == b"<p>hello</p>"
    assert_consistent(packed)

    packed.write("api/mail/templates/new.html", "new")
    (packed / "api/mail/templates/deep/order.html").unlink()
    (packed / "api/mail/hook.sh").chmod(0o644)
    assert packed.run("all", "--zip", "--json").statuses["mail"] == "built"
    assert "templates/deep/order.html" not in entries(packed / "dist/mail.zip")
    assert not (packed / "dist/mail/templates/deep").exists()
    assert stat.S_IMODE((packed / "dist/mail/hook.sh").stat().st_mode) == 0o644
    assert_consistent(packed)
    assert packed.started() == []
    assert sha256(packed / "dist/ping.zip") == untouched


def test_without_zip_no_stale_one_is_left(packed: Recorded) -> None:
    """A zip is of what stands in the directory, or it is not there."""
    packed.replace("api/ping/main.go", "ping", "pong")
    packed.write("api/mail/templates/welcome.html", "<p>hello</p>")
    assert packed.run("build", "ping").code == 0
    assert not (packed / "dist/ping.zip").exists()
    assert (packed / "dist/mail.zip").exists()
    assert packed.run("all").code == 0
    assert not (packed / "dist/mail.zip").exists()
    assert_consistent(packed)
    result = packed.run("all", "--zip", "--json")
    assert result.statuses == {"mail": "built", "ping": "built"}
    assert result.functions["ping"]["reason"] == "dist/ping.zip was not made before"
    assert_consistent(packed)
    # What is still true stays, asked for or not.
    assert packed.run("all").code == 0
    assert (packed / "dist/ping.zip").exists()
    assert_consistent(packed)


def test_the_epoch_that_is_asked_for_is_in_the_zip(packed: Recorded) -> None:
    before = sha256(packed / "dist/mail.zip")
    epoch = {"SOURCE_DATE_EPOCH": "1700000000"}
    assert packed.run("why", "mail", "--zip", env=epoch).out == "mail: SOURCE_DATE_EPOCH changed\n"
    assert packed.run("all", "--zip", "--json", env=epoch).statuses["mail"] == "built"
    with zipfile.ZipFile(packed / "dist/mail.zip") as archive:
        assert {info.date_time for info in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}
    assert packed.run("all", "--zip", env=epoch).summary == "up to date 2 of 2"
    refused = packed.run("all", "--zip", env={"SOURCE_DATE_EPOCH": "yesterday"})
    assert refused.code == 2
    assert "SOURCE_DATE_EPOCH is `yesterday`" in refused.err
    assert packed.run("all", "--zip").code == 0
    assert sha256(packed / "dist/mail.zip") == before


def test_a_missing_asset_costs_no_other_function(packed: Recorded) -> None:
    (packed / "api/mail/größe.txt").unlink()
    packed.replace("api/ping/main.go", "ping", "pong")
    result = packed.run("all", "--zip", "--json")
    assert result.code == 1
    assert result.statuses == {"mail": "failed", "ping": "built"}
    assert result.functions["mail"]["errors"][0]["message"] == (
        "no file matches the asset `größe.txt`"
    )
    assert result.functions["mail"]["zip"] == "dist/mail.zip"
    assert_consistent(packed)


def test_a_link_out_of_the_directory_is_refused(packed: Recorded) -> None:
    (packed / "api/mail/templates/secret").symlink_to("/etc/passwd")
    result = packed.run("all", "--zip", "--json")
    assert result.statuses == {"mail": "failed", "ping": "up-to-date"}
    assert "templates/secret` is a link out" in result.err


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("../ping/main.go", "leaves the function's directory"),
        ("/etc/passwd", "is absolute"),
        ("bootstrap", "take the place of the executable"),
        ("./Bootstrap", "take the place of the executable"),
    ],
)
def test_an_impossible_asset_is_refused_at_once(
    packed: Recorded, pattern: str, message: str
) -> None:
    packed.write("lambdabuild.toml", f'[functions."mail"]\nassets = ["{pattern}"]\n')
    result = packed.run("all", "--zip")
    assert result.code == 2
    assert message in result.err
    assert "lambdabuild.toml" in result.err
    assert packed.started() == []


def test_each_of_several_architectures_has_a_zip(packed: Recorded) -> None:
    result = packed.run("build", "mail", "--zip", "--arch", "x86_64", "--arch", "arm64", "--json")
    assert {n: f["zip"] for n, f in result.functions.items()} == {
        "mail linux/amd64": "dist/mail-x86_64.zip",
        "mail linux/arm64": "dist/mail-arm64.zip",
    }
    for architecture in ("x86_64", "arm64"):
        found = entries(packed / f"dist/mail-{architecture}.zip")
        assert list(found) == PACKED
        home = packed / f"dist/mail/{architecture}"
        assert found["bootstrap"][0] == (home / "bootstrap").read_bytes()
        assert (home / "templates/welcome.html").exists()
    assert not (packed / "dist/mail.zip").exists()
    assert not (packed / "dist/mail/templates").exists()


def test_in_place_the_zip_stands_beside_the_executable(packed: Recorded) -> None:
    packed.write("lambdabuild.toml", 'zip = true\n[functions."mail"]\nassets = ["*"]\n')
    for _ in range(2):
        result = packed.run("all", "--in-place", "--json")
        assert result.code == 0, result.err
        assert result.functions["mail"]["zip"] == "api/mail/bootstrap.zip"
        found = entries(packed / "api/mail/bootstrap.zip")
        assert list(found) == ["bootstrap", "größe.txt", "hook.sh", "main.go"]
    assert set(result.statuses.values()) == {"up-to-date"}


def test_zip_in_the_configuration_and_clean(packed: Recorded) -> None:
    packed.write("lambdabuild.toml", f"zip = true\n{FILES['lambdabuild.toml']}")
    assert packed.run("all").summary == "up to date 2 of 2"
    packed.write("dist/mail/templates/mine", "not lambdabuild's")
    assert packed.run("clean").code == 0
    assert packed.files() == ["mail/templates/mine"]
    assert not (packed / ".lambdabuild").exists()


def test_a_function_that_goes_away_takes_all_its_files_along(packed: Recorded) -> None:
    shutil.rmtree(packed / "api/mail")
    packed.write("lambdabuild.toml", "")
    assert packed.run("all", "--zip").code == 0
    assert packed.files() == ["manifest.json", "ping.zip", "ping/bootstrap"]


def test_what_two_functions_would_both_write_is_refused(packed: Recorded) -> None:
    packed.write("api/mail-arm64/main.go", FILES["api/ping/main.go"])
    both = ("--arch", "x86_64", "--arch", "arm64")
    packed.write(
        "lambdabuild.toml",
        'zip = true\n[functions."mail"]\narchitecture = ["x86_64", "arm64"]\n',
    )
    result = packed.run("all")
    assert result.code == 2
    assert "`mail` and `mail-arm64` would both write" in result.err
    assert packed.run("all", *both).code == 0


@pytest.fixture
def heavy(packed: Recorded) -> Recorded:
    """The same with another asset, which takes a second to pack."""
    packed.replace("lambdabuild.toml", '"*.sh"', '"*.sh", "*.bin"')
    content = hashlib.shake_256(b"big").hexdigest(8 << 20)
    (packed / "api/mail/big.bin").write_text(content, "ascii")
    return packed


def contents(project: Project) -> dict[Path, bytes]:
    """Return what is below `dist`."""
    return {path: sha256(path) for path in (project / "dist").rglob("*") if path.is_file()}


def test_killed_while_packing_nothing_is_half_written(heavy: Recorded) -> None:
    before = contents(heavy)
    process = heavy.start("all", "--zip")
    staging = heavy / ".lambdabuild/staging"
    wait_for("packing", lambda: any(staging.glob("*/packages/*/0")))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert contents(heavy) == before
    assert_nothing_is_lost(heavy)
    assert "big.bin" in entries(heavy / "dist/mail.zip")


def test_killed_with_a_zip_staged_nothing_is_half_written(packed: Recorded) -> None:
    before = contents(packed)
    packed.replace("api/mail/main.go", '"mail"', '"male"')
    staged = packed / ".lambdabuild/staging/*/packages/*/zip"
    # `go version` is asked for the bill of materials, once the zip is staged.
    hook = f"ls {staged} && until ls pid; do sleep 0.01; done && kill -KILL $(cat pid)"
    process = packed.start(
        "all", "--zip", "--sbom", env={"RECORDER_BEFORE_version": f"cd {packed.path}; {hook}"}
    )
    packed.write("pid", str(process.pid))
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert contents(packed) == before
    assert_nothing_is_lost(packed)
    assert b"male" in entries(packed / "dist/mail.zip")["bootstrap"][0]


def assert_nothing_is_lost(killed: Recorded) -> None:
    """See that the run after one that was killed makes it good, and tidies up."""
    assert zipfile.ZipFile(killed / "dist/mail.zip").testzip() is None
    result = killed.run("all", "--zip", "--json")
    assert result.code == 0, result.err
    assert_consistent(killed)
    assert [name for name in killed.files() if "lambdabuild-tmp" in name] == []
    assert sorted(os.listdir(killed / ".lambdabuild")) == [
        ".gitignore",
        "config.schema.json",
        "history.jsonl",
        "lock",
        "logs",
        "state.json",
    ]


def test_stopped_while_packing_nothing_is_changed(heavy: Recorded) -> None:
    before = contents(heavy)
    process = heavy.start("all", "--zip")
    staging = heavy / ".lambdabuild/staging"
    wait_for("packing", lambda: any(staging.glob("*/packages/*/0")))
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert contents(heavy) == before
    assert not (heavy / ".lambdabuild/staging").exists()


def test_an_asset_that_changes_while_others_build_is_packed_as_it_stands_beside(
    packed: Recorded,
) -> None:
    """Whatever of it was read: directory and zip agree, and the next run sees the rest."""
    packed.replace("api/ping/main.go", "ping", "pong")
    packed.write("api/mail/templates/welcome.html", "<p>first</p>")
    hook = {"RECORDER_BEFORE_build": "echo second > api/mail/templates/welcome.html"}
    assert packed.run("all", "--zip", env=hook).code == 0
    assert_consistent(packed)
    time.sleep(0.05)
    assert packed.run("all", "--zip").code == 0
    assert (packed / "dist/mail/templates/welcome.html").read_text() == "second\n"
    assert_consistent(packed)
    assert packed.run("all", "--zip").summary == "up to date 2 of 2"


def test_a_bill_of_materials_is_written_once_and_goes_when_it_is_not_true(packed: Recorded) -> None:
    result = packed.run("all", "--sbom", "--json")
    assert set(result.statuses.values()) == {"unchanged"}, result.err
    assert packed.started() == ["version"]
    bill = json.loads((packed / "dist/ping.sbom.json").read_text())
    assert bill["metadata"]["component"]["name"] == "ping"
    digest = hashlib.sha256((packed / "dist/ping/bootstrap").read_bytes()).hexdigest()
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert packed.run("all", "--sbom", "--zip").summary == "up to date 2 of 2"
    assert packed.started() == []
    packed.replace("api/ping/main.go", "ping", "pong")
    assert packed.run("all").code == 0
    assert not (packed / "dist/ping.sbom.json").exists()
    assert (packed / "dist/mail.sbom.json").exists()
    assert packed.run("all", "--sbom", "--json").statuses["ping"] == "unchanged"
    (packed / "dist/ping.sbom.json").write_text("{}")
    assert packed.run("all", "--sbom").code == 1
    (packed / "dist/ping.sbom.json").unlink()
    assert packed.run("all", "--sbom").code == 0
    assert json.loads((packed / "dist/ping.sbom.json").read_text()) != bill


MISSING = (
    "error: a bill of materials needs cyclonedx-python-lib\n"
    f"  hint: `{install_command('sbom')}` installs it"
)


def test_without_the_extra_nothing_is_built_that_is_to_have_a_bill(
    packed: Recorded, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['cyclonedx'] = None\n")
    without = {"PYTHONPATH": str(tmp_path)}
    packed.replace("api/ping/main.go", "ping", "pong")
    before = (packed / "dist/ping/bootstrap").read_bytes()
    result = packed.run("all", "--sbom", env=without)
    assert (result.code, result.err.strip()) == (2, MISSING)
    assert "build" not in packed.started()
    assert (packed / "dist/ping/bootstrap").read_bytes() == before
    # Nobody else needs it.
    assert packed.run("all", env=without).summary == "built 1, up to date 1 of 2"
    settings = (packed / "lambdabuild.toml").read_text()
    packed.write("lambdabuild.toml", f"sbom = true\n{settings}")
    doctor = packed.run("doctor", env=without)
    assert (doctor.code, MISSING in doctor.out) == (2, True)
    written = "ok: bills of materials are written by cyclonedx-python-lib "
    assert written in packed.run("doctor").out
