"""The questions on the page, driven without a browser."""

import html
import re
from collections.abc import Iterator

import ipywidgets
import pytest
from ipywidgets.widgets.widget import _instances

from dlhelpers.exercises import bias_variance
from dlhelpers.exercises.checking import Question
from dlhelpers.live.questions import AskedQuestion, ask

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
    text, options, feedback = asked._box.children
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
        assert words(feedback).split() == [f"({letters[number]})", *expected.split()]
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
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "text/plain"}
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
