# %% [markdown]
# # 7a Where to look for hyperparameters
#
# Section 1.18 of the lecture notes. About 50 minutes.
#
# You look for a good learning rate between 0.0001 and 1, with eight trials. Draw them at random, all numbers equally
# likely: those are the squares. Most of them land on the slope where learning fails. The dots come from the same range
# and the same random numbers, and they do not crowd; the right panel shows what that is worth on average. **Drag the
# green line of the left panel** to 0.1: what is left of the difference?

# %%
import numpy as np

from dlhelpers.exercises import search_spaces as exercises
from dlhelpers.labs import hyperparameter_search as labs
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.live.stages import last
from dlhelpers.search_spaces import LogUniform, OneMinusLogUniform, Uniform, grid, random_settings
from dlhelpers.showing import show_source

# %%
labs.right_scale_lab()

# %% [markdown]
# At the end of this notebook you can
#
# - choose the scale on which a hyperparameter is searched, and say how many trials you need,
# - say when random trials beat a grid, and when they do not,
# - search in two rounds, and know when the second one pays,
# - decide between one model that is watched and many that are not.
#
# Run all cells now (menu *Run*, *Run All Cells*), then read from the top. Every loss below is a **dev loss**: training
# data do not tell which setting is good, and the test set must not.
#
# ## The right scale
#
# ### Where the trials land

# %%
ask(exercises.even_share)

# %% [markdown]
# Let $u$ be a random number, all values from 0 to 1 equally likely. The squares of the lab are **even in $\alpha$**,
# the dots are **even in $\log\alpha$** (other books say *uniform* and *log-uniform*):
#
# $$\alpha = (1-u)\,\alpha_\text{low} + u\,\alpha_\text{high} \tag{1}$$
# $$\alpha = 10^r, \qquad r = (1-u) \log_{10} \alpha_\text{low} + u \log_{10} \alpha_\text{high} \tag{2}$$
#
# With (1), each piece of the *number line* gets its share. With (2), each *power of ten* gets its share. A thousand
# draws of each:

# %%
for space in (Uniform(1e-4, 1), LogUniform(1e-4, 1)):
    alphas = [s["alpha"] for s in random_settings({"alpha": space}, 1000, np.random.default_rng(0))]
    shares = np.histogram(alphas, [1e-4, 1e-3, 1e-2, 1e-1, 1])[0] / 1000
    print(f"{type(space).__name__:<10} in each power of ten:", "  ".join(f"{each:6.1%}" for each in shares))

# %% [markdown]
# **Why.** On the logarithmic axis of the lab the curve is a valley with two sides of about the same width. A step of
# training is $\alpha$ times a direction, so from 0.01 to 0.02 matters about as much as from 0.1 to 0.2. *Even trials
# belong on the axis on which the loss changes evenly.* Three things to try in the lab:
#
# - Drag the low end to 0.1. With a single power of ten left, the scale counts less.
# - Drag the green line of the right panel. With eight trials, those that are even in $\alpha$ end with a clearly
#   higher loss on average. With 64 trials they come much closer: many trials make up for a bad scale.
# - Press *memory β*. A network is trained at a rate that is too large, and $\beta$ is the memory of an average of its
#   weights, as in notebook 6c. On the axis is its distance to 1.
#
# ### The same for β
#
# An average with $\beta$ remembers about $1/(1-\beta)$ values. The same step of 0.0005 in $\beta$ does nothing at 0.9
# and doubles the memory at 0.999:

# %%
for beta in (0.9, 0.9005, 0.999, 0.9995):
    print(f"β = {beta:<6}  remembers about {1 / (1 - beta):5.0f} values")

# %% [markdown]
# So it is the distance to 1 that is searched on a log scale:
#
# $$\beta = 1 - 10^r, \qquad r = (1-u) \log_{10} (1-\beta_\text{low}) + u \log_{10} (1-\beta_\text{high}) \tag{3}$$
#
# In the code of the two scales, `# (1)` computes the exponent $r$, and `# (2)` the value:

