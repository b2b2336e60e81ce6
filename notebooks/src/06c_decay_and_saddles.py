# %% [markdown]
# # 6c Learning-rate decay and saddle points
#
# Sections 1.16 and 1.17 of the lecture notes. About 55 minutes.
#
# The loss below has stood still for twenty epochs. The model is not at its limit, and no data are missing. From
# epoch 20 on, one number is halved every five epochs: the learning rate. **Drag the green line.**

# %%
from itertools import repeat

import numpy as np

from dlhelpers import curvature
from dlhelpers.datasets import xor
from dlhelpers.exercises import schedules as decay_exercises
from dlhelpers.exercises import surfaces as saddle_exercises
from dlhelpers.labs.schedules import branch_off_lab, noise_floor, noise_floor_lab
from dlhelpers.labs.surfaces import edge, edge_lab, escape, escape_lab, random_matrices_lab, real_saddle_lab

# %%
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.live.stages import last
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent
from dlhelpers.schedules import Delayed, Exponential, InverseSqrt, InverseTime, Linear
from dlhelpers.showing import show_source
from dlhelpers.surfaces import Plateau
from dlhelpers.training import descend

# %%
noise_floor_lab()

# %% [markdown]
# At the end of this notebook you can
#
# - say at which height a noisy loss stops for a given learning rate, and lower the rate at the right time,
# - say how large the rate may be at all, and what a network does near that limit,
# - tell a saddle from a minimum by its eigenvalues, and know why training leaves it.
#
# Run all cells now (menu *Run*, *Run All Cells*), then read from the top.
#
# ## 1.16 Learning-rate decay
#
# ### Why the loss stands still
#
# The task of the lab is the simplest with noise: find the mean of a stream of numbers, from mini-batches of
# $B$ of them. Each gradient is the true one plus noise. With a large rate the first steps are fast, and then the noise
# throws $\theta$ about.

# %%
ask(decay_exercises.lower_rate)

# %% [markdown]
# Near a minimum the loss is a parabola. Take the curvature 1, so that the gradient is $\theta$, and noise of standard
# deviation $\sigma$ for each example. A step and its effect on the variance $v$ of $\theta$ are
#
# $$\theta \leftarrow (1 - \alpha)\,\theta - \alpha \frac{\sigma}{\sqrt B}\,\xi \tag{1}$$
# $$v \leftarrow (1 - \alpha)^2\, v + \alpha^2 \frac{\sigma^2}{B} \tag{2}$$
#
# Here $\xi$ is a standard normal number. The step shrinks what is there and adds something new. The two balance at one height, the **noise floor**:
#
# $$J_\text{floor} = \frac v2 = \frac{\alpha\,\sigma^2}{2 B\,(2 - \alpha)} \tag{3}$$
#
# Half the rate, or twice the batch: about half the floor. At $\alpha = 2$ there is no floor any more. Is it true? Two
# hundred runs at each of ten constant rates, measured, and by (3):

# %%
floors = noise_floor.measure_floors(batch_size=1, seed=0)
for rate, measured, predicted in zip(*floors, strict=True):
    print(f"rate {rate:4.2f}: measured {measured:.3f}, formula {predicted:.3f}")
print(f"largest difference: {floors.disagreement:.1%}")

# %% [markdown]
# So there is a conflict: a large rate gets down fast, a small one gets down far. A **schedule** takes both, one after
# the other. With the first rate $\alpha_0$ and the number $e$ of the epoch, counted from 0:
#
# $$\alpha = \frac{\alpha_0}{1 + d\,e} \tag{4}$$
# $$\alpha = 0.95^{\,e}\,\alpha_0 \tag{5}$$
# $$\alpha = \frac{k}{\sqrt{e + 1}}\,\alpha_0 \tag{6}$$
#
# In the code $e$ is `t`. (Each docstring counts its own equations from 1.)

# %%
show_source(InverseTime.__call__, Exponential.__call__, InverseSqrt.__call__)

# %% [markdown]
# Go back to the lab above and try each schedule. Watch the dotted line, (3) at the rate of each moment. The loss
# follows it down as long as the rate falls slowly. When the rate falls faster than the loss can follow, the loss
# stays behind: the last, tiny steps no longer move it. The thin line is a single run. One run alone hardly shows the
# floor; that is why a decay looks like magic on the curve of a real training.
#
# <details><summary>What the notes say</summary>
#
# The notes write $\alpha = k\,\alpha_0/\sqrt{\text{epoch\_num}}$ for (6), and they count epochs from 0. Then the first
# rate divides by zero. In the lab, press *k/√epoch as written*. Counting from 1, as in (6), mends it. The lecture also
# uses the number of the mini-batch in place of the epoch.
# </details>

