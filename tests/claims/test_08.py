"""What notebook 08 says happens, over ten seeds."""

from itertools import islice

import numpy as np

from dlhelpers.labs.batch_normalization import (
    depth,
    gamma_beta,
    learning_rates,
    one_example,
    running,
    scale_and_shift,
)
from dlhelpers.labs.batch_normalization.common import NORMALIZED, PLAIN
from dlhelpers.labs.digits import normalized_digits
from dlhelpers.live.stages import last
from dlhelpers.metrics import error_rate
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray
from tests.claims import claim

RATES = learning_rates.RATES


def ends(scale: float, seed: int) -> learning_rates.Ends:
    return last(learning_rates.train_both(scale, seed))


def test_the_first_layer_is_shifted() -> None:
    def holds(seed: int) -> bool:
        changed = scale_and_shift.try_to_break(1.0, 10.0, seed)
        gone = changed.normalized.loss - changed.normalized_before.loss
        return changed.plain.accuracy < 0.5 and abs(gone) < 1e-3

    claim(
        "08",
        "network on the left breaks, and reads fewer than half of the digits. "
        "The one on the right does not even notice.",
        holds,
    )


def test_large_weights_alone_do_less_harm() -> None:
    def holds(seed: int) -> bool:
        changed = scale_and_shift.try_to_break(10.0, 0.0, seed)
        return changed.plain.accuracy > 0.9 and changed.plain.loss > 3 * changed.plain_before.loss

    claim("08", "with *W1 × 10* the largest logit mostly stays the largest", holds)


def test_the_bias_cancels() -> None:
    def holds(seed: int) -> bool:
        with_b, without = (
            gamma_beta.scale_and_shift(2.0, 3.0, b, False, gamma_beta.ROOT, seed).Z_tilde for b in (8.0, 0.0)
        )
        return bool(np.allclose(with_b, without, rtol=0, atol=1e-12))

    claim("08", "The bias $b$ moves the left panel only", holds)


def test_gamma_and_beta_can_undo_it() -> None:
    def holds(seed: int) -> bool:
        unit = gamma_beta.scale_and_shift(2.0, 3.0, 5.0, True, gamma_beta.ROOT, seed)
        return bool(np.allclose(unit.Z, unit.Z_tilde, rtol=0, atol=1e-12))

    claim("08", r"with $\gamma = \sqrt{\sigma^2 + \varepsilon}$ and $\beta = \mu$ nothing is changed", holds)


def test_the_gradient_is_at_a_right_angle_to_the_weights() -> None:
    def holds(seed: int) -> bool:
        theta = NORMALIZED.initialize(np.random.default_rng(seed))
        W = NORMALIZED.layout.views(theta)["W1"]
        dW = NORMALIZED.layout.views(NORMALIZED.gradient(theta, normalized_digits(seed).train))["W1"]
        cosine = (W * dW).sum(axis=1) / np.linalg.norm(W, axis=1) / np.linalg.norm(dW, axis=1)
        return bool(np.abs(cosine).max() < 1e-3)

    claim("08", "the gradient is at a right angle to $w$", holds)


def test_with_good_first_weights_it_is_not_needed() -> None:
    def holds(seed: int) -> bool:
        plain, normalized = (learning_rates.median(each) for each in ends(1.0, seed))
        small = RATES <= 1 / 16
        return bool((plain < normalized)[small].all() and plain.min() < normalized.min())

    claim("08", "The network without it is ahead at small rates and at its best rate.", holds)


def test_larger_rates_work() -> None:
    def holds(seed: int) -> bool:
        plain, normalized = (
            RATES[learning_rates.median(each) < learning_rates.GOOD] for each in ends(1.0, seed)
        )
        return bool(normalized.max() > plain.max())

    claim("08", "The largest rate that works is larger with batch norm.", holds)


def test_bad_first_weights_are_forgiven() -> None:
    def holds(seed: int) -> bool:
        plain, normalized = map(learning_rates.best, ends(8.0, seed))
        return plain > learning_rates.GOOD > 2 * normalized

    claim("08", "Without batch norm, no rate repairs that in 100 steps.", holds)


def test_in_use_the_others_stand_still() -> None:
    def holds(seed: int) -> bool:
        moved = one_example.move(3.0, 3.0, 10, one_example.BATCH, seed)
        return moved.change > 0.1 and one_example.move(3.0, 3.0, 10, one_example.SET, seed).change == 0

    claim("08", "now mean and variance are fixed numbers, and the others stand still", holds)


def test_the_delay_of_slow_averages() -> None:
    def behind(seed: int) -> FloatArray:
        found = last(running.in_use(0.99, running.SHUFFLED, 20, 64, seed))
        return found.whole - found.running

    claim("08", "a slow average is nearly always behind", lambda seed: behind(seed)[2] > 0.05, needed=9)
    claim("08", "after 200 steps it is gone", lambda seed: bool(np.abs(behind(seed)[20:]).max() < 0.04))


def test_a_running_variance_is_late() -> None:
    def holds(seed: int) -> bool:
        found = last(running.in_use(0.99, running.SHUFFLED, 20, 64, seed))
        return bool((found.averages < 0.9 * found.truth)[:50].all())

    claim("08", "average comes from 1, and arrives late", holds, needed=9)


def test_one_class_a_batch_has_a_smaller_variance() -> None:
    def holds(seed: int) -> bool:
        found = last(running.in_use(0.99, running.ONE_CLASS, 20, 64, seed))
        return bool((found.averages < found.truth)[50:].all())

    claim("08", "running average stays below it for good", holds, needed=9)


def test_a_batch_that_is_no_sample() -> None:
    def holds(seed: int) -> bool:
        found = last(running.in_use(0.9, running.ONE_CLASS, 300, 64, seed))
        return bool(max(found.running[-1], found.whole[-1]) < 0.25)

    claim("08", "In use the network is about as good as guessing, even with exact statistics.", holds)


def test_the_same_order_without_batch_norm() -> None:
    def holds(seed: int) -> bool:
        theta = PLAIN.initialize(np.random.default_rng(seed))
        batches = running.batches_of(running.ONE_CLASS, 64, seed)
        *_, end = islice(descend(PLAIN, theta, batches, GradientDescent(), 0.1), 301)
        dev = normalized_digits(seed).dev
        return bool(error_rate(PLAIN.predict(end.theta, dev.X), dev.Y) < 0.15)

    claim("08", "The same order of examples does little harm to the network without batch norm", holds)


def test_batches_of_two() -> None:
    def holds(seed: int) -> bool:
        found = last(running.in_use(0.9, running.SHUFFLED, 300, 2, seed))
        return bool(found.whole[-1] < 0.5)

    claim("08", "*Batches of 2* is the same disease.", holds)


def test_gradients_grow_with_depth() -> None:
    def growth(batch_size: int, activation: str, seed: int) -> float:
        return depth.factor(last(depth.measure(batch_size, activation, 30, seed)).normalized)

    def as_theory_says(seed: int) -> bool:
        return abs(growth(256, "relu", seed) / depth.THEORY["relu"] - 1) < 0.05

    claim("08", r"a ReLU layer with batch norm multiplies the gradient by about $\sqrt{\pi", as_theory_says)
    claim(
        "08",
        "Small batches make it worse",
        lambda seed: growth(8, "relu", seed) > growth(32, "relu", seed) > growth(256, "relu", seed),
    )
    claim("08", "Without ReLU the growth is gone", lambda seed: abs(growth(256, "linear", seed) - 1) < 0.03)