# %%
show_source(LogUniform.from_unit, OneMinusLogUniform.from_unit)

# %%
practice(exercises.memory)


# %%
# Exercise 1: beta for u in [0, 1], even in log(1 - beta).
def my_memory(u, low, high):
    return ...


exercises.memory.check(my_memory)

# %% [markdown]
# **In practice.** A log scale for whatever is multiplied: learning rates, $\lambda$, numbers of units, batch sizes,
# $1-\beta$. An even scale for whatever is added: numbers of layers, an angle, a share
# between 0.2 and 0.8. If the best trial lies at an end of its range, the range was too small: move it.
#
# <details><summary>What the notes say</summary>
#
# The notes give one range, $r \in [-3, -1]$, for $\beta$, $\beta_1$ and $\beta_2$. It ends at 0.999. That is the usual
# value of Adam's $\beta_2$, and so it would be the very last place to be tried. No longer memory would be tried at all.
# The next cell shows where 0.999 lies in this range, and in one up to 0.9999.
# </details>

# %%
for high in (0.999, 0.9999):
    print(f"0.999 in the range 0.9 to {high}: at u = {OneMinusLogUniform(0.9, high).to_unit(0.999):.2f}")

# %% [markdown]
# ### How many trials?
#
# A share $q$ of the search space is good enough for you. A random trial misses it with probability $1-q$. All of $n$
# independent trials miss it with probability $(1-q)^n$, so that
#
# $$P(\text{at least one is good}) = 1 - (1-q)^n \tag{4}$$
#
# There is no number of hyperparameters in (4). In the first lab, what share of each scale has a loss at most
# 1.2 times the lowest?

# %%
curve = last(labs.right_scale.curve_of(labs.right_scale.RATE, seed=0))
u = np.linspace(0, 1, 10_001)
for scale in labs.right_scale.SCALES:
    losses = curve.at(labs.right_scale.draw(scale, 1e-4, u))
    good = np.mean(losses < 1.2 * curve.losses.min())
    print(f"{scale:<12}: good share {good:.1%}, a good one in 8 trials: {1 - (1 - good) ** 8:.0%}")

# %%
practice(exercises.trials_needed)


# %%
# Exercise 2: how many trials, so that at least one is good with this chance?
def my_trials_needed(good, chance):
    return ...


exercises.trials_needed.check(my_trials_needed)

# %% [markdown]
# ## Which of them count
#
# A search space with eight axes is large. But which axes count? First see what chance alone does: the grey band of the
# lab is one setting with eight seeds. Each row moves one hyperparameter through the values that people
# try, and leaves the others as they are.

# %%
predict(exercises.second_most, labs.what_matters_lab())

# %% [markdown]
# The learning rate is always ahead, with a factor of about ten between its worst and its best value. Everything
# else depends. **Drag the green line** to another $\alpha$, and look at all rows again:
#
# - At $\alpha = 0.1$ the batch size turns around: large batches are better, at 0.003 the small ones are.
# - A decay of the rate does harm at 0.003, where the steps are too small already, and helps at 0.1.
# - $\beta_2$ and $\epsilon$ change little, at 0.01 and at 0.003.
#
# Press *only the neighbors*: importance is a property of a *range*, too. Here is the worst over the best dev loss of each row,
# at three learning rates:

# %%
wm = labs.what_matters
effects = [last(wm.compare_effects(alpha, wm.WIDE, seed=0)) for alpha in (0.001, 0.003, 0.01)]
print(" " * 16, "α = 0.001  0.003   0.01")
for name in wm.VALUES:
    print(f"{wm.TITLES[name]:<16}", "".join(f"{each.ratio(name):8.1f}" for each in effects))

