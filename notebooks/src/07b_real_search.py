# %% [markdown]
# # 7b A search for real
#
# Section 1.18 of the lecture notes, second part. About 50 minutes.
#
# Each line below is a network that was trained on the digits just now, with six hyperparameters drawn at random. The black one is the
# best so far. Move *Trials* to the right and watch new ones come in; *Stop* stops, and the slider goes on where you were. Then take
# hold of the green brush, and drag it up and down its axis. A click puts a brush on another axis, too; drag it down off the axis and it is gone.

# %%
import numpy as np

from dlhelpers import hyperparameter_search
from dlhelpers.digit_runs import SPACE, dev_error, run_table
from dlhelpers.exercises import real_search as exercises
from dlhelpers.labs import real_search as labs
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.search_spaces import random_settings
from dlhelpers.showing import show_source
from dlhelpers.trials import load_trials, recorded

# %%
labs.own_search_lab()

# %% [markdown]
# Many trials are of no use, and a few are very good. The brush stands on the upper end of *dev error*, where the low errors are: what do
# the good ones have in common? Set *Trials* to 60: none of them has a low learning rate. Then press *low learning rates*: is there a good one among them? With two brushes, only the trials are colored that cross both: press *high rates, little momentum*. Run all cells now (menu *Run*, *Run All Cells*), then read
# on; [00 Start here](00_start_here.ipynb) says how a lab works. [07a Where to look](07a_hyperparameter_search.ipynb)
# says on which scale to look, at random or on a grid. This notebook really looks. At the end of it you can
#
# - say which hyperparameters are worth tuning, and when the noise of the seed hides them all,
# - compare ways to search at the same cost, and plan one that gives up early,
# - tell what the winner of a search is really worth,
# - run a search in the kernel, on all cores or on a cluster, and go on after an interruption.
#
# ## A table of runs
#
# A single search tells little: with other random numbers it would have ended elsewhere. To compare ways to search one needs hundreds of
# searches, and for that every training must be cheap. So we recorded them once. The table has 1,620 settings (all combinations of 10
# learning rates, 3 values of $\beta$, 3 batch sizes, 3 numbers of units, 3 numbers of layers, 2 decays), each with 4 seeds, and the
# errors after each of 16 epochs. A seed draws the split of the data, the first weights and the order of the examples.

# %%
errors = run_table().errors  # (dev and test set, seeds, settings, epochs)
last = errors[0, ..., -1]
print(f"{last.size:,} networks, {errors.shape[-1]} epochs each")
print(f"dev error below 5%: {np.mean(last < 0.05):.0%} of them; above 50%: {np.mean(last > 0.5):.0%}")

# %% [markdown]
# The script that made it takes a bit more than a minute, and comes with the course (`tools/make_runs.py`). The networks have ReLU units
# and train by momentum, $v \leftarrow \beta v + (1-\beta)\,g$, with the learning rate $\alpha/(1 + d \cdot \text{epoch})$.
#
# ## Does anything matter?
#
# You change a hyperparameter, and the dev error falls from 4.4% to 3.6%. Was it the change? Train the *same* setting with another seed,
# and the error moves as well. That is the noise which every comparison has to beat.

# %%
predict(exercises.one_more_change, labs.effects_lab())

# %% [markdown]
# At first all values are allowed, bad ones too. The pale bars show how much the error moves when one hyperparameter alone is changed,
# and the grey band how much it moves when the seed alone is. Now the learning rate moves the error most. Press *near the best rate*: its
# bar falls behind that of the batch size. Press *good values only*: all bars are within the seed's reach.
#
# **Why.** Let $E$ be the dev error. Change hyperparameter $j$ alone, and take the variance over its values; then the mean over all settings of
# the others:
#
# $$\sigma_j^2 = \mathbb E_{\text{others}} \big[ \operatorname{Var}_j (E) \big] \tag{1}$$
#
# For the seed the same formula gives $\sigma_{\text{seed}}^2$. Each run has a seed as well, so $\sigma_j$ can hardly be smaller than $\sigma_{\text{seed}}$:
# a bar that ends with the grey band says *nothing seen*. The dark bars are the deviation of the **mean** over all others. They are
# shorter, since what is good for one setting is bad for another: a small learning rate wants a small batch.
#
# So importance is no property of a hyperparameter. It belongs to a **range**: a wide one makes it important, a good one makes it vanish. Here are
# the rankings:

