# %% [markdown]
# # 1 Bias and variance
#
# Sections 1.1 and 1.2 of the lecture notes. About 55 minutes.
#
# A team tries 100 models. Each orange dot is one of them: its share of right answers on 200 examples. The star is the best, and they keep it. Take hold of the green
# line in the curve and drag it to the right: the more models they try, the better the winner. Now look at the black square. It is the same winner, on 5,000 other examples.

# %%
import numpy as np

from dlhelpers import bias_variance as bv
from dlhelpers.datasets import FUNCTIONS, digits, noisy_function, split
from dlhelpers.exercises import bias_variance as exercises
from dlhelpers.experiments import random_feature_error
from dlhelpers.labs import bias_variance as labs
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.live.stages import last
from dlhelpers.showing import show_source

# %%
labs.selection_lab()

# %% [markdown]
# Where has the lead gone? Whenever a network makes errors, two questions decide what you do next: **can you believe the
# number that you measured**, and **which kind of error is it**? Run all cells now (menu *Run*, *Run All Cells*), then read on; [00 Start here](00_start_here.ipynb) says how a lab works. At
# the end of this notebook you can
#
# - say how precise an accuracy is, and how choosing a model spoils it,
# - split data into a training, a dev and a test set, and know when the usual percentages are wrong,
# - take a test error apart into bias, variance and noise,
# - read from three numbers what to try next, and what not to try.
#
# ## 1.1 Which score can you believe?
#
# First the words. The parameters (weights and biases) are fitted on the **training set**. The **dev set** (also
# called validation set) *selects*: it compares models, and settings that training does not fit. The **test set** takes no part in any choice. It is used once, at the end.
#
# If a model is right with probability $p$, an accuracy that is measured on $n$ independent
# examples scatters around $p$. The standard deviation of this scatter is the **standard
# error** (SE); about 95% of such sets lie within two of them:
#
# $$\text{SE} = \sqrt{\frac{p\,(1-p)}{n}} \tag{1}$$

# %%
ask(exercises.best_of_100)

# %% [markdown]
# **Why.** In the lab each model is right on 80% of all examples, no more and no less. The orange dots are the dev set, the black square is the test set. A single model seldom lies more than two standard errors from its true accuracy. But the team looked
# at 100 models and kept the luckiest. How far the luckiest lies above the truth grows slowly with the number of models (the
# axis is logarithmic) and shrinks as $1/\sqrt n$. The test score of the winner stays near 80%,
# because the test set did not choose. If you choose on the test set, that gets used up too. The average of 200 teams:

# %%
teams = [labs.selection.choose(100, 200, seed=team).winner for team in range(200)]
dev, test = np.mean(teams, axis=0)
print(f"one standard error: {bv.standard_error(0.8, 200):.1%}")
print(f"best of 100 on the dev set: {dev:.0%} there, {test:.0%} on the test set")

# %%
practice(exercises.standard_error)


# %%
def my_standard_error(accuracy, n):
    return ...


exercises.standard_error.check(my_standard_error)


# %%
practice(exercises.choose)


# %%
def my_choice(dev_accuracies, test_accuracies):
    return ...


exercises.choose.check(my_choice)

# %% [markdown]
# <details><summary>What the notes say</summary>
#
# *The dev set "is used to train the hyperparameters".* Nothing is fitted by gradients there; it selects. *"Test set is an unbiased set."* A set is not biased or unbiased,
# an *estimate* is. The estimate is unbiased as long as the set takes no part in a choice; if it does, it is too high, as the cell above shows for the dev set.
# </details>
#
# ### How large must the sets be?
#
# The usual shares are 60/20/20 for small data, 98/1/1 for big data. But (1) knows no
# shares. It knows the *number* of examples. What does 98/1/1 do to 1,797 images of digits? In the lab the model copies the label of the most similar training image (*nearest neighbor*), and each move tries 64 random splits.

# %%
predict(exercises.dev_set_size, labs.split_lab())

