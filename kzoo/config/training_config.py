"""The part `training` of a config: how the model is trained, and the stages of its training."""

# mypy: disable-error-code="valid-type, misc"

import math
from typing import Annotated, Literal

from annotated_types import Ge, Len, Lt
from pydantic import Field, model_validator

from kzoo.checks import require
from kzoo.config.config_errors import expecting, one_of
from kzoo.config.part import Part
from kzoo.config.specs import Initializers, Losses, Metrics, Spec
from kzoo.config.values import Count, Factor, OptionalCount, Seeds, Sizes, Switch

DTYPE_POLICIES = ("float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
Weights = Annotated[
    Annotated[list[Annotated[float, Ge(0)]], Len(1)] | dict[str, Annotated[float, Ge(0), Lt(math.inf)]] | None,
    expecting("a list of numbers of at least 0, {output: number}, or null"),
]
ClassWeights = Annotated[
    dict[Annotated[str, Len(1)], Annotated[float, Ge(0), Lt(math.inf)]] | Literal["balanced"] | None,
    expecting("a mapping of classes to weights of at least 0, balanced, or null"),
]
Rates = Annotated[
    dict[Annotated[str, Len(1)], Annotated[float, Ge(0), Lt(math.inf)]],
    expecting("a mapping of patterns to numbers of at least 0"),
]
Momentum = Annotated[Annotated[float, Ge(0), Lt(1)] | None, expecting("a number of at least 0 and below 1, or null")]
Patterns = Annotated[
    Annotated[list[Annotated[str, Len(1)]], Len(1)] | None, expecting("a list of patterns such as [stage*], or null")
]


class StageConfig(Part):
    """A stage of the training: some of its epochs, with settings of their own in place of training's and data's."""

    later = ("epochs", "train", "freeze", "optimizer", "rates", "loss", "augment", "training_sizes")

    epochs: OptionalCount = Field(
        None, description="Epochs of the stage; null, for the last stage: those that are left of training.epochs."
    )
    train: Patterns = Field(
        None,
        description="Shell patterns of the paths of the layers that learn, such as [predictions]; all others stay as "
        "they are, batch norms included. null: all learn.",
    )
    freeze: Patterns = Field(
        None, description="Shell patterns of the paths of the layers that stay as they are, in place of `train`."
    )
    optimizer: Spec | None = Field(None, description="In place of training.optimizer.")
    rates: Rates = Field({}, description="Further factors on the learning rate, as in training.rates.")
    loss: Losses | None = Field(None, description="In place of training.loss.")
    augment: Annotated[list[Spec] | None, expecting("a list of layers, or null")] = Field(
        None, description="In place of data.augment."
    )
    training_sizes: Sizes = Field(None, description="In place of data.training_sizes, which must be set too.")


class TrainingConfig(Part):
    """How the model is trained."""

    later = ("class_weight", "initializers", "rates", "recompute_statistics", "batch_norm_momentum", "stages")

    epochs: Count = Field(description="Epochs; metrics, validation, callbacks and checkpoints run once per epoch.")
    steps_per_epoch: OptionalCount = Field(None, description="Steps per epoch; null: one pass over the training split.")
    steps_per_call: Count = Field(
        1, description="Optimizer steps compiled into one `train_step` call; larger values speed up small models."
    )
    seeds: Seeds = Field([0], description="One training per seed.")
    keep: Annotated[Literal["last", "best", "last_best"], one_of("last", "best", "last_best")] = Field(
        "last",
        description="Which weights to keep: the last ones, or those of the epoch with the best validation accuracy, of "
        "equally good ones the first (best) or the last (last_best). Without classes, and for several targets, that "
        "with the least validation loss.",
    )
    initializers: Initializers = Field(
        {},
        description="Initializers of keras.initializers or kzoo for weights of the model, {pattern: initializer}: the "
        "last shell pattern that matches the path of a weight, such as conv1/kernel, gives its initial values.",
    )
    loss: Losses = Field(
        description="A loss of keras.losses or kzoo, or one for each output of the model: a list or {output: loss}. "
        "Labels are encoded one-hot for losses that need it, such as CategoricalCrossentropy with its label_smoothing."
    )
    loss_weights: Weights = Field(
        None, description="A weight for each output's loss in their sum, a list or {output: weight}; null: all 1."
    )
    class_weight: ClassWeights = Field(
        None,
        description="How much the loss counts in training, by the label's class: {class: weight}, with numbers or "
        "names of classes, 1 for others; balanced: inversely to how often a class occurs; null: all alike.",
    )
    l2: Factor = Field(
        0.0, description="Weight decay: this factor times a kernel is added to its gradient; not for biases and norms."
    )
    optimizer: Spec = Field(
        description="An optimizer of keras.optimizers or kzoo. Its learning rate may be a schedule, and so may the "
        "momentum of kzoo>ScheduledMomentumSGD. With use_ema the moving averages of the weights are validated and kept."
    )
    rates: Rates = Field(
        {},
        description="Factors on the learning rate, {pattern: factor}: each shell pattern that matches the path of a "
        "weight, such as conv1/bias, multiplies its rate, and with it its weight decay. 0: the weight stays as it is.",
    )
    batch_norm_momentum: Momentum = Field(
        None,
        description="The momentum of the moving statistics of all batch norms: the share of the old value that a step "
        "keeps; null: that of the model.",
    )
    stages: list[StageConfig] = Field(
        [],
        description="Parts of the training, one after the other, each with settings of its own, see below. A stage "
        "begins with the last weights of the one before and a new optimizer, whose schedules count from 0.",
    )
    recompute_statistics: Switch = Field(
        False,
        description="Whether the moving statistics of batch norms are replaced at the end of each epoch, before its "
        "validation, by averages over the training batches of an epoch, at most one pass. In trainings of few steps "
        "the moving ones lag behind.",
    )
    metrics: Metrics = Field(
        [],
        description="Metrics of keras.metrics or kzoo: a list for the first output, or {output: list}. In results "
        "those of further outputs have the output's name in front, as in Keras. Of outputs without any, those of the "
        "task: see targets.md.",
    )
    callbacks: list[Spec] = Field([], description="Callbacks of keras.callbacks or kzoo; see below where they write.")
    jit_compile: Annotated[bool | Literal["auto"], expecting("true, false or auto")] = Field(
        "auto",
        description="Whether XLA compiles the training step; auto: with a GPU, and on a CPU small steps of layers "
        "that are faster compiled.",
    )
    deterministic: Switch = Field(False, description="Whether TensorFlow uses deterministic operations only.")
    dtype_policy: Annotated[Literal[DTYPE_POLICIES], one_of(*DTYPE_POLICIES)] = Field(
        "float32", description="Dtype policy of the model's layers."
    )

    @model_validator(mode="after")
    def _divisible(self):
        divisible = self.steps_per_epoch is None or self.steps_per_epoch % self.steps_per_call == 0
        expected = f"a divisor of training.steps_per_epoch ({self.steps_per_epoch})"
        require(divisible, "training.steps_per_call", expected, steps_per_call=self.steps_per_call)
        return self

    @model_validator(mode="after")
    def _check_stages(self):
        for index, stage in enumerate(self.stages):
            who = f"training.stages.{index}"
            if index < len(self.stages) - 1:
                require(stage.epochs, who, "epochs, as another stage follows", epochs=stage.epochs)
            else:
                expected = "no epochs: the last stage has those that are left of training.epochs"
                require(stage.epochs is None, who, expected, epochs=stage.epochs)
            require(stage.train is None or stage.freeze is None, who, "train or freeze, not both", train=stage.train)
        return self
