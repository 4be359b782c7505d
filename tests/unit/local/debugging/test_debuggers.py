import asyncio
from collections.abc import Awaitable, Sequence

import pytest

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.debugging import attaching, delve
from lambdabuild.local.debugging.debuggers import (
    NOBODY,
    Attached,
    Attendant,
    Debuggers,
    instructions,
)
from lambdabuild.local.debugging.delve import Debugged
from lambdabuild.local.functions import NotBuiltError, Platform, Program

USERS = Program("users-get", "/bin/users-get/bootstrap", {"TABLE": "users"})
ORDERS = Program("orders-get", "/bin/orders-get/bootstrap")
BOTH = Debuggers((Debugged("users-get", 2345),), (Debugged("orders-get", 9001),), "/bin/dlv")


def test_each_program_is_started_as_it_is_debugged() -> None:
    other = USERS._replace(name="users-list")
    assert BOTH.finished(USERS) == delve.under(USERS, "/bin/dlv", 2345)
    assert BOTH.finished(ORDERS) == ORDERS._replace(attached=9001, timeout=None, concurrency=1)
    assert BOTH.finished(other) is other
    assert NOBODY.finished(USERS) is USERS
    assert BOTH.names == ("users-get", "orders-get")


@pytest.mark.parametrize(
    ("known", "hint"),
    [
        (["orders-get", "users-gets"], "did you mean `users-gets`?"),
        (["checkout"], "`lambdabuild list` names the functions"),
    ],
)
def test_a_function_that_there_is_not_cannot_be_debugged(known: list[str], hint: str) -> None:
    with pytest.raises(LambdabuildError) as caught:
        BOTH.check(known)
    assert str(caught.value) == f"there is no function `users-get` to debug\n  hint: {hint}"


class Here:
    """Functions that may or may not build, and pools that note what is to be ready."""

    names: Sequence[str] = ("orders-get", "users-get")

    def __init__(self) -> None:
        self.broken = {"users-get"}
        self.ready: list[str] = []
        self.announced: list[Attached] = []
        self.attendant = Attendant(
            BOTH, self, self, Platform(endpoint="http://127.0.0.1:9000"), self.announced.append
        )

    async def program(self, name: str) -> Program:
        if name in self.broken:
            raise NotBuiltError("it does not build")
        return BOTH.finished(USERS if name == "users-get" else ORDERS)

    async def attach(self, name: str) -> None:
        self.ready.append(name)


def run(test: Awaitable[None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await test

    asyncio.run(bounded())


def test_what_is_debugged_is_ready_before_it_is_called_and_once_it_builds() -> None:
    async def test() -> None:
        here = Here()
        here.attendant.ready()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert here.ready == ["orders-get"]
        here.broken.clear()
        here.attendant.ready(["users-get", "users-list"])
        await asyncio.sleep(0)
        assert here.ready == ["orders-get", "users-get"]

    run(test())


def test_who_starts_a_function_is_told_once_what_it_needs() -> None:
    async def test() -> None:
        here = Here()
        for _ in range(2):
            here.attendant.ready()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        (attached,) = here.announced
        assert attached.function == "orders-get"
        assert attached.variables["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:9001"
        assert attached.variables["AWS_ENDPOINT_URL_LAMBDA"] == "http://127.0.0.1:9000"

    run(test())


def test_neither_credentials_nor_path_are_shown_to_who_starts_a_function() -> None:
    platform = Platform(credentials={"AWS_ACCESS_KEY_ID": "key", "AWS_PROFILE": "mine"})
    shown = attaching.variables(USERS, platform, 9001)
    assert {"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "PATH"} & set(shown) == set()
    assert (shown["TABLE"], shown["AWS_LAMBDA_FUNCTION_NAME"]) == ("users", "users-get")
    own_path = USERS._replace(environment={"PATH": "/opt/bin"})
    assert attaching.variables(own_path, platform, 9001)["PATH"] == "/opt/bin"


def test_variables_are_quoted_for_a_shell() -> None:
    told = instructions(Attached("users-get", {"A": "1", "B": "it's $HOME\n"}))
    assert told == [
        "users-get is called once you start it, in a debugger or not, with these variables:",
        "  export A=1",
        "  export B='it'\"'\"'s $HOME\n'",
    ]