# %%
for m in (1_797, 100_000, 1_000_000):
    points = 100 * bv.standard_error(0.02, m // 100)
    print(f"1% of {m:>9,} examples, an error of 2%: the standard error is {points:.2f} points")

# %% [markdown]
# **Why.** Press *98 / 1 / 1*, or take hold of the bar. More training images make the model better, by less and less. Fewer dev images make the measurement
# much worse: with 18 of them, the error moves in steps of 1/18, and most splits show no error at all. A share of 1% is right when 1% is a large number.
#
# **In practice.** Say first which difference you want to see, then take from (1) how many dev examples that needs: for an error near 2% and differences of half a point, a few thousand.
#
# ### When the training set comes from elsewhere
#
# Often the cheap data differ from those in use. Here a network is trained on upright digits, and used on
# digits that lie at an angle. To know *why* the dev error is high, hold out a part of the training
# data: the **train-dev set**. It has the distribution of the training set, but nothing was fitted to it.
# Three gaps then have three causes: train to train-dev is variance, train-dev to dev is **data mismatch**,
# and dev to test is a used-up dev set, or chance.

# %%
predict(exercises.far_train_set, labs.mismatch_lab())

# %% [markdown]
# **Why.** The network never saw a turned digit, so the mismatch gap grows with the angle, up to an error of about 90%, which is that of guessing among ten digits. Train and train-dev do not move. Press *mismatch*, then *a few from the target*: if 10% of the training digits are turned by 45° as well, they close more than half of the gap. Now imagine a dev
# set of upright digits: it would show the small train-dev error, and be wrong for the use.
#
# **In practice.** Dev and test set both come from the distribution that you will meet. The training set may differ, and a few examples from the target in it are worth a lot.
#
# ## 1.2 Bias and variance
#
# Now the second question: which kind of error is it? Fifty people have each measured 30 noisy points of the same sine curve, and each draws a polynomial through their own points (by least squares). The **degree** of a polynomial says how
# freely it may bend. With degree 3 the curves follow the sine roughly. What does 9 do?

# %%
predict(exercises.degree_up, labs.decomposition_lab())

# %% [markdown]
# Drag the green frame from 1 over 3 to 5: each time the error falls. Then drag it to 9, and watch the thin fits. Let $K$ be the number of
# training sets, $f_k$ the fit to training set $k$, $f$ the truth, and $\sigma^2$ the variance of the noise:
#
# $$\bar f(x) = \frac1K \sum_k f_k(x) \tag{2}$$
# $$\text{bias}^2 = \operatorname{mean}_x\,(\bar f(x) - f(x))^2 \tag{3}$$
# $$\text{variance} = \operatorname{mean}_x\,\frac1K \sum_k (f_k(x) - \bar f(x))^2 \tag{4}$$
# $$\text{test error} \approx \text{bias}^2 + \text{variance} + \sigma^2 \tag{5}$$
#
# **Bias** is the error of the mean fit: what is wrong even without luck. **Variance** is how far
# single fits scatter around that mean: how much depends on which training set you happened to get.

# %%
curve = labs.decomposition.polynomial_curve("sine", 30, 0.3, seed=0)
for degree in (1, 5, 9):
    parts = curve[degree]
    print(
        f"degree {degree}: bias² {parts.bias2:.2f}, variance {parts.variance:.2f}, test error {parts.test_error:.2f}"
    )

# %% [markdown]
# **Why.** A stiff curve cannot follow the sine, whatever the data: bias. A flexible one follows its own 30
# points, noise included, and each training set has other noise: variance. The noise stays: no model gets
# below $\sigma^2$. Squaring also gives two mixed terms, which (5) leaves out. The one of bias and variance is exactly zero, because
# $\bar f$ is the mean of the fits. The one with the fresh noise is zero only on average: it leaves the small
# difference in the caption. (Degrees 2 and 4 are no better than 1 and 3: this sine is an odd function, so even powers
# can only fit noise.)
#
# Press *networks*. Fifty networks of each width train while you watch. Their variance does not explode with
# the width. That of the polynomials did, with the degree.

# %%
practice(exercises.bias_and_variance)


# %%
def my_bias_and_variance(predictions, truth):
    return ...


exercises.bias_and_variance.check(my_bias_and_variance)

# %% [markdown]
# ### Diagnosis: from three errors to a remedy
#
# In real work there is one training set and no known truth. But three errors are at hand: of a reference
# (**base error**, for instance of a person), on the training set, and on the dev set.
#
# $$\text{avoidable bias} = \text{train error} - \text{base error} \tag{6}$$
# $$\text{variance gap} = \text{dev error} - \text{train error} \tag{7}$$
#
# These gaps are *signs* of bias and variance, not the quantities above: errors are now shares of wrong answers,
# and such parts do not add up exactly. In the lab, take hold of the three bars; the two lists of remedies light up. (Remedies whose names are new come in notebooks 02 and 03.)

# %%
predict(exercises.more_data, labs.diagnosis_lab())


# %%
practice(exercises.gaps)


# %%
def my_gaps(base, train, dev):
    return ...


exercises.gaps.check(my_gaps)

# %% [markdown]
# **The same on real networks.** This lab trains 98 networks on digits: two for each pair of seven widths and seven sizes of
# the training set. The curves are means of two. Start with *high variance*. What will *more data* change? Press it. Go to *high
# bias*. What will *bigger network* change? Press it.

# %%
labs.learning_curves_lab()

# %% [markdown]
# **Why.** With 32 units the train error stays near 0, the dev
# error falls, and the gap closes. The more examples a network fits at once, the less depends on which ones it got. With two units more data brings the gap to 10 points or less, but at an error of about 40% or more. That is bias; more units remove it.
#
# Now *wrong labels*: one label in five is wrong, in the training set and in the dev set. So the base error is 20%: nobody can guess which labels are wrong. The network has learned most of
# the wrong ones by heart, and pays for it on the dev set. Press *and with λ*: a penalty on large weights ([02a](02a_regularization.ipynb)). The train error rises to about the base error, the gap falls from 30 points or more to less than 15, and the dev error falls, too: by about a quarter or more of what lies above the base error. That is a cure of variance. On clean digits the same
# $\lambda$ changes little. Regularization helps most where there is noise to be learned by heart.
#
# **In practice.** Measure (6) and (7) before you change anything. Bias: a bigger network, longer training. Variance: more data, regularization. Both: the bias first. If the gap does not move, stop doing what you do.
#
# <details><summary>What the notes say</summary>
#
# *"High variance means high error on the test set."* By (5) it does, but it does not work backward: degree 1 has a large test error and hardly any variance.
#
# *The base error tells bias or variance.* It tells about the bias only: it is not in (7).
#
# *"The model underfits some parts of the model and overfits other parts."* It is parts of the **input space**. The curve *bump* is flat on the left and has a narrow peak on the right. Fitted with degree 4 to 100 points, it has more variance than bias² on the left, and more bias² than variance on the right: see the next cell.
#
# *Batch normalization as a cure for variance.* Its purpose is faster training; the notes themselves call the regularizing effect slight (1.19). See notebook [08](08_batch_normalization.ipynb).
# </details>

# %%
grid = np.linspace(-0.95, 0.95, 400)
truth = FUNCTIONS["bump"](grid)
x, y = (each.reshape(50, 100) for each in noisy_function("bump", 50 * 100, 0.3, np.random.default_rng(0)))
fits = bv.polynomial_fits(x, y, 4, grid)
for part, here in (("flat part", grid < 0.1), ("peak", grid >= 0.1)):
    bias2 = np.mean((fits[:, here].mean(axis=0) - truth[here]) ** 2)
    print(f"bump, degree 4, {part}: bias² {bias2:.3f}, variance {fits[:, here].var(axis=0).mean():.3f}")

# %% [markdown]
# <details><summary>For the curious: can more data hurt?</summary>
#
# The notes say that the trade-off "is not so discussed" since one can always take a bigger network or more data, and neither hurts. In the labs above they did no harm. But where a model has
# just enough parameters to fit every training example, both can hurt (**double descent**, Belkin 2019;
# Nakkiran 2020). In the next cell the first layer is random and fixed, and the last one is fitted to digits. Look at 100
# in each row, where there are as many units as examples: there the error has a peak.
# </details>

# %%
X, labels, *_ = digits()
data = split(X / 16, labels, dev=386, test=387, rng=np.random.default_rng(0))
for vary in ("units", "examples"):
    print(f"100 {'examples' if vary == 'units' else 'units'}:", end=" ")
    for n in (10, 50, 100, 200, 400):
        m, units = (100, n) if vary == "units" else (n, 100)
        errors = [random_feature_error(data, m, units, np.random.default_rng(seed)) for seed in range(10)]
        print(f"{n} {vary} {np.mean(errors):.0%}", end="; " if n < 400 else "\n")

# %% [markdown]
# ## A decision

# %%
ask(exercises.what_first)

# %% [markdown]
# ## Summary
#
# - The dev set selects, the test set reports. What selects is too optimistic, by luck alone.
# - How precise a score is depends on the number of examples, not on their share.
# - Dev and test come from the data in use. A train-dev set tells variance from mismatch.
# - Test error = bias² + variance + noise. The mean of many fits shows bias, their scatter shows variance.
# - A gap from base to train: bias, try a bigger network or longer training. A gap from train to dev: variance, try more data or
#   regularization.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.1 and 1.2, after
# Andrew Ng's course. Geman, Bienenstock & Doursat (1992), *Neural networks and the bias/variance dilemma*.
# Goodfellow, Bengio & Courville (2016), *Deep Learning*, sections 5.3 and 5.4. Belkin, Hsu, Ma & Mandal
# (2019), *Reconciling modern machine-learning practice and the classical bias-variance trade-off*. Nakkiran et
# al. (2020), *Deep double descent*, arXiv 1912.02292. Ioffe & Szegedy (2015), *Batch normalization*.
# Digits: E. Alpaydin & C. Kaynak, UCI; see `data/README.md`.
#
# Next: [02a Regularization](02a_regularization.ipynb). What does a price on large weights do?
