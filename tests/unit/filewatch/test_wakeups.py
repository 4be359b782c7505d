"""What wakes a watch."""

from lambdabuild.filewatch.wakeups import Wakeups


def test_an_event_ends_the_waiting_and_a_time_that_passes_does_too() -> None:
    signals = Wakeups()
    assert signals.wait(0.01) is False
    signals.files_changed()
    assert signals.wait(60) is True
    assert signals.wait(0) is False


def test_a_key_ends_the_waiting_and_keeps_its_turn() -> None:
    signals = Wakeups()
    for key in "rxf":
        signals.press(key)
    assert [signals.wait(60), signals.wait(60)] == [False, False]
    assert signals.pressed
    assert [signals.take_key(), signals.take_key()] == ["r", "f"]
    assert not signals.pressed


def test_whoever_asks_ends_the_waiting_and_is_neither_an_event_nor_a_key() -> None:
    signals = Wakeups()
    signals.asked()
    assert signals.wait(60) is False
    assert not signals.pressed


def test_quitting_is_known_at_once_and_loses_no_event() -> None:
    signals = Wakeups()
    signals.files_changed()
    signals.files_changed()
    before = signals.quitting
    signals.press("q")
    assert (before, signals.quitting) == (False, True)
    assert signals.wait(60) is True
