"""Reads and writes YAML 1.2: `1e-3` is a number, a duplicate key is an error, and every error is one line.

Source: YAML 1.2.2, section 10.3.2 (core schema). PyYAML follows YAML 1.1, where 1e-3 is text, `no` false and 010 eight.
"""

import copy
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from kzoo.checks import MAX_VALUE, Refusal, require, shorten, shown
from kzoo.types import PathLike

MAX_BYTES, MAX_DEPTH, MAX_VALUES = 2**18, 50, 100_000  # of a file; the largest config of kzoo has 3 kB
TAG = "tag:yaml.org,2002:"
SCALARS = {  # name: (pattern of a plain scalar, its possible first characters)
    "null": (r"(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    "bool": (r"(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    "int": (r"[-+]?(?:0|[1-9][0-9_]*)$", list("-+0123456789")),
    "float": (
        r"(?:[-+]?(?=\S*[.eE])(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        list("-+.0123456789"),
    ),
}


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the plain scalars of YAML 1.2 and only the types that JSON has."""

    yaml_implicit_resolvers = {}
    yaml_constructors = {  # without dates, sets and bytes, of which config_sha256 could not make JSON
        tag: make for tag, make in yaml.SafeLoader.yaml_constructors.items() if tag in {None, TAG + "str"}
    }


class Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper: quotes text that YAML 1.1 or 1.2 would read as another type, and writes aliases out."""

    def ignore_aliases(self, data):
        return True

    def represent_str(self, data):
        odd_breaks = set(data) & set("\x85\u2028\u2029")  # PyYAML escapes these in double quotes only
        return self.represent_scalar(TAG + "str", data, style='"' if odd_breaks else None)


def _mapping(loader, node):
    """Returns a mapping; built deeply, so that PyYAML refuses a mapping that contains itself."""
    if not isinstance(node, yaml.MappingNode):
        raise yaml.MarkedYAMLError(problem="expected a mapping", problem_mark=node.start_mark)
    data = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        key = str(key) if type(key) is int else key  # a class in class_weight: {0: 2.0}
        if not isinstance(key, str) or key in data:
            problem = f"the key {shown(key)} is " + ("a duplicate" if isinstance(key, str) else "not text; quote it")
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
        data[key] = loader.construct_object(value_node, deep=True)
    return data


def _integer(loader, node):
    """Returns a decimal integer; YAML 1.1 has other notations too, without a limit of length."""
    return int(loader.construct_scalar(node).replace("_", ""))


for _name, (_pattern, _first) in SCALARS.items():
    Loader.add_constructor(TAG + _name, yaml.SafeLoader.yaml_constructors[TAG + _name])
    for _class in (Loader, Dumper):
        _class.add_implicit_resolver(TAG + _name, re.compile(_pattern), _first)
Loader.add_constructor(TAG + "int", _integer)
Dumper.add_representer(str, Dumper.represent_str)
Loader.add_constructor(TAG + "map", _mapping)
Loader.add_constructor(
    TAG + "seq",
    lambda loader, node: loader.construct_sequence(node, deep=True),  # type: ignore[arg-type]
)


def read_yaml(path: PathLike) -> dict[str, Any]:
    """Reads the mapping in a file.

    Raises Refusal if the file is missing, a folder, not UTF-8, empty, not a mapping or invalid YAML (with the line).
    """
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
        _check_length(content, path)
        text = content.decode("utf-8")
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Refusal(f"{path} line {line}: the file is not UTF-8 text.") from None
    data = _load(text, path)
    if data is None:
        raise Refusal(f"{path} is empty; expected a mapping of settings.")
    if not isinstance(data, dict):
        raise Refusal(f"{path} expects a mapping of settings; received a {type(data).__name__}.")
    return data


def parse_value(text: str, where: str = "--set") -> Any:
    """Parses the value in `--set part.key=value`: a YAML scalar, list or mapping.

    >>> [parse_value(text) for text in ("1e-3", "[8, no]", "{step: 010}", "")]
    [0.001, [8, 'no'], {'step': '010'}, None]
    """
    return _load(text, where)


def write_yaml(data: Any, path: PathLike | None = None) -> str:
    """Returns `data` as YAML text, keys in their order, and writes it to `path` if given; reading it is the inverse."""
    text = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)
    if path is not None:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    return text


def apply_sets(config: dict[str, Any], sets: Sequence[str]) -> dict[str, Any]:
    """Returns a copy of `config` changed by each "part.key=value"; an integer in a path is a position in a list.

    Missing mappings are created. Raises Refusal if an item has no path or no "=", or its path goes through a scalar.

    >>> apply_sets({"training": {"seeds": [0, 1]}}, ["training.seeds.1=5", "data.name=digits"])
    {'training': {'seeds': [0, 5]}, 'data': {'name': 'digits'}}
    """
    config = copy.deepcopy(config)
    for item in sets:
        path, sign, text = item.partition("=")
        require(sign and all(path.strip().split(".")), "--set", "part.key=value", item=item)
        where = f"--set {shorten(item, MAX_VALUE)}"
        set_value(config, path.strip(), parse_value(text, where), where)
    return config


def set_value(config: dict[str, Any], path: str, value: Any, where: str) -> None:
    """Sets the value at a dotted path of `config` in place. Raises Refusal that starts with `where`."""
    node: Any = config
    parts = path.split(".")
    for depth, part in enumerate(parts):
        key: Any = part
        here = ".".join(parts[:depth])
        if isinstance(node, list):
            valid = part.isdecimal() and int(part) < len(node)
            require(valid, f"{where}: {here}", f"a position in its list of {len(node)}", position=part)
            key = int(part)
        elif not isinstance(node, dict):
            raise Refusal(f"{where}: {here} is {shown(node)}, which contains no settings.")
        if depth == len(parts) - 1:
            node[key] = value
        elif isinstance(node, dict) and node.get(key) is None:
            node[key] = {}
        node = node[key]


def _load(text, where):
    _check_length(text, where)
    try:
        loader = Loader(text)  # a SafeLoader
        node = loader.get_single_node()
        if node is None:
            return None
        _check_size(node)
        return loader.construct_document(node)
    except yaml.reader.ReaderError as error:
        line, problem = (
            text.count("\n", 0, error.position) + 1,
            f"the character {text[error.position]!r} is not allowed",
        )
    except yaml.MarkedYAMLError as error:
        mark, problem = error.problem_mark or error.context_mark, error.problem or error.context
        line = mark.line + 1 if mark else 1
    except RecursionError:
        line, problem = 1, "nested too deeply"
    except (ValueError, LookupError) as error:  # an explicit tag such as `!!int x`, or a number of thousands of digits
        line, problem = 1, f"a value does not fit its type ({error})"
    raise Refusal(f"{where} line {line}: {' '.join(problem.split())}.")


def _check_length(text, where):
    if len(text) > MAX_BYTES:
        raise Refusal(f"{where}: more than {MAX_BYTES:,} bytes of YAML, which cannot be a config.")


def _check_size(root):
    """Raises MarkedYAMLError if a document is nested too deeply, or holds too many values once aliases are written out.

    Without this a file of a few hundred characters would become gigabytes.
    """
    measured: dict[int, tuple[int, int]] = {}

    def measure(node):
        """Returns (number of values, depth) of a node with its aliases written out."""
        if id(node) not in measured:
            measured[id(node)] = 1, 1  # for a node that contains itself, which the constructor refuses
            items = [] if isinstance(node, yaml.ScalarNode) else node.value
            children = [measure(each) for item in items for each in (item if isinstance(item, tuple) else (item,))]
            values = 1 + sum(number for number, _ in children)
            depth = 1 + max((depth for _, depth in children), default=0)
            if depth > MAX_DEPTH:
                raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=node.start_mark)
            if values > MAX_VALUES:
                problem = f"more than {MAX_VALUES:,} values once its aliases are written out"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
            measured[id(node)] = values, depth
        return measured[id(node)]

    measure(root)
