import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax as scipy_log_softmax
from scipy.special import softmax as scipy_softmax

from dlhelpers.softmax import hardmax, log_softmax, softmax


def test_two_columns_by_hand():
    # column 1: logits log 1, log 2, log 5, so e^z = 1, 2, 5 of 8; column 2: log 3, log 3, log 4 of 10
    Z = np.log([[1.0, 3.0], [2.0, 3.0], [5.0, 4.0]])
    expected = np.array([[0.125, 0.3], [0.25, 0.3], [0.625, 0.4]])
    np.testing.assert_allclose(softmax(Z), expected, rtol=1e-14)
    np.testing.assert_allclose(log_softmax(Z), np.log(expected), rtol=1e-14)
    # T = 2: roots 1, sqrt 2, sqrt 5; T = 0.5: squares 1, 4, 25 of 30
    roots = np.sqrt([1, 2, 5])
    np.testing.assert_allclose(softmax(Z, 2)[:, 0], roots / roots.sum(), rtol=1e-14)
    np.testing.assert_allclose(softmax(Z, 0.5)[:, 0], [1 / 30, 4 / 30, 25 / 30], rtol=1e-14)
    np.testing.assert_allclose(log_softmax(Z, 0.5)[:, 0], np.log([1 / 30, 4 / 30, 25 / 30]), rtol=1e-14)


@given(
    Z=arrays(np.float64, (2, 3, 4), elements=st.floats(-1e4, 1e4)),
    temperature=st.sampled_from([1.0, 1, 0.3, 7, np.float64(2.5), np.float32(0.5)]),
)
@settings(max_examples=50, deadline=None)
def test_it_agrees_with_scipy_and_its_columns_add_up_to_1(Z, temperature):
    expected = scipy_softmax(Z / float(temperature), axis=-2)
    np.testing.assert_allclose(softmax(Z, temperature), expected, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(softmax(Z, temperature).sum(axis=-2), 1, rtol=1e-14)
    expected = scipy_log_softmax(Z / float(temperature), axis=-2)
    np.testing.assert_allclose(log_softmax(Z, temperature), expected, rtol=1e-12, atol=1e-9)


def test_it_does_not_see_a_shift(rng):
    Z = rng.normal(size=(3, 4))
    np.testing.assert_allclose(softmax(Z + 1000), softmax(Z), rtol=1e-12)
    np.testing.assert_allclose(log_softmax(Z - 1e5), log_softmax(Z), rtol=1e-9)


def test_a_population_is_its_networks_one_by_one(rng):
    Z = rng.normal(size=(5, 3, 4))
    for function in (softmax, log_softmax, hardmax):
        np.testing.assert_array_equal(function(Z), [function(each) for each in Z])


def test_extremes_stay_finite_without_a_warning():
    Z = np.array([[1e308, -1e308, 0.0, -np.inf], [-1e308, -1e308, 1e200, 3.0]])
    np.testing.assert_array_equal(softmax(Z), [[1, 0.5, 0, 0], [0, 0.5, 1, 1]])
    np.testing.assert_array_equal(softmax(Z, 1e-300), [[1, 0.5, 0, 0], [0, 0.5, 1, 1]])
    log = log_softmax(Z)
    np.testing.assert_allclose(log[:, 1], np.log(0.5))
    np.testing.assert_array_equal(log[:, 2:], [[-1e200, -np.inf], [0, 0]])
    # one infinite logit has a limit; two of them, or nothing but masked classes, have none
    Z = np.array([[np.inf], [1.0], [-np.inf]])
    for temperature in (1, 0.5, 1e-300, 1e300):
        np.testing.assert_array_equal(softmax(Z, temperature), [[1], [0], [0]])
        np.testing.assert_array_equal(log_softmax(Z, temperature), [[0], [-np.inf], [-np.inf]])
    for undecided in ([np.nan, 1.0], [np.inf, np.inf], [-np.inf, -np.inf], [np.inf, np.nan]):
        Z = np.array([undecided]).T
        assert np.isnan(softmax(Z)).all() and np.isnan(log_softmax(Z)).all()


def test_hardmax_takes_the_first_of_the_largest():
    Z = np.array([[1.0, 7.0, -3.0], [2.0, 7.0, -2.0], [0.0, 5.0, -2.0]])
    assert hardmax(Z).tolist() == [[0, 1, 0], [1, 0, 1], [0, 0, 0]]
    cold = softmax(np.array([[1.0], [1.1]]), 0.001)  # softmax goes to hardmax when T goes to 0
    np.testing.assert_allclose(cold, [[0], [1]], atol=1e-40)


def test_float32_stays_float32_and_nothing_is_changed():
    Z = np.array([[1.0], [2.0]], dtype=np.float32)
    for result in (softmax(Z), log_softmax(Z), hardmax(Z)):
        assert result.dtype == np.float32
    assert softmax(Z, np.float64(2.0)).dtype == log_softmax(Z, np.float64(2.0)).dtype == np.float32
    assert Z.tolist() == [[1], [2]]


@pytest.mark.parametrize("function", [softmax, log_softmax, hardmax])
@pytest.mark.parametrize("bad", [None, "x", 1.0, [[1.0]], np.ones(3), np.ones((2, 2), dtype=int)])
def test_what_is_no_matrix_of_logits_is_refused(function, bad):
    with pytest.raises(ValueError, match=r"Z must be a float array of shape .* Classes are rows"):
        function(bad)


@pytest.mark.parametrize("function", [softmax, log_softmax, hardmax])
def test_no_class_is_refused_and_no_example_is_not(function):
    with pytest.raises(ValueError, match=r"Z must have one row for each class.* got shape \(0, 3\)"):
        function(np.ones((0, 3)))
    assert function(np.ones((3, 0))).shape == (3, 0)


@pytest.mark.parametrize("function", [softmax, log_softmax])
@pytest.mark.parametrize("bad", [0, -1, np.nan, np.inf, None, "x", True, [1.0], np.ones(2), np.ones((1, 1))])
def test_a_temperature_is_one_number_above_0(function, bad):
    with pytest.raises(
        ValueError, match=r"temperature must be a number in \(0, inf\); got .* 1 is the plain"
    ):
        function(np.ones((2, 3)), bad)
