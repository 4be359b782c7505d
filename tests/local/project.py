"""A running `lambdabuild serve --json`, and a small project for it: two functions that share a package."""

import contextlib
import http.client
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.environment import CLEAN
from tests.projects import write

RUNTIME = Path(__file__).parents[2] / "fixtures" / "runtime"
LAMBDABUILD = Path(sys.executable).with_name("lambdabuild")
PATIENCE = 60.0
"""Seconds in which a build must be done on a machine that has other things to do."""

Answer = dict[str, Any]

_MAIN = """\
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"example.com/runtime/internal/{package}"
	"github.com/aws/aws-lambda-go/lambda"
)

var count int

func main() {{
	lambda.Start(func(_ context.Context, event struct{{ Sleep int; Env string }}) (map[string]any, error) {{
		count++
		fmt.Println("called {name}")
		time.Sleep(time.Duration(event.Sleep) * time.Millisecond)
		return map[string]any{{
			"word": {package}.Word, "count": count, "pid": os.Getpid(), "env": os.Getenv(event.Env),
		}}, nil
	}})
}}
"""


def main(name: str, package: str) -> str:
    """Return a function that says a package's word, how often it was called, and a variable."""
    return _MAIN.format(name=name, package=package)


def word(package: str, said: str) -> str:
    return f'package {package}\n\nconst Word = "{said}"\n'


def small_project(directory: Path) -> Path:
    """Write a project: `a` and `b` share a package, and `c` has its own."""
    files = {
        "api/a/main.go": main("a", "shared"),
        "api/b/main.go": main("b", "shared"),
        "api/c/main.go": main("c", "own"),
        "internal/shared/shared.go": word("shared", "one"),
        "internal/own/own.go": word("own", "one"),
        "lambdabuild.toml": 'timeout = 20\nenvironment = { TABLE = "top" }\n',
    }
    write(directory, files)
    for name in ("go.mod", "go.sum"):
        shutil.copy(RUNTIME / name, directory / name)
    return directory


class Serve:
    """A server, what it said, and calls of its functions."""

    def __init__(
        self, project: Path, *arguments: str, env: Mapping[str, str] | None = None
    ) -> None:
        self.project = project
        self.process = subprocess.Popen(
            [str(LAMBDABUILD), "serve", "--json", "--port", "0", *arguments],
            cwd=project,
            env=CLEAN | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.events: list[Answer] = []
        self.said: list[str] = []
        self._threads = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self.events.append(json.loads(line))

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self.said.append(line.rstrip("\n"))

    def wait_for(self, what: str, happened: Callable[[], object]) -> None:
        """Wait until something happened."""
        end = time.monotonic() + PATIENCE
        while not happened():
            assert self.process.poll() is None, f"it ended before {what}\n{self}"
            assert time.monotonic() < end, f"waited in vain for {what}\n{self}"
            time.sleep(0.01)

    def event(self, kind: str) -> Answer:
        """Return the first event of a kind; wait for it."""
        self.wait_for(f"`{kind}`", lambda: any(e["event"] == kind for e in self.events))
        return next(event for event in self.events if event["event"] == kind)

    def says(self, text: str) -> str:
        """Wait until a line for people has this text; return the line."""
        self.wait_for(f"`{text}`", lambda: any(text in line for line in list(self.said)))
        return next(line for line in self.said if text in line)

    @property
    def address(self) -> str:
        return str(self.event("serving")["address"])

    def post(
        self, name: str, payload: object = None, timeout: float = PATIENCE
    ) -> tuple[int, Answer]:
        """Call a function as an SDK does; return the status and what it answers."""
        connection = http.client.HTTPConnection(
            self.address.removeprefix("http://"), timeout=timeout
        )
        with contextlib.closing(connection):
            path = f"/2015-03-31/functions/{name}/invocations"
            connection.request("POST", path, json.dumps(payload or {}))
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def call(self, name: str, payload: object = None) -> Answer:
        """Return what a function answers."""
        status, answer = self.post(name, payload)
        assert status == 200, (answer, str(self))
        return answer

    def word(self, name: str) -> str:
        answer = self.call(name)
        assert "word" in answer, (answer, str(self))
        return str(answer["word"])

    def processes(self) -> list[str]:
        """Return the executables of functions that run."""
        return processes_of(self.project)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal, and return how it ended."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)
        return code

    def __str__(self) -> str:
        return "\n".join([*map(str, self.events), *self.said])


def processes_of(project: Path) -> list[str]:
    """Return the command lines of the functions of a project that run."""
    listed = subprocess.run(
        ["ps", "-axww", "-o", "command="], check=True, capture_output=True, text=True
    )
    return [
        line for line in listed.stdout.splitlines() if f"{project}/.lambdabuild/local/bin" in line
    ]


@contextlib.contextmanager
def serving(
    project: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[Serve]:
    """Serve a project; at the end, stop with Ctrl-C and leave nothing."""
    server = Serve(project, *arguments, env=env)
    try:
        server.event("serving")
        yield server
        if server.process.poll() is None:
            assert server.stop() == 130, server
        assert not any("Traceback" in line for line in server.said), server
        assert server.processes() == []
    finally:
        server.process.kill()
        server.process.wait()
