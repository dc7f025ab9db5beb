import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kzoo.checks import Refusal
from kzoo.config.yaml_file import apply_sets, parse_value, read_yaml, write_yaml

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
TREES = st.recursive(PLAIN, lambda t: st.lists(t, max_size=3) | st.dictionaries(st.text(max_size=6), t, max_size=3))
TRAPS = ["1e-3", "1E5", "1e-05", ".5", "1.", ".inf", "-.inf", ".nan", "010", "0x10", "1_000", "12:30", "2020-01-01"]
TRAPS += ["no", "off", "y", "true", "~", "null", "", "=", "<<", "-", "?", " a", "a: b", "a #b", "{", "[x]", "*a", "!a"]


def refusal(call, *args):
    with pytest.raises(Refusal) as caught:
        call(*args)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file `c.yaml` with the given text or bytes, in the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(content):
        (tmp_path / "c.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
        return "c.yaml"

    return write


@pytest.mark.parametrize(
    "text, value",
    [
        *[("1e-3", 1e-3), ("1E5", 1e5), ("-2e-4", -2e-4), ("+1e+3", 1e3), ("1.", 1.0), (".5", 0.5), ("1.5e3", 1500.0)],
        *[("-.inf", -math.inf), ("1_000.5", 1000.5), ("10", 10), ("-7", -7), ("1_000", 1000), ("0", 0)],
        *[("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("  ", None)],
        # YAML 1.1 would read these as false, true, eight, sixteen, minutes, a date
        *[(text, text) for text in ("no", "on", "y", "010", "0x10", "12:30", "2020-01-01", "=", "<<")],
        *[(text, text) for text in ("1.0.1", "e3", ".", "1e", "1.5.e3", "conv20-conv40")],
        *[("'1e-3'", "1e-3"), ('"10"', "10"), ("a b", "a b"), ("#5", None), ("a#5", "a#5")],
        *[("[1e-3, a]", [1e-3, "a"]), ("{a: {b: [1]}}", {"a": {"b": [1]}}), ("[]", []), ("{}", {})],
    ],
)
def test_values(text, value):
    got = parse_value(text)
    assert got == value and type(got) is type(value)


def test_nan():
    assert math.isnan(parse_value(".nan"))


@pytest.mark.parametrize(
    "text, words",
    [
        ("a: 1\nb: 2\na: 3\n", "c.yaml line 3: the key 'a' is a duplicate."),
        ("a: {b: 1, b: 1}\n", "c.yaml line 1: the key 'b' is a duplicate."),
        ("a: 1\n2.5: 3\n", "c.yaml line 2: the key 2.5 is not text; quote it."),
        ("2: 1\n'2': 3\n", "c.yaml line 2: the key '2' is a duplicate."),
        ("? [a]\n: 3\n", "c.yaml line 1: the key ['a'] is not text; quote it."),
        ("a: 1\nb: [1, 2\n", "c.yaml line 3: expected ',' or ']', but got '<stream end>'."),
        ("a: 1\n\tb: 2\n", "c.yaml line 2: "),
        ("a: b: c", "c.yaml line 1: mapping values are not allowed here."),
        ("a: 1\n---\nb: 2\n", "c.yaml line 2: but found another document."),
        ("a: *b", "c.yaml line 1: found undefined alias 'b'."),
        ("a: &b [*b]", "c.yaml line 1: found unconstructable recursive node."),
        ("a: !!python/object:os.system x", "c.yaml line 1: could not determine a constructor for the tag"),
        ("a: !!set {b}", "c.yaml line 1: could not determine a constructor for the tag"),
        ("a: !!int x", "c.yaml line 1: a value does not fit its type"),
        ("a: !!bool x", "c.yaml line 1: a value does not fit its type"),
        ("a: " + "9" * 5000, "c.yaml line 1: a value does not fit its type"),
        ("a: " + "[" * 5000, "c.yaml line 1: nested too deeply."),
        ("a: 1\nb: " + "[" * 51 + "]" * 51, "c.yaml line 2: nested too deeply."),
        ("a0: &a0 1\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 60)), "c.yaml line 51: nested too"),
        ("a: !!map [1]", "c.yaml line 1: expected a mapping."),
        ("a: !!map x", "c.yaml line 1: expected a mapping."),
        ("a: !!seq {b: 1}", "c.yaml line 1: expected a sequence node, but found mapping."),
        ("a: !!str [1]", "c.yaml line 1: expected a scalar node, but found sequence."),
        ("a: !!int ''", "c.yaml line 1: a value does not fit its type"),
        ("a: !!float ''", "c.yaml line 1: a value does not fit its type"),
        ("a: !!int 0x" + "f" * 5000, "c.yaml line 1: a value does not fit its type"),
        ("# " + "x" * 2**18, "c.yaml: more than 262,144 bytes of YAML"),
        ("x" * 2000 + ": {\x1b[31m: 1}", "c.yaml line 1: the character '\\x1b' is not allowed."),
        ("a: 1\nb: \x07", "c.yaml line 2: the character '\\x07' is not allowed."),
        (b"a: 1\nb: \xff", "c.yaml line 2: the file is not UTF-8 text."),
        ("", "c.yaml is empty; expected a mapping of settings."),
        ("# nothing\n", "c.yaml is empty; expected a mapping of settings."),
        ("- a\n", "c.yaml expects a mapping of settings; received a list."),
        ("a", "c.yaml expects a mapping of settings; received a str."),
    ],
)
def test_refused_files(file, text, words):
    assert refusal(read_yaml, file(text)).startswith(words)


def alias_bomb(values, levels):
    first = f"a0: &a0 [{', '.join('x' * values)}]\n"
    rows = (f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * values)}]\n" for i in range(1, levels))
    return first + "".join(rows)


def test_aliases_that_would_fill_the_memory(file):
    assert len(read_yaml(file(alias_bomb(9, 4)))["a3"]) == 9
    got = refusal(read_yaml, file(alias_bomb(9, 9)))
    assert got == "c.yaml line 6: more than 100,000 values once its aliases are written out."


def test_what_a_file_or_a_command_says_is_escaped_and_cut():
    for item in ('"\\e[31m"', "a" * 5000, '{"\\e[31m' + "b" * 5000 + '": 1}', "[" + "7, " * 5000 + "]", "!!int 7" * 99):
        for sets in ([f"{item}=3"], [f"a={item}", "a.b=3"], [f"{item}.b=3", f"a.{item}=3"], [f"a={item}{{"]):
            try:
                apply_sets({"a": [5]}, sets)
            except Refusal as refused:
                text = str(refused)
                assert text.isprintable() and len(text) < 800, text


def test_refused_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refusal(read_yaml, "none.yaml") == "none.yaml cannot be read: no such file or directory."
    (tmp_path / "d.yaml").mkdir()
    assert refusal(read_yaml, "d.yaml") == "d.yaml cannot be read: is a directory."


def test_byte_order_mark_anchors_and_comments(file):
    assert read_yaml(file(b"\xef\xbb\xbf# c\na: &x [1]\nb: *x\n")) == {"a": [1], "b": [1]}


def test_writing_keeps_order_and_types(tmp_path):
    data = {"z": 1e-05, "a": {trap: trap for trap in TRAPS}, "m": [1, 1.0, True, None, -0.0, 1e16], "é": "“a”\nb"}
    text = write_yaml(data, tmp_path / "c.yaml")
    again = read_yaml(tmp_path / "c.yaml")
    assert repr(again) == repr(data) and (tmp_path / "c.yaml").read_text(encoding="utf-8") == text
    assert repr(yaml.safe_load(write_yaml(data["a"]))) == repr(data["a"])  # YAML 1.1 reads the same text


def test_shared_values_are_written_out():
    shared = [1]
    assert write_yaml({"a": shared, "b": shared}) == "a: [1]\nb: [1]\n"


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(max_size=6), TREES, max_size=3))
def test_round_trip(data):
    again = parse_value(write_yaml(data))
    assert repr(again) == repr(data)


