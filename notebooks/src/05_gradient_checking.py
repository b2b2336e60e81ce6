# %% [markdown]
# # 5 Gradient checking
#
# Sections 1.9 and 1.10 of the lecture notes. About 40 minutes.
#
# You have written backpropagation. It runs, and the cost falls. Is the gradient right? One can measure the slope of a function $f$ from its values alone: step by $\epsilon$, and see how much $f$ changes.
# Smaller steps must be better. Take hold of the green line on the right, and drag it to the left, as far as it goes. Watch the curve on the left.

# %%
from itertools import islice, repeat

import numpy as np

from dlhelpers import gradient_checking as checking
from dlhelpers.broken_backprop import with_bug
from dlhelpers.dropout import draw_uniform
from dlhelpers.exercises import gradient_checking as exercises
from dlhelpers.labs import gradient_checking as labs
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.minibatches import Batch

# %%
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent
from dlhelpers.showing import show_source
from dlhelpers.training import descend

# %%
labs.difference_lab()

# %% [markdown]
# First $f$ becomes straight, and both errors fall. Then it turns into stairs, and the errors rise again. Run all cells now (menu *Run*, *Run All Cells*), then read on;
# [00 Start here](00_start_here.ipynb) says how a lab works. At the end of this notebook you can
#
# - measure a slope from values of a function, and choose the step for it,
# - check a gradient, and read from the errors in which line the bug is,
# - name the bugs that such a check cannot find,
# - tell a false alarm from a bug.
#
# ## 1.9 A slope from values alone
#
# Two points on the curve give a straight line, a **secant**, and its slope is near the one you look for. Which two points? You can step from $x$ to both sides, or to one side. These are the two **differences**:
#
# $$f'(x) \approx \frac{f(x + \epsilon) - f(x - \epsilon)}{2\epsilon} \tag{1}$$
# $$f'(x) \approx \frac{f(x + \epsilon) - f(x)}{\epsilon} \tag{2}$$
#
# In the lab, the left panel is a microscope: its window is always $3\epsilon$ wide. The squares and the circles are the points that each difference uses, and the dotted line has the true slope.

# %%
show_source(checking.difference)

# %%
ask(exercises.ten_times_smaller)


# %%
def f(x):
    return x * x * x


for eps in (0.1, 0.01, 0.001):
    one_sided = (f(0.7 + eps) - f(0.7)) / eps
    two_sided = (f(0.7 + eps) - f(0.7 - eps)) / (2 * eps)
    print(f"ε = {eps}: one-sided off by {one_sided - 1.47:.1e}, two-sided off by {two_sided - 1.47:.1e}")

# %% [markdown]
# **Why.** A smooth function is, near $x$, a sum of powers of the step (Taylor):
#
# $$f(x \pm \epsilon) = f(x) \pm \epsilon f'(x) + \tfrac{1}{2} \epsilon^2 f''(x) \pm \tfrac{1}{6} \epsilon^3 f'''(x) + \dots$$
#
# Put this into (1) and (2). The left step and the right step have the same term in $f''$, and (1) subtracts them:
#
# $$\text{two-sided} = f'(x) + \tfrac{1}{6} \epsilon^2 f'''(x) + \dots \qquad \text{one-sided} = f'(x) + \tfrac{1}{2} \epsilon f''(x) + \dots$$
#
# So the errors are $O(\epsilon^2)$ and $O(\epsilon)$: on logarithmic axes they are lines of slope 2 and 1.
#
# ### Why not smaller and smaller?
#
# That holds for exact arithmetic. A computer rounds. Let $u$ be the distance from 1 to the next number: 2e-16 in float64, 1e-7 in float32. Each value of $f$ is wrong by up to about $u|f|$, and (1) and (2) divide this
# by $\epsilon$. The whole error has two parts that pull in opposite directions:
#
# $$\text{two-sided error} \approx \tfrac{1}{6} \epsilon^2 |f'''| + u |f| / \epsilon \qquad \text{one-sided error} \approx \tfrac{1}{2} \epsilon |f''| + u |f| / \epsilon$$
#
# Each sum is smallest where its two parts are about equal. If $f$ and its derivatives are of the size of 1, that is near $\epsilon = u^{1/3}$ for the two-sided difference, and near $u^{1/2}$ for the one-sided one.

# %%
ask(exercises.coarse_numbers)

# %%
for precision in ("float64", "float32"):
    eps, u = labs.EPSILONS.astype(precision), float(np.finfo(precision).eps)
    for name, both, power in (("two-sided", True, 1 / 3), ("one-sided", False, 1 / 2)):
        best = checking.best_eps(eps, abs(checking.difference(f, 0.7, eps, both) - 3 * 0.7 * 0.7))
        print(f"{precision}, {name}: best ε near {best:.0e}, the rule says {u**power:.0e}")

