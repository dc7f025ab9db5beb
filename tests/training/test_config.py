import copy
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from kzoo.checks import Refusal
from kzoo.export.registry import FORMATS
from kzoo.training import config as module
from kzoo.training.config import (
    Config,
    Part,
    Spec,
    check_config,
    config_path,
    config_schema,
    config_sha256,
    differences,
    list_configs,
    read_config,
    resolved,
)
from kzoo.training.yaml_file import apply_sets, write_yaml

SMALL = {
    "model": {"name": "mnist1d_cnn", "filters": 15, "features": ["stage2"]},
    "data": {"name": "mnist1d", "batch_size": 100},
    "training": {
        "epochs": 100,
        "steps_per_epoch": 1000,
        "loss": {"class_name": "SparseCategoricalCrossentropy"},
        "optimizer": {"class_name": "SGD", "config": {"learning_rate": 1e-5}},
    },
}
SPACE = {
    "training.optimizer.config.learning_rate": {"log": [1e-4, 1e-1]},
    "model.filters": {"int": [8, 64], "step": 8},
    "model.dropout": {"float": [0, 0.5], "step": 0.1, "when": {"model.filters": [8, 16]}},
    "model.padding": {"choice": ["same", "valid", [1, 2], None]},
    "model.use_bias": {"boolean": True},
}
SHORT = ["data.image_size=[6, 8]", "data.resize=short_side", "data.short_side=9"]
FULL = {
    **SMALL,
    "data": {
        **{"folder": "d", "validation": 0.1, "image_size": [32, 48], "batch_size": 8},
        "preprocess": [{"class_name": "Rescaling", "config": {"scale": 0.5}}],
        "augment": ["RandomFlip"],
    },
    "training": {
        **SMALL["training"],
        **{"seeds": [0, 1, 2], "keep": "best", "steps_per_call": 100, "metrics": ["Recall"], "callbacks": ["History"]},
        **{"jit_compile": False, "deterministic": True, "dtype_policy": "mixed_bfloat16"},
    },
    "export": {"formats": []},
    "search": {"algorithm": "bayesian", "trials": 12, "objective": "val_loss", "validation": 0.3, "space": SPACE},
    "published": {"error": 0.17, "source": "Prince 2023"},
}


def test_validation_may_name_a_split():
    assert with_sets("data.validation=val").data.validation == "val"
    searching = with_sets("data.validation=val", f"search={{trials: 2, space: {json.dumps(SPACE)}}}")
    assert searching.search.validation == "val"  # of the search too
    assert check_config(resolved(searching)) == searching
    assert with_sets(f"search={{trials: 2, space: {json.dumps(SPACE)}}}").search.validation == 0.2
    both = with_sets("data.validation=val", f"search={{trials: 2, validation: 0.1, space: {json.dumps(SPACE)}}}")
    assert (both.data.validation, both.search.validation) == ("val", 0.1)
    sets = f"search={{trials: 2, validation: val, space: {json.dumps(SPACE)}}}"
    assert "search.validation expects the same split as data.validation" in refusal(with_sets, sets)
    assert with_sets("data.validation=val", "training.keep=best").training.keep == "best"


def test_stratify():
    assert with_sets("data.validation=0.1", "data.stratify=true").data.stratify
    words = refusal(with_sets, "data.validation=val", "data.stratify=true")
    assert "data.stratify: true expects data.validation, a part of the training split; received valid" in words


@pytest.mark.parametrize(
    "sets, words",
    [
        (["data.resize=short_side"], "data.resize: short_side expects data.image_size; received image_size=None."),
        (["data.resize=short_side", "data.image_size=[8, 8]"], "data.resize: short_side expects data.short_side"),
        (["data.short_side=9"], "data.short_side expects data.resize: short_side; received resize='stretch'."),
        (["data.training_short_side=[8, 9]"], "data.training_short_side expects data.resize: short_side; received"),
        ([*SHORT, "data.short_side=7"], "data.short_side expects lengths of at least image_size, [6, 8]; received"),
        ([*SHORT, "data.training_short_side=[7, 9]"], "data.training_short_side expects lengths of at least image_si"),
        ([*SHORT, "data.training_short_side=[9, 8]"], "data.training_short_side expects two ascending integers above"),
    ],
)
def test_short_side_refusals(sets, words):
    assert words in refusal(with_sets, *sets)


