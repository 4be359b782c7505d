"""The table at the end: whole at every width, whatever the names are."""

from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.artifact import Identity, Kind, Sidecar
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Status, StepResult
from lambdabuild.core.text import columns
from lambdabuild.output.report import Imported
from lambdabuild.output.terminal.table import lines, rows
from tests.unit.values import ARM64, results, step

LONG = "payments-" + "reconciliation-" * 5 + "webhook"
"""Of 91 characters."""
USERS = StepResult(
    step("users-get"), Status.BUILT, size=8_908_960, previous_size=8_907_760,
    compile_seconds=0.08, link_seconds=1.21, seconds=1.29,
)  # fmt: skip
ORDERS = StepResult(
    step("orders"), Status.UNCHANGED, size=6_300_000, previous_size=6_300_000,
    compile_seconds=0.02, link_seconds=0.9, seconds=0.92,
)  # fmt: skip
CARTS = StepResult(step("carts"), Status.RESTORED, size=6_400_000)
IDLE = StepResult(step("idle"), Status.UP_TO_DATE, size=6_000_000, previous_size=6_000_000)
CANCELLED = StepResult(step("late"), Status.CANCELLED, size=5_000_000, previous_size=5_000_000)
FAILED = StepResult(
    step("broken"), Status.FAILED, size=5_000_000, previous_size=5_000_000,
    errors=(Diagnostic("m/broken", "undefined: x"),),
)  # fmt: skip
NAMED = USERS._replace(step=step(LONG), seconds=9.0)
WIDE = USERS._replace(step=step("注文-作成"), seconds=1.2)
RUN = (IDLE, CARTS, FAILED, ORDERS, CANCELLED, USERS, WIDE, NAMED)
IMPORTED = Imported(285, 150.2)


def table(
    *results: StepResult,
    width: int | None = None,
    imported: Imported | None = IMPORTED,
    everything: bool = False,
) -> str:
    shown = lines(rows(results, imported, everything=everything), width, color=False)
    assert width is None or all(columns(line) <= width for line in shown)
    return "\n".join(shown)


# fmt: off
def test_what_has_room_is_shown_whole_and_what_failed_is_left_to_its_errors() -> None:
    assert table(*RUN, width=200) == """\
function                                                                                     target       status       size   change   compile    link
payments-reconciliation-reconciliation-reconciliation-reconciliation-reconciliation-webhook  linux/amd64  built      8.9 MB  +1.2 kB    0.08 s  1.21 s
users-get                                                                                    linux/amd64  built      8.9 MB  +1.2 kB    0.08 s  1.21 s
注文-作成                                                                                    linux/amd64  built      8.9 MB  +1.2 kB    0.08 s  1.21 s
orders                                                                                       linux/amd64  unchanged  6.3 MB             0.02 s  0.90 s
carts                                                                                        linux/amd64  restored   6.4 MB      new
late                                                                                         linux/amd64  cancelled
285 imports                                                                                               compiled                    150.20 s"""


def test_names_are_folded_in_the_middle_and_what_was_said_before_is_left_out() -> None:
    assert table(*RUN, width=80) == """\
function                            status       size   change   compile    link
payments-reconcil…iliation-webhook  built      8.9 MB  +1.2 kB    0.08 s  1.21 s
users-get                           built      8.9 MB  +1.2 kB    0.08 s  1.21 s
注文-作成                           built      8.9 MB  +1.2 kB    0.08 s  1.21 s
orders                              unchanged  6.3 MB             0.02 s  0.90 s
carts                               restored   6.4 MB      new
late                                cancelled
285 imports                         compiled                    150.20 s"""


def test_with_a_hundred_columns_only_names_are_folded() -> None:
    assert table(*RUN, width=100) == """\
function                                   target       status       size   change   compile    link
payments-reconciliat…conciliation-webhook  linux/amd64  built      8.9 MB  +1.2 kB    0.08 s  1.21 s
users-get                                  linux/amd64  built      8.9 MB  +1.2 kB    0.08 s  1.21 s
注文-作成                                  linux/amd64  built      8.9 MB  +1.2 kB    0.08 s  1.21 s
orders                                     linux/amd64  unchanged  6.3 MB             0.02 s  0.90 s
carts                                      linux/amd64  restored   6.4 MB      new
late                                       linux/amd64  cancelled
285 imports                                             compiled                    150.20 s"""


