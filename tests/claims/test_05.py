"""What notebook 05 says happens."""

from functools import cache, partial
from itertools import islice, pairwise, repeat

import numpy as np

from dlhelpers.broken_backprop import BUGS, NOTHING, with_bug
from dlhelpers.dropout import draw_uniform
from dlhelpers.gradient_checking import FreshMasks, best_eps, check_gradient
from dlhelpers.labs.gradient_checking import differences, false_alarms, find_the_bug
from dlhelpers.labs.gradient_checking.differences import EPSILONS, Differences
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend
from tests.claims import claim

the_claim = partial(claim, "05")
MISSING, BIASES = "activation: the slope is missing", "L2: the gradient shrinks the biases too"
ON_THE_WAY_DOWN = (
    "(6): W is not transposed",
    "dropout: the mask is missing on the way back",
    MISSING,
    "activation: the slope is taken at Z, not at A",
)
IN_J, NOT_IN_J = false_alarms.PENALTIES


@cache
def compared(name: str, x: float, eps: float, precision: str = "float64") -> Differences:
    return differences.compare(name, x, eps, precision)


def point(seed: int) -> float:
    """Return a point of the lab where x³ and its derivatives are of the size of 1: from 0.5 to 0.95."""
    return round(0.5 + 0.05 * seed, 2)


def network_with(bug: str, seed: int) -> tuple[Network, np.ndarray, Batch]:
    """Return the network of the notebook's cells, with a bug, other data and other weights."""
    X, Y = np.random.default_rng(seed).normal(size=(2, 24, 4))
    network = with_bug(bug).Network((4, 4, 4, 4))
    return network, network.initialize(np.random.default_rng(seed + 2)), Batch(X, Y)


def setting(seed: int, **parts: object) -> find_the_bug.Setting:
    """Return the lab's parts: all on, but for batch norm and training."""
    return find_the_bug.Setting("tanh", 0.8, 1.0, False, 0, seed)._replace(**parts)


@cache
def differ(bug: str, parts: find_the_bug.Setting) -> tuple[str, ...]:
    return find_the_bug._differ(find_the_bug.examine(bug, parts).by_name)


def right_network(seed: int, **parts: object) -> false_alarms.Setting:
    return false_alarms.Setting("tanh", "float64", "off", IN_J, 0, seed)._replace(**parts)


@cache
def score(parts: false_alarms.Setting, eps: float = 1e-5) -> float:
    return false_alarms.check_at(parts, eps).error


# A slope from values alone --------------------------------------------------------------------------


def test_first_straight_then_stairs() -> None:
    def falls_and_rises(seed: int) -> bool:
        errors = [compared("x³", point(seed), eps).here for eps in (1e-1, 1e-4, 1e-13)]
        return all(errors[0][side] > 100 * errors[1][side] for side in (0, 1)) and all(
            errors[2][side] > 10 * min(compared("x³", point(seed), 1e-8).here[0], 1e-5) for side in (0, 1)
        )

    the_claim("First $f$ becomes straight, and both errors fall. Then it turns into stairs", falls_and_rises)


def test_lines_of_slope_2_and_1() -> None:
    def slopes(seed: int) -> bool:
        one, two = compared("x³", point(seed), 0.1).orders
        return abs(one - 1) < 0.05 and abs(two - 2) < 0.05

    the_claim("on logarithmic axes they are lines of slope 2 and 1", slopes)


def test_the_rules_give_the_power_of_ten() -> None:
    def near(seed: int) -> bool:
        found = compared("x³", point(seed), 0.1)
        return all(
            1 / 12 < best_eps(EPSILONS, found.errors[precision, both]) / np.finfo(precision).eps ** power < 12
            for precision in ("float64", "float32")
            for both, power in ((True, 1 / 3), (False, 1 / 2))
        )

    the_claim("The rules mostly give the power of ten, not more", near, needed=7)


def test_where_the_third_derivative_is_0_a_larger_step_is_better() -> None:
    """f''' of 1 / (1 + x²) is 24 x (1 - x²) / (1 + x²)⁴."""

    def larger(seed: int) -> bool:
        at_1, elsewhere = (
            best_eps(EPSILONS, compared("1 / (1 + x²)", x, 0.1).errors["float64", True])
            for x in (1.0, point(seed))
        )
        return 1e-4 < at_1 < 4e-4 and elsewhere < at_1 / 10

    the_claim("There $f'''$ is 0, and a larger step is better, near 2e-4.", larger)


