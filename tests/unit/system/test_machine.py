import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.system import machine
from lambdabuild.system.machine import LEAST_HEAP, available_memory, heap_limit, memory, processors

GIGABYTE = 1024**3


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the module see /proc and /sys below `tmp_path`; there is nothing yet."""

    def below(*parts: str) -> Path:
        return tmp_path.joinpath(*(part.lstrip("/") for part in parts))

    monkeypatch.setattr(machine, "Path", below)
    return tmp_path


def write(system: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = system / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def physical() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("available", "total", "processes", "expected"),
    [
        # Half of the machine, for two compilers and `go` itself.
        (16 * GIGABYTE, 18 * GIGABYTE, 2, 3 * GIGABYTE),
        # Four fifths of what is free, where that is less.
        (5 * GIGABYTE, 32 * GIGABYTE, 3, GIGABYTE),
        (8 * LEAST_HEAP, 6 * LEAST_HEAP, 2, LEAST_HEAP),
        (8 * LEAST_HEAP, 6 * LEAST_HEAP - 2, 2, None),
        (0, 64 * GIGABYTE, 1, None),
    ],
)
def test_the_collector_stays_off_where_half_of_the_machine_bears_it(
    available: int, total: int, processes: int, expected: int | None
) -> None:
    assert heap_limit(available, total, processes) == expected


@given(st.integers(0, 2**50), st.integers(0, 2**50), st.integers(1, 1024))
def test_all_heaps_together_fit_and_none_is_too_small(
    available: int, total: int, processes: int
) -> None:
    limit = heap_limit(available, total, processes)
    share = min(total / 2, available * 4 / 5) / (processes + 1)
    if limit is None:
        assert share < LEAST_HEAP + 1
    else:
        assert limit >= LEAST_HEAP
        assert math.isclose(limit, share, abs_tol=1)


def test_this_machine_has_processors_and_memory() -> None:
    assert 1 <= processors() <= (os.cpu_count() or 1)
    assert 0 < available_memory() <= memory() <= physical()


def test_without_cgroups_the_machine_is_the_limit(system: Path) -> None:
    assert system.exists()
    assert memory() == available_memory() == physical()


QUOTAS = {
    "sys/fs/cgroup/job/step/cpu.max": "max 100000",
    "sys/fs/cgroup/job/cpu.max": "50000 100000",
    "sys/fs/cgroup/job/step/memory.max": "max",
    "sys/fs/cgroup/job/memory.max": "1000000",
    "proc/self/cgroup": "0::/job/step\n",
}


def test_a_limit_of_any_cgroup_around_this_process_holds(system: Path) -> None:
    write(system, QUOTAS)
    assert (processors(), memory()) == (1, 1_000_000)


def test_in_a_container_the_limits_are_at_the_root_of_its_cgroups(system: Path) -> None:
    write(
        system,
        {
            "proc/self/cgroup": "0::/../../docker/1234\n",
            "sys/fs/cgroup/cpu.max": "100000 100000",
            "sys/fs/cgroup/memory.max": "2000000",
        },
    )
    assert (processors(), memory()) == (1, 2_000_000)


def test_the_first_version_of_cgroups_has_a_hierarchy_for_each_controller(system: Path) -> None:
    write(
        system,
        {
            "proc/self/cgroup": "5:memory:/job\n4:cpu,cpuacct:/batch\n1:name=systemd:/x\n",
            "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "3000000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            "sys/fs/cgroup/cpu/batch/cpu.cfs_quota_us": "20000",
            "sys/fs/cgroup/cpu/batch/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
    )
    assert (processors(), memory()) == (1, 3_000_000)


def test_what_is_free_is_what_linux_says_within_the_limit(system: Path) -> None:
    write(system, {"proc/meminfo": "MemTotal:  64 kB\nMemAvailable:     32 kB\n"})
    assert available_memory() == 32 * 1024
    write(system, {**QUOTAS, "sys/fs/cgroup/job/memory.max": "1000"})
    assert available_memory() == 1000
