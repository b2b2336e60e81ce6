"""What notebook 04b says happens."""

from functools import cache, partial
from itertools import islice, repeat

import numpy as np

from dlhelpers import initialization as init
from dlhelpers.labs.initialization import depth, signals, starts
from dlhelpers.labs.initialization.common import GLOROT, HE, LARGE, LECUN, SMALL, ZEROS
from dlhelpers.live.stages import last
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray
from tests.claims import claim

the_claim = partial(claim, "04b")
ROOT = 2**0.5


@cache
def factors(activation: str, gain: float, seed: int, width: int = 32) -> tuple[depth.Factors, depth.Factors]:
    """Return the measured and the predicted factors of 50 layers."""
    return depth.factors_at(activation, depth.RANDOM, depth.MOST_LAYERS, width, gain, seed)


def first_gradient(gain: float, seed: int, dtype: str = "float64") -> FloatArray:
    """Return dW1 of the linear network of 40 layers in the notebook's cells."""
    deep, rng = Network((32,) * 40 + (1,), "linear"), np.random.default_rng(seed)
    batch = Batch(rng.normal(size=(64, 32)).astype(dtype), rng.normal(size=(64, 1)).astype(dtype))
    theta = deep.initialize(rng, initializer=partial(init.normal, scale=gain / np.sqrt(32))).astype(dtype)
    return deep.layout.views(deep.gradient(theta, batch))["W1"]


@cache
def begin(name: str, activation: str, seed: int) -> signals.Start:
    return signals.begin(name, activation, 8, seed)


def up(name: str, activation: str, seed: int) -> float:
    sizes = begin(name, activation, seed).sizes.activations
    return float(sizes[-1] / sizes[0])


def down(name: str, activation: str, seed: int) -> float:
    sizes = begin(name, activation, seed).sizes.gradients
    return float(sizes[0] / sizes[-1])


@cache
def losses(name: str, activation: str, hidden: int, length: int, steps: int, seed: int) -> FloatArray:
    """Return the loss of a start at each rate."""
    return last(starts.train(name, activation, hidden, length, seed)).smooth(steps)


def relu(name: str, steps: int, seed: int) -> float:
    """Return the loss of a start at its best rate, 8 hidden ReLU layers."""
    return float(losses(name, "relu", 8, starts.LONG, steps, seed).min())


def short(name: str, activation: str, hidden: int, seed: int) -> float:
    """Return the loss of a start at its best rate after 100 steps."""
    return float(losses(name, activation, hidden, starts.SHORT, starts.SHORT, seed).min())


# Vanishing and exploding ----------------------------------------------------------------------------


def test_twice_the_gain_leaves_the_frame() -> None:
    the_claim(
        "The axis on the left goes over 24 powers of ten, and $g = 2$ is enough to leave it.",
        lambda seed: factors("linear", 2.0, seed)[0].activations ** 49 > 1e12,
    )


def test_the_gradient_gets_the_same_factor() -> None:
    the_claim(
        "The gradient goes through the same matrices the other way, and gets the same factor.",
        lambda seed: all(
            abs(found.gradients / found.activations - 1) < 0.03
            for found in (factors("linear", gain, seed)[0] for gain in (0.5, 1.0, 2.0))
        ),
    )


def test_a_gain_above_1_strikes_twice() -> None:
    """Once up and once down: about 2 to the power of 80, not of 40."""
    the_claim(
        "In a network with a loss, a gain above 1 counts twice",
        lambda seed: np.abs(first_gradient(2.0, seed)).max() > 2.0**60,
    )


def test_the_flat_place_of_relu() -> None:
    the_claim(
        "The size is multiplied by $g/\\sqrt 2$, and the flat place is at $g = \\sqrt 2$.",
        lambda seed: all(abs(factor - 1) < 0.08 for factor in factors("relu", ROOT, seed)[0]),
    )


def test_narrow_layers_lie_below() -> None:
    def below(seed: int) -> bool:
        pairs = (factors("relu", ROOT, seed), factors("linear", 1.0, seed))
        return all(
            0.9 * theory < seen < theory
            for found, predicted in pairs
            for seen, theory in zip(found, predicted, strict=True)
        )

    the_claim("The measured factors lie a little below the dotted line", below)


def test_more_units_bring_them_together() -> None:
    def closer(seed: int) -> bool:
        apart = [abs(factors("linear", 1.0, seed, width)[0].activations - 1) for width in (4, 16, 64)]
        return apart[0] > apart[1] > apart[2]

    the_claim("More units in a layer bring them together.", closer)


