"""Exercises take the right answer and tell the mistakes apart; what the feedback claims is measured."""

from typing import Any

import numpy as np
import pytest

from dlhelpers.broken_backprop import ANSWERS, BUGS, NOTHING, case
from dlhelpers.exercises import gradient_checking
from dlhelpers.exercises.checking import ask
from dlhelpers.gradient_checking import best_eps
from dlhelpers.labs.gradient_checking import differences, false_alarms, find_the_bug
from dlhelpers.labs.gradient_checking.find_the_bug import case_of


def differ(name: str, setting: find_the_bug.Setting) -> tuple[str, ...]:
    """The arrays in which the code with this bug and its cost differ."""
    return find_the_bug._differ(find_the_bug.examine(name, setting).by_name)


def test_two_sided_gradient_by_hand() -> None:
    """((1.5)³ - (0.5)³) / 1 = 3.25; the cost shows its formula to the reader."""
    exercise = gradient_checking.two_sided_gradient
    assert ask(exercise.reference, exercise.cases[0]).value.tolist() == [3.25]
    assert "J = a³" in exercise.check(lambda J, theta, eps: 7 * theta).text


def in_place(J: Any, theta: Any, eps: float) -> Any:
    """What a reader may write: right, but theta has moved by a rounding error, or more."""
    gradient = np.zeros_like(theta)
    for i in range(theta.size):
        theta[i] += eps
        plus = J(theta)
        theta[i] -= 2 * eps
        gradient[i] = (plus - J(theta)) / (2 * eps)
        theta[i] += 2 * eps
    return gradient


def test_changing_theta_is_not_right() -> None:
    assert gradient_checking.two_sided_gradient.check(in_place).kind in ("wrong", "known mistake")


# ------------------------------------------------------------------------------------- find the bug


@pytest.mark.parametrize("seed", range(len(gradient_checking.TO_READ)))
def test_the_broken_line_can_be_found(seed: int) -> None:
    code = gradient_checking.find_the_bug(seed)
    lines = repr(code).splitlines()
    kinds = [code.check(number).kind for number in range(1, len(lines) + 1)]
    assert kinds.count("right") == 1 and kinds.count("wrong") == len(lines) - 1
    right = kinds.index("right")
    assert code._bug.wrong in lines[right]
    assert code._bug.right_line in code.solution() and f"line {right + 1}:" in code.solution()
    assert code.check(right + 1).text.endswith(f"\nIt should read: {code._bug.right_line}")
    assert code._bug.right not in repr(code), "the right line stands there too"


@pytest.mark.parametrize("seed", range(len(gradient_checking.TO_READ)))
def test_the_hint_names_arrays_and_no_line(seed: int) -> None:
    code = gradient_checking.find_the_bug(seed)
    parts, _, arrays = " ".join(code.hint().split()).partition("Arrays that differ: ")
    assert "(" not in parts + arrays
    names = arrays.rstrip(".").split(", ")
    if not code._bug.found:
        assert names == ["none"]
        return
    assert all(name.rstrip("123") in ("W", "b", "gamma", "beta") for name in names)
    assert ("batch norm" in parts) == any(name.startswith("gamma") for name in names)


@pytest.mark.parametrize("seed", [6, 7])
def test_hints_of_batch_norm(seed: int) -> None:
    found = "W1, gamma1, beta1, W2" if seed == 6 else "gamma1, beta1, gamma2, beta2"
    assert set(found.split(", ")) == set(
        " ".join(gradient_checking.find_the_bug(seed).hint().split())
        .rstrip(".")
        .partition(": ")[2]
        .split(", ")
    )


def test_find_the_bug_answers_to_anything() -> None:
    code = gradient_checking.find_the_bug(3)
    assert code.check().kind == code.check(None).kind == code.check(...).kind == "not attempted"
    for nonsense in (0, -1, 1000, "7", 2.5, True, [1]):
        assert code.check(nonsense).kind == "failed"
    again = gradient_checking.find_the_bug(3 + len(gradient_checking.TO_READ))
    assert repr(again) == repr(code)


# ------------------------------------------------------------------------- what the feedback says


def test_ten_times_smaller() -> None:
    """One digit and two, for each smooth function of the lab at a point where neither f'' nor f''' is 0."""
    for name, curve in differences.CURVES.items():
        if curve.kink is None:
            large, small = (differences.compare(name, 0.7, eps, "float64").here for eps in (1e-2, 1e-3))
            assert large[0] / small[0] == pytest.approx(10, rel=0.1)
            assert large[1] / small[1] == pytest.approx(100, rel=0.1)