# %%
with np.errstate(divide="ignore"):
    print("as written:   ", (0.5 / np.sqrt(np.arange(4))).round(2))
print("counted from 1:", np.array([InverseSqrt(0.5)(epoch) for epoch in range(4)]).round(2))

# %% [markdown]
# **In practice.** Find a good constant rate first: it matters more than the shape of the decay. Then let it
# fall to nearly 0 at the end of training. Decay pays when the loss stands on its noise floor. While it still falls, a
# smaller rate only makes it slower. If you cannot lower the rate, larger batches lower the floor as well: press *large
# batches instead*.
#
# ### When to start: branch off
#
# The schedules (4) to (6) decay from the first epoch on, and a cosine must know the last step in advance. Do we have
# to know it? Here one network reads digits with noise on every pixel, at a constant rate. At any step you may
# **branch off**: from there the rate falls along a line to 0. The lab trains every ending with six **peak
# rates**, the highest of each schedule, 24 networks in all. The constant run with an average of its weights costs nothing more: it is the same run,
# looked at through $\bar\theta \leftarrow 0.98\,\bar\theta + 0.02\,\theta$.

# %%
predict(decay_exercises.late_fork, branch_off_lab())

# %% [markdown]
# **Why.** At a large rate the weights swing about a path, and the loss shows the swing. The middle of the path
# moves on all the same. A decay lets the swing die out; the average of the weights cuts it without touching the
# rate. At its best rate, the constant run nearly always ends highest. The late decay and the cosine nearly always end
# within 0.03 of each other, and the average of the weights does about as well. Two more things to try:
#
# - *at the last moment*: the decay is too short for the swing to die out, but it still gains.
# - *small steps*: at a small rate there is hardly any swing. Then a decay gains little or nothing.
#
# With a decay, the best peak rate is as large as without or larger. So compare two schedules only
# with their own best rates.

# %%
show_source(Delayed.__call__, Linear.__call__)

# %%
practice(decay_exercises.decay_after)


# %%
# Exercise 1: constant at `rate` up to `start`, then along a line to 0 at `steps`.
def my_decay_after(step, rate, start, steps):
    return ...


decay_exercises.decay_after.check(my_decay_after)

# %% [markdown]
# **In practice.** If you know the length of training, a cosine or a line from the start is fine. If you do not, train
# at a constant rate, save the weights now and then, and branch off a decay of the last 10 to 30% of the
# steps when you need a result. Afterwards you can go on from the fork. This is how large language models are often
# trained now (Hu 2024, Hägele 2024).
#
# ### How large may the rate be? At the edge
#
# On a parabola of curvature $\lambda$, a step multiplies the distance to the minimum by
#
# $$1 - \alpha\lambda, \quad\text{which is worse than } -1 \text{ from}\quad \lambda = \frac2\alpha \text{ on} \tag{7}$$
#
# A network is no parabola. It has many curvatures, the eigenvalues of the **Hessian** $H$, the matrix of second
# derivatives. The largest is called the **sharpness**. Below, a network of 193 parameters learns 20
# points of a wave, with all points in each step. There is no noise at all.

# %%
predict(saddle_exercises.climbs, edge_lab())

# %% [markdown]
# **Why.** No part of gradient descent aims at the bound. Below it, training drifts to sharper and sharper places. Above
# it, (7) makes the weights swing along the sharpest direction: see the zigzag of the last steps. The swing grows,
# and it carries the weights to a place that is less sharp. Then it dies out, and the climb begins again. The
# two push against each other, and the sharpness hovers at $2/\alpha$. The loss goes up in many single
# steps and down over many of them (Cohen 2021).
#
# Take hold of the green bound and pull it down: that is a larger rate. **The rate decides how sharp the place is
# that training finds.** The same for five other waves, with the mean over the last third of the steps:

# %%
ratios = [last(edge.train(0.2, edge.USUAL, 3000, seed)).ratio for seed in range(1, 6)]
print(f"sharpness within 10% of the bound in {sum(abs(ratio - 1) < 0.1 for ratio in ratios)} of 5 runs")

# %%
show_source(curvature.sharpness)

# %% [markdown]
# The lines above are power iteration: they never build $H$, they only compare two gradients.
#
# **Where it is not true.** Press *cross-entropy*: once all points are right, the loss and its curvature both go to 0, and
# the sharpness leaves the bound. With *ReLU* the loss has kinks, and the line is mostly ragged. With
# mini-batches the noise keeps the sharpness below the bound, and with momentum the bound is another one (Cohen 2021;
# not shown here).
#
# **In practice.** A loss that goes up in single steps is no reason to stop. A loss that runs away is: divide the rate
# by three. And when you change the rate, do not expect the curvature to stay as it was.
#
# ## 1.17 Saddle points
#
# ### Off the ridge
#
# Where the gradient is 0, training could stop for good. The simplest such place that is no minimum is a **saddle**:
#
# $$J = \tfrac12 (x^2 - y^2), \qquad J_x = x, \quad J_y = -y \tag{8}$$
#
# On the ridge $y = 0$, all arrows point to the center. A hair beside it there is a way down. The lab starts four
# optimizers at the green point, and counts the steps until they are out. The rates are 0.1 for gradient descent and
# momentum, and 0.01 for RMSprop and Adam.