# %%
for steps, others in ((6, "all values"), (1, "all values"), (0, "good values only")):
    found = labs.effects.effects("decay", steps, others, epochs=16)
    print(f"{others}, rates ± {steps}: seed {100 * found.seed:.1f} points,", ", ".join(found.ranking))

# %% [markdown]
# **In practice.** Tune the learning rate first, over a wide range. Then those that cost you something (batch size, number of units: they decide how long
# a run takes). If you are left with differences as small as those between two seeds, train the best few again with several seeds, or stop.
#
# <details><summary>What the notes say</summary>
#
# The notes give *an order of importance*: learning rate, momentum, mini-batch size, hidden units, layers, learning rate decay, and Adam's
# $\beta_1, \beta_2, \epsilon$. The lecture has tiers rather than places: the learning rate; then momentum, batch size and units; then layers and decay. The lab
# shows the place in the notes beside each bar. Here the batch size comes before momentum, because 16 epochs with large batches are few updates. Another network, other ranges or a longer
# training give another order. (Adam's are not in the table: these networks train by momentum.)
# </details>
#
# ## A thousand searches
#
# Now let four ways to search compete on the table, a thousand times each, at every move of a slider. Each search lives in a world of its own: one of the
# four seeds, one of the two held-out sets to choose with, and the other one to test the winner. The cost is counted in full runs of 16 epochs.
#
# - **Random**: every setting is drawn at random, and trained to the end.
# - **Grid**: two values of each hyperparameter, $2^6 = 64$ combinations, in random order.
# - **Coarse to fine**: half of the budget at random; the other half between the values of the best three.
# - **Successive halving**: start many settings for an epoch, keep the better half, train those on, and so on.

# %%
predict(exercises.how_many_runs, labs.searches_lab())

# %% [markdown]
# Drag the green budget line, and choose another strategy to stand beside random. The band is wide: a single search may end anywhere in it. That is why one
# search cannot tell which way is better.
#
# **Why halving is ahead.** Most settings are bad, and it shows after an epoch. Random search trains them to the end all the same. Halving goes in
# steps, which are called *rungs*. Say that it starts with $n$ settings, that the first rung has $r$ epochs, and that one setting in $\eta$ stays after each rung. Then rung $i$ trains
#
# $$n_i = \lfloor n / \eta^i \rfloor \ \text{settings until each has} \ r_i = r\,\eta^i \ \text{epochs} \tag{2}$$
#
# and a setting goes on from where it is, so the rung costs
#
# $$n_i \, (r_i - r_{i-1}) \ \text{epochs}, \qquad r_{-1} = 0 \tag{3}$$
#
# With 16 settings, one epoch and $\eta = 2$ that is $16 + 8 + 8 + 8 + 8 = 48$ epochs: the price of 3 full runs for 16 settings. This is the plan in code; it numbers its equations from (1):

# %%
show_source(hyperparameter_search.halving_rungs)

# %%
for plan in labs.replay.PLANS:
    found = labs.searches.compare(12, "successive halving", "test error of the winner", plan, seed=0)
    random, halving = np.median(found.here("random")), np.median(found.here("successive halving"))
    print(f"12 full runs, {plan}: random {random:.1%}, halving {halving:.1%}")

# %%
practice(exercises.bracket_cost)


# %%
def my_bracket_cost(n, first, eta):
    return ...


exercises.bracket_cost.check(my_bracket_cost)

