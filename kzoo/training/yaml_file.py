"""YAML as configs need it: `1e-3` is a number, a key given twice is an error, every fault is one line of text.

Source: YAML 1.2.2, section 10.3.2 (core schema): PyYAML follows 1.1, where 1e-3 is text, `no` false and 010 eight.
"""

import copy
import re
from pathlib import Path

import yaml

from kzoo.checks import Refusal, require

TAG = "tag:yaml.org,2002:"
SCALARS = {  # name: (pattern of its plain form, the characters that can open it)
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
    """PyYAML's safe loader with the plain scalars of YAML 1.2 and nothing but plain values."""

    yaml_implicit_resolvers = {}
    yaml_constructors = {  # no dates, sets or bytes: JSON could not hold them, so config_sha256 neither
        tag: make for tag, make in yaml.SafeLoader.yaml_constructors.items() if tag in {None, TAG + "str"}
    }


class Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper; what either reading of YAML takes for more than text is quoted, aliases are written out."""

    def ignore_aliases(self, data):
        return True

    def represent_str(self, data):
        odd_breaks = set(data) & set("\x85\u2028\u2029")  # PyYAML escapes these in double quotes only
        return self.represent_scalar(TAG + "str", data, style='"' if odd_breaks else None)


def _mapping(loader, node):
    """Deep at once, so that PyYAML refuses a mapping that holds itself."""
    data = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str) or key in data:
            problem = f"the key {key!r} is " + ("given twice" if isinstance(key, str) else "not text; quote it")
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
        data[key] = loader.construct_object(value_node, deep=True)
    return data


for _name, (_pattern, _first) in SCALARS.items():
    Loader.add_constructor(TAG + _name, yaml.SafeLoader.yaml_constructors[TAG + _name])
    for _class in (Loader, Dumper):
        _class.add_implicit_resolver(TAG + _name, re.compile(_pattern), _first)
Dumper.add_representer(str, Dumper.represent_str)
Loader.add_constructor(TAG + "map", _mapping)
Loader.add_constructor(TAG + "seq", lambda loader, node: loader.construct_sequence(node, deep=True))


def read_yaml(path):
    """Read the mapping in a file.

    Errors: Refusal if the file is missing, a folder, not UTF-8, empty, no mapping or broken YAML (with its line).
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Refusal(f"{path} line {line}: the file is not UTF-8 text.") from None
    data = _load(text, path)
    if data is None:
        raise Refusal(f"{path} is empty; it should hold a mapping of settings.")
    if not isinstance(data, dict):
        raise Refusal(f"{path} expects a mapping of settings; received a {type(data).__name__}.")
    return data


def parse_value(text, where="--set"):
    """Read the value of one `--set part.key=value`: a YAML scalar, list or mapping.

    >>> [parse_value(text) for text in ("1e-3", "[8, no]", "{step: 010}", "")]
    [0.001, [8, 'no'], {'step': '010'}, None]
    """
    return _load(text, where)


def write_yaml(data, path=None):
    """Return `data` as YAML text that reads back equal, in the order of its keys; write it to `path` if given."""
    text = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)
    if path is not None:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    return text


def apply_sets(config, sets):
    """Return a copy of `config` changed by each "part.key=value"; whole numbers in a path are positions in lists.

    Missing mappings on the way are made. Errors: Refusal if an item has no path or no "=", or leads through a scalar.

    >>> apply_sets({"training": {"seeds": [0, 1]}}, ["training.seeds.1=5", "data.name=digits"])
    {'training': {'seeds': [0, 5]}, 'data': {'name': 'digits'}}
    """
    config = copy.deepcopy(config)
    for item in sets:
        path, sign, text = item.partition("=")
        require(sign and all(path.strip().split(".")), "--set", "part.key=value", item=item)
        put(config, path.strip(), parse_value(text, f"--set {item}"), f"--set {item}")
    return config


def put(config, path, value, where):
    """Set what a path leads to in `config`, in place. Errors: Refusal that begins with `where`."""
    parts, node = path.split("."), config
    for depth, part in enumerate(parts):
        key, here = part, ".".join(parts[:depth])
        if isinstance(node, list):
            inside = part.isdecimal() and int(part) < len(node)
            require(inside, f"{where}: {here}", f"a position in its list of {len(node)}", position=part)
            key = int(part)
        elif not isinstance(node, dict):
            raise Refusal(f"{where}: {here} is {node!r}, which has no settings of its own.")
        if depth == len(parts) - 1:
            node[key] = value
        elif isinstance(node, dict) and node.get(key) is None:
            node[key] = {}
        node = node[key]


def _load(text, where):
    try:
        return yaml.load(text, Loader)  # Loader descends from SafeLoader
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
    except (ValueError, KeyError) as error:  # an explicit tag such as `!!int x`, or a number of thousands of digits
        line, problem = 1, f"a value does not fit its type ({error})"
    raise Refusal(f"{where} line {line}: {' '.join(problem.split())}.")