def test_in_float32_the_stairs_come_earlier() -> None:
    the_claim(
        "In float32 they come much earlier.",
        lambda seed: (
            compared("x³", point(seed), 1e-5, "float32").here[1]
            > 1e5 * compared("x³", point(seed), 1e-5).here[1]
        ),
    )


def test_the_error_of_a_kink_ends_at_once() -> None:
    def ends(seed: int) -> bool:
        x = round(0.05 + 0.05 * seed, 2)
        inside, outside = (compared("ReLU", x, times * x).here[1] for times in (1.1, 0.9))
        at_0 = [compared("ReLU", 0.0, eps).here[1] for eps in (1e-1, 1e-4, 1e-8)]
        return inside > 0.02 and outside < 1e-12 and min(at_0) > 0.4

    the_claim("it drops to nearly 0 as soon as $\\epsilon$ is smaller than the distance to the kink", ends)


# Is this gradient right? ----------------------------------------------------------------------------


def test_both_costs_fall() -> None:
    def fall(seed: int) -> bool:
        pairs = []
        for bug in ("no bug at all", MISSING):
            network, theta, batch = network_with(bug, seed)
            run = descend(network, theta, repeat(batch), GradientDescent(), 0.1)
            pairs.append([float(step.loss) for step in islice(run, 0, 201, 200)])
        return all(end < 0.9 * first for first, end in pairs)

    the_claim("Both fall.", fall)


def test_the_check_sees_the_bug_at_once() -> None:
    def sees(seed: int) -> bool:
        check = check_gradient(*network_with(MISSING, seed))
        wrong = {name for name, error in check.by_name.items() if error > 1e-6}
        return "wrong" in check.verdict and wrong == {"W1", "b1", "W2", "b2"}

    the_claim("The check sees the bug at once. It says more: W3 and b3 are right.", sees)


def test_what_is_wrong_everywhere() -> None:
    the_claim(
        "*All arrays differ*: the bug is before everything else, in the gradient of the loss.",
        lambda seed: (
            [bug for bug in BUGS if len(differ(bug, setting(seed))) == 6]
            == ["1/m is missing in the gradient of the loss"]
        ),
    )


def test_the_last_layer_agrees() -> None:
    below = ("W1", "b1", "W2", "b2")
    the_claim(
        "*The last layer agrees, all below differ*: (6), (7) or (8).",
        lambda seed: {bug for bug in BUGS if differ(bug, setting(seed)) == below} == set(ON_THE_WAY_DOWN),
    )


def test_switching_off_tells_them_apart() -> None:
    def tells(seed: int) -> bool:
        without_dropout = [differ(bug, setting(seed, keep_prob=1.0)) for bug in ON_THE_WAY_DOWN]
        linear = [differ(bug, setting(seed, activation="linear")) for bug in ON_THE_WAY_DOWN]
        return [bool(each) for each in without_dropout] == [True, False, True, True] and [
            bool(each) for each in linear
        ] == [True, True, False, False]

    the_claim("Switch off dropout to test (7), take linear units to test (8).", tells)


def test_only_weights_or_only_biases() -> None:
    def only(seed: int) -> bool:
        parts, without = setting(seed, steps=100), setting(seed, steps=100, strength=0.0)
        one_kind = {bug for bug in BUGS if len({name[0] for name in differ(bug, parts)}) == 1}
        lines = {bug for bug in one_kind if BUGS[bug].where.endswith("_backward")}
        return {bug for bug in one_kind if differ(bug, without)} == lines and one_kind - lines == {
            "L2: the gradient forgets the penalty",
            BIASES,
        }

    the_claim(
        "*Only weights, or only biases*: (4) or (5), since nothing is computed from $dW$ and $db$. Or the "
        "penalty: then the error goes away at $\\lambda = 0$.",
        only,
    )


def test_a_wrong_penalty_on_a_zero_is_zero() -> None:
    the_claim(
        "The biases begin at 0, and a wrong penalty on a zero is zero",
        lambda seed: (
            not differ(BIASES, setting(seed))
            and differ(BIASES, setting(seed, steps=100)) == ("b1", "b2", "b3")
        ),
    )


def test_fifteen_seeds_are_fifteen_cases() -> None:
    """Each seed stands for fifteen in a row."""
    the_claim(
        "Fifteen seeds in a row are fifteen different cases",
        lambda seed: {find_the_bug.case_of(15 * seed + place).name for place in range(15)} == set(BUGS),
    )


def test_three_cases_pass_with_all_parts_on() -> None:
    def pass_all(seed: int) -> bool:
        all_on = setting(seed, batch_norm=True, steps=50)
        passed = [name for name in BUGS if not differ(name, all_on)]
        return len(passed) == 3 and all(BUGS[name].answer == NOTHING for name in passed)

    the_claim("Three of the fifteen cases pass with all parts on.", pass_all)


