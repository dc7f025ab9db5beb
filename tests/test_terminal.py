"""Output of libraries is discarded, but not errors, and the process is restored afterwards."""

import logging
import os
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from kzoo import terminal
from kzoo.terminal import Progress, console, percent, print_table, quiet, say, short_count, stdout


def print_notes():
    os.write(2, b"native\n")
    print("python", file=sys.stderr)
    logging.getLogger("tf2onnx").error("a log")
    warnings.warn("a warning", stacklevel=1)


def test_quiet_discards_notes(capfd):
    with quiet():
        print_notes()
    print("after", file=sys.stderr)
    assert capfd.readouterr().err == "after\n"


def test_errors_propagate_and_logging_is_restored(capfd):
    before = logging.root.manager.disable
    with pytest.raises(KeyError), quiet():
        print_notes()
        raise KeyError
    assert logging.root.manager.disable == before and capfd.readouterr().err == ""


@pytest.mark.parametrize("error, shown", [(RuntimeError, "native\npython\n"), (KeyboardInterrupt, ""), (None, "")])
def test_show_on_error(capfd, error, shown):
    try:
        with quiet(show_on_error=True):
            print_notes()
            if error:
                raise error
    except (RuntimeError, KeyboardInterrupt):
        pass
    print("after", file=sys.stderr, flush=True)
    assert capfd.readouterr().err == f"{shown}after\n"


def test_say_prints_one_line_to_stderr(capfd):
    say("[bold]" + "long " * 60)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "[bold]" + "long " * 60 + "\n")


def test_consoles(capfd):
    print_table("[red]text[/red]")
    assert capfd.readouterr().out == "[red]text[/red]\n"
    assert stdout().width == 160 and console(width=33).width == 33


def test_numbers():
    assert [percent(x) for x in (0.1, 0.00123, 1, None)] == ["10 %", "0.12 %", "100 %", "-"]
    assert [short_count(n) for n in (0, 999, 1000, 123_456, 2e15)] == ["0", "999", "1 k", "123 k", "2e+03 T"]


def test_lines_say_how_far_it_is(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    progress = Progress("images are read", 50)
    for _ in range(49):
        progress.tick()
        now[0] += 0.5
    assert capsys.readouterr().err == "5 of 50 images are read\n25 of 50 images are read\n45 of 50 images are read\n"
    now[0] += 60
    progress.tick()
    progress.tick()  # of the next pass
    assert capsys.readouterr().err == ""


def test_items_are_counted_from_any_thread(capfd, monkeypatch):
    progress = Progress("files are predicted", 2000)
    items = progress.over("ab")
    assert next(items) == "a" and progress.done == 0  # it is done when the next one is asked for
    assert list(items) == ["b"] and progress.done == 2
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: progress.tick(), range(1998)))
    assert progress.done == 2000 and capfd.readouterr() == ("", "")


def test_bars_are_drawn_on_terminals_only(capfd, monkeypatch):
    progress = Progress("files are predicted", 2)
    with progress.bar():
        list(progress.over("ab"))
    assert capfd.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(terminal, "FIRST_LINE", -1)  # there are no lines next to a bar
    progress = Progress("files are predicted", 2)
    with progress.bar():
        list(progress.over("ab"))
    printed = capfd.readouterr()
    assert "2/2" in printed.err and "1 of 2" not in printed.err and printed.out == ""
