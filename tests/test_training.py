from dataclasses import replace
from functools import partial
from itertools import islice, repeat
from types import SimpleNamespace

import numpy as np
import pytest

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.dropout import with_draws
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import OPTIMIZERS, Adam, Clipped, GradientDescent, Momentum
from dlhelpers.regularization import Regularized, max_norm
from dlhelpers.training import descend

LINE = Network((1, 1))


class Bowl:
    """J = sum(theta^2) / 2: the gradient is theta itself.  It has no layout, as a surface."""

    def loss(self, theta, batch):
        return 0.5 * (theta**2).sum(axis=-1)

    def gradient(self, theta, batch):
        return theta


@pytest.fixture
def line():
    """Ten points of y = 2x + 1."""
    X = np.linspace(-1, 1, 10)[:, None]
    return Batch(X, 2 * X + 1)


# The update -------------------------------------------------------------------------------------------


def test_a_step_shows_what_belongs_together(line, rng):
    network = Network((1, 3, 1))
    for step in islice(descend(network, network.initialize(rng), repeat(line), Adam(), 0.1), 4):
        loss, gradient = network.loss_and_gradient(step.theta, line)
        assert step.loss == loss
        np.testing.assert_array_equal(step.gradient, gradient)
        assert step.batch is line and step.learning_rate == 0.1 and step.cause == ""
        assert step.statistics is None and not step.diverged


def test_two_steps_by_hand():
    # theta = 8, rate 0.25, gradient theta: 8 - 2 = 6; 6 - 1.5 = 4.5
    steps = list(islice(descend(Bowl(), np.array([8.0]), repeat(None), GradientDescent(), 0.25), 3))
    assert [step.theta.item() for step in steps] == [8, 6, 4.5]
    assert [step.step for step in steps] == [0, 1, 2]
    assert [step.loss.item() for step in steps] == [32, 18, 10.125]


def test_gradient_descent_finds_the_line(line):
    *_, last = islice(descend(LINE, np.zeros(2), repeat(line), GradientDescent(), 0.5), 200)
    np.testing.assert_allclose(last.theta, [2, 1], atol=1e-9)


def test_nothing_that_was_yielded_changes(line, rng):
    network = Network((1, 3, 1), batch_norm=BatchNormalization())
    run = descend(
        network, network.initialize(rng), repeat(line), Adam(), 0.1, statistics=network.initial_statistics()
    )
    steps = list(islice(run, 3))
    copies = [[each.copy() for each in (s.theta, s.gradient, s.statistics, s.state.v)] for s in steps]
    list(islice(run, 3))
    for step, copy in zip(steps, copies, strict=True):
        for before, after in zip(
            copy, (step.theta, step.gradient, step.statistics, step.state.v), strict=True
        ):
            np.testing.assert_array_equal(before, after)


# Weight decay -----------------------------------------------------------------------------------------


def test_weight_decay_by_hand():
    # W = 4, b = 8, x = 0, y = 2: z = 8, dz = 6; dW = 0, db = 6; decay 0.5 * 4 = 2 for W, none for b
    # W = 4 - 0.25 * (0 + 2) = 3.5, b = 8 - 0.25 * 6 = 6.5
    batch = Batch(np.array([[0.0]]), np.array([[2.0]]))
    run = descend(LINE, np.array([4.0, 8.0]), repeat(batch), GradientDescent(), 0.25, weight_decay=0.5)
    _, second = islice(run, 2)
    assert second.theta.tolist() == [3.5, 6.5]


def test_each_network_of_a_population_has_its_decay():
    # as above, with decay 0 and 0.5: W = 4 and 3.5
    batch = Batch(np.array([[0.0]]), np.array([[2.0]]))
    theta, decays = np.array([[4.0, 8.0], [4.0, 8.0]]), np.array([[0.0], [0.5]])
    _, second = islice(descend(LINE, theta, repeat(batch), GradientDescent(), 0.25, weight_decay=decays), 2)
    assert second.theta.tolist() == [[4, 6.5], [3.5, 6.5]]
    with pytest.raises(ValueError, match="weight_decay needs an objective with layout"):
        descend(Bowl(), theta, repeat(None), GradientDescent(), 0.25, weight_decay=decays)