def test_coarse_numbers() -> None:
    errors = differences.compare("x³", 0.7, 1e-2, "float32").errors["float32", True]
    assert 1e-3 < best_eps(differences.EPSILONS, errors) < 1e-2
    assert np.finfo("float32").eps ** (1 / 3) == pytest.approx(5e-3, rel=0.1)


def test_only_a_bias() -> None:
    """What the question tells, and that the two remedies are as different as it says."""
    start = false_alarms.Setting("relu", "float64", "off", false_alarms.PENALTIES[0], 0, 1)
    check = false_alarms.check_at(start, 1e-5)
    assert check.error == pytest.approx(4e-3, rel=0.15)
    assert all((error > 1e-9) == (name in ("b1", "b2")) for name, error in check.by_name.items())
    assert false_alarms.check_at(start, 1e-7).error > 1e-3
    assert false_alarms.check_at(start._replace(steps=100), 1e-7).error < 1e-7


def test_which_bug() -> None:
    """The last layer agrees, all below differ: for exactly the bugs between the layers."""
    setting = find_the_bug.Setting("tanh", 0.8, 0.0, False, 0, 0)
    below = ("W1", "b1", "W2", "b2")
    found = [name for name in ANSWERS[:-1] if differ(name, setting) == below]
    assert set(found) == {
        "dropout: the mask is missing on the way back",
        "(6): W is not transposed",
        "activation: the slope is missing",
        "activation: the slope is taken at Z, not at A",
    }
    assert differ("(4): dW is transposed", setting) == (
        "W1",
        "W2",
        "W3",
    )


def test_right_network_fails() -> None:
    """On the kink: above 1e-3 for every small eps at the start; tanh is right."""
    start = false_alarms.Setting("relu", "float64", "off", false_alarms.PENALTIES[0], 0, 0)
    for eps in (1e-9, 1e-7, 1e-5):
        check = false_alarms.check_at(start, eps)
        assert 3e-3 < check.error < 3e-2
        assert {name for name, error in check.by_name.items() if error > 1e-6} == {"b1", "b2"}
    for seed in range(1, 4):
        assert false_alarms.check_at(start._replace(seed=seed), 1e-5).error > 1e-3
    assert false_alarms.check_at(start._replace(steps=100), 1e-5).error < 1e-8
    assert false_alarms.check_at(start._replace(activation="tanh"), 1e-5).error < 1e-9


# ------------------------------------------------------------------------- what the notebook says


def test_the_orders_at_the_default_of_the_lab() -> None:
    """Slope 1 and 2 within 0.05, on the range that the caption names."""
    lab = differences.difference_lab()
    one, two = lab.result.orders
    assert abs(one - 1) < 0.05 and abs(two - 2) < 0.05 and lab.result.straight == (True, True)
    assert "From ε = 1e-4 to 1e-2 in float64" in lab.caption
    assert "slopes 1.00 (one-sided) and 2.00 (two-sided)" in lab.caption
    lab.close()


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_best_eps_is_near_the_rules(precision: str) -> None:
    found, u = differences.compare("x³", 0.7, 0.1, precision), float(np.finfo(precision).eps)
    for two_sided, rule in ((True, u ** (1 / 3)), (False, u ** (1 / 2))):
        best = best_eps(differences.EPSILONS, found.errors[precision, two_sided])
        assert 0.1 < best / rule < 10


def test_at_a_kink_the_orders_are_lost() -> None:
    on_it = differences.compare("ReLU", 0.0, 0.1, "float64")
    assert abs(on_it.orders[1]) < 0.01 and on_it.here[1] == 0.5
    for name in ("ReLU", "|x|"):
        near = differences.compare(name, 0.05, 0.1, "float64")
        assert not any(near.straight) and near.here[1] > 0.2
        assert differences.compare(name, 0.05, 0.04, "float64").here[1] < 1e-13


@pytest.mark.parametrize("name", differences.SYMMETRIC)
def test_a_symmetric_function_has_no_two_sided_error_at_0(name: str) -> None:
    assert not differences.compare(name, 0.0, 0.1, "float64").errors["float64", True].any()


def test_fifteen_seeds_in_a_row_are_all_cases_in_another_order() -> None:
    decks = [[case_of(15 * deck + place).name for place in range(15)] for deck in range(5)]
    assert all(sorted(deck) == sorted(BUGS) for deck in decks)
    assert len({tuple(deck) for deck in decks}) == 5 and tuple(BUGS) not in {tuple(deck) for deck in decks}