def test_a_narrow_terminal_shows_names_statuses_and_the_time_of_each() -> None:
    assert table(*RUN, width=60) == """\
function                                 status         time
payments-reconcilia…onciliation-webhook  built        9.00 s
users-get                                built        1.29 s
注文-作成                                built        1.20 s
orders                                   unchanged    0.92 s
carts                                    restored
late                                     cancelled
285 imports                              compiled   150.20 s"""


def test_of_forty_columns_none_is_lost() -> None:
    assert table(*RUN, width=40) == """\
function             status         time
payments-…n-webhook  built        9.00 s
users-get            built        1.29 s
注文-作成            built        1.20 s
orders               unchanged    0.92 s
carts                restored
late                 cancelled
285 imports          compiled   150.20 s"""


def test_without_a_terminal_nothing_is_cut() -> None:
    assert table(*RUN) == table(*RUN, width=200)


TWO = (USERS, USERS._replace(step=step("users-get", target=ARM64), seconds=1.1), ORDERS)


def test_where_targets_have_no_column_a_function_of_several_is_named_with_each() -> None:
    assert table(*TWO, width=40, imported=None) == """\
function          status       time
users-get x86_64  built      1.29 s
users-get arm64   built      1.10 s
orders            unchanged  0.92 s"""


def test_a_terminal_that_holds_the_whole_table_shows_it_however_narrow() -> None:
    assert table(*TWO, width=67, imported=None) == table(*TWO, imported=None)
    assert table(*TWO, width=66, imported=None) != table(*TWO, imported=None)


PACKED = USERS._replace(
    zip=Sidecar(Kind.ZIP, "dist/users-get.zip", "", Identity(1, 3_722_193, 3, 4), "")
)


def test_where_something_was_packed_the_table_has_its_size() -> None:
    assert table(PACKED, ORDERS, imported=None) == """\
function   target       status       size   change  compile    link     zip
users-get  linux/amd64  built      8.9 MB  +1.2 kB   0.08 s  1.21 s  3.7 MB
orders     linux/amd64  unchanged  6.3 MB            0.02 s  0.90 s"""


def test_columns_are_left_out_in_a_fixed_order() -> None:
    assert table(PACKED, NAMED, width=72, imported=None) == """\
function                         status    size  compile    link     zip
payments-reconc…liation-webhook  built   8.9 MB   0.08 s  1.21 s
users-get                        built   8.9 MB   0.08 s  1.21 s  3.7 MB"""


def test_who_asks_for_everything_sees_also_what_was_up_to_date() -> None:
    assert table(IDLE, USERS, FAILED, everything=True, imported=None) == """\
function   target       status        size   change  compile    link
users-get  linux/amd64  built       8.9 MB  +1.2 kB   0.08 s  1.21 s
idle       linux/amd64  up to date  6.0 MB"""


# fmt: on
def test_where_all_failed_or_was_up_to_date_there_is_no_table() -> None:
    assert table(FAILED, IDLE) == ""


def test_imports_that_took_next_to_nothing_have_no_row() -> None:
    assert table(USERS, imported=Imported(1, 0.01)) == table(USERS, imported=None)


def test_a_status_has_a_colour_and_the_rest_of_the_table_the_same_words() -> None:
    shown = lines(rows([USERS], IMPORTED), 60, color=True)
    assert shown == [
        "\x1b[1mfunction     status        time\x1b[0m",
        "users-get    \x1b[32mbuilt\x1b[0m       1.29 s",
        "\x1b[2m285 imports  compiled  150.20 s\x1b[0m",
    ]


@given(st.lists(results, max_size=4), st.integers(24, 300))
def test_whatever_there_is_fits_the_terminal(made: list[StepResult], width: int) -> None:
    table(*made, width=width, everything=True)
