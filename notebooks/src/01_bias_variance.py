# %% [markdown]
# # 1 Bias and variance
#
# Sections 1.1 and 1.2 of the lecture notes. About 40 minutes.
#
# You train a network. It makes errors. Two questions decide what you do next: **can you believe the
# number that you measured**, and **which kind of error is it**? At the end of this notebook you can
#
# - say how precise an accuracy is, and how choosing a model spoils it,
# - split data into a training, a dev and a test set, and know when the usual percentages are wrong,
# - take a test error apart into bias, variance and noise,
# - read from three numbers what to try next, and what not to try.
#
# Most ideas come in this order: a question, the formula and the code beside it, a **prediction** that
# you make, a **lab** in which you move sliders, the reason, and an **exercise** that knows common mistakes.
# Run all cells now (menu *Run*, *Run All Cells*), then read from the top.
#
# How a lab works, from the keyboard too, stands in [00 Start here](00_start_here.ipynb). In short: the number beside most
# sliders can be typed over, and grey in a figure is the state before your last change.

# %%
import numpy as np

from dlhelpers import bias_variance as bv
from dlhelpers.datasets import FUNCTIONS, digits, noisy_function, split
from dlhelpers.exercises import bias_variance as exercises
from dlhelpers.experiments import random_feature_error
from dlhelpers.labs import bias_variance as labs
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import predict
from dlhelpers.showing import show_source

# %% [markdown]
# ## 1.1 Which score can you believe?
#
# A team tries 100 models. On a dev set of 200 examples, each is measured once. They keep the best one.
# Below, each model is right on 80% of all examples, no more and no less. Its answer to each example is drawn
# at random.

# %%
luck = bv.draw_luck(n_models=100, n_dev=200, n_test=5000, rng=np.random.default_rng(0))
scores = bv.select_best(luck, accuracy=0.8, n_dev=200)
winner = scores.winners[-1]
print(f"the winner: {scores.dev[winner]:.1%} on the dev set")

# %% [markdown]
# The winner looks better than 80%. Nobody cheated. Where do the points come from, and will they last?
#
# First the words. The parameters (weights and biases) are fitted on the **training set**. The **dev set** (also
# called validation set) *selects*: it compares models and hyperparameters, which are the settings that
# training does not fit. The **test set** takes no part in any choice. It is used once, at the end.
#
# Now the size of luck. If a model is right with probability $p$, an accuracy that is measured on $n$ independent
# examples scatters around $p$. The standard deviation of this scatter, over many such sets, is the **standard
# error** (SE); about 95% of the sets lie within two of them:
#
# $$\text{SE} = \sqrt{\frac{p\,(1-p)}{n}} \tag{1}$$
#
# The numbers at the ends of code lines, such as `# (1)`, point to the formulas above them. They begin again at (1)
# with each piece of code. Lines that only check the input are not shown.
#
# **Predict, then move.** After the code comes a question. Choose an answer, and the lab appears. In it,
# each orange dot is a model, and $k$ is the number of models. Move *Models to choose from* and watch the star,
# the winner on the dev set. Then watch the black square: the same model on the test set.

# %%
show_source(bv.standard_error)

# %%
predict(exercises.best_of_100, labs.selection_lab())

# %% [markdown]
# **Why.** A single model seldom lies more than two standard errors from its true accuracy. But the team looked
# at 100 models and kept the luckiest. How far the luckiest lies above the truth grows slowly with $k$ (the
# axis on the right is logarithmic) and shrinks as $1/\sqrt n$. The test score of the winner stays near 80%,
# because the test set did not choose. The score on the set that made the choice is too high. So a dev
# set gets used up, slowly. If you choose on the test set, that gets used up too, and nothing honest is left.
#
# Two exercises follow. Replace the dots, then run the cell.


# %%
practice(exercises.standard_error)


# %%
# Exercise 1: write equation (1). The accuracy is a fraction, 0.8; return a fraction.
def my_standard_error(accuracy, n):
    return ...