def test_a_penalty_on_the_biases_is_seen_after_training_only() -> None:
    name = "L2: the gradient shrinks the biases too"
    seen = [differ(name, find_the_bug.Setting("tanh", 0.8, 1.0, False, steps, 8)) for steps in (0, 5, 100)]
    assert seen == [(), ("b1", "b2", "b3"), ("b1", "b2", "b3")]


def test_three_of_the_cases_pass_with_all_parts_on() -> None:
    passed = [
        seed
        for seed in range(15)
        if not differ(case_of(seed).name, find_the_bug.Setting("tanh", 0.8, 1.0, True, 50, seed))
    ]
    assert passed == [seed for seed in range(15) if not case_of(seed).found]
    assert len(passed) == 3


@pytest.mark.parametrize("seed", range(15))
def test_the_lab_judges_every_answer(seed: int) -> None:
    """At the default, only the right answer is called right, and its line is shown."""
    for answer in ANSWERS[:-1]:
        found = find_the_bug.search("tanh", 0.8, 1.0, False, 0, answer, seed)
        right = answer == case_of(seed).answer
        assert ("Your answer is right" in found.finding) == right
        assert ("Your answer is not right" in found.finding) == (not right)
        caption = found.caption
        unseen = case_of(seed).found and not find_the_bug._differ(found.errors)
        assert ("Right." in caption) == (right and not unseen)
        assert ("Right, but you cannot see it here" in caption) == (right and unseen)
        assert (case_of(seed).right_line in caption) == right or not case_of(seed).where


@pytest.mark.parametrize("seed", range(15))
def test_nothing_is_an_answer_when_all_parts_are_on(seed: int) -> None:
    """Before that, a case in which nothing differs yet is not judged: whether it has a bug stays open."""
    early = find_the_bug.search("tanh", 0.8, 1.0, False, 0, NOTHING, seed)
    unseen = not find_the_bug._differ(early.errors)
    assert ("Too early" in early.finding) == unseen
    assert ("Switch on batch norm and some training first" in early.caption) == unseen
    assert "answer is right" not in early.finding and "Right" not in early.caption
    late = find_the_bug.search("tanh", 0.8, 1.0, True, 50, NOTHING, seed)
    assert ("Your answer is right" in late.finding) == (not case_of(seed).found)
    assert ("Right." in late.caption) == (not case_of(seed).found)


def test_an_answer_belongs_to_its_case() -> None:
    """It stays with its seed and through presets; Reset takes it back, for the presets, too."""
    lab = find_the_bug.find_the_bug_lab()
    frames = lab.frames
    lab.set(answer=NOTHING)
    for label in lab.presets:
        lab.preset(label)
        assert lab.values["answer"] == NOTHING and f"Your answer: {NOTHING}" in lab.caption
    assert "at the first answer" in lab.finding
    lab.controls["seed"].value = 4
    assert lab.values["answer"] == find_the_bug.NOT_YET and "Your answer" not in lab.result.finding
    assert lab.frames == frames + len(lab.presets) + 2, "no picture shows the old answer to the new case"
    lab.set(answer=ANSWERS[1])
    lab.controls["seed"].value = 0
    assert lab.values["answer"] == NOTHING, "each case has kept its answer"
    lab.controls["seed"].value = 4
    assert lab.values["answer"] == ANSWERS[1]
    lab.set(seed=7, answer=ANSWERS[0])
    assert lab.values["seed"] == 7 and lab.values["answer"] == ANSWERS[0]
    lab.reset()
    lab.preset("after training")
    assert lab.values["answer"] == find_the_bug.NOT_YET
    lab.close()


def test_the_first_answer_to_a_case_counts() -> None:
    """Too early an answer does not count, and a second one changes nothing."""
    score = find_the_bug.Score()

    def play(answer: str, seed: int, all_on: bool = True) -> str:
        return score.finding(find_the_bug.search("tanh", 0.8, 1.0, all_on, 50 if all_on else 0, answer, seed))

    nothing = next(seed for seed in range(15) if not case_of(seed).found)
    found = next(seed for seed in range(15) if case_of(seed).found)
    assert "Score" not in play(find_the_bug.NOT_YET, nothing)
    assert "Too early" in (early := play(NOTHING, nothing, all_on=False)) and "Score" not in early
    assert "Score: 1 of 1 at the first answer" in play(NOTHING, nothing)
    wrong = next(answer for answer in ANSWERS if answer != case_of(found).answer)
    assert "Score: 1 of 2 at the first answer" in play(wrong, found)
    assert "right. Score: 1 of 2 at the first answer" in play(case_of(found).answer, found)


