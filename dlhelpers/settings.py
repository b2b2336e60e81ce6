"""Everything that a run of the playground depends on, as one value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np

from dlhelpers.activations import ACTIVATIONS
from dlhelpers.checks import check_choice, check_flag, check_integer, check_number, shown
from dlhelpers.features import COORDINATES, check_features
from dlhelpers.initialization import INITIALIZERS
from dlhelpers.losses import LOSSES
from dlhelpers.optimizers import OPTIMIZERS, Optimizer
from dlhelpers.points import DATA, Added, check_added
from dlhelpers.schedules import Constant, Cosine, Exponential, InverseTime, Schedule, Staircase, WarmUp

SCHEDULES: Mapping[str, Callable[[float, int], Schedule]] = {
    "constant": lambda rate, half_after: Constant(rate),
    "1/t": lambda rate, half_after: InverseTime(rate, 1 / half_after),
    "exponential": lambda rate, half_after: Exponential(rate, 0.5 ** (1 / half_after)),
    "staircase": lambda rate, half_after: Staircase(rate, 0.5, half_after),
    "cosine": lambda rate, half_after: Cosine(rate, 2 * half_after),
    "warm-up": lambda rate, half_after: WarmUp(Constant(rate), half_after),
}
"""Functions of the rate and of the step at which half of it is left (or, warming up, all is reached)."""


@dataclass(frozen=True)
class Settings:
    """Everything that a session depends on; all but the data and the network may change while it trains.

    Parameters
    ----------
    data : str
        A key of `DATA`, or "own".
    m : int in [20, 2000]
        Points.
    noise : float in [0, 1]
    dev_share : float in [0.1, 0.9]
        How many of the points are the dev set.
    test_share : float in [0, 0.5]
        How many are the test set; the others are the training set, at least a tenth.
    data_seed, weight_seed : int >= 0
    features : tuple of str
        What the network gets of a point, of `features.FEATURES` and in their order.
    hidden : tuple of up to 6 ints in [1, 64]
        Units of the hidden layers.
    batch_norm : bool
    initializer : str
        A key of `initialization.INITIALIZERS`, or "recommended".
    activation, loss_name, optimizer : str
    learning_rate : float in [0, 1000]
    schedule : str
        A key of `SCHEDULES`.
    half_after : int >= 1
        Steps; see `SCHEDULES`.
    beta, beta2 : float in [0, 1)
        Momentum's and RMSprop's beta and Adam's beta1; Adam's beta2.
    batch_size : int >= 1
    l1, l2, weight_decay : float >= 0
    keep_prob : float in (0, 1]
    input_noise : float in [0, 10]
    added : tuple of (float, float, int)
        Points (x1, x2, class) that are added to the training set by hand.

    Raises
    ------
    ValueError
        If a value is outside of its range.
    """

    data: str = "moons"
    m: int = 300
    noise: float = 0.2
    dev_share: float = 0.3
    test_share: float = 0.0
    data_seed: int = 0
    features: tuple[str, ...] = COORDINATES
    hidden: tuple[int, ...] = (8, 8)
    batch_norm: bool = False
    initializer: str = "recommended"
    weight_seed: int = 0
    activation: str = "tanh"
    loss_name: str = "softmax_cross_entropy"
    optimizer: str = "adam"
    learning_rate: float = 0.01
    schedule: str = "constant"
    half_after: int = 1000
    beta: float = 0.9
    beta2: float = 0.999
    batch_size: int = 32
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    keep_prob: float = 1.0
    input_noise: float = 0.0
    added: Added = ()

    def __post_init__(self) -> None:
        check_choice("data", self.data, [*DATA, "own"])
        check_integer("m", self.m, "[20, 2000]", "It is the number of examples.")
        for name in ("data_seed", "weight_seed"):
            check_integer(name, getattr(self, name), "[0, inf)")
        check_features(self.features)
        check_added(self.added)
        if not isinstance(self.hidden, tuple) or len(self.hidden) > 6:
            raise ValueError(
                f"hidden must be a tuple of up to 6 sizes; got {shown(self.hidden)}. Pass (8, 8)."
            )
        for size in self.hidden:
            check_integer("each size in hidden", size, "[1, 64]")
        check_flag("batch_norm", self.batch_norm)
        check_choice("initializer", self.initializer, ["recommended", *INITIALIZERS])
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("loss_name", self.loss_name, LOSSES)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_integer("half_after", self.half_after, "[1, inf)", "It is a number of steps.")
        check_integer("batch_size", self.batch_size, "[1, inf)")
        if self.batch_norm and self.batch_size < 2:
            raise ValueError(
                f"batch_size must be 2 or more with batch normalization; got {self.batch_size}. "
                "One example minus its own mean is 0."
            )
        intervals = {
            "noise": "[0, 1]",
            "dev_share": "[0.1, 0.9]",
            "test_share": "[0, 0.5]",
            "learning_rate": "[0, 1000]",
            "beta": "[0, 1)",
            "beta2": "[0, 1)",
            "l1": "[0, inf)",
            "l2": "[0, inf)",
            "weight_decay": "[0, inf)",
            "keep_prob": "(0, 1]",
            "input_noise": "[0, 10]",
        }
        for name, interval in intervals.items():
            check_number(name, getattr(self, name), interval, fits=())
            if isinstance(getattr(self, name), np.ndarray | np.float32 | np.float16 | np.longdouble):
                raise ValueError(
                    f"{name} must be a plain number; got {shown(getattr(self, name))}. Pass float(...)."
                )
        if self.dev_share + self.test_share > 0.9 + 1e-9:
            raise ValueError(
                f"dev_share and test_share must be 0.9 or less together; got {self.dev_share} and "
                f"{self.test_share}. The rest is the training set."
            )


DEFAULTS = Settings()
"""What a run has unless told otherwise."""

FIXED = (
    "data",
    "m",
    "noise",
    "dev_share",
    "test_share",
    "data_seed",
    "features",
    "hidden",
    "batch_norm",
    "initializer",
    "weight_seed",
)
"""The settings that need a new start; all others may change between two steps."""


def make_optimizer(settings: Settings) -> Optimizer:
    """Return the optimizer that the settings name, with their beta and beta2.

    Raises
    ------
    ValueError
        If `settings` is no Settings.
    """
    if not isinstance(settings, Settings):
        raise ValueError(
            f"settings must be a Settings; got {shown(settings)}. Pass Settings(optimizer='adam')."
        )
    kind = OPTIMIZERS[settings.optimizer]
    given = {"beta": settings.beta, "beta1": settings.beta, "beta2": settings.beta2}
    optimizer: Optimizer = kind(**{f.name: given[f.name] for f in fields(kind) if f.name in given})
    return optimizer
