"""What the labs of notebook 07b show, against formulas and second derivations."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest

from dlhelpers.digit_runs import DEV_SIZES, EPOCHS, LEVELS, N_DEV, SEEDS, SPACE, dev_error, run_table
from dlhelpers.hyperparameter_search import halving_rungs
from dlhelpers.labs.real_search import curse, early, effects, game, own_search, replay, searches
from dlhelpers.live.stages import last
from dlhelpers.search_spaces import places

# The table -------------------------------------------------------------------------------------------


def test_the_table_has_every_setting_and_shares_of_the_sets():
    table = run_table()
    assert table.levels.shape == (replay.N_SETTINGS, len(LEVELS)) == (1620, 6)
    assert len({tuple(row) for row in table.levels}) == 1620
    assert table.errors.shape == (2, SEEDS, 1620, EPOCHS)
    assert 0 < table.errors.min() < 0.02 and table.errors.max() <= 1
    np.testing.assert_allclose(table.errors[0] * N_DEV, np.rint(table.errors[0] * N_DEV), atol=1e-9)
    np.testing.assert_array_equal(table.last_errors[0, ..., -1], table.errors[0, ..., -1])
    assert table.last_errors.shape[-1] == len(DEV_SIZES)


def test_the_levels_lie_in_the_space():
    for values in product(*((each[0], each[-1]) for each in LEVELS.values())):
        assert all(0 <= u <= 1 for u in places(SPACE, dict(zip(LEVELS, values, strict=True))).values())


@pytest.mark.parametrize("number", [1006, 1330, 700])
def test_a_setting_trained_again_is_near_its_row(number):
    """One network in float64 beside the population in float32 that was recorded."""
    setting = {
        name: values[k] for (name, values), k in zip(LEVELS.items(), run_table().levels[number], strict=True)
    }
    trial = dev_error({**setting, "seed": 1})
    assert trial["score"] == pytest.approx(run_table().errors[0, 1, number, -1], abs=0.02)
    assert trial["test"] == pytest.approx(run_table().errors[1, 1, number, -1], abs=0.02)


# A thousand searches ---------------------------------------------------------------------------------


def test_the_median_of_random_search_is_that_of_the_formula():
    """The chance that all n draws are above v is (share above v)^n: the median is where it is one half."""
    found = replay.random_search(0)
    values = run_table().errors[..., -1].ravel()  # dev and test set in turns, four seeds: eight worlds
    for n in (1, 4, 16):
        exact = np.quantile(values, 1 - 0.5 ** (1 / n))
        assert np.median(found.dev[:, n - 1]) == pytest.approx(exact, rel=0.12)


def test_halving_costs_what_the_plan_says():
    for plan, (n, first, eta) in replay.PLANS.items():
        rungs = halving_rungs(n, first, eta)
        assert rungs[-1].units == EPOCHS and rungs[-1].size == 1
        cost = sum(rung.size * rung.extra for rung in rungs) / EPOCHS
        budgets = replay.halving(plan, 0).budgets
        assert budgets[0] == cost and budgets[-1] <= replay.MOST < budgets[-1] + cost


def test_the_grid_tries_two_levels_of_each():
    """After all 64 it has the best of a full 2 x 2 x 2 x 2 x 2 x 2 grid in its world."""
    rng = np.random.default_rng(3)
    worlds = replay.Worlds(rng)
    lower = rng.integers(replay.N_LEVELS - replay.N_LEVELS // 2, size=(replay.SEARCHES, 1, 6))[:, 0]
    found = replay.grid_search(3)
    for k in (0, 17):
        corners = product(*((low, low + n // 2) for low, n in zip(lower[k], replay.N_LEVELS, strict=True)))
        settings = np.tile([np.ravel_multi_index(each, replay.N_LEVELS) for each in corners], (1000, 1))
        assert found.dev[k, -1] == worlds.dev(settings)[k].min()


def test_the_best_so_far_by_hand():
    dev = np.array([[0.3, 0.1, 0.2, 0.1, 0.05]])
    assert replay.best_so_far(dev).tolist() == [[0, 1, 1, 1, 4]]


@pytest.mark.parametrize("seed", range(5))
def test_halving_is_ahead_of_random_and_the_grid_behind(seed):
    found = searches.compare(
        8, "successive halving", "test error of the winner", "16 start, half stays", seed
    )
    medians = {name: np.median(found.here(name)) for name in replay.STRATEGIES}
    assert medians["successive halving"] < medians["random"] < medians["grid"]
    assert found.random_needs >= 16


# What matters ----------------------------------------------------------------------------------------


def test_the_variances_of_the_levels_add_up():
    """Without interactions and noise, main effects are all there is; here the sum is below the whole."""
    found = effects.effects("decay", 6, "all values", EPOCHS)
    whole = found.mean.var()
    assert np.sum(found.main**2) < whole
    by_hand = found.mean[6].mean(), found.mean[0].mean()
    assert found.level_means("learning rate α")[[6, 0]] == pytest.approx(by_hand)
    assert np.all(found.alone > found.seed)


def test_among_good_values_nothing_stands_out():
    assert effects.effects("decay", 0, "good values only", EPOCHS).outside == []
    wide = effects.effects("decay", 6, "all values", EPOCHS)
    assert wide.ranking[0] == "learning rate α" and "learning rate α" in wide.outside


# The winner's curse ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", curse.SIZES)
def test_the_formula_expects_what_the_searches_find(size, seed):
    found = curse.choose(64, size, "any settings", seed)
    for n in (1, 4, 16, 64):
        dev = found.dev[:, n - 1]
        assert dev.mean() == pytest.approx(found.expected[n - 1], abs=5 * dev.std() / len(dev) ** 0.5)


def test_the_expected_best_by_hand():
    """Of 0.2 and 0.4: one draw 0.3; of two, 0.4 in one case of four."""
    assert curse.expected_best(np.array([0.4, 0.2]), 2) == pytest.approx([0.3, 0.25])


@pytest.mark.parametrize("seed", range(5))
def test_the_winner_is_flattered_the_more_the_smaller_the_dev_set(seed):
    gaps = []
    for size in curse.SIZES:
        dev, test = curse.choose(64, size, "any settings", seed).here
        gaps.append(test - dev)
    assert gaps[0] > gaps[1] > max(gaps[2:]) and min(gaps) > 0
    dev, test = curse.choose(1, "386 examples", "any settings", seed).here
    assert abs(test - dev) < 0.005  # nothing is chosen, nothing is flattered


# Early cuts ------------------------------------------------------------------------------------------


def test_ranks_and_their_correlation_agree_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    a, b = run_table().errors[0, 0, :, 0], run_table().errors[0, 0, :, -1]
    assert early.rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b)[0])
    np.testing.assert_allclose(early.ranks(a) * (len(a) - 1) + 1, stats.rankdata(a))


def test_who_is_cut_last_is_never_lost():
    stays = early.survival(2, "the best 100 settings", 0)
    assert stays[-1] == 1 and stays[0] > 0.5


# A search of your own --------------------------------------------------------------------------------


@pytest.fixture
def no_trials(tmp_path, monkeypatch):
    """Begin without the trials of other tests."""
    monkeypatch.setenv("DLHELPERS_DATA", str(tmp_path))
    own_search.known.cache_clear()
    yield tmp_path
    own_search.known.cache_clear()


VALUES = {
    **dict.fromkeys(own_search.BRUSHES.values(), own_search.OFF),
    "width": 0.3,
    "x": "layers",
    "y": "decay",
    "seed": 5,
}


def test_a_search_that_was_stopped_goes_on_and_repeats_nothing(no_trials, monkeypatch):
    runs = []

    def counted(setting):
        runs.append(setting)
        return dev_error(setting)

    monkeypatch.setattr(own_search, "dev_error", counted)
    stages = own_search.search_on(None, trials=4, where=own_search.HERE, **VALUES)
    assert [len(next(stages)[1].trials) for _ in range(3)] == [0, 1, 2]
    stages.close()  # what the lab does on Stop and on the next move
    own_search.known.cache_clear()  # another kernel: all that is left is the file
    whole = last(own_search.search_on(None, trials=4, where=own_search.HERE, **VALUES))
    assert len(runs) == 4 and [trial.number for trial in whole.trials] == [0, 1, 2, 3]
    share, again = next(own_search.search_on(None, trials=3, where=own_search.HERE, **VALUES))
    assert share == 1 and again.trials == whole.trials[:3] and len(runs) == 4


def test_the_reader_s_own_executor_gives_the_same_trials(no_trials):
    here = last(own_search.search_on(None, trials=3, where=own_search.HERE, **VALUES))
    shutil.rmtree(no_trials)
    own_search.known.cache_clear()
    with ThreadPoolExecutor(2) as executor:
        there = last(own_search.search_on(executor, trials=3, where=own_search.OWN, **VALUES))
    np.testing.assert_array_equal(here.scores, there.scores)


def test_a_folder_that_cannot_be_written_does_no_harm(no_trials, monkeypatch):
    (no_trials / "file").write_text("")
    monkeypatch.setenv("DLHELPERS_DATA", str(no_trials / "file" / "below"))
    assert len(last(own_search.search_on(None, trials=1, where=own_search.HERE, **VALUES)).trials) == 1


# The game --------------------------------------------------------------------------------------------


def test_the_scoreboard_counts_the_searches_that_are_worse():
    board = game.play([{"learning_rate": 0.3, "batch_size": 16, "units": 32}, {"learning_rate": 0.01}])
    assert [trial.number for trial in board.trials] == [0, 1]
    assert board.beaten == np.mean(board.random > board.trials[0].score) > 0.9
    assert "trial  2" in str(board) and "best of 2" in str(board)
    with pytest.raises(ValueError, match="learning_rate"):
        game.play([{"learning_rate": -1}])
    with pytest.raises(ValueError, match="at least one"):
        game.play([])


def test_the_best_game_is_remembered(monkeypatch, tmp_path):
    monkeypatch.setenv("DLHELPERS_DATA", str(tmp_path))
    good, bad = {"learning_rate": 0.3, "batch_size": 16, "units": 32}, {"learning_rate": 0.003}
    assert "Your best" not in str(game.play([good]))
    board = game.play([bad])
    assert board.remembered > 90 and f"Your best with 1 so far: {board.remembered}%." in str(board)
    assert "Your best" not in str(game.play([bad, bad]))