# False alarms ---------------------------------------------------------------------------------------


def test_too_small_and_too_large() -> None:
    def u_shaped(seed: int) -> bool:
        errors = [score(right_network(seed), eps) for eps in (1e-10, 1e-7, 1e-5, 1e-3, 1e-1)]
        left, right = errors[:3], errors[2:]
        return all(one > 3 * other for one, other in pairwise(left)) and all(
            3 * one < other for one, other in pairwise(right)
        )

    the_claim("The U is the one of section 1.9", u_shaped)


def test_float32_never_passes() -> None:
    def never(seed: int) -> bool:
        single = right_network(seed, precision="float32")
        return min(score(single, eps) for eps in false_alarms.EPSILONS) > 1e-5

    the_claim("In float32 the whole U moves up, and no $\\epsilon$ brings the error below 1e-5.", never)


def test_on_the_kink_no_eps_helps() -> None:
    def stays(seed: int) -> bool:
        start = right_network(seed, activation="relu")
        check = false_alarms.check_at(start, 1e-5)
        return {name for name, error in check.by_name.items() if error > 1e-6} == {"b1", "b2"} and all(
            score(start, eps) > 1e-3 for eps in (1e-9, 1e-7, 1e-5, 1e-3)
        )

    the_claim("Only b1 and b2 are wrong. Both slopes are defensible, and no $\\epsilon$ helps.", stays)


def test_after_some_training_a_small_eps_passes() -> None:
    the_claim(
        "at 1e-7 the check passes after 50 steps or more",
        lambda seed: all(
            score(right_network(seed, activation="relu", steps=steps), 1e-7) < 1e-6
            for steps in range(50, 301, 10)
        ),
    )


def test_fresh_and_fixed_masks() -> None:
    the_claim(
        "*fixed masks*: with the same random numbers in each evaluation, dropout can be checked",
        lambda seed: (
            score(right_network(seed, masks="fixed masks")) < 1e-8
            and score(right_network(seed, masks="fresh masks")) > 0.1
        ),
    )


def test_the_cell_on_masks() -> None:
    def verdicts(seed: int) -> bool:
        network, theta, batch = network_with("no bug at all", seed)
        dropout, rng = Network(network.sizes, keep_prob=0.8), np.random.default_rng(seed)
        fixed = batch._replace(draws=draw_uniform(dropout.sizes, 24, rng))
        right = check_gradient(dropout, theta, fixed).verdict
        return "right" in right and "wrong" in check_gradient(FreshMasks(dropout, rng), theta, batch).verdict

    the_claim("It works if the masks are fixed, as in the cell below.", verdicts)


def test_a_penalty_that_is_not_in_the_cost() -> None:
    def all_weights(seed: int) -> bool:
        check = false_alarms.check_at(right_network(seed, penalty=NOT_IN_J), 1e-5)
        return {name for name, error in check.by_name.items() if error > 1e-3} == {"W1", "W2", "W3"}

    the_claim("The gradient has a term whose cost is missing. All weights are wrong.", all_weights)


def test_the_u_moves_up() -> None:
    def moves(seed: int) -> bool:
        start, later = right_network(seed), right_network(seed, steps=50)
        left, right = (score(later, eps) / score(start, eps) for eps in (1e-8, 1e-2))
        return right > left > 1

    the_claim("The whole U moves up, the right branch most.", moves)


def test_one_network_gets_all_words() -> None:
    def words(seed: int) -> bool:
        network, theta, batch = network_with("no bug at all", seed)
        found = set()
        for precision, eps in (("float64", 1e-5), ("float64", 1e-10), ("float32", 1e-5)):
            same = Batch(batch.X.astype(precision), batch.Y.astype(precision))
            found.add(
                false_alarms.verdict_word(check_gradient(network, theta.astype(precision), same, eps).error)
            )
        return found == {"great", "suspect", "wrong"}

    the_claim("The same right network gets all of these words", words)


def test_what_right_code_scores() -> None:
    def below(seed: int) -> bool:
        parts = [setting(seed, steps=steps, keep_prob=keep) for steps in (0, 50, 100) for keep in (0.8, 1.0)]
        return all(
            find_the_bug.examine("no bug at all", each._replace(batch_norm=norm)).error < limit
            for each in parts
            for norm, limit in ((False, 1e-8), (True, 1e-6))
        )

    the_claim(
        "Right code then scores below 1e-8 where nothing has a kink, and below 1e-6 with batch norm.", below
    )