def test_short_side():
    found = with_sets(*SHORT, "data.training_short_side=[9, 12]")
    assert found.data.resizing == 9 and check_config(resolved(found)) == found
    assert with_sets("data.image_size=[6, 8]", "data.resize=crop").data.resizing == "crop"


def test_later_settings_are_written_only_if_they_are_set():
    """So that the config_sha256 of earlier results stays the same, and their runs can be resumed."""
    sized = with_sets("data.image_size=[8, 8]")
    assert "resize" not in resolved(sized)["data"]
    assert resolved(with_sets("data.image_size=[8, 8]", "data.resize=crop"))["data"]["resize"] == "crop"
    for name, value in {"stratify": True, "ignore_label": 255, "training_sizes": [[8, 8]]}.items():
        assert name not in resolved(check_config(SMALL))["data"]
        on = with_sets(f"data.{name}={json.dumps(value)}")
        assert resolved(on)["data"][name] == value and check_config(resolved(on)) == on
        assert config_sha256(on) != config_sha256(check_config(SMALL))
    for path, value in {
        "training.class_weight": "balanced",
        "training.rates": {"*bias": 2.0, "conv1/*": 0.1},
        "training.initializers": {"*bias": {"class_name": "ones", "config": {}}},
        "training.recompute_statistics": True,
        "training.batch_norm_momentum": 0.9,
        "data.class_names": ["a", "b"],
        "export.batch_size": 4,
        "export.size": [32],
    }.items():
        part, name = path.split(".")
        assert name not in resolved(check_config(SMALL))[part]
        assert resolved(with_sets(f"{path}={value}"))[part][name] == value


def test_integers_are_for_int8():
    words = refusal(with_sets, "export.integer=true")
    assert "export.integer expects format litert_int8 in export.formats; received formats=['saved_model']." in words
    assert with_sets("export.integer=true", "export.formats=[saved_model, litert_int8]").export.integer
    assert "integer" not in resolved(check_config(SMALL))["export"]


