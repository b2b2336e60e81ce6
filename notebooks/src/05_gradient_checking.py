# %% [markdown]
# # 5 Gradient checking
#
# Sections 1.9 and 1.10 of the lecture notes. About 40 minutes.
#
# You have written backpropagation. It runs, and the cost falls. Is the gradient right? You cannot see it: a wrong
# gradient often trains too, only worse. At the end of this notebook you can
#
# - measure a slope from values of a function alone, and choose the step size for it,
# - check a gradient, and read from the errors in which line the bug is,
# - name the bugs that such a check cannot find,
# - tell a false alarm from a bug.
#
# How a lab works stands in [00 Start here](00_start_here.ipynb). Run all cells now. The numbers of the equations
# begin again at (1) with each piece of code.

# %%
from itertools import islice, repeat

import numpy as np

from dlhelpers import gradient_checking as checking
from dlhelpers.broken_backprop import with_bug
from dlhelpers.exercises import gradient_checking as exercises
from dlhelpers.labs import gradient_checking as labs
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import predict
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network

# %%
from dlhelpers.optimizers import Adam, GradientDescent
from dlhelpers.showing import show_source
from dlhelpers.training import descend

# %% [markdown]
# ## 1.9 A slope from values alone
#
# The slope of $x^3$ at 0.7 is $3 \cdot 0.7^2 = 1.47$. Suppose that you do not know this rule, and can only compute
# values. Two points on the curve give a straight line, a **secant**, and its slope is near the one you look for.
# Which two points? You can step from $x$ to one side, or to both sides:


# %%
def f(x):
    return x * x * x


for eps in (0.1, 0.01, 0.001):
    one_sided = (f(0.7 + eps) - f(0.7)) / eps
    two_sided = (f(0.7 + eps) - f(0.7 - eps)) / (2 * eps)
    print(f"ε = {eps}: one-sided off by {one_sided - 1.47:.1e}, two-sided off by {two_sided - 1.47:.1e}")

# %% [markdown]
# Ten times smaller steps make the one-sided error ten times smaller, and the two-sided error a hundred times.
# These are the two **differences**:
#
# $$f'(x) \approx \frac{f(x + \epsilon) - f(x - \epsilon)}{2\epsilon} \tag{1}$$
# $$f'(x) \approx \frac{f(x + \epsilon) - f(x)}{\epsilon} \tag{2}$$

# %%
show_source(checking.difference)

# %% [markdown]
# Why does the second step help so much? A smooth function is, near $x$, a sum of powers of the step (Taylor):
#
# $$f(x \pm \epsilon) = f(x) \pm \epsilon f'(x) + \tfrac{1}{2} \epsilon^2 f''(x) \pm \tfrac{1}{6} \epsilon^3
#   f'''(x) + \dots$$
#
# Put this into (1) and (2). The left step and the right step have the same term in $f''$, and (1) subtracts them:
#
# $$\text{two-sided} = f'(x) + \tfrac{1}{6} \epsilon^2 f'''(x) + \dots \qquad
#   \text{one-sided} = f'(x) + \tfrac{1}{2} \epsilon f''(x) + \dots$$
#
# So the errors are $O(\epsilon^2)$ and $O(\epsilon)$: on logarithmic axes they are lines of slope 2 and 1.
#
# That holds for exact arithmetic. A computer rounds. Let $u$ be the distance from 1 to the next number: 2e-16 in
# float64, 1e-7 in float32. Each value of $f$ is wrong by up to about $u |f|$, and (1) and (2) divide this by
# $\epsilon$. Then the whole error has two parts, and they pull in opposite directions:
#
# $$\text{two-sided error} \approx \tfrac{1}{6} \epsilon^2 |f'''| + u |f| / \epsilon \qquad
#   \text{one-sided error} \approx \tfrac{1}{2} \epsilon |f''| + u |f| / \epsilon$$
#
# Each sum is smallest where its two parts are of the same size. If $f$ and its derivatives are of the size of 1,
# that is near $\epsilon = u^{1/3}$ for the two-sided difference, and near $u^{1/2}$ for the one-sided one.
#
# In the lab, the left figure is a microscope: its window is always $3\epsilon$ wide. The squares and the circles
# are the points that each difference uses; the dotted line has the true slope. On the right are the errors over
# $\epsilon$. Move $\epsilon$ slowly from right to left. First f becomes straight: the errors fall. Then look at what
# happens to f at the left end.

