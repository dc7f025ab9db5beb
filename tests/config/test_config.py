import json

import pytest

from kzoo.config.config import check_config, config_schema, resolved
from kzoo.export.registry import FORMATS
from tests.config.settings import SMALL, SPACE, refusal, with_sets


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


def test_resolved_is_a_copy():
    config = check_config(SMALL)
    resolved(config)["training"]["optimizer"]["config"]["learning_rate"] = 7
    assert config.training.optimizer.config == {"learning_rate": 1e-5}


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