# %%
predict(saddle_exercises.hair_off, escape_lab())

# %%
print("offset   " + "  ".join(f"{name:>16}" for name in escape.OPTIMIZERS))
for offset in 10.0 ** np.arange(-8, -1):
    counts = escape.escape(offset, x=-1.5, scale=1.0).counts
    print(f"{offset:7.0e}  " + "  ".join(f"{count:16}" for count in counts.values()))

# %% [markdown]
# **Why.** A step of gradient descent takes $y$ to $y + \alpha y$, so after $t$ steps
#
# $$y_t = (1 + \alpha)^t\, y_0 \tag{9}$$
#
# It grows by the same factor, however small it is. A million times nearer costs only $\log(10^6)/\log(1.1)$, about
# 145 steps more. Momentum in the averaged form needs more steps here at the same rate, because its velocity has to
# build up first. RMSprop and Adam divide the gradient by its own size: their first step in $y$ is one to
# three learning rates long, however flat the ridge is. Only a gradient near $\epsilon = 10^{-8}$ is too small for that.
# The curves do cross: Adam is not faster from everywhere, and all of them change with the rates.

# %%
practice(saddle_exercises.escape_steps)


# %%
# Exercise 2: steps until y is above 1, from equation (9).
def my_escape_steps(offset, rate):
    return ...


saddle_exercises.escape_steps.check(my_escape_steps)

# %% [markdown]
# ### A real saddle, with all its eigenvalues
#
# A network has no ridge that one can draw, but it has eigenvalues. A negative one is a direction in which the
# loss curves down, a positive one curves up. Here are all 193 of a small network on two circles of
# points, started with small weights.

# %%
predict(saddle_exercises.silent_loss, real_saddle_lab())

# %% [markdown]
# **Why.** With all weights near 0 every answer is one half, and the loss is $\log 2$. Each gradient of a layer contains
# the weights of the other layers as factors, so all of them are tiny. That is a saddle as in (8), with dozens of
# ways down, and as in (9) the weights grow by a small factor in each step, first unseen, then all at once. Drag the green line
# through the run:
#
# - On the plateau the loss says nothing. The eigenvalues do.
# - Negative eigenvalues do not vanish when the loss falls: at the end there are still dozens. They are close to 0.
#   Training hardly ever ends in a perfect minimum.
# - Choose *usual weights*: with weights of a usual size, the plateau is short. That is one more reason for
#   the initializers of [04b](04b_initialization.ipynb).
# - Adam leaves the plateau in far fewer steps. At step 2,000 its loss is nearly always the lower one. Seed 0 is the
#   exception: press *Adam, at the end*. It has stopped at 0.43, on a second plateau. Then press *New seed*.

# %%
practice(saddle_exercises.ways_down)


# %%
# Exercise 3: how many eigenvalues of the symmetric matrix H are negative?
def my_ways_down(H):
    return ...


saddle_exercises.ways_down.check(my_ways_down)

# %% [markdown]
# ### A plateau without a saddle
#
# A loss can be flat without any ridge. Far outside of a bowl, the gradient fades. Starts at the distances 2 to 5
# from the center of the surface *Plateau*: the length of the gradient, and the steps until the loss is below one half
# (5,001 means: not within 5,000).

# %%
start, batches = (
    np.array([[2.0, 0.0], [3.0, 0.0], [4.0, 0.0], [5.0, 0.0]]),
    repeat(Batch(np.eye(1), np.eye(1))),
)
print("gradient        ", [f"{size:.0e}" for size in np.linalg.norm(Plateau().gradient(start), axis=1)])
for optimizer, rate in ((GradientDescent(), 0.1), (Adam(), 0.1)):
    run = descend(Plateau(), start, batches, optimizer, rate, steps=5000)
    losses = np.array([step.loss for step in run])
    print(f"{type(optimizer).__name__:16}", (losses > 0.5).sum(axis=0).tolist())

# %% [markdown]
# Gradient descent takes far longer with each unit of distance. Adam does not care how small the gradient is, only
# that its sign stays the same. Plateaus are what makes saddles slow, more than the saddles themselves.
#
# ### Are minima rare?
#
# At a minimum, *all* eigenvalues are positive. With millions of directions, is that not nearly impossible? A famous
# argument takes a random symmetric matrix in place of the Hessian: its entries are drawn from the normal distribution.