# %% [markdown]
# The rules mostly give the power of ten, not more, and only where $f$ and its derivatives are of the size of 1. Choose *1 / (1 + x²)* and $x = 1$. There $f'''$ is 0, and a larger step is better, near 2e-4. Under the microscope, the stairs are the
# rounded values of $f$: there is no number between two steps. In float32 they come much earlier.
#
# And Taylor's sum needs a smooth function. Press *ReLU near its kink*. While the kink is inside the step, the two-sided error is large. It does not fall like $\epsilon^2$: it drops to nearly 0 as soon as $\epsilon$ is smaller than the distance to the kink. Set *Point x* to 0:
# then the kink is inside for every $\epsilon$.
#
# **In practice.** Two sides, float64, $\epsilon = 10^{-5}$.
#
# <details><summary>What the notes say</summary>
#
# The two-sided difference is better *"for ε smaller than 0"*. It must be $0 < \epsilon < 1$: there $\epsilon^2$ is smaller than $\epsilon$. A negative $\epsilon$ changes nothing in (1). A large one makes both errors large, as the cell below shows. And *smaller* is not
# *better* without end.
# </details>

# %%
for step in (-0.01, 0.01, 3.0):
    off = [float(checking.difference(f, 0.7, np.array([step]), both)[0] - 1.47) for both in (False, True)]
    print(f"ε = {step}: one-sided off by {off[0]:.2g}, two-sided off by {off[1]:.2g}")

# %% [markdown]
# Now take a function of several numbers. Its gradient has one slope for each of them.

# %%
practice(exercises.two_sided_gradient)


# %%
def my_gradient(J, theta, eps):
    return ...


exercises.two_sided_gradient.check(my_gradient)

# %% [markdown]
# ## 1.10 Is this gradient right?
#
# Two networks learn the same 24 examples. The second one has a bug in its backpropagation: it leaves out the slope of the activation function. Look at the cost $J$, which is the loss of the other notebooks:

# %%
X, Y = np.random.default_rng(0).normal(size=(2, 24, 4))
batch = Batch(X, Y)
for bug in ("no bug at all", "activation: the slope is missing"):
    broken = with_bug(bug).Network((4, 4, 4, 4))
    run = descend(broken, broken.initialize(np.random.default_rng(2)), repeat(batch), GradientDescent(), 0.1)
    first, end = (step.loss for step in islice(run, 0, 201, 200))
    print(f"{bug}: J goes from {first:.2f} to {end:.2f} in 200 steps")

# %% [markdown]
# Both fall. From the second line alone, nobody would look for a bug. But the slope of a cost can be measured. Put all parameters of the network into one long vector, and all parts of its gradient into another, in the same order:
#
# $$\theta = (W^{[1]}, b^{[1]}, \dots, W^{[L]}, b^{[L]}) \qquad d\theta = (dW^{[1]}, db^{[1]}, \dots, dW^{[L]}, db^{[L]})$$
#
# Then move one component at a time. This is (1), once for each:
#
# $$d\theta_{approx}[i] = \frac{J(\theta + \epsilon e_i) - J(\theta - \epsilon e_i)}{2\epsilon}$$
#
# Here $e_i$ is the vector that is 1 at place $i$, and 0 elsewhere.

# %%
network = Network((4, 4, 4, 4))
theta = network.initialize(np.random.default_rng(2))
costs = []


def cost(thetas):
    costs.extend(network.loss(thetas, batch))
    return np.array(costs[-len(thetas) :])


checking.numerical_gradient(cost, theta)
print(f"θ has {theta.size} numbers: {network.layout.shapes}")
print(f"{len(costs)} costs for one gradient; with 1,000,000 parameters, {2 * 1_000_000:,}")

# %% [markdown]
# $2P$ costs for $P$ parameters: that is a tool for debugging, not for training. Backpropagation costs about as much as two forward passes, whatever $P$ is. A small network is enough for the check: its code is that of the large one.
#
# To compare the two vectors, the **relative error** divides their distance by their lengths:
#
# $$\frac{\lVert a - b \rVert_2}{\lVert a \rVert_2 + \lVert b \rVert_2} \qquad \lVert a \rVert_2 = \sqrt{\textstyle\sum_i a_i^2} \tag{3}$$
#
# It is 0 if they are equal, and 1 if they are opposite. Many people say: near 1e-7 it is great, 1e-5 is suspect, 1e-3 is wrong. What these limits are worth, we will see below.

# %%
practice(exercises.relative_error)


# %%
def my_relative_error(a, b):
    return ...


exercises.relative_error.check(my_relative_error)

# %% [markdown]
# Here is the check of both networks of above, with the error of each array by itself:

