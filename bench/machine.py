"""Describe what a benchmark ran on, and with."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.model import BenchError, Settings


def cores() -> int:
    """Count the cores this process may use."""
    if sys.platform == "linux":
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return count


def use_cores(count: int) -> None:
    """Confine this process, and all it starts, to so many cores."""
    if sys.platform == "linux":
        allowed = sorted(os.sched_getaffinity(0))
        if not 1 <= count <= len(allowed):
            raise BenchError(f"`--cores {count}` is not from 1 to {len(allowed)}")
        os.sched_setaffinity(0, allowed[:count])
    else:
        raise BenchError("`--cores` needs Linux")


def describe(settings: Settings, repeat: int | None) -> Mapping[str, str]:
    """Name date, machine and versions, in the order to show them."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return {
        "Date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "Machine": f"{settings.cores} cores of {os.cpu_count()}, {_processor()}, "
        f"{memory:.0f} GiB memory, load {os.getloadavg()[0]:.1f} at the start",
        "System": _system(),
        "Go": _first_line(settings.go, "version").removeprefix("go version "),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "lambdabuild": _first_line(settings.lambdabuild, "--version").removeprefix("lambdabuild "),
        "Size": f"N = {settings.functions} functions where a figure does not say",
        "Runs": f"medians of {repeat or 'several'} interleaved ones; the last table has how many",
    }


def _first_line(command: Path, argument: str) -> str:
    try:
        said = subprocess.run([command, argument], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError(f"could not run `{command} {argument}`: {error}") from error
    return next(iter(said.stdout.splitlines()), "unknown")


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return _first_line(Path("/usr/sbin/sysctl"), "-nmachdep.cpu.brand_string")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _system() -> str:
    kernel = f"{platform.system()} {platform.release()}"
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {kernel}"
    except (OSError, KeyError):
        return kernel