# %% [markdown]
# **The grid** falls behind. It tries two learning rates, whatever it costs; random search tries a new one in each trial (07a has more on that). **Coarse to
# fine** starts as random search, and it pays off late: with 8 full runs it is no better, with 64 it is.
#
# **In practice.** Random search is the measure: it needs no tuning, and runs on any number of machines at once. If a
# training can be stopped early and continued, halving is the cheapest improvement there is. *Hyperband* runs brackets with several first rungs, so that you need not
# know the right one; *ASHA* does it without waiting for a rung to end.
#
# <details><summary>For the curious: searches that learn a model</summary>
#
# A *Gaussian process* guesses the error of settings that were not tried, and how sure it is. The next trial goes where much may be won. On problems with few
# hyperparameters and costly trials it often needs fewer trials than random search. It runs one trial after the other by nature, and its guess depends on a scale for each
# hyperparameter. A fair rule before you set one up: compare it with *twice* as many random trials, which two machines give you for free (Li and others, 2018).
# </details>
#
# ## When halving fools itself
#
# Halving bets that whoever is ahead early is ahead at the end. Is it so?

# %%
predict(exercises.first_epoch_cut, labs.early_lab())

# %% [markdown]
# Drag the green line over the epochs. Then press *any settings*: there the bet is safe. After one epoch the rank correlation with the
# end is already high, and half of the field can go (with *a hard cut* 7 of 8 go, and it is too early). Among good settings it cuts the best one in about 1 of 3 brackets, and a coin would cut it in half of them. Who is cut wrongly? A small learning rate, a decay, a large network:
# they start slowly.
#
# Look at the dotted line, too: the rank correlation of the *last* errors with two seeds. Among good settings it is so low that there is hardly an order to find.
# A cut there loses little, since all of them are about equally good.

# %%
for among in labs.early.AMONG:
    found = labs.early.look_early(1, "half stays", among, seed=0)
    print(
        f"{among}: epoch 1 with the end {found.correlation[0]:.2f}, two seeds {found.other_seed:.2f}, "
        f"the best of 16 is cut in {1 - found.survives[0]:.0%}"
    )

# %% [markdown]
# **In practice.** Before you trust halving with your own networks, take 20 finished runs and compute the rank correlation of an early error with the last one. Make the first
# rung so long that it is high. Compare at the same *epoch*, and beware of schedules that reach a small learning rate only at the end: they look bad until then.
#
# ## The winner's curse
#
# The search is over, and the winner has a dev error of 2.1%. May you promise that? You did not pick a setting and measure it. You measured many, and
# picked the lowest number. It is low because the setting is good, *and* because its noise was kind.

# %%
predict(exercises.on_the_test_set, labs.curse_lab())

# %% [markdown]
# Drag $n$ to the right. The dev error of the winner falls and falls; its test error comes to rest. Then press *a tiny dev set* and then *all 386 examples*: the smaller
# the set, the wider the gap. With one trial nothing is chosen, and there is no gap.
#
# **Why.** Let $v_1 \le v_2 \le \dots \le v_m$ be the dev errors of all settings. The lowest of $n$ draws is $v_i$ if all are $v_i$ or higher, but not all are
# higher than $v_i$:
#
# $$\mathbb E[\text{best of } n] = \sum_{i=1}^m v_i \left[ \left( \frac{m-i+1}{m} \right)^{\! n} - \left( \frac{m-i}{m} \right)^{\! n} \right] \tag{4}$$
#
# The crosses in the lab are this formula, the dashed line is two thousand searches. On the test set, the noise of the winner is drawn anew, and nobody chose it.

# %%
show_source(labs.curse.expected_best)

# %%
practice(exercises.expected_best)


# %%
def my_expected_best(errors, n):
    return ...


exercises.expected_best.check(my_expected_best)

# %%
for n in (1, 8, 64, 256):
    found = labs.curse.choose(n, "96 examples", "any settings", seed=0)
    dev, test = found.here
    print(f"best of {n:>3}: dev {dev:.1%}, test {test:.1%}, worse on the test set {found.worse:.0%}")

# %% [markdown]
# **In practice.**
#
# 1. Report the test error of the winner, and look at the test set once. If you look, change something and look again, it has become a dev set.
# 2. Formula (4) reads the other way, too: from *one* search it tells what fewer trials would have found. When you compare two methods, give both the same number of trials, and show
#    the expected best over $n$ (Dodge and others, 2019).
# 3. Train the best five again with new seeds, and choose by the mean. That is cheap beside the search.
#
# ## Your own search
#
# The lab on top runs this code. `search` takes any function of a setting and yields each trial as it ends. `recorded` writes it to a file at once:

