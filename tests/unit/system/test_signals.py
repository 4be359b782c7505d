# ruff: noqa: PT012 - a signal raises between statements

import contextlib
import os
import signal
import time
import weakref

import pytest

from lambdabuild.core.errors import Interrupted
from lambdabuild.system.signals import Interrupts

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def send(number: signal.Signals) -> None:
    """Send this process a signal; Python handles it before the next line."""
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_asks_to_stop_interrupts(number: signal.Signals) -> None:
    with pytest.raises(Interrupted), Interrupts().caught():
        send(number)
        pytest.fail("nothing was raised")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_during_work_that_has_to_be_whole_interrupts_after_it(
    number: signal.Signals,
) -> None:
    interrupts = Interrupts()
    done = []
    with pytest.raises(Interrupted), interrupts.caught():
        with interrupts.held_off():
            send(number)
            send(number)
            done.append("whole")
        done.append("too much")
    assert done == ["whole"]


def test_work_within_work_is_whole_with_it() -> None:
    interrupts = Interrupts()
    done = []
    with pytest.raises(Interrupted), interrupts.caught(), interrupts.held_off():
        with interrupts.held_off():
            send(signal.SIGTERM)
            done.append("inner")
        done.append("outer")
    assert done == ["inner", "outer"]


def test_without_a_signal_nothing_is_interrupted() -> None:
    interrupts = Interrupts()
    with interrupts.caught(), interrupts.held_off():
        pass


def test_an_interrupt_is_raised_once() -> None:
    interrupts = Interrupts()
    with interrupts.caught():
        with pytest.raises(Interrupted), interrupts.held_off():
            send(signal.SIGINT)
        with interrupts.held_off():
            pass


def test_after_held_off_work_a_signal_interrupts_at_once_again() -> None:
    interrupts = Interrupts()
    with pytest.raises(Interrupted), interrupts.caught():
        with interrupts.held_off():
            pass
        send(signal.SIGINT)
        pytest.fail("nothing was raised")


def test_an_error_of_the_work_goes_before_an_interrupt() -> None:
    interrupts = Interrupts()
    with pytest.raises(ZeroDivisionError), interrupts.caught(), interrupts.held_off():
        send(signal.SIGINT)
        raise ZeroDivisionError


def test_the_handlers_are_as_they_were_after() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(Interrupted), Interrupts().caught():
        send(signal.SIGHUP)
    assert [signal.getsignal(number) for number in SIGNALS] == before


class Referent:
    """Something that can be referred to weakly."""


def drop_one_that_is_signalled() -> None:
    """Free an object whose callback gets a signal: what it raises goes nowhere."""
    referent = Referent()
    reference = weakref.ref(referent, lambda _: send(signal.SIGINT))
    assert reference() is referent


def test_a_signal_where_python_drops_what_is_raised_interrupts_a_moment_later() -> None:
    waited = []
    with pytest.raises(Interrupted), Interrupts().caught():
        drop_one_that_is_signalled()
        waited.append("dropped")
        time.sleep(30)
    assert waited == ["dropped"]


def test_nor_does_one_outlive_the_run_that_was_over_by_then() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with contextlib.suppress(Interrupted), Interrupts().caught():
        drop_one_that_is_signalled()
    time.sleep(0.02)
    assert signal.getsignal(signal.SIGALRM) is before