exercises.standard_error.check(my_standard_error)


# %%
practice(exercises.choose)


# %%
# Exercise 2: arrays with a fraction for each model; return (index to ship, accuracy to report).
def my_choice(dev_accuracies, test_accuracies):
    return ...


exercises.choose.check(my_choice)

# %% [markdown]
# ### How large must the sets be?
#
# The notes give the usual shares: 60/20/20 for small data, 98/1/1 for big data. But equation (1) knows no
# shares. It knows the *number* of examples. What does 98/1/1 do to 1,797 images of digits?
#
# In the lab, the model copies the label of the most similar training image (*nearest neighbor*). It needs no
# training time, so each move tries 64 random splits. Each dot is the error on one of them. Press
# *98 / 1 / 1* and look at the width of the cloud.

# %%
predict(exercises.dev_set_size, labs.split_lab())

# %%
for m in (1_797, 100_000, 1_000_000):
    points = 100 * bv.standard_error(0.02, m // 100)
    print(f"1% of {m:>9,} examples, an error of 2%: the standard error is {points:.2f} points")

# %% [markdown]
# **Why.** More training images make the model better, by less and less. Fewer dev images make the measurement
# much worse: with 18 of them, the error moves in steps of 1/18. A share of 1% is right when 1% is a large number,
# as the lines above show.
#
# ### When the training set comes from elsewhere
#
# Often the cheap data differ from those in use. Here a network is trained on upright digits, and used on
# digits that lie at an angle. To know *why* the dev error is high, hold out a part of the training
# data: the **train-dev set**. It has the distribution of the training set, but nothing was fitted to it.
# Three gaps then have three causes: train to train-dev is variance, train-dev to dev is **data mismatch**,
# and dev to test is a used-up dev set, or chance.
#
# In the lab, one network is trained for each of 19 angles, all at once. Move the angle, then
# the other slider.

# %%
predict(exercises.far_train_set, labs.mismatch_lab())

# %% [markdown]
# **Why.** The network never saw a turned digit, so the mismatch gap grows with the angle, up to the 90% of
# guessing among ten digits, while train and train-dev do not move. A few turned digits in the training set close most of the gap. Now imagine a dev
# set of upright digits. It would show the train-dev error: small, and wrong for the use. So dev and test set
# must both come from the distribution that you will meet. The training set may differ.
#
# **What the notes got wrong in 1.1.** *The dev set "is used to train the hyperparameters"*: nothing
# is fitted by gradients there; it selects. *"Test set is an unbiased set"*: a set is not biased or unbiased,
# an *estimate* is. The test estimate is unbiased as long as the set takes no part in a choice. If it
# does, the estimate is too high again. Average over 200 teams that choose one of 100 models on a *test* set of 200:

# %%
draws = [bv.draw_luck(100, 1, 200, np.random.default_rng(team)) for team in range(200)]
best_on_test = [(luck.test < 0.8).mean(axis=1).max() for luck in draws]
print(f"true accuracy 80%, reported {np.mean(best_on_test):.1%}")

# %% [markdown]
# ## 1.2 Bias and variance
#
# Thirty noisy points of a sine curve. We fit polynomials of degree 1, 5 and 9 by least squares. To see what
# is luck, we do it for 50 training sets. Two of the three degrees have a large test error. Do they fail in
# the same way?

# %%
rng = np.random.default_rng(0)
x, y = noisy_function("sine", 50 * 30, 0.3, rng)
x, y = x.reshape(50, 30), y.reshape(50, 30)  # 50 training sets of 30 points
x_test, y_test = noisy_function("sine", 1000, 0.3, rng)
for degree in (1, 5, 9):
    train_error = np.mean((bv.polynomial_fits(x, y, degree, x) - y) ** 2)
    test_error = np.mean((bv.polynomial_fits(x, y, degree, x_test) - y_test) ** 2)
    print(f"degree {degree}: train error {train_error:.2f}, test error {test_error:.2f}")

# %% [markdown]
# Degree 1 fails on the training points already. Degree 9 fits them best of all, and fails on new ones.
# These are two kinds of failure, and they can be measured. Let $K$ be the number of
# training sets, $f_k$ the fit to training set $k$, $f$ the truth, and $\sigma^2$ the variance of the noise:
#
# $$\bar f(x) = \frac1K \sum_k f_k(x) \tag{1}$$
# $$\text{bias}^2 = \operatorname{mean}_x\,(\bar f(x) - f(x))^2 \tag{2}$$
# $$\text{variance} = \operatorname{mean}_x\,\frac1K \sum_k (f_k(x) - \bar f(x))^2 \tag{3}$$
# $$\text{test error} \approx \text{bias}^2 + \text{variance} + \sigma^2 \tag{4}$$
#
# **Bias** is the error of the mean fit: what is wrong even without luck. **Variance** is how far
# single fits scatter around that mean: how much depends on which training set you happened to get.
#
# In the lab, thin lines on the left are 50 fits to 50 training sets; the thick line is their mean. On the
# right, each degree has a bar; the black dot is the test error, measured on fresh noisy points. It should sit
# on top of the bar, and the caption says how far it is off. Try the buttons from left to right.

# %%
show_source(bv.decompose)

# %%
predict(exercises.degree_up, labs.decomposition_lab())

# %% [markdown]
# **Why.** A stiff model cannot follow the sine, whatever the data: bias. A flexible one follows its own 30
# points, noise included, and each training set has other noise: variance. Noise is the floor: no model gets
# below $\sigma^2$. Two mixed terms are missing in (4). The one of bias and variance is exactly zero, because
# $\bar f$ is the mean of the fits. The one with the fresh noise is zero only on average: it leaves the small
# residual in the caption. Degrees 2 and 4 are worse than 1 and 3: this sine is an odd function, so even powers
# can only fit noise.
#
# Press *networks*. Fifty networks of each width train while you watch. Their variance does not explode with
# the width, as that of polynomials does with the degree. Remember this for the notes' claim that a bigger
# network does not hurt.
#
# Exercise 3 asks for (2) and (3).


# %%
practice(exercises.bias_and_variance)


# %%
# Exercise 3: predictions (K, points), truth (points,); return (bias2, variance).
def my_bias_and_variance(predictions, truth):
    return ...


exercises.bias_and_variance.check(my_bias_and_variance)

# %% [markdown]
# ### Diagnosis: from three errors to a remedy
#
# In real work there is one training set and no known truth. But three errors are at hand: of a reference
# (**base error**, for instance of a person), on the training set, and on the dev set.
#
# $$\text{avoidable bias} = \text{train error} - \text{base error} \tag{1}$$
# $$\text{variance gap} = \text{dev error} - \text{train error} \tag{2}$$
#
# These gaps are *signs* of bias and variance, not the quantities above: errors are now shares of wrong answers,
# and such parts do not add up exactly. Remedies whose names are new (L1 and L2 regularization, dropout, early
# stopping, augmentation) come in later notebooks.
#
# In the lab, set three errors. The bars show the gaps, the map shows the quadrant, and the notes' two lists
# of remedies light up. What counts as a high gap depends on the task, so it has a slider too.

# %%
show_source(bv.diagnose)

# %%
predict(exercises.more_data, labs.diagnosis_lab())


# %%
practice(exercises.gaps)


# %%
# Exercise 4: fractions; return (avoidable_bias, variance_gap).
def my_gaps(base, train, dev):
    return ...


exercises.gaps.check(my_gaps)

# %% [markdown]
# **The same on real networks.** This lab trains 98 networks on digits: seven widths, seven sizes of
# the training set, two of each. Start with *high variance*. What will *more data* change? Press it. Go to *high
# bias*. What will *bigger network* change? Press it. Then try *too short*, and raise $\lambda$, the strength of a
# penalty on large weights.

# %%
labs.learning_curves_lab()

# %% [markdown]
# **Why.** More examples are harder to learn by heart. With 32 units the train error stays near 0, the dev
# error falls, and the gap closes. With two units, more data raises the train error and lowers the dev error:
# the gap closes too, but at a high error. That is bias, and more data cannot remove it; more units can. A large
# $\lambda$ closes the gap by raising the train error: more bias. The remedies differ because the gaps do.
#
# ### What the notes got wrong in 1.2
#
# 1. *"High variance means high error on the test set."* By (4) it does, but it does not work backward: a high test
#    error does not say which part is high. Degree 1 has a large test error and hardly any variance.
# 2. *The base error tells bias or variance.* It tells you about the bias only: it is not in the variance gap.
# 3. *"The model underfits some parts of the model and overfits other parts."* It is parts of the **input
#    space**. The curve *bump* is flat on the left and has a narrow peak on the right. One polynomial of
#    degree 7 has more variance than bias² on the left, and more bias² than variance on the right. Both are
#    larger at the peak; what changes is which one dominates.

# %%
degree_1 = bv.decompose(bv.polynomial_fits(x, y, 1, x_test), FUNCTIONS["sine"](x_test), y_test, 0.3**2)
print(f"sine, degree 1: test error {degree_1.test_error:.2f}, variance part {degree_1.variance:.2f}")
x_bump, y_bump = noisy_function("bump", 50 * 40, 0.1, np.random.default_rng(0))
grid = np.linspace(-0.95, 0.95, 400)
truth = FUNCTIONS["bump"](grid)
fits = bv.polynomial_fits(x_bump.reshape(50, 40), y_bump.reshape(50, 40), 7, grid)
for part, here in (("flat part", grid < 0.1), ("peak", grid >= 0.1)):
    found = bv.decompose(fits[:, here], truth[here], np.tile(truth[here], (50, 1)), 0.0)
    print(f"bump, degree 7, {part}: bias² {found.bias2:.3f}, variance {found.variance:.3f}")

# %% [markdown]
# 4. *The trade-off "is not so discussed" since "we can always increase the network or add more data"; neither
#    hurts.* In the labs above, wider networks did no harm. But in general this is contested. Where a model has
#    just enough parameters to fit every training example, both can hurt (**double descent**, Belkin 2019;
#    Nakkiran 2020). Below, the first layer is random and fixed, and the last one is fitted to digits. Look at 100
#    in each row, **where there are as many units as examples**: before it the error has fallen, there it has a
#    peak, behind it falls again. And data is not always to be had, as the notes say themselves in 1.5.
# 5. *Batch normalization as a cure for variance.* Its purpose is faster training. Ioffe & Szegedy (2015) report a
#    regularizing effect too; the notes themselves call it slight (1.19). So it is not in our list; notebook 08
#    will measure it.

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
# ## Summary
#
# - The dev set selects, the test set reports. What selects is too optimistic, by luck alone.
# - How precise a score is depends on the number of examples, not on their share.
# - Dev and test come from the data in use. A train-dev set tells variance from mismatch.
# - Test error = bias² + variance + noise. The mean of many fits shows bias, their scatter shows variance.
# - A gap from base to train: bias, try a bigger network or longer training. A gap from train to dev: variance, try more data or
#   regularization. The next notebook, 02, takes up regularization.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.1 and 1.2, after
# Andrew Ng's course. Geman, Bienenstock & Doursat (1992), *Neural networks and the bias/variance dilemma*.
# Goodfellow, Bengio & Courville (2016), *Deep Learning*, sections 5.3 and 5.4. Belkin, Hsu, Ma & Mandal
# (2019), *Reconciling modern machine-learning practice and the classical bias-variance trade-off*. Nakkiran et
# al. (2020), *Deep double descent*, arXiv 1912.02292. Ioffe & Szegedy (2015), *Batch normalization*.
# Digits: E. Alpaydin & C. Kaynak, UCI; see `data/README.md`.