def test_tanh() -> None:
    def explodes(seed: int) -> bool:
        found = depth.measure("tanh", depth.RANDOM, 50, 32, 4.0, seed)
        return bool(found.activations.max() <= 1 and 1.3 < factors("tanh", 4.0, seed)[0].gradients < 1.5)

    the_claim(
        "It ends at 1, so its signal cannot explode. Its gradients can: at a gain of 4 they grow by about "
        "1.4 in each layer on the way down.",
        explodes,
    )


def test_the_sigmoid_looks_healthy() -> None:
    def healthy(seed: int) -> bool:
        found = depth.measure("sigmoid", depth.RANDOM, 50, 32, 1.0, seed)
        return bool(
            np.all(np.abs(np.median(found.activations, axis=0) - 0.5) < 0.15)
            and factors("sigmoid", 1.0, seed)[0].gradients < 0.26
        )

    the_claim("its activations look healthy, near 0.5, while its gradients vanish", healthy)


def test_equal_weights() -> None:
    def powers(seed: int) -> bool:
        sizes = [depth.measure("linear", depth.EQUAL, 50, width, 0.5, seed).activations for width in (1, 64)]
        tens = [np.log10(np.median(each[:, -1] / each[:, 0])) for each in sizes]
        return [round(float(ten)) for ten in tens] == [-15, 74]

    the_claim("the same weights, and $10^{-15}$ against $10^{74}$", powers)


def test_tiny_and_exact() -> None:
    def exact(seed: int) -> bool:
        """The same numbers in both precisions: float32 first."""
        deep, rng = Network((32,) * 40 + (1,), "linear"), np.random.default_rng(seed)
        batch = Batch(rng.normal(size=(64, 32)), rng.normal(size=(64, 1)))
        theta = deep.initialize(rng, initializer=partial(init.normal, scale=0.5 / np.sqrt(32)))
        double = deep.layout.views(deep.gradient(theta, batch))["W1"]
        half = Batch(batch.X.astype(np.float32), batch.Y.astype(np.float32))
        single = deep.layout.views(deep.gradient(theta.astype(np.float32), half))["W1"]
        largest = np.abs(double).max()
        return bool(largest < 1e-10 and np.abs(single - double).max() < 1e-5 * largest)

    the_claim("At a gain of 0.5 it is tiny, and as exact as ever", exact)


# What is left of the signal -------------------------------------------------------------------------


def test_small_weights_leave_nothing() -> None:
    the_claim(
        "eight layers leave nothing",
        lambda seed: up(SMALL, "relu", seed) < 1e-8 and down(SMALL, "relu", seed) < 1e-8,
    )


def test_large_weights_multiply_by_4() -> None:
    the_claim(
        "*large* multiplies by $5.7/\\sqrt 2 = 4$",
        lambda seed: 3.3 < up(LARGE, "relu", seed) ** (1 / 7) < 4.8,
    )


def test_lecun_with_relu_loses_the_root_of_2() -> None:
    the_claim(
        "*LeCun* with ReLU loses $\\sqrt 2$ in each layer",
        lambda seed: all(0.6 < part(LECUN, "relu", seed) ** (1 / 7) < 0.85 for part in (up, down)),
    )


def test_he_keeps_both_lines() -> None:
    the_claim(
        "*He* keeps both lines within a factor of 3",
        lambda seed: all(1 / 3 < part(HE, "relu", seed) < 3 for part in (up, down)),
    )


def test_lecun_with_tanh() -> None:
    the_claim(
        "With tanh, *LeCun* loses about half of the signal in eight layers",
        lambda seed: 0.35 < up(LECUN, "tanh", seed) < 0.6,
    )


def test_large_weights_and_tanh() -> None:
    the_claim(
        "all activations sit at -1 and 1, where the slope is nearly 0. Yet the gradient grows on the way "
        "down",
        lambda seed: bool(
            np.all(begin(LARGE, "tanh", seed).sizes.activations > 0.9) and down(LARGE, "tanh", seed) > 10
        ),
    )


def test_zeros_have_no_signal() -> None:
    the_claim(
        "Every hidden activation is 0, and so is every weight.",
        lambda seed: bool(np.all(begin(ZEROS, "relu", seed).zeros == 1)),
    )


def test_of_zeros_only_the_last_bias_learns() -> None:
    def only(seed: int) -> bool:
        network, rng = Network((64, 32, 32, 10), "relu", "softmax_cross_entropy"), np.random.default_rng(seed)
        batch = Batch(rng.normal(size=(30, 64)), np.eye(10)[rng.integers(10, size=30)])
        theta = network.initialize(rng, initializer="zeros")
        *_, end = islice(descend(network, theta, repeat(batch), GradientDescent(), 0.5), 50)
        views = network.layout.views(end.theta)
        return [name for name, values in views.items() if values.any()] == ["b3"]

    the_claim("Only the last bias learns.", only)


