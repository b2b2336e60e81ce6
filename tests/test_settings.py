"""The settings of a run: their ranges, and what they make."""

import numpy as np
import pytest

from dlhelpers.optimizers import Adam, GradientDescent, Momentum, Nesterov, RMSprop
from dlhelpers.settings import Settings, make_optimizer


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("data", ["moons", "own"], ["sun", 3]),
        ("m", [20, 2000], [19, 2001, 20.0]),
        ("noise", [0.0, 1.0], [-0.1, 1.01]),
        ("data_seed", [0, 10**9], [-1, 0.5]),
        ("weight_seed", [0], [-1]),
        ("hidden", [(), (1,) * 6, (64,)], [(1,) * 7, (0,), (65,), [8], (2.5,)]),
        ("batch_norm", [True], [1, "yes"]),
        ("initializer", ["recommended", "he_normal", "zeros"], ["she"]),
        ("activation", ["relu"], ["rely"]),
        ("loss_name", ["squared_error"], ["loss"]),
        ("optimizer", ["nesterov"], ["sgd"]),
        ("schedule", ["cosine"], ["sine"]),
        ("half_after", [1], [0, 1.5]),
        ("learning_rate", [0.0, 1000.0, 1], [-0.1, 1000.1, np.nan, np.float32(0.1), np.array(0.1)]),
        ("beta", [0.0, 0.999], [1.0, -0.1]),
        ("beta2", [0.0, 0.999], [1.0, -0.1]),
        ("batch_size", [1, 5000], [0, 2.0]),
        ("l1", [0.0, 1e6], [-1.0, np.inf]),
        ("l2", [0.0, 1e6], [-1.0, np.inf]),
        ("weight_decay", [0.0, 1e6], [-1.0, np.inf]),
        ("keep_prob", [1e-3, 1.0], [0.0, 1.1]),
        ("input_noise", [0.0, 10.0], [-0.1, 10.1]),
    ],
)
def test_the_range_of_every_setting(name, good, bad):
    for value in good:
        assert getattr(Settings(**{name: value}), name) == value
    for value in bad:
        with pytest.raises(ValueError, match=name):
            Settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gradient_descent", GradientDescent()),
        ("momentum", Momentum(0.3)),
        ("nesterov", Nesterov(0.3)),
        ("rmsprop", RMSprop(0.3)),
        ("adam", Adam(0.3, 0.8)),
    ],
)
def test_the_optimizer_has_the_betas_of_the_settings(name, expected):
    assert make_optimizer(Settings(optimizer=name, beta=0.3, beta2=0.8)) == expected
    with pytest.raises(ValueError, match="settings must be a Settings; got 'adam'"):
        make_optimizer("adam")
