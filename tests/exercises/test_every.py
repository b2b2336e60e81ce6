"""What holds for every exercise: it takes the right answer and tells the mistakes apart."""

from collections import defaultdict
from itertools import combinations

import pytest

from dlhelpers.exercises.checking import Exercise, Question, ask
from tests.exercises.every import EXERCISES, MODULES, QUESTIONS, solution

MISTAKES = [(name, number) for name, each in EXERCISES.items() for number in range(len(each.mistakes))]
each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
each_question = pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)


def test_it_found_them() -> None:
    assert len(MODULES) >= 7 and len(EXERCISES) >= 18 and len(QUESTIONS) >= 25
    assert all(name.endswith(f".{exercise.name}") for name, exercise in EXERCISES.items())


def test_no_two_have_the_same_name() -> None:
    """By their names they are remembered."""
    for things in (EXERCISES, QUESTIONS):
        assert len({thing.name for thing in things.values()}) == len(things)


@each_exercise
def test_reference_and_solution_are_right(exercise: Exercise) -> None:
    assert exercise.check(exercise.reference).kind == "right"
    verdict = exercise.check(solution(exercise))
    assert verdict.kind == "right" and verdict.text.startswith("Right. ")
    assert all(ask(solution(exercise), case).changed == () for case in exercise.cases)


@each_exercise
def test_an_empty_function_is_not_attempted(exercise: Exercise) -> None:
    assert exercise.check(lambda *arguments: None).kind == "not attempted"
    assert exercise.check(lambda *arguments: ...).kind == "not attempted"


@pytest.mark.parametrize(("name", "number"), MISTAKES)
def test_each_mistake_is_recognized(name: str, number: int) -> None:
    exercise = EXERCISES[name]
    verdict = exercise.check(exercise.mistakes[number].compute)
    assert verdict.kind == "known mistake"
    assert verdict.text.split() == ["A", "known", "mistake:", *exercise.mistakes[number].text.split()]


@each_exercise
def test_there_are_three_mistakes_and_no_two_are_alike(exercise: Exercise) -> None:
    assert len(exercise.mistakes) >= 3
    functions = [exercise.reference, *(mistake.compute for mistake in exercise.mistakes)]
    answers = [[ask(f, case) for case in exercise.cases] for f in functions]
    for one, other in combinations(range(len(answers)), 2):
        same = all(map(exercise.agree, answers[one], answers[other]))
        assert not same, f"{one} and {other} give the same"


@each_exercise
def test_the_right_answer_never_stops(exercise: Exercise) -> None:
    assert not any(ask(exercise.reference, case).error for case in exercise.cases)


@each_exercise
def test_texts_are_sentences(exercise: Exercise) -> None:
    texts = [exercise.statement, exercise.why, exercise.hint(), *(each.text for each in exercise.mistakes)]
    assert all(text.strip()[-1] in ".?" for text in texts)


@each_question
def test_questions_have_three_or_four_options_and_one_is_right(question: Question) -> None:
    assert len(question.options) in (3, 4)
    words = {letter: question.feedback_for(letter) for letter in question.letters}
    assert len(set(words.values())) == len(words)
    assert [letter for letter, text in words.items() if text.startswith("Right.")] == [question.answer]


def test_the_letter_of_the_answer_tells_nothing() -> None:
    answers = defaultdict(list)
    for name, question in QUESTIONS.items():
        answers[name.partition(".")[0]].append(question.answer)
    assert all(len(set(letters)) > 1 for letters in answers.values() if len(letters) > 1), answers
    assert {"a", "b", "c"} <= {letter for letters in answers.values() for letter in letters}
