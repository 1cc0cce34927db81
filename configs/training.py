"""How a model is trained."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from configs.closed import Closed, default_kind

Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]


class Strategy(Closed):
    """Which `tf.distribute` strategy; `auto` takes all GPUs there are, else one device.

    `replicas` with `mirrored` and no GPU makes that many logical CPUs. `multi_worker` reads
    TF_CONFIG; its chief prepares the data, for which the others wait up to `wait` seconds.
    """

    kind: Literal["auto", "one_device", "mirrored", "multi_worker", "tpu"] = "auto"
    replicas: Count | None = None
    tpu: str = ""  # the TPU's name or address
    wait: Annotated[float, Field(ge=0.0)] = 3600.0


class Adam(Closed):
    """Adam, with decoupled decay when `weight_decay` is not 0 (AdamW).

    Sources: https://arxiv.org/abs/1412.6980, https://arxiv.org/abs/1711.05101.
    """

    kind: Literal["adam"] = "adam"
    beta_1: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    beta_2: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.999
    epsilon: Positive = 1e-8
    weight_decay: NotNegative = 0.0  # never on biases, norms and other one-dimensional variables


class Lamb(Closed):
    """You et al. 2020, https://arxiv.org/abs/1904.00962: for batches of thousands of texts.

    A step changes each kernel by the learning rate times its own size.
    """

    kind: Literal["lamb"]
    beta_1: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    beta_2: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.999
    epsilon: Positive = 1e-6
    weight_decay: NotNegative = 0.01  # never on biases, norms and other one-dimensional variables


class SGD(Closed):
    kind: Literal["sgd"]
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    nesterov: bool = False
    weight_decay: NotNegative = 0.0


class Adadelta(Closed):
    """Zeiler 2012, https://arxiv.org/abs/1212.5701; what Kim 2014 trains with, at a rate of 1."""

    kind: Literal["adadelta"]
    rho: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.95
    epsilon: Positive = 1e-6
    weight_decay: NotNegative = 0.0


Optimizer = Annotated[
    Adam | Lamb | SGD | Adadelta, Field(discriminator="kind"), default_kind("adam")
]


class Warmup(Closed):
    """The learning rate over the run: linear warm-up, then the curve of `kind` down to `end`.

    `warmup` is the share of all steps, `end` the share of the peak rate at the last step.
    """

    kind: Literal["constant", "linear", "cosine"] = "constant"
    warmup: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    end: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0


class SlantedTriangular(Closed):
    """Up over the share `cut` of the steps, then down; the ends are 1 / `ratio` of the peak.

    Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, equation 3.
    """

    kind: Literal["slanted_triangular"]
    cut: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.1
    ratio: Annotated[float, Field(ge=1.0)] = 32.0


class OneCycle(Closed):
    """Up along a cosine over the share `rise` of the steps, from the share `start` of the peak.

    Then down along another to the share `end`. Smith and Topin 2017,
    https://arxiv.org/abs/1708.07120; the cosines and the defaults are those of fastai.
    """

    kind: Literal["one_cycle"]
    rise: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.25
    start: Annotated[float, Field(gt=0.0, le=1.0)] = 0.04
    end: Annotated[float, Field(ge=0.0, le=1.0)] = 1e-5


Schedule = Annotated[
    Warmup | SlantedTriangular | OneCycle,
    Field(discriminator="kind"),
    default_kind("constant"),
]


class Averaging(Closed):
    """From some step on, what is measured and published is the mean of the weights since then.

    That step is the first validation which is worse than the best of all but the last `patience`
    before it: Merity et al. 2017, https://arxiv.org/abs/1708.02182, algorithm 1 (NT-ASGD).
    """

    patience: Count = 5


class BatchRamp(Closed):
    """Smaller batches at first: the share `start` of the full one, and ever more of it.

    The full one is reached after the share `over` of all epochs. A batch is cut into as many parts
    as its share allows, so the sizes are whole parts: of `start` 0.25 a fourth, a third, a half,
    all. Brown et al. 2020, https://arxiv.org/abs/2005.14165, appendix B.
    """

    start: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.125
    over: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1


class EarlyStopping(Closed):
    """Stop after `patience` validations in a row without a better `metric`."""

    patience: Count = 3


class Train(Closed):
    strategy: Strategy = Strategy()
    epochs: Count = 10
    max_steps: Count | None = None  # stops earlier than `epochs` would
    batch_size: Count | None = 64  # examples a step, over all replicas
    batch_tokens: Count | None = None  # instead: padded tokens a step, over all replicas
    batch_ramp: BatchRamp | None = None
    # Tokens of each row in a step of a language model, and between two cuts of the gradient where
    # an awd_lstm reads for labels.
    window: Count = 70
    # Draw each window's length as Merity et al. 2017, section 5: seldom half of it, and the
    # learning rate goes with the length.
    vary_window: bool = False
    sort_by_length: bool = True  # batches of like lengths, which saves padding
    accumulation: Count = 1  # parts that a step's batch is computed in
    optimizer: Optimizer = Adam()
    learning_rate: Positive = 1e-3
    schedule: Schedule = Warmup()
    # The rate of each layer group is that of the next one up divided by this (Howard and Ruder
    # 2018, section 3.2, take 2.6).
    discriminative: Annotated[float, Field(ge=1.0)] | None = None
    # Train the last layer group alone in the first epoch and one group more in each later one.
    gradual_unfreezing: bool = False
    clip_norm: Positive | None = None
    ema: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    averaging: Averaging | None = None
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    xla: bool = False
    metric: str | None = None  # what chooses the best checkpoint; the task's own if not said
    early_stopping: EarlyStopping | None = None
    validate_every: Count | None = None  # steps; each epoch's end if not said
    save_every: Count = 500  # steps between checkpoints, beside each validation's
    keep: Count = 2  # newest checkpoints to keep; the best one stays besides
    log_every: Count = 10  # steps
    log_gradients: bool = False  # norms by variable and, of recurrent layers, by time step too

    @model_validator(mode="after")
    def one_batch_measure(self) -> Self:
        if (self.batch_size is None) == (self.batch_tokens is None):
            raise ValueError("set exactly one of batch_size and batch_tokens, the other to null")
        return self

    @model_validator(mode="after")
    def few_shapes_where_each_is_compiled(self) -> Self:
        compiled = self.xla or self.strategy.kind == "tpu"
        if self.vary_window and compiled:
            raise ValueError(
                "vary_window makes windows of many lengths, each of which xla or a TPU would"
                " compile: leave one of them out"
            )
        if self.batch_ramp and compiled:
            raise ValueError(
                "batch_ramp makes smaller batches, which xla or a TPU would fill up to the full"
                " size: leave one of them out"
            )
        return self

    @model_validator(mode="after")
    def one_average(self) -> Self:
        if self.ema is not None and self.averaging is not None:
            raise ValueError("ema and averaging both average the weights: leave one of them out")
        return self