# %%
from pathlib import Path
from tempfile import mkdtemp

path = Path(mkdtemp(), "trials.jsonl")
settings = random_settings(SPACE, 6, np.random.default_rng(7))
for trial in recorded(path, hyperparameter_search.search(dev_error, settings, time_limit=30)):
    if trial.number == 2:
        break  # something comes in between

rest = hyperparameter_search.search(dev_error, settings, done=load_trials(path), time_limit=30)
print("run later:", [trial.number for trial in recorded(path, rest)])
print("in the file:", [trial.number for trial in load_trials(path)])

# %% [markdown]
# A trial that raises an error, returns nonsense or hangs is one failed trial with its reason, and the search goes on. To use all cores, pass an executor:
#
# ```python
# from concurrent.futures import ProcessPoolExecutor
#
# with ProcessPoolExecutor() as executor:
#     trials = list(search(dev_error, settings, executor=executor, time_limit=30))
# ```
#
# And a cluster is the same call. With Dask (`pip install distributed`), on your machine or at the address of a scheduler:
#
# ```python
# from distributed import Client
#
# client = Client("tcp://scheduler:8786")  # Client() alone starts workers on this machine
# trials = list(search(dev_error, settings, executor=client.get_executor()))
# labs.own_search_lab(client.get_executor())  # the lab on top, on the cluster
# ```
#
# A worker that dies loses no trial that has ended; the others are run again elsewhere. The trials are the same as in the kernel, whatever runs them, because each setting carries its
# seed. If you outgrow this, a larger tool proposes and you train. With Optuna, for example, *ask* and *tell*:
#
# ```python
# study = optuna.create_study(direction="minimize")
# for _ in range(50):
#     trial = study.ask()
#     rate = trial.suggest_float("learning_rate", 1e-3, 1.0, log=True)
#     study.tell(trial, dev_error({**others, "learning_rate": rate})["score"])
# ```
#
# ## Beat random search
#
# Eight trials each. You may look at your results and think; random search may not. Write your settings into the list, run the cell, and change it: add
# one, or replace it all. (A setting names only what differs from `labs.game.DEFAULTS`.)

# %%
mine = [
    {"learning_rate": 0.01},
    {"learning_rate": 0.1},
    {"learning_rate": 0.1, "units": 32},
]
print(labs.play(mine))

# %% [markdown]
# If you win: would you have won on the test set? And how many trials did you make in all, before these eight?
#
# ## A decision

# %%
ask(exercises.which_plan)

# %% [markdown]
# ## Summary
#
# - Measure the noise of the seed first. What moves the error less than that cannot be tuned with single runs.
# - Importance belongs to a range. In a wide one the learning rate leads; among good values nothing may be left.
# - Compare searches at the same cost, and many times. Random search is the measure.
# - Successive halving sees bad settings early, and spends what it saves on more settings. Its first rung must be long enough for the order to be told.
# - The winner's dev error is too low, the more so with many trials and a small dev set. Report its test error.
# - Keep trials in a file. Then an interruption costs nothing.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.18, after Andrew Ng's course. Bergstra & Bengio (2012), *Random search for hyper-parameter optimization*,
# JMLR 13. Hutter, Hoos & Leyton-Brown (2014), *An efficient approach for assessing hyperparameter importance*, ICML. Jamieson & Talwalkar (2016), *Non-stochastic best arm identification and
# hyperparameter optimization*, AISTATS. Li, Jamieson, DeSalvo, Rostamizadeh & Talwalkar (2018), *Hyperband*, JMLR 18(185). Li et al. (2020), *A system for massively parallel hyperparameter tuning* (ASHA), MLSys. Dodge, Gururangan, Card,
# Schwartz & Smith (2019), *Show your work: improved reporting of experimental results*, EMNLP. Cawley & Talbot (2010), *On over-fitting in model selection*, JMLR 11. Akiba et al. (2019), *Optuna*, KDD.
#
# Next: [08 Batch normalization](08_batch_normalization.ipynb) makes the best learning rate easier to hit.