def refusal(call, *args):
    with pytest.raises(Refusal) as caught:
        call(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_sets(*sets):
    return check_config(apply_sets(SMALL, sets), "c.yaml")


def test_defaults():
    config = check_config(SMALL)
    assert config.model.name == "mnist1d_cnn" and config.model.settings == {"filters": 15, "features": ["stage2"]}
    data, training = config.data, config.training
    assert (data.name, data.folder, data.arrays, data.batch_size, data.validation) == ("mnist1d", None, None, 100, 0)
    assert (data.image_size, data.preprocess, data.augment) == (None, [], [])
    assert (training.steps_per_call, training.seeds, training.keep, training.jit_compile) == (1, [0], "last", "auto")
    assert (training.metrics, training.callbacks, training.deterministic) == ([], [], False)
    assert training.dtype_policy == "float32" and training.loss.config == {}
    assert config.export.formats == ["saved_model"] and config.search is config.published is None
    bare = {key: SMALL["training"][key] for key in ("epochs", "loss", "optimizer")}
    assert check_config({**SMALL, "data": {"arrays": "a.npz"}, "training": bare}).data.batch_size == 32


def test_the_example_of_the_design():
    short = {"trials": 12, "space": SPACE}
    search = {"algorithm": "random", "objective": "val_accuracy", "validation": 0.2, **short}
    assert check_config({**SMALL, "search": short}) == check_config({**SMALL, "search": search})


@pytest.mark.parametrize("settings", [SMALL, FULL], ids=["small", "full"])
def test_round_trip_through_a_file(settings, tmp_path):
    config = check_config(copy.deepcopy(settings))
    write_yaml(resolved(config), tmp_path / "c.yaml")
    again = read_config(tmp_path / "c.yaml")
    assert again == config and repr(resolved(again)) == repr(resolved(config))
    assert config_sha256(again) == config_sha256(config) and differences(resolved(again), resolved(config)) == []


def test_resolved_is_a_copy():
    config = check_config(SMALL)
    resolved(config)["training"]["optimizer"]["config"]["learning_rate"] = 7
    assert config.training.optimizer.config == {"learning_rate": 1e-5}


def test_spec_spellings():
    assert Spec.model_validate("SGD") == Spec(class_name="SGD") == Spec.model_validate({"class_name": "SGD"})
    assert with_sets("training.optimizer=SGD").training.optimizer == Spec(class_name="SGD", config={})


def test_numbers():
    assert with_sets("published={error: 0, source: x}").published.error == 0
    assert with_sets("data.validation=1").data.validation == 1
    assert repr(with_sets("data.validation=0.0").data.validation) == "0"  # one setting, one fingerprint
    assert with_sets("training.steps_per_epoch=null", "training.steps_per_call=7").training.steps_per_call == 7


@pytest.mark.parametrize("part", [Config, *(field for field in Part.__subclasses__() if field is not Config)])
def test_frozen_and_described(part):
    assert part.__doc__ and all(field.description for field in part.model_fields.values())
    assert part.model_config["frozen"]


def test_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        check_config(SMALL).training.epochs = 3


def test_schema():
    schema = json.loads(json.dumps(config_schema()))
    epochs = schema["$defs"]["TrainingConfig"]["properties"]["epochs"]
    assert epochs["type"] == "integer" and epochs["exclusiveMinimum"] == 0
    assert "once per epoch" in epochs["description"]


@pytest.mark.parametrize(
    "sets, words",
    [
        ("training.epoch=1", "training.epoch is not a setting; did you mean 'epochs' or 'steps_per_epoch'?"),
        ("trainin={}", "trainin is not a setting; did you mean 'training' or 'transfer'?"),
        ("transfer={}", "transfer.until is missing."),
        (
            "transfer={until: stage1, source_model: vgg16}",
            "transfer.source_model expects transfer.weights; received source_model='vgg16'.",
        ),
        ("transfer={until: stage1, freez: true}", "transfer.freez is not a setting; did you mean 'freeze'?"),
        ("a=1", "a is not a setting; known: data, evaluation, export, model, published, search, training, transfer."),
        ("training.epochs=ten", "training.epochs expects an integer above 0; received 'ten'."),
        ("training.epochs='10'", "training.epochs expects an integer above 0; received '10'."),
        ("training.epochs=10.0", "training.epochs expects an integer above 0; received 10.0."),
        ("training.epochs=true", "training.epochs expects an integer above 0; received True."),
        ("training.epochs=0", "training.epochs expects an integer above 0; received 0."),
        ("training.epochs=", "training.epochs expects an integer above 0; received None."),
        ("training.steps_per_epoch=-1", "training.steps_per_epoch expects an integer above 0, or null; received -1."),
        ("training.steps_per_call=7", "training.steps_per_call expects a divisor of training.steps_per_epoch (1000);"),
        (
            "training.rates={'*': -1}",
            "training.rates expects a mapping of patterns to numbers of at least 0; received {",
        ),
        ("training.rates=[2]", "training.rates expects a mapping of patterns to numbers of at least 0; received [2]."),
        ("training.initializers=[ones]", "training.initializers expects a mapping; received ['ones']."),
        ("training.initializers={a: 1}", "training.initializers.a expects a class name or class_name and config; "),
        (
            "training.initializers={a: {class_name: ones, confi: {}}}",
            "training.initializers.a.confi is not a setting; did you mean 'config'?",
        ),
        (
            "training.metrics={a: [{class_name: AUC, confi: {}}]}",
            "training.metrics.a.0.confi is not a setting; did you mean 'config'?",
        ),
        (
            "training.batch_norm_momentum=1",
            "training.batch_norm_momentum expects a number of at least 0 and below 1, or null; received 1.",
        ),
        ("training.rates={'': 1}", "training.rates expects a mapping of patterns to numbers of at least 0; "),
        ("training.rates={'*': .nan}", "training.rates expects a mapping of patterns to numbers of at least 0;"),
        ("training.rates={'*': .inf}", "training.rates expects a mapping of patterns to numbers of at least 0;"),
        ("training.stages=[{epochs: 2}, {}, {}]", "training.stages.1 expects epochs, as another stage follows; "),
        (
            "training.stages=[{epochs: 2}]",
            "training.stages.0 expects no epochs: the last stage has those that are left",
        ),
        ("training.stages=[{epoch: 2}, {}]", "training.stages.0.epoch is not a setting; did you mean 'epochs'?"),
        ("training.stages=[{epochs: 0}, {}]", "training.stages.0.epochs expects an integer above 0, or null; "),
        ("training.stages={}", "training.stages expects a list; received {}."),
        ("training.stages=[2]", "training.stages.0 expects a mapping of settings; received 2."),
        (
            "training.stages=[{freeze: a}]",
            "training.stages.0.freeze expects a list of patterns such as [stage*], or null",
        ),
        ("training.stages=[{train: [a], freeze: [a]}]", "training.stages.0 expects train or freeze, not both; "),
        (
            "training.stages=[{rates: {a: -1}}]",
            "training.stages.0.rates expects a mapping of patterns to numbers of at",
        ),
        (
            "training.stages=[{loss: 5}]",
            "training.stages.0.loss expects a class name or class_name and config; received",
        ),
        ("training.stages=[{augment: RandomFlip}]", "training.stages.0.augment expects a list of layers, or null; "),
        (
            "training.stages=[{training_sizes: [[8, 8]]}]",
            "training.stages.0.training_sizes expects data.training_sizes;",
        ),
        ("training.seeds=0", "training.seeds expects a list of different integers from 0 to 2**32 - 1; received 0."),
        ("training.seeds=[]", "training.seeds expects a list of different integers"),
        ("training.seeds=[1, 1]", "training.seeds expects a list of different integers"),
        ("training.seeds=[-1]", "training.seeds expects a list of different integers"),
        ("training.seeds=[true]", "training.seeds expects a list of different integers"),
        ("training.seeds=[4294967296]", "training.seeds expects a list of different integers"),
        ("training.keep=bst", "training.keep expects one of last, best, last_best; received 'bst'."),
        ("training.keep=best", "training.keep: best expects data.validation above 0; received validation=0."),
        ("training.keep=last_best", "training.keep: last_best expects data.validation above 0; received validation=0."),
        ("training.l2=-0.1", "training.l2 expects a number of at least 0; received -0.1."),
        ("training.l2=.inf", "training.l2 expects a number of at least 0; received inf."),
        ("training.loss_weights=[1, .inf]", "training.loss_weights expects finite numbers; received value=[1, inf]."),
        ("training.loss_weights=[1.0e+999]", "training.loss_weights expects finite numbers; received value=[inf]."),
        ("model.width=.nan", "model.width expects finite numbers; received value=nan."),
        (
            "training.metrics=[{class_name: A, config: {x: [{y: -.inf}]}}]",
            "training.metrics.0.config.x.0.y expects finite numbers; received value=-inf.",
        ),
        ("training.loss=5", "training.loss expects a class name or class_name and config; received 5."),
        ("training.loss=", "training.loss expects a class name or class_name and config; received None."),
        ("training.loss={}", "training.loss.class_name is missing."),
        ("training.loss=''", "training.loss.class_name expects text; received ''."),
        (
            "training.loss={clas_name: A}",
            "training.loss.class_name is missing; training.loss.clas_name is not a setting;",
        ),
        ("training.loss={class_name: A, config: 3}", "training.loss.config expects a mapping; received 3."),
        ("training.loss.confg={}", "training.loss.confg is not a setting; did you mean 'config'?"),
        ("training.callbacks=History", "training.callbacks expects a list; received 'History'."),
        ("training.metrics=[Mean, 5]", "training.metrics.1 expects a class name or class_name and config; received 5."),
        ("training.metrics=[{class_name: A, cnfig: 1}]", "training.metrics.0.cnfig is not a setting; did you mean"),
        ("training.jit_compile=1", "training.jit_compile expects true, false or auto; received 1."),
        ("training.deterministic=yes", "training.deterministic expects true or false; received 'yes'."),
        ("training.dtype_policy=float23", "training.dtype_policy expects one of float32, float64, float16, bfloat16,"),
        ("data.folder=d", "data expects exactly one of name, folder and arrays; received name and folder."),
        ("data.name=", "data expects exactly one of name, folder and arrays; received none of them."),
        ("data=", "data expects a mapping of settings; received None."),
        ("data.batch_size=32.5", "data.batch_size expects an integer above 0; received 32.5."),
        (
            "data.validation=1.0",
            "data.validation expects a fraction below 1, a count, or the name of a split; received 1.0.",
        ),
        (
            "data.validation=-1",
            "data.validation expects a fraction below 1, a count, or the name of a split; received -1.",
        ),
        (
            "data.validation=true",
            "data.validation expects a fraction below 1, a count, or the name of a split; received True.",
        ),
        (
            "data.validation=.nan",
            "data.validation expects a fraction below 1, a count, or the name of a split; received nan.",
        ),
        (
            "data.image_size=[8]",
            "data.image_size expects [height, width], two integers above 0, or null; received [8].",
        ),
        ("data.image_size=32", "data.image_size expects [height, width], two integers above 0, or null; received 32."),
        ("data.resize=squash", "data.resize expects one of stretch, crop, pad, short_side; received 'squash'."),
        ("data.resize=crop", "data.resize: crop expects data.image_size; received image_size=None."),
        (
            "data.training_sizes=[224, 180]",
            "data.training_sizes expects a list of [height, width], each of two integers above 0, or null; received [2",
        ),
        ("data.augment={}", "data.augment expects a list; received {}."),
        ("model.name=5", "model.name expects text; received 5."),
        ("model.name=''", "model.name expects text; received ''."),
        ("model=m", "model expects a mapping of settings; received 'm'."),
        (
            "export.formats=[onx]",
            f"export.formats expects a list of different formats among {', '.join(FORMATS)}; received ['onx'].",
        ),
        ("export.formats=[saved_model, saved_model]", "export.formats expects a list of different formats among"),
        (
            "published.error=17",
            "published.error expects a fraction from 0 to 1; received 17; published.source is missing.",
        ),
        ("data.class_names=[]", "data.class_names expects a list of names, or null; received []."),
        ("data.class_names=[1]", "data.class_names expects a list of names, or null; received [1]."),
        (
            "published={error: 0.1, source: x, epochs: 0, steps_per_epoch: -1}",
            "published.epochs expects an integer above 0, or null; received 0; published.steps_per_epoch expects",
        ),
        ("published={error: .nan, source: x}", "published.error expects a fraction from 0 to 1; received nan."),
        ("search.trials=0", "search.trials expects an integer above 0; received 0; search.space is missing."),
        ("training={}", "training.epochs is missing; training.loss is missing; training.optimizer is missing."),
        ("training.epochs=" + "x" * 300, "training.epochs expects an integer above 0; received '" + "x" * 98 + "...x"),
    ],
)
def test_refused_settings(sets, words):
    got = refusal(with_sets, sets)
    assert got.startswith("c.yaml: " + words), got
    assert words[-1] not in ".?" or got == "c.yaml: " + words


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"space": {}}, "search.space expects at least one setting; received space={}."),
        (
            {"objective": "accuracy"},
            "search.objective expects val_ and a metric's name; received",
        ),
        ({"objective": "val_recall"}, "search.direction expects max or min, for val_recall; received direction=None."),
        ({"direction": "up"}, "search.direction expects max, min or null; received 'up'."),
        ({"hours": 0}, "search.hours expects a number above 0, or null; received 0."),
        ({"seeds": [1, 1]}, "search.seeds expects a list of different integers"),
        (
            {"max_epochs": 3, "space": {"training.epochs": {"int": [1, 2]}}},
            "search.space.training.epochs is",
        ),
        (
            {"algorithm": "hyperband", "space": {"training.epochs": {"int": [1, 2]}}},
            "search.space.training.epochs",
        ),
    ],
)
def test_refused_searches(settings, words):
    search = {"trials": 1, "space": {"model.a": {"int": [1, 2]}}, **settings}
    assert refusal(check_config, {**SMALL, "search": search}, "c.yaml").startswith("c.yaml: " + words)


