"""The questions on the page, driven without a browser."""

import gc
import html
import re
import weakref
from collections.abc import Iterator

import ipywidgets
import pytest
from ipywidgets.widgets.widget import _instances

from dlhelpers.exercises import bias_variance
from dlhelpers.exercises.checking import Question
from dlhelpers.labs.bias_variance import decomposition_lab
from dlhelpers.live.lab import Lab
from dlhelpers.live.pace import family
from dlhelpers.live.questions import AskedQuestion, Prediction, ask, predict

WIDGET = "application/vnd.jupyter.widget-view+json"
TRICKY = Question(
    "Is <b>1 < 2</b> & x?", ("<i>Yes</i>", "No & no"), "a", ("1 < 2.", "<script> does not run.")
)


@pytest.fixture(
    params=[bias_variance.best_of_100, bias_variance.more_data, TRICKY], ids=lambda q: q.text[:20]
)
def asked(request: pytest.FixtureRequest) -> Iterator[AskedQuestion]:
    question = ask(request.param)
    yield question
    question.close()


def widgets(asked: AskedQuestion) -> tuple[ipywidgets.HTML, ipywidgets.RadioButtons, ipywidgets.HTML]:
    text, options, feedback = asked.box.children
    return text, options, feedback


def words(widget: ipywidgets.HTML) -> str:
    """Return what a person reads."""
    without_style = re.sub(r"<style>.*?</style>", "", widget.value, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", without_style)).split())


def test_nothing_is_chosen_at_first(asked: AskedQuestion) -> None:
    text, options, feedback = widgets(asked)
    assert options.index is None
    assert asked.chosen is None
    assert asked.feedback == words(feedback) == ""
    assert words(text) == " ".join(asked.question.text.split())
    assert [label for label, _ in options.options] == list(asked.question.labels)


def test_every_option_can_be_tried(asked: AskedQuestion) -> None:
    _, options, feedback = widgets(asked)
    assert isinstance(asked.question, Question)
    letters = asked.question.letters
    for number in [*range(len(letters)), 0]:
        options.index = number  # what a click in the browser sets
        expected = asked.question.feedback_for(letters[number])
        assert asked.chosen == letters[number]
        assert asked.feedback == expected
        sign = "✓" if letters[number] == asked.question.answer else "✗"
        assert words(feedback).split() == [sign, f"({letters[number]})", *expected.split()]
        assert (letters[number] == asked.question.answer) is expected.startswith("Right.")


def test_choose_by_letter(asked: AskedQuestion) -> None:
    asked.choose("b")
    assert widgets(asked)[1].index == 1
    assert asked.feedback == asked.question.feedback_for("b")


def test_choice_can_be_taken_back(asked: AskedQuestion) -> None:
    asked.choose("a")
    widgets(asked)[1].index = None
    assert asked.feedback == words(widgets(asked)[2]) == ""


def test_text_is_escaped() -> None:
    asked = ask(TRICKY)
    asked.choose("b")
    text, _, feedback = widgets(asked)
    assert "Is &lt;b&gt;1 &lt; 2&lt;/b&gt; &amp; x?" in text.value
    assert "&lt;script&gt;" in feedback.value
    asked.close()


def test_bundle_has_the_widget_and_the_text(asked: AskedQuestion) -> None:
    bundle = asked._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) == {WIDGET, "text/plain"}
    assert bundle["text/plain"] == repr(asked.question)


def test_no_output_widgets(asked: AskedQuestion) -> None:
    assert not any(isinstance(widget, ipywidgets.Output) for widget in _instances.values())


def test_asking_again_frees_the_widgets() -> None:
    ask(TRICKY).close()
    before = set(_instances)
    for _ in range(3):
        asked = ask(TRICKY)
    inside = set(_instances) - before
    assert len(inside) < 20  # one question, not three
    asked.close()
    assert set(_instances) == before


# ---------------------------------------------------------------------------- a question with its lab


@pytest.fixture
def prediction() -> Iterator[Prediction]:
    lab = decomposition_lab()
    prediction = predict(bias_variance.degree_up, lab)
    yield prediction
    prediction.close()
    lab.close()


def on_the_page(prediction: Prediction) -> bool:
    """Return whether the page shows the lab."""
    shown = list(family(prediction._place))
    return prediction.lab.box in shown and prediction._skip.layout.display == "none"


@pytest.mark.parametrize("letter", ["a", "b"])
def test_an_option_uncovers_the_lab(prediction: Prediction, letter: str) -> None:
    assert prediction.covered and not on_the_page(prediction)
    prediction.choose(letter)
    assert not prediction.covered and on_the_page(prediction)
    assert prediction.feedback == prediction.question.feedback_for(letter)
    prediction._options.index = None  # taken back: what was seen is seen
    assert on_the_page(prediction)


def test_the_lab_can_be_shown_without_an_answer(prediction: Prediction) -> None:
    prediction._skip.click()
    assert on_the_page(prediction) and prediction.chosen is None
    prediction.choose("b")
    assert prediction.feedback == prediction.question.feedback_for("b")


def test_a_covered_lab_works(prediction: Prediction) -> None:
    before = prediction.lab.caption
    prediction.lab.set(capacity=9)
    assert prediction.covered and prediction.lab.caption != before
    assert "9" in prediction.lab.code()


def test_a_reader_without_a_kernel_sees_the_question_and_then_the_picture(prediction: Prediction) -> None:
    question, lab = prediction.outputs()
    assert question[0]["text/plain"] == repr(prediction.question) and "image/png" not in question[0]
    assert question[0][WIDGET]["model_id"] == prediction.box.model_id
    data, about = prediction.lab._repr_mimebundle_()
    assert lab == ({**data, WIDGET: lab[0][WIDGET]}, about)
    assert lab[0][WIDGET]["model_id"] == prediction._place.model_id


def test_running_the_cell_again_frees_question_and_lab() -> None:
    def run() -> Prediction:
        return predict(bias_variance.degree_up, decomposition_lab())

    history = [run()]  # as the outputs of a notebook, it holds all of them
    history[0].uncover()
    figure = weakref.ref(history[0].lab._picture.canvas)
    alive = len(_instances)
    for _ in range(3):
        history.append(run())
        history[-1].choose("a")
    assert len(_instances) == alive
    gc.collect()
    assert figure() is None
    assert [each.closed for each in history] == [True, True, True, False]
    ((data, _),) = history[0].outputs()
    assert "is closed" in data["text/plain"]
    lab = history[-1].lab
    history[-1].close()
    lab.close()


def test_a_lab_of_an_earlier_cell_stays_when_its_question_is_asked_again() -> None:
    lab: Lab = decomposition_lab()
    first = predict(bias_variance.degree_up, lab)
    first.uncover()
    second = predict(bias_variance.degree_up, lab)
    assert first.closed and second.covered and not lab.closed
    second.uncover()
    assert on_the_page(second) and lab.box.comm is not None
    lab.close()
    assert "is closed" in second.outputs()[1][0]["text/plain"]
    second.close()