def test_a_preview_of_the_errors_over_eps_says_that_it_is_one() -> None:
    stages = list(false_alarms.alarm(1e-10, "tanh", "off", "float64", false_alarms.PENALTIES[0], 0, 7))
    assert [len(result.curve) for _, result in stages] == list(range(1, len(false_alarms.EPSILONS) + 1))
    for share, result in stages:
        assert ("Over all ε" in result.caption) == ("This ε is too small" in result.caption) == (share == 1)


NOT_SEEN_AT_FIRST = [seed for seed in range(15) if case_of(seed) in (*map(case, (5, 7, 8, 10, 12, 13)),)]


@pytest.mark.parametrize("seed", NOT_SEEN_AT_FIRST)
def test_where_nothing_differs_the_lab_says_so(seed: int) -> None:
    """Before an answer it names the parts that are off; a wrong answer that cannot be seen needs a part."""
    caption = find_the_bug.search("tanh", 0.8, 1.0, False, 0, find_the_bug.NOT_YET, seed).caption
    assert "Nothing differs with these parts. Switch on batch norm and some training before" in caption
    all_on = find_the_bug.search("tanh", 0.8, 1.0, True, 50, find_the_bug.NOT_YET, seed)
    assert ("Nothing differs with these parts. Choose" in all_on.caption) != case_of(seed).found
    for answer in (answer for answer in ANSWERS[:-1] if BUGS[answer].needs and answer != case_of(seed).name):
        found = find_the_bug.search("tanh", 0.8, 1.0, False, 0, answer, seed)
        if not find_the_bug._differ(found.answer_errors or {}):
            caption = found.caption
            switch = (
                f"Switch on {BUGS[answer].needs}:" if not case_of(seed).found else "Switch on batch norm and"
            )
            assert switch in caption


@pytest.mark.parametrize("name", [name for name in BUGS if BUGS[name].needs])
def test_each_bug_is_seen_with_the_parts_that_it_needs_only(name: str) -> None:
    """All parts off, and then only those of `needs`."""
    needs = BUGS[name].needs
    bare = find_the_bug.Setting("linear", 1.0, 0.0, False, 0, 0)
    assert not differ(name, bare)
    with_them = bare._replace(
        activation="tanh" if "tanh" in needs else "linear",
        keep_prob=0.8 if "dropout" in needs else 1.0,
        strength=1.0 if "penalty" in needs else 0.0,
        batch_norm="batch norm" in needs,
        steps=50 if "training" in needs else 0,
    )
    assert differ(name, with_them)


@pytest.mark.parametrize("seed", [8, 9, 17, 20, 22])
def test_training_of_linear_units_with_many_dropped_does_not_diverge(seed: int) -> None:
    """At a rate of 0.1 these did, and the lab had nothing to check."""
    assert np.abs(find_the_bug.trained(find_the_bug.Setting("linear", 0.5, 0.0, False, 100, seed))).max() < 10


def test_a_missing_slope_and_the_slope_at_z() -> None:
    """The same arrays differ; the caption gives two errors that do not; linear and ReLU part them."""
    name, answer = "activation: the slope is missing", "activation: the slope is taken at Z, not at A"
    (seed,) = (seed for seed in range(15) if case_of(seed).name == name)
    caption = find_the_bug.search("tanh", 0.8, 1.0, False, 0, answer, seed).caption
    assert "your bug hits the same arrays, but with other errors (" in caption
    setting = find_the_bug.Setting("relu", 0.8, 1.0, False, 50, seed)
    assert differ(name, setting)
    assert not differ(answer, setting)


def test_false_alarms() -> None:
    start = false_alarms.Setting("tanh", "float64", "off", false_alarms.PENALTIES[0], 0, 0)
    single = start._replace(precision="float32")
    assert min(false_alarms.check_at(single, eps).error for eps in false_alarms.EPSILONS) > 1e-5
    later = start._replace(steps=50)
    right, left = (
        false_alarms.check_at(later, eps).error / false_alarms.check_at(start, eps).error
        for eps in (1e-2, 1e-8)
    )
    assert right > 10 and 1.3 < left < 5
    assert false_alarms.check_at(start._replace(masks="fixed masks"), 1e-5).error < 1e-8
    assert false_alarms.check_at(start._replace(masks="fresh masks"), 1e-5).error > 0.5
    lacking = false_alarms.check_at(start._replace(penalty=false_alarms.PENALTIES[1]), 1e-5)
    assert {name for name, error in lacking.by_name.items() if error > 1e-3} == {"W1", "W2", "W3"}