# %% [markdown]
# **In practice.** Search for the learning rate first and alone. Then search for it again together with what
# decides the capacity: units, layers, regularization. Leave $\beta_1$, $\beta_2$ and $\epsilon$ at their usual values until there is nothing
# better to do. And before you call one setting better than another one, train both with three seeds.
#
# <details><summary>What the notes say</summary>
#
# The notes rank all hyperparameters from 1 to 7, momentum second. The lecture that they follow has tiers:
# first $\alpha$; then $\beta$, the batch size and the units; then layers and decay; Adam's $\beta_1$, $\beta_2$ and
# $\epsilon$ are hardly ever searched. Either list is somebody's experience with some networks. In the lab the rows stand in the
# order of the notes: press *a small rate* and *a large rate*, and see what is left of it.
# </details>
#
# ## Grid or random
#
# Two hyperparameters, $x$ and $y$, each on its right scale from 0 to 1. Somewhere is a best place. The lab takes a
# formula for the loss here, so that it can try two thousand best places at each move. $w$ says how much $x$ counts:
#
# $$J - J_\text{lowest} = w\,(x - x_\text{best})^2 + (1-w)\,(y - y_\text{best})^2 \tag{5}$$

# %%
predict(exercises.both_count, labs.grid_or_random_lab())

# %% [markdown]
# Drag the star and see which trial is nearest. Then drag the green line of the right panel from one end to the other.
# The same numbers as a table, in thousandths, with the standard error:

# %%
gr = labs.grid_or_random
for at, share in ((0, "50 : 50"), (7, "95 : 5"), (11, "100 : 0")):
    found = {plan: gr.measure(plan, per_axis=5, seed=0) for plan in gr.PLANS}
    texts = [f"{plan} {1000 * e.mean[at]:.2f} ± {1000 * e.error[at]:.2f}" for plan, e in found.items()]
    print(f"{share:<8}", "   ".join(texts))

# %% [markdown]
# **When both count the same, the grid without ends is better than random trials**, by a factor of about two. A
# grid leaves no large hole. Random trials do, and crowd elsewhere. A grid that spends its trials on the ends of the
# range is worse than one that does not: with $k$ values on each axis,
#
# $$\overline{J - J_\text{lowest}} = \frac{1}{12\,k^2} \text{ without ends}, \qquad \frac{1}{12\,(k-1)^2} \text{ with ends} \tag{6}$$
#
# There is no $w$ in (6). For a grid it makes no difference how much each axis counts, and that is its weakness.
# **When only $x$ counts**, the 25 trials of the grid are 5 different experiments, each done five times. Random trials are
# 25 different experiments: look at the marks along the axes. They end about four times lower here:
#
# $$\overline{J - J_\text{lowest}} \approx \frac{1}{2 n^2} = \frac{1}{2 k^4} \text{ for } n = k^2 \text{ random trials, if only one counts} \tag{7}$$
#
# In between, the two cross late. With 25 trials, $x$ must account for about 95% of the loss before random trials win.
# The **Latin hypercube** takes the best of both: it cuts each axis into 25 slices and uses every slice once. It is
# better than random trials at every share, and it costs one line more.

# %%
k = 5
print(f"(6): {1000 / (12 * k**2):.2f} without ends, {1000 / (12 * (k - 1) ** 2):.2f} with ends")
print(f"(7): {1000 / (2 * k**4):.2f} for random trials, if only x counts")

# %% [markdown]
# So why does everybody say *random*? Because there are rarely two hyperparameters, and rarely do all of them count.
# Take 64 trials. How many different values of each hyperparameter do they try?

# %%
for dimensions in (1, 2, 3, 6):
    space = {f"x{d}": Uniform(0, 1) for d in range(1, dimensions + 1)}
    of_grid = grid(space, round(64 ** (1 / dimensions)))
    at_random = random_settings(space, 64, np.random.default_rng(0))
    counts = [len({setting["x1"] for setting in settings}) for settings in (of_grid, at_random)]
    print(f"{dimensions} hyperparameters: grid {counts[0]:>2} values, random {counts[1]} values")

