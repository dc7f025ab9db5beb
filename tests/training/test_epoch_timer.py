"""The speed of a training by a clock that the test sets."""

import pytest

from kzoo.training.epoch_timer import EpochTimer


class Clock:
    """A clock that only `pass_time` moves."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def pass_time(self, seconds):
        self.now += seconds


def play(timer, clock, epochs, calls, first=5.0, call=0.1, validation=3.0, between=1.0):
    """Trains epochs whose first call compiles for `first` seconds; yields after each epoch."""
    for epoch in range(epochs):
        timer.on_epoch_begin(epoch)
        for batch in range(calls):
            clock.pass_time(first if epoch == batch == 0 else call)
            timer.on_train_batch_end(batch)
        clock.pass_time(validation)
        timer.on_epoch_end(epoch)
        yield epoch
        clock.pass_time(between)


@pytest.mark.parametrize("steps_per_call", [1, 4])
def test_equal_epochs_have_equal_speeds(steps_per_call):
    """Neither compiling nor validation counts, and earlier epochs do not either."""
    clock = Clock()
    timer = EpochTimer(20 * steps_per_call, steps_per_call, clock)
    rates = [timer.rate for _ in play(timer, clock, 3, 20)]
    assert rates == pytest.approx([10 * steps_per_call] * 3)


def test_the_last_epoch_alone():
    clock = Clock()
    timer = EpochTimer(20, clock=clock)
    for _ in play(timer, clock, 2, 20):
        pass
    for _ in play(timer, clock, 1, 20, first=0.4, call=0.4):
        pass
    assert timer.rate == pytest.approx(2.5)


def test_a_single_call_in_an_epoch():
    """The first one compiles, so that its time says nothing."""
    clock = Clock()
    timer = EpochTimer(100, 100, clock)
    seen = [(timer.rate, timer.seconds_left(1)) for _ in play(timer, clock, 2, 1)]
    assert seen[0] == (None, None)
    assert seen[1] == (pytest.approx(1000), pytest.approx(4.1))


def test_time_left():
    """By whole epochs, with validation and what happens between them; within the first by the steps."""
    clock = Clock()
    timer = EpochTimer(20, clock=clock)
    assert timer.seconds_left(3) is None
    timer.on_epoch_begin(0)
    for batch, seconds in enumerate([9.0, 0.5, 0.5]):
        clock.pass_time(seconds)
        timer.on_train_batch_end(batch)
    assert timer.seconds_left(2.5) == pytest.approx(2.5 * 20 / 2)
    timer = EpochTimer(20, clock=clock)
    for _ in play(timer, clock, 2, 20):
        pass
    assert timer.seconds_left(3) == pytest.approx(3 * (20 * 0.1 + 3 + 1))


def test_a_clock_that_stands_still():
    timer = EpochTimer(2, clock=lambda: 0.0)
    timer.on_epoch_begin(0)
    timer.on_train_batch_end(0)
    timer.on_train_batch_end(1)
    timer.on_epoch_end(0)
    assert timer.rate is None and timer.seconds_left(1) == 0