# %%
predict(exercises.smaller_eps, labs.difference_lab())

# %%
exact = 3 * 0.7 * 0.7
eps = np.array([1e-4, 3e-4, 1e-3, 3e-3, 1e-2])
for name, both in (("one-sided", False), ("two-sided", True)):
    slope = checking.order_of_error(eps, abs(checking.difference(f, 0.7, eps, both) - exact))
    print(f"{name}: slope {slope:.2f} for ε from 1e-4 to 1e-2")

# %%
for precision in ("float64", "float32"):
    eps, u = labs.EPSILONS.astype(precision), float(np.finfo(precision).eps)
    for name, both, power in (("two-sided", True, 1 / 3), ("one-sided", False, 1 / 2)):
        best = checking.best_eps(eps, abs(checking.difference(f, 0.7, eps, both) - exact))
        print(f"{precision}, {name}: best ε near {best:.0e}, the rule says {u**power:.0e}")

# %% [markdown]
# **Why.** On the right branch, the error is the part of Taylor's sum that is left: slopes 1 and 2. On the left
# branch, it is rounding, $u|f|/\epsilon$, the dash-dotted line: each factor of 10 in $\epsilon$ costs a digit. Under
# the microscope, f turns into stairs: there is no number between two steps. The rules for the best $\epsilon$ give
# the power of ten, not more: here $|f'''|$ is 6, and $f$ is 0.34. In float32 the wall comes much earlier. At the far
# left of float32, $x + \epsilon$ is $x$ itself: the difference is 0.
#
# Press *ReLU near its kink*. Taylor's sum needs a smooth function. As soon as the kink lies inside the step,
# the two-sided error is large, and it does not fall like $\epsilon^2$: it ends at once when $\epsilon$ gets smaller than the distance to
# the kink. The one-sided difference steps away from the kink and is right. Set *Point x* to 0: then the kink is inside for every $\epsilon$.
#
# Exercise 1 asks for the two-sided difference of a function of several numbers. Its gradient has one
# slope for each of them.


# %%
practice(exercises.two_sided_gradient)


# %%
# Exercise 1: J takes a vector and returns a number; return the gradient at theta, an array like theta.
def my_gradient(J, theta, eps):
    return ...


exercises.two_sided_gradient.check(my_gradient)

# %% [markdown]
# **What the notes got wrong in 1.9.** The two-sided difference is better *"for ε smaller than 0"*. It must be $0 < \epsilon < 1$: there $\epsilon^2$ is smaller than $\epsilon$. A negative
# $\epsilon$ changes nothing in (1), and a large one makes both errors large, as the lines below show. Two
# conditions are missing. The orders need a smooth function: not ReLU at its kink. And *smaller* is not *better* without
# end: the best $\epsilon$ for two-sided differences in float64 lies between 1e-6 and 1e-5.

# %%
for step in (-0.01, 0.01, 3.0):
    off = [float(checking.difference(f, 0.7, np.array([step]), both)[0] - exact) for both in (False, True)]
    print(f"ε = {step}: one-sided off by {off[0]:.2g}, two-sided off by {off[1]:.2g}")

# %% [markdown]
# ## 1.10 Is this gradient right?
#
# Two networks learn the same 24 examples. The second one has a bug in its backpropagation: it leaves out the slope
# of the activation function. Look at the cost:

# %%
X, Y = np.random.default_rng(0).normal(size=(2, 24, 4))
batch = Batch(X, Y)
for bug in ("no bug at all", "activation: the slope is missing"):
    network = with_bug(bug).Network((4, 4, 4, 4))
    theta = network.initialize(np.random.default_rng(2))
    run = descend(network, theta, repeat(batch), GradientDescent(), 0.1)
    first, last = (step.loss for step in islice(run, 0, 201, 200))
    print(f"{bug}: J goes from {first:.2f} to {last:.2f} in 200 steps")