# %% [markdown]
# With six hyperparameters the grid has two values of each: both learning rates are probably bad. Random trials still
# have 64 of the one that counts, whichever it is. You need not know which. And a random search may be stopped, or
# continued, after any trial.
#
# **In practice.** One or two hyperparameters: a grid without ends, on the right scale, is fine, and easy to read.
# Three and more: random trials, or a Latin hypercube if you know their number beforehand.
#
# <details><summary>What the notes say</summary>
#
# "Choose … at random … because of the high number of hyperparameters nowadays". A high number alone is no reason. If all
# of them counted the same, random trials would not be better in many dimensions either. The reason is that **few
# of them matter**, and nobody knows beforehand which: random trials try more different values of those (Bergstra & Bengio
# 2012). Move the green line of the lab to see both cases.
# </details>
#
# ## From coarse to fine
#
# Now a loss that nobody has a formula for. A network reads digits. It is trained for four epochs with momentum in its
# plain form, as most libraries have it, and we search for $\alpha$ and $\beta$:
#
# $$v \leftarrow \beta v + g, \qquad \theta \leftarrow \theta - \alpha v \tag{8}$$
#
# First a **coarse** round: seven trials at random, everywhere. Then you drag the green box, and seven more trials are
# trained in it while you drag. For comparison, seven more go around the best three, by a rule, and seven more
# everywhere again.

# %%
predict(exercises.which_shape, labs.coarse_to_fine_lab())

# %% [markdown]
# Where do you put the box, so that it finds less than the coarse round did? The three rings are the best of that round. Try
# it before you press *the map*: that is what no search ever sees, 416 networks in all.
#
# **Why a slanted band.** If the gradient stays the same for a while, (8) adds up $g + \beta g + \beta^2 g + \dots$, so
# that one step is as long as a plain one with the rate
#
# $$\alpha_\text{effective} = \frac{\alpha}{1-\beta} \tag{9}$$
#
# Along the band $\alpha_\text{effective}$ stays about the same. Here the best rate of each row of the map, from
# $\beta = 0$ to 0.96, and what (9) makes of it:

# %%
cf = labs.coarse_to_fine
found = last(cf.map_of(seed=0))
for row in (15, 12, 10, 8):
    distance, alpha = 10 ** cf.MAP_BETA[row], 10 ** cf.MAP_ALPHA[found[row].argmin()]
    print(f"β = {1 - distance:.2f}: best α {alpha:.2g}, effective {alpha / distance:.1f}")

# %% [markdown]
# For a memory that is long beside the 128 steps, (9) is no longer true: at the bottom of the map the band stands
# upright. The averaged form of notebook 6b, $v \leftarrow \beta v + (1-\beta) g$, has the factor of (9) built in. There
# the band would stand upright from the start, and the two hyperparameters could be searched one after the other.
# **A search becomes easier when its axes do not depend on each other.**
#
# **Does the second round pay?** With the box around the best coarse trial, for ten seeds:

# %%
rows = []
for seed in range(10):
    coarse = cf.coarse_round(7, seed)
    alpha, distance = 10 ** coarse.places[coarse.losses.argmin()]
    end = last(cf.search(alpha, distance, 0.3, 7, show_map=False, seed=seed))
    rows.append([coarse.lowest, *(end.after(name) for name in cf.SECOND)])
table = np.array(rows)
for name, losses in zip(("coarse", *cf.SECOND), table.T, strict=True):
    print(f"{name:<18} mean of the lowest loss {losses.mean():.2f}, worst of ten {losses.max():.2f}")
print(f"the box ends at least as low as everywhere: {np.sum(table[:, 1] <= table[:, 3])} of 10")