def test_direction():
    for settings, more in (
        ({}, True),
        ({"objective": "val_loss"}, False),
        ({"objective": "val_error"}, False),
        ({"objective": "val_recall", "direction": "max"}, True),
        ({"objective": "val_loss", "direction": "max"}, True),
    ):
        search = {"trials": 1, "space": {"model.a": {"int": [1, 2]}}, **settings}
        assert check_config({**SMALL, "search": search}).search.maximize is more


def test_fingerprint():
    swapped = {part: dict(reversed(settings.items())) for part, settings in reversed(SMALL.items())}
    same = config_sha256(check_config(SMALL))
    assert len(same) == 64 and same == config_sha256(check_config(swapped))
    assert same == config_sha256(with_sets("training.seeds=[0]")) == config_sha256(with_sets("data.validation=0.0"))
    assert same != config_sha256(with_sets("training.seeds=[1]"))
    assert same != config_sha256(with_sets("model.filters=true"))


def test_differences():
    old = resolved(check_config(SMALL))
    sets = ["training.epochs=10", "training.seeds=[0, 1]", "model.b=1", "training.callbacks=[History]"]
    new = resolved(with_sets(*sets))
    assert differences(old, new) == [
        "training.epochs: 100 -> 10",
        "training.seeds: [0] -> [0,1]",
        "training.callbacks: [] -> unset",
        "model.b: unset -> 1",
        'training.callbacks.0.class_name: unset -> "History"',
        "training.callbacks.0.config: unset -> {}",
    ]
    assert differences({"a": 1}, {"a": True}) == ["a: 1 -> true"]  # equal to Python, not to the fingerprint
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 1}}) == []
    assert differences({"a": float("nan")}, {"a": float("nan")}) == []


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A checkout with two configs, seen from its top folder."""
    folder = tmp_path / "zoo_configs"
    (folder / "studies").mkdir(parents=True)
    for name in ("lenet", "lenet_wide", "studies/tiles"):
        write_yaml(SMALL, folder / f"{name}.yaml")
    monkeypatch.setattr(module, "FOLDERS", [tmp_path / "none", folder])
    monkeypatch.chdir(tmp_path)
    return folder


def test_names_and_paths(shipped, monkeypatch):
    assert list_configs() == ["lenet", "lenet_wide"] and list_configs("*_w*") == ["lenet_wide"]
    assert config_path("lenet") == Path("zoo_configs", "lenet.yaml")
    assert read_config("lenet") == read_config("zoo_configs/lenet.yaml") == read_config(shipped / "lenet.yaml")
    assert read_config("lenet", ["training.epochs=3"]).training.epochs == 3
    for path in ("lenet.yaml", "x/lenet", "lenet.yml"):
        assert config_path(path) == Path(path)
    monkeypatch.chdir(shipped / "studies")
    assert config_path("lenet") == shipped / "lenet.yaml"


def test_refusals_name_the_file(shipped):
    assert refusal(read_config, "lenett") == "no config is called 'lenett'; did you mean 'lenet' or 'lenet_wide'?"
    assert refusal(read_config, "lenet.yaml") == "lenet.yaml cannot be read: no such file or directory."
    got = refusal(read_config, "lenet", ["training.epoch=1"])
    assert got == "zoo_configs/lenet.yaml: training.epoch is not a setting; did you mean 'epochs' or 'steps_per_epoch'?"


def test_shipped_configs_are_found():
    top = Path(__file__).resolve().parents[2]
    assert top / "zoo_configs" in module.FOLDERS and top / "kzoo" / "zoo_configs" in module.FOLDERS


def test_a_file_in_place_of_a_name():
    """Its path is the model's name, in resolved configs too."""
    read = check_config({**SMALL, "model": {"keras": "a/b.keras", "classes": 5, "weights": None}})
    assert read.model.name == "a/b.keras" and read.model.settings == {"classes": 5, "weights": None}
    assert check_config(resolved(read)) == read
    for wrong, words in (
        ({"keras": "b.h5"}, "config: model.keras expects the path of a .keras file; received keras='b.h5'."),
        ({"keras": 5}, "model.keras expects the path of a .keras file; received keras=5."),
        ({"keras": "b.keras", "name": "vgg16"}, "model expects either name or keras; received name='vgg16'."),
        ({}, "model.name is missing"),
    ):
        with pytest.raises(Refusal) as caught:
            check_config({**SMALL, "model": wrong})
        assert words in str(caught.value)


def test_frozen_transfer_and_stages():
    """Of the two, transfer.freeze holds for the whole training."""
    sets = ["transfer={until: stage1}", "training.stages=[{epochs: 2}, {optimizer: Adam}]"]
    assert with_sets(*sets).transfer.freeze
    with pytest.raises(
        Refusal, match="training.stages.0 with train or freeze expects transfer.freeze: false; received"
    ):
        with_sets(*sets, "training.stages.0.train=[predictions]")


def test_unset_stages_leave_the_fingerprint():
    assert "stages" not in resolved(check_config(SMALL))["training"]
    staged = resolved(with_sets("training.stages=[{epochs: 2}, {freeze: [a]}]"))["training"]["stages"]
    assert staged == [{"epochs": 2}, {"freeze": ["a"]}]