def test_decay_does_not_pass_through_the_optimizer():
    # Adam's first direction is sign(g) = (-1, 1), W = 4, b = 8, x = -1, y = 2: z = 4, dz = 2, g = (-2, 2)
    # W = 4 - 0.25 * (-1 + 0.5 * 4) = 3.75, b = 8 - 0.25 = 7.75
    batch = Batch(np.array([[-1.0]]), np.array([[2.0]]))
    run = descend(LINE, np.array([4.0, 8.0]), repeat(batch), Adam(), 0.25, weight_decay=0.5)
    _, second = islice(run, 2)
    np.testing.assert_allclose(second.theta, [3.75, 7.75], atol=1e-8)


@pytest.mark.parametrize(
    ("optimizer", "same"), [(GradientDescent(), True), (Momentum(), False), (Adam(), False)]
)
def test_l2_is_decay_of_lambda_over_m_for_gradient_descent_only(optimizer, same, line, rng):
    """The second step shows it for momentum: there the decay of the past is in v, too."""
    network, strength, m = Network((1, 4, 1)), 3.0, 10
    theta = network.initialize(rng)
    penalized = descend(Regularized(network, m, l2=strength), theta, repeat(line), optimizer, 0.1)
    decayed = descend(network, theta, repeat(line), optimizer, 0.1, weight_decay=strength / m)
    (*_, one), (*_, other) = (islice(run, 20) for run in (penalized, decayed))
    assert np.allclose(one.theta, other.theta, rtol=0, atol=1e-12) == same


# What may change between two steps --------------------------------------------------------------------


def test_the_rate_may_change_between_two_steps(line):
    run = descend(LINE, np.zeros(2), repeat(line), GradientDescent(), 0.5)
    first = next(run)
    run.learning_rate = 0.0
    assert next(run).theta.tolist() == first.theta.tolist()
    run.learning_rate = 0.1
    np.testing.assert_allclose(next(run).theta, first.theta - 0.1 * first.gradient)


def test_each_setting_takes_effect_at_the_next_update():
    # theta = 8 (Bowl; as a "weight"); each update: theta - rate * (direction + decay * theta), projected
    class Weights(Bowl):
        layout = Network((1, 1)).layout  # W1 and b1

    run = descend(Weights(), np.array([8.0, 8.0]), repeat(None), GradientDescent(), 0.25)
    assert next(run).theta.tolist() == [8, 8]
    assert next(run).theta.tolist() == [6, 6]
    run.weight_decay = 1.0
    assert next(run).theta.tolist() == [3, 4.5]  # 6 - 0.25 * (6 + 6), 6 - 0.25 * 6
    run.weight_decay, run.projection = 0.0, lambda theta: theta + 100
    assert next(run).theta.tolist() == [102.25, 103.375]
    run.projection, run.objective = None, Regularized(Network((1, 1)), 1)
    run.batches = repeat(Batch(np.array([[0.0]]), np.array([[3.375]])))
    assert next(run).theta.tolist() == [102.25 * 0.75, 103.375 * 0.75]  # from the gradient seen before
    assert next(run).gradient.tolist() == [0, (103.375 * 0.75 - 3.375) * 0.75]


def test_the_optimizer_may_change_between_two_steps(line):
    run = descend(LINE, np.zeros(2), repeat(line), Adam(), 0.1)
    first = next(run)
    run.optimizer = GradientDescent()
    second = next(run)
    np.testing.assert_allclose(second.theta, first.theta - 0.1 * first.gradient)
    run.optimizer = Adam(beta1=0.5)
    third = next(run)
    np.testing.assert_allclose(third.theta, second.theta - 0.1 * np.sign(second.gradient), atol=1e-6)
    run.optimizer = replace(run.optimizer, beta1=0.9)
    assert next(run).state.t == 2  # the same kind of optimizer: it keeps its state