# %%
for bug in ("no bug at all", "activation: the slope is missing"):
    check = checking.check_gradient(with_bug(bug).Network((4, 4, 4, 4)), theta, batch)
    wrong = [name for name, error in check.by_name.items() if error > 1e-6]
    print(f"{bug}: {check.verdict}; above 1e-6: {wrong or 'nothing'}")

# %% [markdown]
# The check sees the bug at once. It says more: W3 and b3 are right. So the bug is not in everything.
#
# ### Find the bug
#
# These are the equations of the backward pass. $D / p$ is the mask of dropout (notebook 03): a kept unit is divided by $p$, *keep_prob*.
#
# $$dW^{[l]} = dZ^{[l]} A^{[l-1]T} \tag{4}$$
# $$db^{[l]} = \textstyle\sum_i dZ^{[l](i)} \tag{5}$$
# $$dA^{[l]} = W^{[l+1]T} dZ^{[l+1]} \tag{6}$$
# $$dA^{[l]} \leftarrow dA^{[l]} \odot D^{[l]} / p \tag{7}$$
# $$dZ^{[l]} = dA^{[l]} \odot g'(Z^{[l]}) \tag{8}$$
#
# The first $dZ$, that of the last layer, comes from the loss. The mean over the examples, $1/m$, is in it already. In the next lab this very code runs, with one term changed. Which one, the seed decides.

# %%
predict(exercises.which_bug, labs.find_the_bug_lab())

# %% [markdown]
# The upper map has a square for each component of the gradient: the darker, the larger its share in the error. White arrays do not exist in this network. The dots below are the relative errors of the arrays.
#
# 1. Look at which arrays are wrong.
# 2. Switch parts off: set *keep_prob* to 1 or *λ* to 0, choose *linear* or *relu*. If the error goes away, the bug is in that part. Some bugs need a part to be *on*: batch norm (notebook 08), or some training (the right gradient does it).
# 3. Choose *Your answer*. The lower map shows what your bug would do here, and the sentence below says why you are right, or what tells the two apart.
#
# *New seed* draws the next case. Fifteen seeds in a row are fifteen different cases, and your first answer to each counts for the score. In some cases the right answer is that the check finds nothing. That can only be said when all parts are on.
#
# **Why.** The backward pass begins at the loss and ends at the first layer. An error flows on from the line where it arises, never back up.
#
# - *All arrays differ*: the bug is before everything else, in the gradient of the loss.
# - *The last layer agrees, all below differ*: (6), (7) or (8). Switch off dropout to test (7), take linear units to test (8).
# - *Only weights, or only biases*: (4) or (5), since nothing is computed from $dW$ and $db$. Or the penalty: then the error goes away at $\lambda = 0$.
# - *Only with batch norm*: there. If only γ or only β is wrong, in its own line: nothing is computed from $d\gamma$ and $d\beta$, either.
#
# **Once at the start is not enough.** Take a penalty that shrinks the biases, too. The biases begin at 0, and a wrong penalty on a zero is zero:

# %%
bug = "L2: the gradient shrinks the biases too"
for steps in (0, 100):
    setting = labs.find_the_bug.Setting("tanh", 0.8, 1.0, False, steps, seed=0)
    check = labs.find_the_bug.examine(bug, setting)
    wrong = [name for name, error in check.by_name.items() if error > 1e-6]
    print(f"after {steps} steps, wrong are: {wrong or 'none'}")

# %% [markdown]
# **What the check cannot find.** Three of the fifteen cases pass with all parts on. In one, nothing is wrong. In another, the mask is not divided by $p$, forward and backward alike: the gradient is right, for a cost that is
# not the one you wanted. In the third, the bug is in an optimizer, Adam (notebook 06b), which comes after the gradient. Its first step should be as long as the learning rate in each direction:

# %%
gradient = np.array([3.0, -0.5])
for name, kind in (("right", Adam), ("with the bug", with_bug("Adam: t is one too large").Adam)):
    direction, _ = kind().update(gradient, kind().init(np.zeros(2)))
    print(f"Adam {name}: first step {direction.round(2)} times the learning rate")

# %% [markdown]
# **And by reading?** One line below was changed. It is the loop over the layers, from the last to the first. Read it beside (4) to (8). Another number in `find_the_bug`, up to 12, gives another bug. With 6 to 11 the listing is that of another part: batch norm (6, 7), L2
# (8, 9), the loss (10), the mask (11).

# %%
broken = exercises.find_the_bug(0)
practice(broken)

# %%
# The number of the line that was changed, in place of the dots.
broken.check(...)

# %% [markdown]
# ### False alarms
#
# Sometimes the check says "wrong", and the code is right. Then hours are lost. The next network has 2 inputs, two hidden layers of 8 units and one output. It sees 60 examples, one of them blank: all its inputs are 0. Its backward pass has no bug.

# %%
predict(exercises.right_network_fails, labs.false_alarms_lab())