# Which start comes farthest -------------------------------------------------------------------------


def test_small_stays_at_guessing() -> None:
    the_claim(
        "*small* stays at the loss of guessing, 2.30, at every rate",
        lambda seed: bool(np.all(np.abs(losses(SMALL, "relu", 8, starts.SHORT, 100, seed) - 2.30) < 0.1)),
    )


def test_large_diverges() -> None:
    the_claim(
        "*large* nearly always diverges at every rate of the row.",
        lambda seed: bool(np.all(losses(LARGE, "relu", 8, starts.SHORT, 100, seed) > 10)),
        needed=9,
    )


def test_large_is_too_large_at_the_top() -> None:
    the_claim(
        "The signal is about $10^5$ times too large at the top.",
        lambda seed: 3e4 < begin(LARGE, "relu", seed).sizes.activations[-1] < 4e5,
    )


def test_he_is_ahead() -> None:
    the_claim(
        "*He* is ahead of LeCun and Glorot after 100 steps.",
        lambda seed: relu(HE, 100, seed) < min(relu(LECUN, 100, seed), relu(GLOROT, 100, seed)),
    )


def test_it_is_a_head_start() -> None:
    the_claim(
        "after 300 steps all three are below 0.4, and learn on",
        lambda seed: all(
            relu(name, 300, seed) < min(0.4, relu(name, 200, seed)) for name in (HE, LECUN, GLOROT)
        ),
    )


def test_one_rate_for_all_changes_places() -> None:
    def changes(seed: int) -> bool:
        each = np.array([losses(name, "relu", 8, starts.LONG, 100, seed) for name in (HE, LECUN, GLOROT)])
        orders = {tuple(column) for column in np.argsort(each, axis=0).T}
        return len(orders) > 1

    the_claim("the names on the left change places", changes)


def test_tanh_learns_with_all_three() -> None:
    the_claim(
        "Under *tanh* LeCun, Glorot and He all learn well",
        lambda seed: all(short(name, "tanh", 8, seed) < 0.2 for name in (LECUN, GLOROT, HE)),
    )


def test_he_is_the_first_with_tanh_too() -> None:
    the_claim(
        "He is again the first after 100 steps, nearly always",
        lambda seed: (
            short(HE, "tanh", 8, seed) < min(short(name, "tanh", 8, seed) for name in (LECUN, GLOROT))
        ),
        needed=9,
    )


def test_the_sigmoid_stays_at_guessing() -> None:
    the_claim(
        "Under *sigmoid* LeCun and He stay at guessing for these 100 steps",
        lambda seed: all(short(name, "sigmoid", 8, seed) > 2.25 for name in (LECUN, HE)),
    )


def test_only_large_gets_off() -> None:
    the_claim(
        "Only *large* leaves it, nearly always", lambda seed: short(LARGE, "sigmoid", 8, seed) < 2.2, needed=9
    )


RANDOM_STARTS = (SMALL, LARGE, LECUN, GLOROT, HE)


def test_one_layer_forgives() -> None:
    the_claim(
        "Move *Hidden layers* to 1: every random start learns",
        lambda seed: all(short(name, "relu", 1, seed) < 0.2 for name in RANDOM_STARTS),
    )


def test_large_is_good_for_one_layer() -> None:
    the_claim(
        "*large*, hopeless with eight layers, nearly always has the lowest training loss",
        lambda seed: min(RANDOM_STARTS, key=lambda name: short(name, "relu", 1, seed)) == LARGE,
        needed=9,
    )


# One number for all weights -------------------------------------------------------------------------


def test_twins() -> None:
    def alike(seed: int) -> bool:
        rng, found = np.random.default_rng(seed), {}
        X = rng.normal(size=(200, 2))
        batch = Batch(X, (X[:, :1] * X[:, 1:] > 0).astype(float))
        network = Network((2, 8, 1), "tanh", "sigmoid_cross_entropy")
        one = partial(init.constant, value=rng.standard_normal())
        for name, first in (("one", one), ("many", None)):
            theta = network.initialize(np.random.default_rng(seed + 1), initializer=first)
            *_, end = islice(descend(network, theta, repeat(batch), GradientDescent(), 0.5), 2001)
            differ = np.ptp(network.layout.views(end.theta)["W1"], axis=0).max()
            found[name] = (float(end.loss), float(differ))
        return found["one"][1] < 1e-9 and found["many"][0] < found["one"][0] - 0.2

    the_claim("get the same gradient, and stay twins for ever. Eight twins are worth one unit.", alike)