def test_sets():
    config = {"training": {"seeds": [0, 1], "callbacks": [{"config": {}}]}, "search": None}
    before = repr(config)
    sets = ["training.epochs=10", "training.seeds.1=7", "training.callbacks.0.config.monitor=val_loss"]
    sets += ["search.trials=3", "model.a.b={c: 1e-3}", " data.name = a=b", "data.folder="]
    assert apply_sets(config, sets) == {
        "training": {"seeds": [0, 7], "callbacks": [{"config": {"monitor": "val_loss"}}], "epochs": 10},
        "search": {"trials": 3},
        "model": {"a": {"b": {"c": 1e-3}}},
        "data": {"name": "a=b", "folder": None},
    }
    assert repr(config) == before
    assert apply_sets({}, ["a.b=1", "a.c=2", "a.b=3"]) == {"a": {"b": 3, "c": 2}}  # in the order given


@pytest.mark.parametrize(
    "item, words",
    [
        ("epochs", "--set expects part.key=value; received item='epochs'."),
        ("=3", "--set expects part.key=value; received item='=3'."),
        ("a..b=3", "--set expects part.key=value; received item='a..b=3'."),
        ("a.b=3", "--set a.b=3: a is 5, which contains no settings."),
        ("a.b.c=3", "--set a.b.c=3: a is 5, which contains no settings."),
        ("l.2=3", "--set l.2=3: l expects a position in its list of 2; received position='2'."),
        ("l.x=3", "--set l.x=3: l expects a position in its list of 2; received position='x'."),
        ("l.-1=3", "--set l.-1=3: l expects a position in its list of 2; received position='-1'."),
        ("l.0.x=3", "--set l.0.x=3: l.0 is 1, which contains no settings."),
        ("b=[1", "--set b=[1 line 1: expected ',' or ']', but got '<stream end>'."),
    ],
)
def test_refused_sets(item, words):
    assert refusal(apply_sets, {"a": 5, "l": [1, None]}, [item]) == words