# %% [markdown]
# Both fall. From the second line alone, nobody would look for a bug. But the slope of a cost can be measured from its values alone, as
# above. To do this for a network, put all its parameters into one long vector, and all parts of its gradient into
# another, in the same order:
#
# $$\theta = (W^{[1]}, b^{[1]}, \dots, W^{[L]}, b^{[L]}) \qquad d\theta = (dW^{[1]}, db^{[1]}, \dots, dW^{[L]},
#   db^{[L]})$$
#
# In this course $\theta$ is such a vector from the start, and $W^{[1]}$ is a view of its first numbers.

# %%
network = Network((4, 4, 4, 4))
theta = network.initialize(np.random.default_rng(2))
print(f"θ has {theta.size} numbers; their shapes are {network.layout.shapes}")

# %% [markdown]
# Now move one component at a time, with the vector $e_i$ that is 1 at place $i$ and 0 elsewhere. Equation (1) is
# what the notes write as $J(\dots, \theta_i + \epsilon, \dots)$; (2) is the one-sided form:
#
# $$d\theta_{approx}[i] = \frac{J(\theta + \epsilon e_i) - J(\theta - \epsilon e_i)}{2\epsilon} \tag{1}$$
# $$d\theta_{approx}[i] = \frac{J(\theta + \epsilon e_i) - J(\theta)}{\epsilon} \tag{2}$$

# %%
show_source(checking.numerical_gradient)

# %%
population = []


def cost(thetas):
    population.append(len(thetas))
    return network.loss(thetas, batch)


checking.numerical_gradient(cost, theta)
print(f"{sum(population)} costs for {theta.size} parameters, computed in {len(population)} calls")
print(f"a network with 1,000,000 parameters needs {2 * 1_000_000:,} costs for one gradient")

# %% [markdown]
# That is why it is a tool for debugging and not for training: $2P$ forward passes for $P$ parameters. Backpropagation
# has two matrix products for each one of the forward pass, whatever $P$ is. Small networks are cheap to check, because
# the code above evaluates up to 64 moved vectors at once, as one population of networks. A small network is
# enough: its code is that of the large one.
#
# To compare the two vectors, the **relative error** divides their distance by their lengths:
#
# $$\frac{\lVert a - b \rVert_2}{\lVert a \rVert_2 + \lVert b \rVert_2} \qquad
#   \lVert a \rVert_2 = \sqrt{\textstyle\sum_i a_i^2} \tag{1}$$
#
# It is 0 if they are equal, and 1 if they are opposite. The notes give three limits for it: near 1e-7 is great, 1e-5 is
# suspect, 1e-3 is wrong. An error between two limits gets the word of the nearer one, in powers of ten.


# %%
practice(exercises.relative_error)


# %%
# Exercise 2: two vectors, not both zero; return equation (1).
def my_relative_error(a, b):
    return ...


exercises.relative_error.check(my_relative_error)

# %% [markdown]
# This is the function of the course:

# %%
show_source(checking.relative_error)

# %% [markdown]
# Here is the check of both networks of above. It also gives the error of each array by itself.

# %%
for bug in ("no bug at all", "activation: the slope is missing"):
    check = checking.check_gradient(with_bug(bug).Network((4, 4, 4, 4)), theta, batch)
    wrong = [name for name, error in check.by_name.items() if error > 1e-6]
    print(f"{bug}: {check.verdict}; above 1e-6: {wrong or 'nothing'}")

# %% [markdown]
# The check sees the bug at once. It says more: W3 and b3 are right. So the bug is not in everything. This is
# how to find it. Here is the code of the backward pass, and its equations. $D / p$ is the mask of dropout
# (notebook 03): each kept unit is divided by $p$, *keep_prob*.
# The numbers are those in the code; (1) to (3) belong to the forward pass.
#
# $$dW^{[l]} = dZ^{[l]} A^{[l-1]T} \tag{4}$$
# $$db^{[l]} = \textstyle\sum_i dZ^{[l](i)} \tag{5}$$
# $$dA^{[l]} = W^{[l+1]T} dZ^{[l+1]} \tag{6}$$
# $$dA^{[l]} \leftarrow dA^{[l]} \odot D^{[l]} / p \tag{7}$$
# $$dZ^{[l]} = dA^{[l]} \odot g'(Z^{[l]}) \tag{8}$$
#
# The first $dZ$, that of the last layer, comes from the loss. The mean over the examples, $1/m$, is in it already.