def test_a_schedule_is_a_function_of_the_step():
    # 8 - 1 / 2 * 8 = 4; 4 - 1 / 4 * 4 = 3; 3 - 1 / 8 * 3 = 2.625
    run = descend(Bowl(), np.array([8.0]), repeat(None), GradientDescent(), lambda step: 0.5 ** (step + 1))
    steps = list(islice(run, 4))
    assert [step.learning_rate for step in steps] == [1 / 2, 1 / 4, 1 / 8, 1 / 16]
    assert [step.theta.item() for step in steps] == [8, 4, 3, 2.625]


# Projection and statistics ----------------------------------------------------------------------------


def test_the_projection_holds_from_the_first_update_on(line, rng):
    network = Network((1, 3, 1))
    projection = partial(max_norm, layout=network.layout, limit=0.3)
    run = descend(network, network.initialize(rng), repeat(line), Adam(), 0.1, projection=projection)
    first, *others = islice(run, 5)
    assert abs(first.theta).max() > 0.3
    for step in others:
        assert np.linalg.norm(network.layout.views(step.theta)["W2"]) <= 0.3 + 1e-12


def test_statistics_are_of_the_batches_before_the_step(rng):
    network = Network((2, 3, 1), batch_norm=BatchNormalization(momentum=0.5))
    X = rng.normal(size=(12, 2))
    batches = list(minibatches(X, X[:, :1], 5, rng, epochs=2))
    run = descend(
        network,
        network.initialize(rng),
        iter(batches),
        Adam(),
        0.1,
        statistics=network.initial_statistics(),
    )
    expected, count = network.initial_statistics(), 0
    for step in run:
        np.testing.assert_array_equal(step.statistics, expected)
        seen = network.batch_statistics(step.theta, step.batch)  # before the update
        expected, count = 0.5 * expected + 0.5 * seen, count + 1
    assert count == 6
    np.testing.assert_array_equal(run.statistics, expected)


def test_a_fork_goes_on_with_its_state_and_statistics(rng):
    network = Network((2, 3, 1), keep_prob=0.8, batch_norm=BatchNormalization())
    X = rng.normal(size=(12, 2))
    batches = list(with_draws(minibatches(X, X[:, :1], 5, rng, epochs=4), network.sizes, rng))
    start = network.initialize(rng)
    statistics = network.initial_statistics()
    steps = list(descend(network, start, iter(batches), Adam(), 0.1, statistics=statistics))
    fourth = steps[4]
    fork = list(
        descend(
            network,
            fourth.theta,
            iter(batches[4:]),
            Adam(),
            0.1,
            fourth.state,
            statistics=fourth.statistics,
        )
    )
    assert len(fork) == 8
    for old, new in zip(steps[4:], fork, strict=True):
        np.testing.assert_array_equal(old.theta, new.theta)
        np.testing.assert_array_equal(old.statistics, new.statistics)
    without = list(islice(descend(network, fourth.theta, iter(batches[4:]), Adam(), 0.1), 3))
    assert (without[2].theta != steps[6].theta).any()


def test_a_fork_with_a_schedule_goes_on_at_its_step():
    # the rates of steps 2, 3, 4 are 1 / 4, 1 / 8, 1 / 16: 4 - 1 = 3; 3 - 3 / 8 = 2.625
    schedule = partial(pow, 0.5)  # of the step
    run = descend(Bowl(), np.array([4.0]), repeat(None), GradientDescent(), schedule, step=2)
    steps = list(islice(run, 3))
    assert [step.step for step in steps] == [2, 3, 4]
    assert [step.theta.item() for step in steps] == [4, 3, 2.625]
    assert next(descend(Bowl(), np.ones(1), repeat(None), GradientDescent(), 0.1)).step == 0


# Where it ends ----------------------------------------------------------------------------------------


def test_divergence_ends_with_a_record_that_says_so(line):
    *_, last = run_steps = list(descend(LINE, np.zeros(2), repeat(line), GradientDescent(), 1e6))
    assert last.diverged
    assert last.cause == f"diverged at step {last.step}: the gradient is no longer a finite number"
    assert 10 < last.step < 100 and not any(step.diverged for step in run_steps[:-1])
    assert not np.isfinite(last.loss)  # without a warning


