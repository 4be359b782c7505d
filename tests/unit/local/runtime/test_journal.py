"""Lambda's own lines, to the byte."""

from lambdabuild.local.runtime import journal


def test_an_invocation_begins_and_ends_with_lines_of_its_own() -> None:
    assert journal.start_line("id") == b"START RequestId: id Version: $LATEST\n"
    assert journal.end_line("id") == b"END RequestId: id\n"


def test_a_report_has_tabs_between_its_fields_and_at_its_end() -> None:
    used = 29 * 1024 * 1024 + 1
    assert journal.report_line("id", seconds=0.00093, memory=128, used=used, status="") == (
        b"REPORT RequestId: id\tDuration: 0.93 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB"
        b"\tMax Memory Used: 30 MB\t\n"
    )
    assert journal.report_line(
        "id", seconds=2.0, memory=512, used=used, init=0.0471, status=""
    ) == (
        b"REPORT RequestId: id\tDuration: 2000.00 ms\tBilled Duration: 2000 ms\tMemory Size: 512 MB"
        b"\tMax Memory Used: 30 MB\tInit Duration: 47.10 ms\t\n"
    )


def test_a_report_of_a_failure_says_its_status_last() -> None:
    error = journal.status_fields("Runtime.ExitError")
    assert journal.report_line("id", seconds=0.1, memory=128, used=1, status=error) == (
        b"REPORT RequestId: id\tDuration: 100.00 ms\tBilled Duration: 100 ms\tMemory Size: 128 MB"
        b"\tMax Memory Used: 1 MB\tStatus: error\tError Type: Runtime.ExitError\n"
    )
    late = journal.status_fields("Sandbox.Timedout")
    assert journal.report_line("id", seconds=3.0, memory=128, used=1, init=0.2, status=late) == (
        b"REPORT RequestId: id\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB"
        b"\tMax Memory Used: 1 MB\tInit Duration: 200.00 ms\tStatus: timeout\n"
    )


def test_a_start_that_failed_is_reported() -> None:
    status = journal.status_fields("Runtime.ExitError")
    assert journal.init_report_line(seconds=0.20672, phase="init", status=status) == (
        b"INIT_REPORT Init Duration: 206.72 ms\tPhase: init\tStatus: error"
        b"\tError Type: Runtime.ExitError\n"
    )
    status = journal.status_fields("Sandbox.Timedout")
    assert journal.init_report_line(seconds=10.0, phase="invoke", status=status) == (
        b"INIT_REPORT Init Duration: 10000.00 ms\tPhase: invoke\tStatus: timeout\n"
    )


def test_a_timeout_has_a_time_and_an_empty_line() -> None:
    assert journal.timed_out_lines("id", 3.0, 1_764_000_000.5) == (
        b"2025-11-24T16:00:00.500Z id Task timed out after 3.00 seconds\n\n"
    )