# %%
predict(saddle_exercises.all_positive, random_matrices_lab())

# %% [markdown]
# The shares for $n$ up to 6, from two million matrices each, with the standard error:

# %%
rng = np.random.default_rng(0)
for n in range(1, 7):
    share, error = curvature.share_positive(2_000_000, n, rng)
    print(f"n = {n}: {share:.2e} ± {error:.0e}    coin flips: {0.5**n:.2e}")

# %% [markdown]
# It falls far faster than the coin flips: eigenvalues repel each other, so they do not crowd on one side of 0.
#
# **It is an analogy, not a proof.** The Hessian of a network is no random matrix, and training does not stop at a random
# place. Drag the green line of the right panel: shift all eigenvalues up, and positive ones become common. In random
# landscapes, too, places of gradient 0 with a high loss are saddles, and those with a low loss may be minima (Bray & Dean
# 2007, Dauphin 2014).
#
# <details><summary>What the notes say</summary>
#
# "Most points with zero gradients are saddle points", and local optima are rare. This is a heuristic for large networks, not
# a law. For small ReLU networks bad local minima have been proven (Safran & Shamir 2018). The next cell trains 20
# small networks on XOR, for three and for eight hidden units, and counts those that are stuck.
# </details>

# %%
X, y = xor(100, noise=0.1, rng=np.random.default_rng(0))
batch = Batch(X, y[:, None].astype(float))
for hidden in (3, 8):
    network = Network((2, hidden, 1), "relu", "sigmoid_cross_entropy")
    theta = np.stack([network.initialize(np.random.default_rng(k)) for k in range(20)])
    *_, end = descend(network, theta, repeat(batch), Adam(), 0.03, steps=2000)
    stuck = np.sum(network.loss(end.theta, batch) > 0.2)
    print(f"{hidden} hidden units: {stuck} of 20 runs end with a loss above 0.2")

# %% [markdown]
# With three units, many runs end high. With eight units hardly any is stuck. That is the useful part of the story:
# **room in the network, not luck, makes bad places rare.**
#
# **In practice.** When the loss stands still, ask in this order. Is it noise? Then lower the rate. Is it the start? Look at
# the sizes of weights and gradients ([04b](04b_initialization.ipynb)), and check the gradient ([05](05_gradient_checking.ipynb)). Is it a plateau? Adam or a better initialization passes it.
# Is the network too small? Only then think of local minima.
#
# ## Summary
#
# - A constant rate ends on a floor that grows with $\alpha/B$, (3). A decay takes the noise away.
# - The shape of the decay matters less than the peak rate and that it ends near 0. It can branch off late.
# - $2/\alpha$ bounds the sharpness, (7). With full batches and squared error, networks train at this bound.
# - Near a saddle the distance grows by a factor per step, (9): escape takes the logarithm of the nearness. Flatness
#   costs more.
# - "Local minima are rare" is a heuristic for large networks.
#
# **A decision.** You have 10 hours on a machine, and the loss curve of your constant run has been flat for two hours, at
# hour 6. The machine might be free for longer; nobody knows. Do you lower the rate now, start again with a cosine over 10 hours, or
# wait? Write down your answer and one number that you would look at first; then read on.
#
# <details><summary>One good answer</summary>
#
# Save the weights now: that is the fork. Look at an average of the weights, which costs nothing: if its
# dev loss is well below that of the run, the run stands on its noise floor. Then branch off a decay of an hour or
# two. You have a result, and if the machine stays free, you go on from the fork at the full rate. A new cosine
# run throws six hours away.
# </details>
#
# ## Sources
#
# - Robbins & Monro (1951), A stochastic approximation method. Which rates converge in spite of noise.
# - Bottou, Curtis & Nocedal (2018), Optimization methods for large-scale machine learning, section 4: the floor.
# - Loshchilov & Hutter (2017), SGDR: the cosine.
# - Hu et al. (2024), MiniCPM, section 4, and Hägele et al. (2024), Scaling laws and compute-optimal training beyond fixed
#   training durations: constant, then decay.
# - Cohen et al. (2021), Gradient descent on neural networks typically occurs at the edge of stability.
# - Bray & Dean (2007), Statistics of critical points of Gaussian fields on large-dimensional spaces.
# - Dauphin et al. (2014), Identifying and attacking the saddle point problem, arXiv 1406.2572.
# - Safran & Shamir (2018), Spurious local minima are common in two-layer ReLU neural networks, arXiv 1712.08968.
# - Dean & Majumdar (2008), Extreme value statistics of eigenvalues of Gaussian random matrices.
#
# Next: [7a Where to look for hyperparameters](07a_hyperparameter_search.ipynb).