def test_a_diverged_network_does_not_spoil_the_others(line):
    rates = np.array([[1e6], [0.5]])
    run = descend(LINE, np.zeros((2, 2)), repeat(line), GradientDescent(), rates)
    steps = list(islice(run, 200))
    last = steps[-1]
    assert last.diverged.tolist() == [True, False] and last.cause == ""
    np.testing.assert_allclose(last.theta[1], [2, 1], atol=1e-9)
    diverged = next(step for step in steps if step.diverged[0])
    np.testing.assert_array_equal(last.theta[0], diverged.theta[0])


def test_a_diverged_network_keeps_its_theta_also_where_only_its_gradient_is_lost():
    class Cliff(Bowl):
        def gradient(self, theta, batch):
            return np.where(abs(theta) < 5, np.nan, theta)

    run = descend(Cliff(), np.array([[8.0], [80.0]]), repeat(None), GradientDescent(), 0.5)
    steps = list(islice(run, 4))
    assert [step.theta[:, 0].tolist() for step in steps] == [[8, 80], [4, 40], [4, 20], [4, 10]]
    assert [step.diverged.tolist() for step in steps] == [[False, False], *(3 * [[True, False]])]
    *_, last = run
    assert last.diverged.all() and last.theta[:, 0].tolist() == [4, 2.5]
    assert last.cause == "diverged at step 5: the gradient is no longer a finite number"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_gradient_whose_square_overflows_stops_who_squares_it(name):
    class Steep(Bowl):
        def gradient(self, theta, batch):
            return np.where(theta > 0.5, np.float32(1e20), theta)  # finite, its square is not

    theta = np.array([[1.0], [0.25]], np.float32)
    steps = list(islice(descend(Steep(), theta, repeat(None), OPTIMIZERS[name](), 1e-21), 3))
    squares = name in ("adagrad", "rmsprop", "adam")
    assert [step.diverged.tolist() for step in steps] == 3 * [[squares, False]]
    assert (steps[-1].theta[0] == 1) == squares and steps[-1].theta[1] <= 0.25
    *_, last = descend(Steep(), theta[:1], repeat(None), OPTIMIZERS[name](), 1e-21, steps=5)
    assert (
        last.cause == squares * "diverged at step 0: the square of the gradient is no longer a finite number"
    )


def test_what_has_diverged_stays_so_on_a_batch_where_its_gradient_is_finite():
    class Fickle(Bowl):
        def gradient(self, theta, batch):
            return np.where(theta > 5, batch, theta)

    run = descend(Fickle(), np.array([[8.0], [4.0]]), iter([np.inf, 1.0, 1.0]), GradientDescent(), 0.5)
    steps = list(run)
    assert [step.diverged.tolist() for step in steps] == 3 * [[True, False]]
    assert [step.theta[:, 0].tolist() for step in steps] == [[8, 4], [8, 2], [8, 1]]


def test_one_entry_that_is_not_finite_is_divergence():
    class Hole(Bowl):
        def gradient(self, theta, batch):
            return np.array([1.0, np.inf])

    assert len(list(descend(Hole(), np.zeros(2), repeat(None), GradientDescent(), 0.5))) == 1


def test_it_ends_with_its_batches_after_the_last_update(line, rng):
    batches = minibatches(line.X, line.Y, 4, rng, epochs=2)
    run = descend(LINE, np.zeros(2), batches, GradientDescent(), 0.1)
    steps = list(run)
    assert [step.epoch for step in steps] == [0, 0, 0, 1, 1, 1]
    np.testing.assert_allclose(run.theta, steps[-1].theta - 0.1 * steps[-1].gradient, atol=1e-15)
    assert run.step == 6


def test_an_ended_run_stays_as_it_is(line):
    run = descend(LINE, np.zeros(2), iter([line]), GradientDescent(), 0.1)
    assert len(list(run)) == 1
    theta = run.theta
    assert list(run) == [] and list(run) == []
    assert run.theta is theta and run.step == 1
    run.batches = iter([line])
    assert next(run).step == 1


# Populations and dtype --------------------------------------------------------------------------------


def test_a_population_has_a_rate_for_each_network(line):
    rates = np.array([[0.0], [0.1], [0.5]])
    run = descend(LINE, np.zeros((3, 2)), repeat(line), GradientDescent(), rates)
    *_, last = islice(run, 5)
    for rate, theta in zip(rates[:, 0], last.theta, strict=True):
        *_, alone = islice(descend(LINE, np.zeros(2), repeat(line), GradientDescent(), rate), 5)
        np.testing.assert_allclose(theta, alone.theta)


