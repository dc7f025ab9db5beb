"""Odd arguments of the command line."""

from tests.hostile.judge import Case, kzoo
from tests.hostile.mutations import ESCAPES, pick
from tests.hostile.stock import SETS, take

TEXTS = (
    *("", " ", ".", "..", "/", "-", "--", "*", "[", "a/b", "a\nb", "a\tb", "%s%n", "{0}", "$HOME", "-1", "1e9", "NaN"),
    *("~nouser/x", "~/x", "/dev/null", "/dev/full", "/proc/self/mem", "../outside/secret.bin", "signals.npz"),
    *("signals.npz/x", "0x1", "١", "mnist/foo=bar", "mnist:9", ESCAPES, "\udcff", "\u202ex"),
    *("x" * 300, "x" * 5000),
)
COMMANDS = (
    *(("show", "?"), ("list", "?"), ("list", "--family", "?"), ("layers", "?"), ("evaluate", "?"), ("export", "?")),
    *(("predict", "?", "signals.npz"), ("predict", "?", "?"), ("export", "mnist1d_fc", "--format", "?"), ("?",)),
    *(("train", "?", "--dry-run"), ("tune", "?"), ("tune", "?", "--report"), ("train", "mnist1d_fc", "--set", "?")),
    ("train", "mnist1d_fc", "--dry-run", "--set", "model.units=[2]", "--set", "data.name=?"),
    ("train", "mnist1d_fc", "--dry-run", *SETS, "--set", "data.arrays=?"),
    ("train", "mnist1d_fc", "--dry-run", *SETS, "--set", "data={folder: '?'}"),
    ("train", "mnist1d_fc", "--set", "?=1"),
    ("train", "mnist1d_fc", "--set", "training.?=1"),
    ("train", "mnist1d_fc", "--set", "training.optimizer=?"),
    ("train", "mnist1d_fc", *SETS, "--run", "?"),
    ("train", "mnist1d_fc", *SETS, "--out", "?"),
    ("train", "mnist1d_fc", *SETS, "--results", "?"),
)


def arguments(rng, stock):
    take(stock, "signals.npz")
    text = pick(rng, TEXTS)
    command = [part.replace("?", text) for part in pick(rng, COMMANDS)]
    return Case(f"kzoo {command}", lambda: kzoo(*command))