# %%
show_source(Network._backward)

# %% [markdown]
# ### Find the bug
#
# In the lab, this very code runs, with one term changed. The upper map has a square for each component of
# the gradient: its distance, divided by the lengths of its array. The dots below are the relative errors of the
# arrays. White arrays in the upper map do not exist in this network; the lower map is empty until you answer.
#
# 1. Look at which arrays are wrong.
# 2. Switch parts off: set *keep_prob* to 1, or *λ* to 0, or choose *linear* or *relu*. If the error goes away, the bug is in that part. Some
#    bugs need a part to be *on*: batch norm (notebook 08), or some training.
# 3. Choose *Your answer*. The lower map then shows what your bug would do here. Right or wrong, the sentence below
#    says why.
#
# **New seed** gives the next case. There are 15.

# %%
predict(exercises.which_bug, labs.find_the_bug_lab())

# %% [markdown]
# **Why.** The backward pass begins at the loss and ends at the first layer. An error flows on from the line where it
# arises, never back up.
#
# - *All arrays differ*: the bug is before everything else, in the gradient of the loss.
# - *The last layer agrees, all below differ*: (6), (7) or (8). Switch off dropout to test (7), take linear units to
#   test (8).
# - *Only weights, or only biases*: (4) or (5), since nothing is computed from $dW$ and $db$. Or the penalty: then
#   the error goes away at $\lambda = 0$.
# - *Only with batch norm*: there. gamma and beta are ends of a branch, too.
#
# **Run it at the start and again after some training**, say the notes, and case 8 is the reason: type 8 into *Seed*,
# then move the steps. The biases begin at 0, and a wrong penalty on a zero is zero.
#
# **What the check cannot find.** Three of the 15 cases pass, with all parts on. In one, nothing is wrong. In
# another one, the mask is not divided by $p$, forward and backward alike: the gradient is right, for a cost that
# is not the one you wanted. In the third, the bug is in Adam, which is used after the gradient. Its first step should be as long
# as the learning rate in each direction:

# %%
gradient = np.array([3.0, -0.5])
for name, kind in (("right", Adam), ("with the bug", with_bug("Adam: t is one too large").Adam)):
    direction, _ = kind().update(gradient, kind().init(np.zeros(2)))
    print(f"Adam {name}: first step {direction.round(2)} times the learning rate")

# %% [markdown]
# **Exercise 3: find the bug by reading.** One line below was changed. Read it beside the equations above.
# Another number in `find_the_bug` gives another bug. Numbers 0 to 5 and 12 are in this function. 6 to 11 are in others: batch norm (6
# and 7, notebook 08), L2 (8 and 9, notebook 02a), the loss (10), the mask (11, notebook 03). *Hint* tells which arrays
# differ in a check, *Solution* shows the line.

# %%
broken = exercises.find_the_bug(0)
practice(broken)

# %%
# Exercise 3: the number of the line that was changed, in place of the dots.
broken.check(...)

# %% [markdown]
# ## False alarms
#
# Sometimes the check says "wrong", and the code is right. Then hours are lost. So you need to know the false alarms.
# This is the network of the next lab: 2 inputs, two hidden layers of 8 units, one output; 60 examples, one of them blank: all its
# inputs are 0.
#
# In this lab, the backward pass has no bug. On the left is the error of the check over $\epsilon$, with the limits of the
# notes. Press each button, and try to make the alarm go away. Which of the limits does the right network pass,
# and at which $\epsilon$?

# %%
predict(exercises.right_network_fails, labs.false_alarms_lab())