@pytest.mark.parametrize("rate", [0.1, np.float64(0.1), np.full((2, 1), 0.1), lambda step: np.float64(0.1)])
def test_dtype_follows_theta(rate, line):
    batch = Batch(line.X.astype(np.float32), line.Y.astype(np.float32))
    theta = np.zeros((2, 2), np.float32)
    decay = np.full((2, 1), 0.1)
    run = descend(LINE, theta, repeat(batch), Adam(), rate, weight_decay=decay)
    for step in islice(run, 3):
        assert step.theta.dtype == step.gradient.dtype == step.state.s.dtype == np.float32


# Errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"theta": np.zeros((1, 1, 2))}, r"theta must have shape \(P,\) or \(K, P\); got \(1, 1, 2\)"),
        ({"theta": [0.0, 0.0]}, r"theta must be a float array .* got \[0\.0, 0\.0\]\. .*initialize"),
        ({"theta": np.array([0.0, np.nan])}, r"theta must hold finite numbers only; got nan at \[1\]"),
        (
            {"learning_rate": -0.1},
            r"learning_rate must be a number in \[0, inf\).*; got -0\.1\. .* equation \(2\)",
        ),
        ({"learning_rate": None}, "learning_rate must be a number .* got None"),
        ({"learning_rate": np.full(2, 0.1)}, "learning_rate must be a number"),
        (
            {"theta": np.zeros((3, 2)), "learning_rate": np.full((2, 1), 0.1)},
            r"learning_rate .* shape \(3, 1\)",
        ),
        ({"weight_decay": -1.0}, r"weight_decay must be a number in \[0, inf\).*; got -1\.0\. 0 means none"),
        ({"weight_decay": np.full(2, 0.1)}, "weight_decay must be a number"),
        ({"objective": Bowl(), "weight_decay": 0.1}, "weight_decay needs an objective with layout"),
        (
            {"objective": Bowl(), "statistics": np.ones(2)},
            "statistics needs an objective with gradient_and_statistics",
        ),
        ({"statistics": 1.0}, "statistics must be a float array"),
        ({"step": -1}, r"step must be an integer in \[0, inf\); got -1"),
        ({"objective": None}, "objective must have loss and gradient; got None. Pass a Network"),
        ({"objective": SimpleNamespace(loss=abs)}, "objective must have loss and gradient"),
        ({"optimizer": SimpleNamespace(init=abs)}, "optimizer must have init and update"),
        ({"learning_rate": np.full((2, 1), 0.1)}, "learning_rate must be a number"),
        ({"objective": Network}, "objective must have loss and gradient; got <class"),
        ({"batches": None}, "batches must have __next__; got None. Pass repeat"),
        ({"optimizer": Adam}, r"optimizer must have init and update; got <class .* Pass Adam\(\)"),
        ({"projection": 1.0}, "projection must be a function from theta to theta; got 1.0"),
    ],
)
def test_bad_arguments_are_named(changed, message):
    arguments = {
        "objective": LINE,
        "theta": np.zeros(2),
        "batches": repeat(Batch(np.ones((1, 1)), np.ones((1, 1)))),
        "optimizer": GradientDescent(),
        "learning_rate": 0.1,
    }
    with pytest.raises(ValueError, match=message):
        descend(**(arguments | changed))


def test_nothing_is_decayed_and_no_layout_is_needed_by_default():
    assert descend(Bowl(), np.zeros(1), repeat(None), GradientDescent(), 0.0).weight_decay == 0
    run = descend(
        Bowl(), np.ones((2, 1)), repeat(None), GradientDescent(), 0.5, weight_decay=np.zeros((2, 1))
    )
    assert [step.theta[0, 0] for step in islice(run, 2)] == [1, 0.5]


