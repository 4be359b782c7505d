"""What calls get of a watch that builds: with a `go` that only says what is told, and no process."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from lambdabuild.config.options import Config, Request
from lambdabuild.config.settings import Settings
from lambdabuild.filewatch.on_success import FollowUp
from lambdabuild.filewatch.wakeups import Wakeups
from lambdabuild.invoke import failure_of
from lambdabuild.local.functions import NotBuiltError, Program, UnknownFunctionError
from lambdabuild.local.host import hosted
from lambdabuild.local.programs.supply import Change, Supply
from lambdabuild.local.programs.variables import EnvFile
from lambdabuild.local.serving.talk import Talk
from lambdabuild.survey.session import Session
from lambdabuild.system import logfile
from lambdabuild.system.process import Command, Completed, Tick
from lambdabuild.watch import Loop, WatchOptions
from tests.unit.shop import AUTH, MAIN, Shop, small_shop
from tests.unit.test_watch import BROKEN, Events

Scenario = Callable[["Kitchen"], Awaitable[None]]


class Kitchen:
    """A watch on the thread of the test, and calls on another."""

    def __init__(self, path: Path) -> None:
        self.shop: Shop = small_shop(path)
        self.settings = Settings()
        self.changes: list[Change] = []
        self.signals = Wakeups()
        self.events = Events()
        self.eager = False
        self.reload = True
        self.env_file: EnvFile | None = None
        self._failure: BaseException | None = None

    def save(self, name: str, text: str, *, told: bool = False) -> None:
        """Save a file; no event tells of it unless it is `told`."""
        self.shop.write(f"shop/{name}", text)
        if told:
            self.events.paths.add(str(self.shop.path / "shop" / name))
            self.signals.files_changed()

    async def program(self, name: str) -> Program:
        async with asyncio.timeout(60):
            return await self.supply.program(name)

    async def built(self, count: int) -> None:
        """Wait until so many functions were built, whoever asked."""
        async with asyncio.timeout(60):
            while len(self.shop.built) < count:  # noqa: ASYNC110 - another thread builds
                await asyncio.sleep(0.005)

    def session(self, _: Session | None = None) -> Session:
        return hosted(self.shop.session().under(self.settings))

    def run(self, scenario: Scenario) -> None:
        """Watch until a scenario of calls is over."""
        self.supply = Supply(
            self.signals.asked,
            failure_of,
            env_file=self.env_file,
            eager=self.eager,
            reload=self.reload,
        )
        attached = threading.Event()

        async def serve() -> None:
            self.supply.attach(self.changes.append)
            attached.set()
            await scenario(self)

        def run() -> None:
            try:
                asyncio.run(serve())
            except BaseException as error:  # noqa: BLE001 - raised where the test is
                self._failure = error
            finally:
                self.signals.press("q")

        thread = threading.Thread(target=run)
        thread.start()
        attached.wait(60)
        session = self.session()
        console = session.tools.console
        console.calm = True
        loop = Loop(
            session, WatchOptions(Request(replace=True), reload=self.reload), self.session,
            self.events, self.signals, Talk(console, lambda: None), FollowUp(None, {}, console),
            lambda _: self.shop, demand=self.supply,
        )  # fmt: skip
        loop.run()
        thread.join(60)
        if self._failure is not None:
            raise self._failure

    @property
    def retired(self) -> list[tuple[str, str]]:
        return [item for change in self.changes for item in change.retired]


def content(program: Program) -> bytes:
    return Path(program.executable).read_bytes()


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    yield Kitchen(tmp_path)
    logfile.close_log()


def test_only_what_is_called_is_built_and_only_once(kitchen: Kitchen) -> None:
    async def scenario(kitchen: Kitchen) -> None:
        first = await kitchen.program("login")
        assert kitchen.shop.built == ["login"]
        place = kitchen.shop.path / "shop/.lambdabuild/local/bin/login/bootstrap"
        assert first.executable == str(place)
        assert place.exists()
        assert await kitchen.program("login") == first
        assert kitchen.shop.built == ["login"]
        assert list(kitchen.supply.names) == ["login", "logout"]

    kitchen.run(scenario)
    assert kitchen.retired == [("login", "not built before")]


def test_calls_at_the_same_time_share_a_build(kitchen: Kitchen) -> None:
    async def scenario(kitchen: Kitchen) -> None:
        await kitchen.program("logout")
        first, *others = await asyncio.gather(*map(kitchen.program, ["login"] * 5))
        assert others == [first] * 4
        assert kitchen.shop.built == ["logout", "login"]

    kitchen.run(scenario)


def test_a_save_that_no_event_told_of_is_in_the_next_call(kitchen: Kitchen) -> None:
    async def scenario(kitchen: Kitchen) -> None:
        await kitchen.program("login")
        await kitchen.program("logout")
        kitchen.save("internal/auth/auth.go", AUTH.format("false"))
        program = await kitchen.program("login")
        assert b"return false" in content(program)
        assert kitchen.shop.built == ["login", "logout", "login"]

    kitchen.run(scenario)
    assert kitchen.retired[2:] == [("login", "internal/auth/auth.go changed")]


def test_what_was_called_is_rebuilt_after_a_save_and_what_was_not_is_left(
    kitchen: Kitchen,
) -> None:
    async def scenario(kitchen: Kitchen) -> None:
        await kitchen.program("login")
        kitchen.save("api/logout/main.go", MAIN.format(imports='"fmt"'), told=True)
        kitchen.save("internal/auth/auth.go", AUTH.format("false"), told=True)
        await kitchen.built(2)
        await kitchen.program("login")
        assert kitchen.shop.built == ["login", "login"]

    kitchen.run(scenario)


def test_what_was_built_by_an_earlier_server_is_rebuilt_after_a_save_once_it_was_called(
    kitchen: Kitchen,
) -> None:
    async def earlier(kitchen: Kitchen) -> None:
        await kitchen.program("login")
        await kitchen.program("logout")

    async def scenario(kitchen: Kitchen) -> None:
        await kitchen.program("login")
        assert kitchen.shop.built == ["login", "logout"]
        kitchen.save("api/logout/main.go", MAIN.format(imports='"fmt"'), told=True)
        kitchen.save("internal/auth/auth.go", AUTH.format("false"), told=True)
        await kitchen.built(3)
        assert kitchen.shop.built[2:] == ["login"]

    kitchen.run(earlier)
    kitchen.signals = Wakeups()
    kitchen.run(scenario)


def test_what_does_not_build_fails_its_calls_until_it_is_mended(kitchen: Kitchen) -> None:
    async def scenario(kitchen: Kitchen) -> None:
        await kitchen.program("logout")
        kitchen.save("api/logout/main.go", BROKEN)
        for _ in range(2):
            with pytest.raises(NotBuiltError, match="undefined: undefined"):
                await kitchen.program("logout")
        assert kitchen.shop.built == ["logout", "logout"]
        kitchen.save("api/logout/main.go", MAIN.format(imports='"fmt"'))
        program = await kitchen.program("logout")
        assert b'"fmt"' in content(program)

    kitchen.run(scenario)


def test_what_cannot_be_loaded_fails_its_calls_and_no_others(kitchen: Kitchen) -> None:
    kitchen.shop.broken.add("api/logout")

    async def scenario(kitchen: Kitchen) -> None:
        with pytest.raises(NotBuiltError, match="no such package"):
            await kitchen.program("logout")
        await kitchen.program("login")
        assert kitchen.shop.built == ["login"]

    kitchen.run(scenario)


def test_what_is_mended_while_go_looks_is_no_failure_of_the_next_call(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    kitchen.shop.broken.add("api/logout")
    answer = Shop.answer

    def mended_meanwhile(shop: Shop, command: Command, tick: Tick | None) -> Completed:
        said = answer(shop, command, tick)
        if command.arguments[1] == "list" and shop.broken:
            shop.broken.clear()
            kitchen.save("api/logout/main.go", MAIN.format(imports='"fmt"'))
        return said

    monkeypatch.setattr(Shop, "answer", mended_meanwhile)

    async def scenario(kitchen: Kitchen) -> None:
        assert b'"fmt"' in content(await kitchen.program("logout"))

    kitchen.run(scenario)


def test_a_function_that_is_not_there_is_unknown_once_the_disk_was_looked_at(
    kitchen: Kitchen,
) -> None:
    async def scenario(kitchen: Kitchen) -> None:
        with pytest.raises(UnknownFunctionError):
            await kitchen.program("nobody")

    kitchen.run(scenario)


def test_without_reload_what_was_built_stays(kitchen: Kitchen) -> None:
    kitchen.reload = False

    async def scenario(kitchen: Kitchen) -> None:
        first = await kitchen.program("login")
        kitchen.save("internal/auth/auth.go", AUTH.format("false"), told=True)
        await kitchen.program("logout")
        assert await kitchen.program("login") == first
        assert kitchen.shop.built == ["login", "logout"]

    kitchen.run(scenario)
    assert [name for name, _ in kitchen.retired] == ["login", "logout"]


def test_eager_builds_all_at_once(kitchen: Kitchen) -> None:
    kitchen.eager = True

    async def scenario(kitchen: Kitchen) -> None:
        await kitchen.program("login")
        assert kitchen.shop.built == ["login", "logout"]

    kitchen.run(scenario)


def test_a_program_has_the_variables_of_the_configuration_and_of_a_file_as_it_is_now(
    kitchen: Kitchen,
) -> None:
    file = kitchen.shop.path / "env"
    file.write_text("B=file\n")
    kitchen.env_file = EnvFile(str(file), {})
    kitchen.settings = Settings(
        Config(choices={"variables": {"A": "top", "B": "top"}, "timeout": 9})
    )

    async def scenario(kitchen: Kitchen) -> None:
        program = await kitchen.program("login")
        assert (program.environment, program.timeout) == ({"A": "top", "B": "file"}, 9.0)
        file.write_text("B=changed\n")
        assert (await kitchen.program("login")).environment == {"A": "top", "B": "changed"}
        file.write_text("'\n")
        with pytest.raises(NotBuiltError, match="this line sets no variable"):
            await kitchen.program("login")

    kitchen.run(scenario)


def test_what_a_deployment_file_declares_holds_in_the_second_run_too(kitchen: Kitchen) -> None:
    kitchen.save(
        "template.yaml",
        "Transform: AWS::Serverless-2016-10-31\n"
        "Resources:\n"
        "  Login:\n"
        "    Type: AWS::Serverless::Function\n"
        "    Properties:\n"
        "      CodeUri: api/login\n"
        "      Runtime: provided.al2023\n"
        "      Timeout: 7\n"
        "      MemorySize: 512\n"
        "      Environment: {Variables: {TABLE: users}}\n"
        "      Events: {Api: {Type: Api, Properties: {Path: /login, Method: post}}}\n",
    )

    async def scenario(kitchen: Kitchen) -> None:
        program = await kitchen.program("login")
        assert (program.timeout, program.memory) == (7.0, 512)
        assert program.environment == {"TABLE": "users"}

    for _ in range(2):
        kitchen.run(scenario)
        (route,) = kitchen.changes[-1].routes.routes
        assert (str(route), route.function) == ("POST /login", "login")
        kitchen.signals = Wakeups()


def test_nothing_is_built_by_way_of_a_link_of_the_projects(
    kitchen: Kitchen, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place = kitchen.shop.path / "shop/.lambdabuild/local/bin"
    place.mkdir(parents=True)
    (place / "login").symlink_to(elsewhere)

    async def scenario(kitchen: Kitchen) -> None:
        with pytest.raises(NotBuiltError, match="elsewhere"):
            await kitchen.program("login")

    kitchen.run(scenario)
    assert list(elsewhere.iterdir()) == []