# %% [markdown]
# **Why.**
#
# - *ε too small, ε too large.* The U is the one of section 1.9: rounding on the left, $\epsilon^2$ on the right. In
#   float32 the whole U moves up, and no $\epsilon$ brings the error below the limit 1e-5. So check in float64.
# - *ReLU on its kink.* For the blank example all pre-activations are 0. The backward pass takes 0 as slope at the
#   kink, the difference finds the mean of both sides. Only b1 and b2 are wrong. Both slopes are defensible, and no $\epsilon$ helps. After some training the
#   biases have moved, and the alarm is gone: a second reason to check twice. A large $\epsilon$ crosses kinks anywhere.
# - *Fresh masks.* Each evaluation of $J$ drops other units, and the difference compares two networks. Choose
#   *fixed masks*: with the same random numbers in each evaluation, dropout can be checked.
# - *Penalty not in J.* The gradient has a term whose cost is missing. All weights are wrong. This is the notes' rule:
#   include the regularization term in the cost.
#
# Press *Reset* and move the steps of training to 50. The whole U moves up, the right branch most. The weights
# have grown, so the tanh units bend more: $f'''$ is larger. And the gradient is smaller, while the rounding of $J$
# is not.
#
# ### What the notes got wrong in 1.10
#
# 1. *"$\lVert\cdot\rVert_2$ denotes the squared root of the sum of the squared differences"*. It is the root of the sum of
#    the squared **components**. Only in the numerator are these components differences. The denominator has
#    the lengths of the vectors themselves, and there is nothing to subtract:

# %%
a, b = np.array([3.0, 4.0]), np.array([3.0, 1.0])
print(f"‖a‖ = √(3² + 4²) = {np.linalg.norm(a):.0f}, ‖a - b‖ = √(0² + 3²) = {np.linalg.norm(a - b):.0f}")

# %% [markdown]
# 2. *"Near 1e-7 it is great"*, 1e-5 is suspect, and 1e-3 is *"really wrong"*. Without $\epsilon$ and the precision, these limits mean
#    nothing. The same right network gets all of these:

# %%
settings = (("float64", 1e-3), ("float64", 1e-5), ("float64", 1e-7), ("float64", 1e-10), ("float32", 1e-5))
for precision, eps in settings:
    same = Batch(X.astype(precision), Y.astype(precision))
    error = checking.check_gradient(network, theta.astype(precision), same, eps).error
    power, word = int(np.ceil(np.log10(error))), labs.verdict_word(error)
    print(f"{precision}, ε = {eps:.0e}: between 1e{power - 1} and 1e{power}, “{word}”")

# %% [markdown]
# So a limit needs its setting. With float64, two sides, $\epsilon = 10^{-5}$ and no kinks, right code gave less than 1e-8 in the
# runs of this notebook, and up to about 2e-7 with batch norm after training. Look closer at anything above 1e-7.
#
# 3. *"Doesn't work with dropout (turn it off during grad check)"*. It works if the masks are fixed. Turning dropout off would
#    hide the bugs in (7).

# %%
from dlhelpers.dropout import draw_uniform

network = Network((4, 4, 4, 4), keep_prob=0.8)
fixed = batch._replace(draws=draw_uniform(network.sizes, 24, np.random.default_rng(0)))
fresh = checking.FreshMasks(network, np.random.default_rng(0))
print("fixed masks:", checking.check_gradient(network, theta, fixed).verdict)
print("fresh masks:", checking.check_gradient(fresh, theta, batch).verdict)

# %% [markdown]
# ## Summary
#
# - Two-sided differences have an error of $\epsilon^2$, one-sided ones of $\epsilon$. Rounding adds $u / \epsilon$. In float64, take
#   $\epsilon = 10^{-5}$ and two sides.
# - A gradient check compares backpropagation with differences of the cost. It costs $2P$ forward passes: use a small
#   network, and use it for debugging only.
# - Which arrays are wrong tells in which line the bug is. Switch parts off to tell the rest.
# - The check asks whether gradient and cost agree. It does not ask whether the cost is right, and it does not see
#   the optimizer.
# - Check in float64, with fixed masks, with all penalties in the cost, at the start and after some training.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.9 and 1.10, after
# Andrew Ng's course. Nocedal & Wright (2006), *Numerical Optimization*, section 8.1. Goodfellow, Bengio & Courville (2016),
# *Deep Learning*, section 6.5, on backpropagation. CS231n, Stanford, course notes *Neural Networks Part 3*, on gradient checks.