# %% [markdown]
# Seed by seed, the box nearly always ends at least as low as more trials everywhere. But the means are about the same,
# because it wins by little, and where it loses, it loses much: there the best of the seven was far from the
# band, and the box stayed with it. So a coarse round must be large enough to find the right region at all, and the
# box wide enough to forgive. What the fine round gains is precision, and a network rarely needs much of it: the floor of
# the band is wide.
#
# **In practice.** Spend half of the trials or more on the first round. Then look at a scatter of all trials, not only at
# the best one. Shrink the ranges of what mattered, keep those of what did not, and move a range when the best trials lie at
# its end. Stop when the difference between good trials is no larger than that between two seeds.
#
# ## Panda and caviar
#
# So far many models were trained, and each was left alone with its setting, as fish leave their eggs: the **caviar**
# approach. The other way is to watch one model and change its setting while it trains, as a panda cares for its one cub.
# In the lab, a nurse looks at the dev loss every 16 steps. From there she tries three learning rates: as it is, 2.5 times higher,
# 2.5 times lower. She keeps the best of the three. Both approaches may make the same number of training steps in all.

# %%
predict(exercises.bad_start, labs.panda_caviar_lab())

# %% [markdown]
# **Why.** A nurse can change the rate, but not the past. At a rate that is too small the weights stay near
# their start, and nothing is lost but time. At a rate that is too large they grow until the units are
# saturated, and a saturated unit hardly learns. Press *too hot*: the rate is repaired, the loss stays high.
# A caviar model with a bad rate is simply not the winner.
#
# Who wins? It depends on the first rate and on the budget. Means of five seeds:

# %%
pc = labs.panda_caviar
for budget in (192, 576):
    for name, rate in (("0.0003", 10**-3.5), ("0.01", 0.01), ("1", 1.0)):
        ends = [last(pc.compare_approaches(rate, 6, budget, seed)) for seed in range(5)]
        nursed = np.mean([end.panda.losses[-1] for end in ends])
        print(f"{budget} steps, panda from {name:<6}: {nursed:.2f}", end="   ")
    print(f"best of 6 caviar models: {np.mean([end.winner.losses[-1] for end in ends]):.2f}")

# %% [markdown]
# - With a good first guess, the nursed model is ahead, most of all when the budget is small: six models of 32 steps each
#   are all half-trained.
# - With a first rate of 1, the caviar is always ahead.
# - From a first rate that is too small, the nurse needs time. With 576 steps she has it, with 192 she has not.
#
# **What the steps do not show.** Six caviar models can run on six machines at the same time. The panda needs one
# machine, or three for her tries, and someone who looks. And this nurse is better than most: she tries three rates
# from the same weights and takes the best. Someone who looks at one curve and guesses spends a third of the steps, but
# knows less.
#
# **In practice.** Caviar, whenever the models are small enough. You learn how the loss depends on the settings, and that
# helps with the next model, too. Panda, for the one model that is too large to be trained twice: begin with
# a rate that is rather too small, save the weights often, and go back to saved weights when the loss runs away.
#
# ## A decision

# %%
ask(exercises.first_night)

# %% [markdown]
# ## Summary
#
# - Draw trials evenly on the scale on which the loss changes evenly: $\log\alpha$, $\log\lambda$, $\log(1-\beta)$.
# - $n$ random trials find a good region of share $q$ with probability $1-(1-q)^n$, whatever the number of hyperparameters.
# - A grid without ends beats random trials when two hyperparameters count the same. Random trials win when few of many
#   count. A Latin hypercube is better than random trials in both cases.
# - Hyperparameters that depend on each other make a slanted band. Search for a combination such as $\alpha/(1-\beta)$ instead.
# - The fine round pays if the coarse one has found the right region. It gains less than one hopes.
# - Caviar if you can, panda if you must; a panda begins with a small rate.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.18, after Andrew Ng's
# course. Bergstra & Bengio (2012), *Random search for hyper-parameter optimization*, JMLR 13, 281-305. McKay, Beckman &
# Conover (1979), *A comparison of three methods for selecting values of input variables*, Technometrics 21. Bengio
# (2012), *Practical recommendations for gradient-based training of deep architectures*, arXiv 1206.5533.
#
# Next: [07b A search for real](07b_real_search.ipynb). Many strategies on one table of real runs, and a search of your own.