def test_what_a_wrapper_clips_for_may_change_too(line):
    run = descend(Network((1, 1)), np.zeros(2), repeat(line), Clipped(Adam(), 10.0), 0.1)
    next(run)
    run.optimizer = Clipped(Momentum(beta=0.5), 10.0)
    second = next(run)  # a fresh state: v = 0.5 * 0 + 0.5 * g
    np.testing.assert_allclose(second.state.v, -second.theta / 0.1)
    run.optimizer = Clipped(Momentum(beta=0.9), 10.0)
    assert next(run).state.v.any()


def test_a_step_that_is_taken_back_makes_no_update(line):
    run = descend(Network((1, 1)), np.ones(2), repeat(line), GradientDescent(), 0.1)
    first = next(run)
    run.take_back()
    again = next(run)
    assert again.step == 0 and again.theta is first.theta
    assert next(run).step == 1


def test_with_steps_the_last_record_holds_the_last_update():
    def run(**settings):
        batches = repeat(Batch(np.ones((1, 1)), np.full((1, 1), 3.0)))
        return descend(LINE, np.zeros(2), batches, Momentum(0.5), 0.1, **settings)

    plain = run()
    expected = list(islice(plain, 6))
    ended = run(steps=5)
    steps = list(ended)
    assert [step.step for step in steps] == [0, 1, 2, 3, 4, 5]
    assert all((a.theta == b.theta).all() and a.loss == b.loss for a, b in zip(steps, expected, strict=True))
    assert ended.theta is steps[-1].theta
    assert list(ended) == []
    assert [step.step for step in run(step=7, steps=2)] == [7, 8, 9]
    assert [step.step for step in run(steps=0)] == [0]
    with pytest.raises(ValueError, match="steps must be an integer"):
        run(steps=-1)


def test_the_loss_is_computed_once_and_by_whoever_looks():
    class Counting:
        looked = 0

        def loss(self, theta, batch):
            self.looked += 1
            return np.asarray(1.0)

        def gradient(self, theta, batch):
            return theta

    objective = Counting()
    first, second = islice(descend(objective, np.ones(2), repeat(None), GradientDescent(), 0.1), 2)
    assert (first.loss, first.loss, objective.looked) == (1, 1, 1)
    assert second.step == 1


@pytest.mark.parametrize(
    "bad",
    [
        Batch(np.ones((2, 1)), np.ones((2, 2))),
        Batch(np.ones((1, 2)), np.ones((1, 1))),
        Batch(np.ones((1, 1)), None),
        Batch(np.ones((1, 1), complex), np.ones((1, 1))),
        Batch(np.ones((1, 1)), np.ones((1, 1)), draws=5),
        None,
    ],
    ids=str,
)
def test_a_bad_batch_in_the_middle_is_refused_each_time(bad):
    good = Batch(np.ones((1, 1)), np.ones((1, 1)))
    run = descend(LINE, np.zeros(2), iter([good, good, bad, bad, good]), GradientDescent(), 0.1)
    next(run), next(run)
    for _ in range(2):
        with pytest.raises(ValueError, match="must"):
            next(run)
    assert next(run).step == 2


def test_a_method_that_replaces_one_with_a_door_is_used():
    class Doubled(Adam):
        def update(self, gradient, state):
            return super().update(2 * gradient, state)

    class Ones(Network):
        def gradient(self, theta, batch):
            return np.ones_like(theta)

    batches = repeat(Batch(np.ones((1, 1)), np.ones((1, 1))))
    *_, last = descend(Ones((1, 1)), np.zeros(2), batches, Doubled(), 0.1, steps=3)
    assert last.gradient.tolist() == [1, 1]
    assert last.state.v[0] == pytest.approx(2 * (1 - 0.9**3))


def test_rates_of_a_population_keep_float32():
    batches = repeat(Batch(np.ones((1, 1), "f4"), np.full((1, 1), 3, "f4")))
    thetas, rates = np.zeros((2, 2), "f4"), np.array([[0.1], [0.3]])
    *_, together = descend(LINE, thetas, batches, Adam(), rates, weight_decay=rates, steps=9)
    assert together.theta.dtype == np.float32
    for k, rate in enumerate([0.1, 0.3]):
        *_, alone = descend(LINE, thetas[k], batches, Adam(), rate, weight_decay=rate, steps=9)
        np.testing.assert_allclose(together.theta[k], alone.theta, rtol=1e-6)