# %% [markdown]
# Press each button, and try to make the alarm go away. The left panel has the error of the check over $\epsilon$; take hold of its green line.
#
# **Why.**
#
# - *ε too small, ε too large.* The U is the one of section 1.9: rounding on the left, $\epsilon^2$ on the right. In float32 the whole U moves up, and no $\epsilon$ brings the error below 1e-5. So check in float64.
# - *ReLU on its kink.* For the blank example all pre-activations are 0. The backward pass takes 0 as the slope at the kink, the difference finds the mean of both sides. Only b1 and b2 are wrong. Both slopes are defensible, and no $\epsilon$ helps. Now move the
#   steps to 50 or more: the biases are not 0 any more, and this alarm is gone. Another one can come by chance, when a pre-activation lies within $\epsilon$ of 0. Then a smaller $\epsilon$ helps: at 1e-7 the check passes after 50 steps or more.
# - *Fresh masks.* Each evaluation of $J$ drops other units, so the difference compares two networks. Choose *fixed masks*: with the same random numbers in each evaluation, dropout can be checked.
# - *Penalty not in J.* The gradient has a term whose cost is missing. All weights are wrong. Include the penalty in the cost.
#
# Press *Reset* and move the steps of training to 50. The whole U moves up, the right branch most. The weights have grown, so the tanh units bend more: $f'''$ in the error is larger. And the gradient is smaller, while the rounding of $J$ is not.
#
# What are the limits worth? The same right network gets all of these words:

# %%
settings = (("float64", 1e-3), ("float64", 1e-5), ("float64", 1e-7), ("float64", 1e-10), ("float32", 1e-5))
for precision, eps in settings:
    same = Batch(X.astype(precision), Y.astype(precision))
    error = checking.check_gradient(network, theta.astype(precision), same, eps).error
    power, word = int(np.ceil(np.log10(error))), labs.verdict_word(error)
    print(f"{precision}, ε = {eps:.0e}: between 1e{power - 1} and 1e{power}, “{word}”")

# %% [markdown]
# **In practice.**
#
# 1. A tiny network of your real code, float64, two sides, $\epsilon = 10^{-5}$. Fix the masks of dropout, put every penalty into the cost.
# 2. Right code then scores below 1e-8 where nothing has a kink, and below 1e-6 with batch norm. Look closer at anything above: which arrays, with which parts?
# 3. Kinks (ReLU, max pooling): try $\epsilon = 10^{-7}$, and parameters after some training. An error that stays is a bug.
# 4. Check at the start and after some training, once for every change of the backward pass. Then switch it off.
# 5. If a library computes your gradients, you need this only for what you write yourself.
#
# <details><summary>What the notes say</summary>
#
# *"$\lVert\cdot\rVert_2$ denotes the squared root of the sum of the squared differences"*. It is the root of the sum of the squared **components**, as in (3). Only in the numerator are these components differences; in the denominator there is nothing to subtract.
#
# *"Near 1e-7 it is great"*, 1e-5 is suspect, and 1e-3 is *"really wrong"*. Without $\epsilon$ and the precision these limits mean nothing, as the cell above shows.
#
# *"Doesn't work with dropout (turn it off during grad check)"*. It works if the masks are fixed, as in the cell below. Turning dropout off would hide the bugs in the mask.
# </details>

# %%
dropout = Network((4, 4, 4, 4), keep_prob=0.8)
fixed = batch._replace(draws=draw_uniform(dropout.sizes, 24, np.random.default_rng(0)))
fresh = checking.FreshMasks(dropout, np.random.default_rng(0))
print("fixed masks:", checking.check_gradient(dropout, theta, fixed).verdict)
print("fresh masks:", checking.check_gradient(fresh, theta, batch).verdict)

# %% [markdown]
# ## A decision

# %%
ask(exercises.only_a_bias)

# %% [markdown]
# ## Summary
#
# - Two-sided differences have an error of $\epsilon^2$, one-sided ones of $\epsilon$. Rounding adds $u / \epsilon$. Take two sides, float64, and $\epsilon = 10^{-5}$.
# - A gradient check compares backpropagation with differences of the cost. It costs $2P$ forward passes: use a small network.
# - Which arrays are wrong tells in which line the bug is. Switch parts off to tell the rest.
# - The check asks whether gradient and cost agree. It does not ask whether the cost is right, and it does not see the optimizer.
# - Kinks, fresh masks, a missing penalty, float32: with any of these a right network fails.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.9 and 1.10, after Andrew Ng's course. Nocedal & Wright (2006), *Numerical Optimization*, section 8.1. Goodfellow, Bengio & Courville (2016), *Deep Learning*,
# section 6.5, on backpropagation. CS231n, Stanford, course notes *Neural Networks Part 3*, on gradient checks.
#
# Next: [06a Mini-batches](06a_minibatches.ipynb). The gradient is right now. Must it look at every example?
