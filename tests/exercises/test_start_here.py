"""The exercise of notebook 00 tells the mistakes apart; what its question claims is measured."""

import numpy as np
import pytest

from dlhelpers.exercises.start_here import accuracy, zero_weights
from dlhelpers.session import Session
from dlhelpers.settings import Settings


def test_another_wrong_answer_shows_an_example():
    assert accuracy.check(lambda probabilities, labels: 0.123).kind == "wrong"


def test_a_network_of_zeros_keeps_one_answer_everywhere():
    session = Session(Settings(data="spirals", initializer="zeros"))
    session.advance(2000)
    weights = session.network.layout.is_weight
    assert not session.now.theta[weights].any()
    predictions = session.network.predict(session.now.theta, session.train.X)
    assert np.ptp(predictions, axis=0).max() == 0
    share = session.data.y_train.mean()
    guessing = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert session.measure().train_loss == pytest.approx(guessing, abs=1e-3)


def test_the_right_answer_of_the_question():
    assert zero_weights.answer == "c" and len(zero_weights.options) == len(zero_weights.feedback) == 4
