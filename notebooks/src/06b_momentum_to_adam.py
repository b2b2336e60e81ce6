# %% [markdown]
# # 6b From momentum to Adam
#
# Sections 1.13 to 1.15 of the lecture notes. About 50 minutes.
#
# A loss like a ravine: a flat floor between steep walls. Gradient descent takes steps that are too long, and flies out of it. Could one more
# number save this run, with the same learning rate? Make a guess, then take hold of the green point in the large picture, and **drag it straight up**.

# %%
import numpy as np

from dlhelpers.exercises import optimizers as exercises
from dlhelpers.labs import optimizers as labs
from dlhelpers.labs.optimizers import adam_step, common, momentum, noise, race, rotation
from dlhelpers.labs.optimizers.amsgrad import AMSGrad
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import predict
from dlhelpers.live.stages import last
from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import Adam, GradientDescent, Momentum, RMSprop
from dlhelpers.showing import show_source
from dlhelpers.training import descend

# %%
predict(exercises.over_the_edge, labs.momentum_lab())

# %% [markdown]
# Run all cells now (menu *Run*, *Run All Cells*), then read on; [00 Start here](00_start_here.ipynb) says how a lab works. At the end of this
# notebook you can
#
# - say how large a learning rate may be with momentum, and when momentum pays,
# - say what momentum does not do: it does not average the noise away,
# - take a step of RMSprop and of Adam apart, and name the cases in which they go wrong,
# - compare optimizers fairly.
#
# ## 1.13 Momentum
#
# The large picture is the plane of all learning rates $\alpha$ and all $\beta$; each cell of it is a real run of 100 steps, and the green
# point is yours. Its run is in the small picture. Drag it straight up: nothing but $\beta$ changes, and the run that flew out of the frame comes to rest in the
# minimum. Then press the buttons from left to right, and drag the start.
#
# **Why.** Momentum replaces the gradient $g$ by a moving average of the gradients, the velocity $v$:
#
# $$v \leftarrow \beta v + (1 - \beta)\, g \tag{1}$$
# $$\theta \leftarrow \theta - \alpha v \tag{2}$$
#
# Across the ravine the gradient changes its sign in each step. Such gradients cancel in the average. Along the
# floor they agree, and the average keeps them. On a loss $h\theta^2/2$ the gradient is $h\theta$, so (1) and (2) multiply $(v, \theta)$ by a
# matrix:
#
# $$\begin{pmatrix} v \\ \theta \end{pmatrix} \leftarrow
# \begin{pmatrix} \beta & (1-\beta) h \\ -\alpha\beta & 1 - \alpha (1-\beta) h \end{pmatrix}
# \begin{pmatrix} v \\ \theta \end{pmatrix} \tag{3}$$
#
# The errors shrink as long as both eigenvalues of (3) are smaller than 1 in size. The edge is where one of them is $-1$:
#
# $$\alpha h = \frac{2 (1 + \beta)}{1 - \beta} \tag{4}$$
#
# Without momentum this is 2; with $\beta = 0.9$ it is 38. The circles in the picture did not come from (4). Each was found by runs:
# fifty rates at once, fifty more between the two next to the edge, and once more. Here is how far they are from the formula:

# %%
for form in momentum.FORMS:
    predicted = np.array([momentum.stability_edge(beta, form) for beta in momentum.EDGE_BETAS])
    gap = np.abs(momentum.measured_edges(form) / predicted - 1).max()
    print(f"{form}: largest disagreement {gap:.4%} over {len(predicted)} values of β")

# %% [markdown]
# And the code that ran:

# %%
show_source(Momentum.update)

# %% [markdown]
# (The numbers in a listing are those of its docstring.) It knows a second convention, the velocity as a sum:
#
# $$v \leftarrow \beta v + g \tag{5}$$
#
# PyTorch has this one. Its $v$ is $1/(1-\beta)$ times as large, so the rate for the same steps is $(1-\beta)\alpha$. With $\beta = 0.9$, a
# rate of 0.1 in this course is 0.01 in PyTorch. Press *the sum, α = 10*: a rate that is fine for the average
# is far over the edge for the sum. A run of each in the ravine, the average with rate 10, the sum with rate 1:

# %%
settings = 0.9, 100.0, -3.5, 2.1  # β, κ and the start
one = momentum.move_in_plane(10.0, settings[0], momentum.AVERAGED, *settings[1:])
other = momentum.move_in_plane(1.0, settings[0], momentum.SUM, *settings[1:])
gap = np.abs(one.path - other.path).max()
print("largest difference of the two paths:", "below 1e-12" if gap < 1e-12 else f"{gap:.1g}")

# %%
practice(exercises.momentum_step)


# %%
# Exercise 1
def my_momentum_step(theta, v, gradient, learning_rate, beta):
    return ...


exercises.momentum_step.check(my_momentum_step)

# %%
practice(exercises.edge)


# %%
# Exercise 2
def my_edge(beta, h):
    return ...


exercises.edge.check(my_edge)

# %% [markdown]
# ### Is it faster, then?
#
# "Converges faster than the standard gradient descent algorithm", say the notes. A fair comparison gives each side its best rate. For
# three ravines, here is the lowest loss after 100 steps (as a share of that at the start), over all rates of the plane:

# %%
rows = {beta: int(np.abs(momentum.BETAS - beta).argmin()) for beta in (0.0, 0.9)}
for kappa in (10.0, 100.0, 1000.0):
    found = momentum.loss_map(momentum.AVERAGED, kappa, -3.5, 2.1)
    plain, usual = (momentum.share_in_words(found[row].min()) for row in rows.values())
    best = momentum.BETAS[found.min(axis=1).argmin()]
    print(f"κ = {kappa:4.0f}: β = 0: {plain}; β = 0.9: {usual}; best β: {best:.2f}")

# %% [markdown]
# It depends on the **condition** $\kappa$, how many times steeper the walls are than the floor. In the mild ravine, plain gradient descent beats
# $\beta = 0.9$ by far: there is nothing to remember, and a long memory overshoots. In the long ravine, $\beta = 0.9$ is
# about right. For a quadratic, the best choice is known (Polyak, 1964): the factor per step falls from about $1 - 2/\kappa$ to $1 - 2/\sqrt\kappa$.
#
# <details><summary>What the notes say</summary>
#
# That momentum "converges faster" is proven for full batches on quadratic and some convex losses, with tuned $\alpha$ and $\beta$. With noisy
# gradients it does not hold in general (Kidambi et al., 2018). Set $\kappa$ to 10 in the lab, compare $\beta = 0$
# at $\alpha = 1.8$ with $\beta = 0.9$ at any $\alpha$.
#
# </details>
#
# **In practice.** Take $\beta = 0.9$ and search the learning rate. If the loss swings slowly up and down over many steps, lower $\beta$. When you copy
# a rate from somewhere, ask which convention it belongs to.
#
# ## Does momentum average the noise away?
#
# So far every gradient was exact. A mini-batch gradient is the gradient plus noise, and $v$ is an average of many of them. In
# the next lab each gradient comes from a single example; the curvature is 1, and so is the variance of the noise. At a constant rate
# $\theta$ never rests. Its variance in the long run is the **noise floor**. (The loss there is half of it; notebook
# [06c](06c_decay_and_saddles.ipynb) measures that.) In the pictures, GD is gradient descent.

# %%
predict(exercises.noise_floor, labs.noise_lab())

# %% [markdown]
# The upper panel on the right shows the *direction* of each step, the lower one the *position*. Momentum makes the direction
# smooth. The position wanders as far as before.
#
# **Why.** Each gradient enters (1) with the weight $1-\beta$, then $\beta(1-\beta)$, and so on. These weights add up to 1. So, in the
# end, each error moves $\theta$ by the same $\alpha$ as without momentum, only later and spread over many steps. What is smoothed are the
# *steps*; the *sum* of the steps, and that is where $\theta$ is, hardly changes. To compute it, add noise of covariance $Q$ to (3); then
# the covariance $P$ of $(v, \theta)$ must reproduce itself:
#
# $$P = M P M^T + Q \tag{6}$$
#
# Here $M$ is the matrix of (3). This is a linear system for the entries of $P$:

# %%
show_source(common.stationary)

# %% [markdown]
# For gradient descent the solution is $\alpha/(2-\alpha)$; for momentum it is $\alpha (1+\beta) / (2 (1+\beta) - \alpha (1-\beta))$, nearly the
# same as long as $\alpha$ is small. The lines of the lab are (6), the dots are runs. How far apart are they, and what are the floors
# at $\alpha = 0.1$?

# %%
measured = last(noise.measure(0.9, 0.99, 0))
predicted = np.array([noise.predicted_floors(rate, 0.9, 0.99) for rate in noise.NOISE_RATES.tolist()]).T
gap = np.abs(measured / predicted - 1)
print(f"measured against (6): typically {np.median(gap):.0%} apart, at most {gap.max():.0%}")
plain, heavy, averaged = noise.predicted_floors(0.1, 0.9, 0.99)
print(f"floors: momentum {heavy / plain:.0%} of gradient descent's, averaged iterates {averaged / plain:.0%}")

# %% [markdown]
# What does lower the floor is to average the *iterates*: keep the running mean of $\theta$ beside the run (here with a share $\gamma = 0.99$ of
# the old one) and use that mean at the end. Or lower the rate: [06c](06c_decay_and_saddles.ipynb) does that. The price
# of the mean is that it lags behind while $\theta$ is still on its way.
#
# <details><summary>What the notes say</summary>
#
# Momentum uses averages "to smooth out the derivatives $dW$ and $db$". True for the derivatives: drag $\beta$ and look at the upper
# panel. But many readers take it for "less noise in the weights", and that does not follow: look at the lower panel (see also Wang et al.,
# 2023).
#
# </details>
#
# **In practice.** Do not expect momentum to cure noisy gradients. Larger batches, a decaying rate or averaged
# weights do.
#
# ## 1.14 RMSprop
#
# Momentum still has one rate for all parameters. **RMSprop** gives each its own. It keeps a moving average $s$ of the *squared*
# gradient, element by element, and divides by its root:
#
# $$s \leftarrow \beta s + (1 - \beta)\, g^2 \tag{7}$$
# $$\theta \leftarrow \theta - \alpha\, \frac{g}{\sqrt{s} + \epsilon} \tag{8}$$
#
# The root $\sqrt s$ is about the usual size of $g$ (a *root mean square*), so a step is about $\alpha$ long in each
# direction. Where gradients are large, the steps become small beside them; where they are small, large. In a ravine along the axes
# this is just right. But are ravines along the axes? (Adam, in the question, is RMSprop with momentum; section 1.15 takes it apart.)

# %%
predict(exercises.turned, labs.rotation_lab())

# %% [markdown]
# Drag the green handle to 45°, then press the buttons. The upper panel on the right shows for each axis the size of the gradient (dotted), its root $\sqrt s$
# (dashed), and the factor $\alpha / (\sqrt s + \epsilon)$ of the step (solid).
#
# **Why.** Along the axes, one factor belongs to the wall and one to the floor. At 45° both axes see the same mixture, so
# both get the same factor, and what is left is a single rate. Gradient descent and momentum do not care about the angle:
# their formulas hold in any coordinates. (8) does not, because the square is taken element by element. Is that a
# question of the rate? The loss after 60 steps at 0° and at 45°, each at its own best rate:

# %%
rates = (10.0 ** np.linspace(-2, 1, 61)).tolist()
for name in rotation.ROTATED:
    shares = np.array([rotation.over_angles(name, rate, 100.0)[1] for rate in rates])
    along, turned = (shares[:, list(rotation.ANGLES).index(angle)].min() for angle in (0, 45))
    print(f"{name:9s} at 0°: {momentum.share_in_words(along)}; at 45°: {momentum.share_in_words(turned)}")

# %% [markdown]
# So a rate for each parameter helps as far as the parameters are the right coordinates. In a network they often are, at least roughly: units
# and layers have gradients of very different sizes, as [04b](04b_initialization.ipynb) shows.
#
# Where does $\epsilon$ stand? It keeps the denominator above 0. Two places are in use: $\sqrt{s} + \epsilon$ (PyTorch, Keras)
# and $\sqrt{s + \epsilon}$ (TensorFlow 1). With the same $\epsilon = 10^{-8}$ they differ where gradients are small, because the root of $10^{-8}$ is
# $10^{-4}$. The length of a step of RMSprop when all gradients have one size:

# %%
for size in (1e-2, 1e-4, 1e-6):
    lengths = []
    for inside in (False, True):
        optimizer = RMSprop(beta=0.0, eps_inside=inside)  # without memory, s is the square of this gradient
        direction, _ = optimizer.update(np.array([size]), optimizer.init(np.zeros(1)))
        lengths.append(f"{direction[0]:.2f} α")
    print(f"gradient {size:.0e}: ε outside {lengths[0]}, inside {lengths[1]}")

# %% [markdown]
# <details><summary>What the notes say</summary>
#
# - $dW$ is divided by "the root mean square of the exponential moving average of $dW$". It is the root of the moving average of $dW^2$, as (7) and
#   (8) say. With gradients $+1, -1, +1, \dots$ the average of $dW$ is near 0, that of $dW^2$ is 1.
# - The formula has $\sqrt{S + \epsilon}$, the text "a small $\epsilon$ in the denominator". Both exist, and they differ: see the table above.
# - "$dW$ is a large matrix, therefore RMS of $dW$ is much larger", and therefore faster updates of $dW$. Two slips. A larger root means a *slower* update. And the
#   size of the matrix plays no part: $S$ is taken element by element. (The lecture's example is the other way
#   round: the direction called $b$ is steep, its $db$ is large, so it is damped.)
#
# </details>

# %%
g, s = np.array([[10.0, 0.1], [10.0, 0.1]]), np.zeros((2, 2))  # large and small entries in one matrix
direction, _ = RMSprop(beta=0.0).update(g, RMSprop().init(s))
print("g times", np.round(direction / g, 2).tolist(), "- each entry by its own size, not the matrix's")

# %% [markdown]
# ## 1.15 Adam
#
# **Adam** takes both averages, and corrects both for their start at 0:
#
# $$v \leftarrow \beta_1 v + (1-\beta_1)\, g \qquad s \leftarrow \beta_2 s + (1-\beta_2)\, g^2 \tag{9}$$
# $$\hat v = \frac{v}{1-\beta_1^t} \qquad \hat s = \frac{s}{1-\beta_2^t} \tag{10}$$
# $$\theta \leftarrow \theta - \alpha\, \frac{\hat v}{\sqrt{\hat s} + \epsilon} \tag{11}$$
#
# Usual values are $\beta_1 = 0.9$, $\beta_2 = 0.999$, $\epsilon = 10^{-8}$. Why correct? The average of $t$ numbers that began at 0 holds weights that add up to $1-\beta^t$ only
# (notebook [06a](06a_minibatches.ipynb)).

# %%
predict(exercises.first_steps, labs.adam_step_lab())

# %% [markdown]
# Drag the green line. The right panel shows one step: at the top $g$ and both averages, then what is divided by what (blue), and the step
# (green). Press *first step, without*: both blue dots move to the left, but the root moves further.
#
# **Why.** With a constant gradient, (10) is exact: $\hat v = g$ and $\hat s = g^2$, so every step is $\alpha$ long. Without it, a step is
#
# $$\frac{1-\beta_1^t}{\sqrt{1-\beta_2^t}} \tag{12}$$
#
# times as long. Both averages are too small, but $s$ has the longer memory, so it is too small by more, and for longer:

# %%
factors = adam_step.factor_without(0.9, 0.999)
print(
    f"first step: {factors[0]:.1f} times too long; longest, at t = {factors.argmax() + 1}: "
    f"{factors.max():.1f}"
)
print(f"below twice from t = {np.flatnonzero(factors < 2)[0] + 1} on, at t = 1000 still {factors[-1]:.2f}")

# %% [markdown]
# RMSprop has no correction; with $\beta = 0.9$ its first step is $1/\sqrt{0.1} = 3.2$ times $\alpha$.
#
# Press *noisy gradient*: where the sign of $g$ is uncertain, $\hat v$ is small beside $\sqrt{\hat s}$, and Adam takes short steps. So its step is a kind of
# signal over noise, and seldom longer than $\alpha$. The two last buttons move $\epsilon$ for a gradient of $10^{-6}$.

# %%
show_source(Adam.update)

# %% [markdown]
# <details><summary>What the notes say</summary>
#
# They divide by $\sqrt{S^{corrected} + \epsilon}$ with $\epsilon = 10^{-8}$. The paper (Kingma & Ba, 2015, algorithm 1) has $\sqrt{\hat s} + \epsilon$. In the lab, compare *tiny gradient, ε
# inside* with *ε outside*: the first step is 100 times shorter.
#
# </details>

# %%
practice(exercises.adam_step)


# %%
# Exercise 3
def my_adam_step(theta, v, s, gradient, t, learning_rate):
    return ...


exercises.adam_step.check(my_adam_step)

# %% [markdown]
# **For the curious: Adam can go the wrong way.** The step is divided by a root that forgets. Let the gradient be 210 in one
# step and -10 in the next 20, again and again, with $\theta$ held between -1 and 1. The mean gradient is positive, so the best $\theta$ is -1.

# %%
wave = np.tile([210.0] + [-10.0] * 20, 400)


def where_it_ends(optimizer, start, rate):
    batches = (Batch(np.full_like(start, g), start) for g in wave)
    hold = {"projection": lambda theta: np.clip(theta, -1, 1), "steps": len(wave) - 1}
    run = descend(adam_step.GivenGradients(), start, batches, optimizer, rate, **hold)
    return np.mean([step.theta[:, 0] for step in run][-42:], axis=0)


# %%
betas2 = np.array([[0.5], [0.9], [0.99], [0.999]])
for kind in (Adam, AMSGrad):
    ends = where_it_ends(kind(0.9, betas2), np.zeros((4, 1)), 0.05)
    for beta2, end in zip(betas2[:, 0], ends, strict=True):
        print(f"{kind.__name__}, β₂ = {beta2}: mean θ at the end {end:+.1f}")
print(f"gradient descent: {where_it_ends(GradientDescent(), np.zeros((1, 1)), 0.001)[0]:+.1f}")

# %% [markdown]
# With $\beta_2 = 0.9$ the memory of $s$ is about 10 steps, shorter than the time between two large gradients. The large gradient is divided by
# its own size, the small ones by theirs, and twenty small steps win over one. Reddi et al. (2018) found this, and proposed **AMSGrad**: divide by the
# largest $s$ so far, so that one large gradient is never forgotten. A larger $\beta_2$ does it here, too. That is one reason for 0.999.

# %%
show_source(AMSGrad.update)

# %% [markdown]
# <details><summary>For the curious: is Adam good because of the noise?</summary>
#
# Adam is said to win because it copes with noisy gradients. Kunstner and others (2023) put this to the test on language tasks: they made the batches larger
# and larger, up to the whole training set, where no noise is left. The gap to gradient descent did not close. It grew, because Adam gained more from the larger
# batches. With all examples Adam came close to **sign descent** with momentum, which keeps only the sign of each gradient. This fits (11): where $g$ keeps
# its size and sign, each entry of $\hat v / \sqrt{\hat s}$ is 1 or -1.
# </details>
#
# Adam and L2 do not go together well: the penalty's gradient is divided by $\sqrt{\hat s}$, too. **AdamW** lets the weights decay outside of
# (11). The lab *Is L2 the same as weight decay?* in [02a](02a_regularization.ipynb) shows both.
#
# ## The fair race
#
# Which optimizer should you take? A comparison says as much about the search as about the optimizers. So here the search is part
# of the picture. A network with 16 hidden units learns the digits, with 21 learning rates for each of four optimizers, five
# times over: 420 networks, trained when the lab opens (some seconds). Each optimizer may try $n$ rates, drawn at random from a range, and keeps the one with the
# lowest dev loss. What you see is its test loss.

# %%
predict(exercises.all_rates, labs.race_lab())

# %% [markdown]
# Drag $n$ from 1 to 21, then press the buttons. The order changes with the number of tries, and with the range (Choi et al., 2019, found the same for
# large networks: the ranking follows the search space). Three things stay:
#
# - Tuned over the whole range, the four are close together.
# - Adam and RMSprop want rates that are much smaller than those of gradient descent. Their step is $\alpha$ long whatever the
#   gradient is, so a usual rate such as 0.001 to 0.03 fits many tasks.
# - The good range of gradient descent is the narrowest. With five tries, that costs it the race: it comes last.

# %%
best = last(race.race(race.MOST, 21, race.SAME, 0))
for name, losses in zip(race.RACERS, best.losses, strict=True):
    rate = race.RATES[losses.mean(axis=0).argmin()]
    print(f"{name}: best rate about {rate:.1g}, good over {race.good_decades(losses):.1f} decades")

# %% [markdown]
# **In practice.** Little time for a search: Adam (with decay: AdamW), three rates around 0.001 to 0.01. Time for a search: momentum with
# $\beta = 0.9$, too. Compare optimizers only when each had the same number of tries, from a range that
# holds its best rate inside, not at its end.
#
# ## Summary
#
# - Momentum averages gradients. In the convention of the notes it allows rates up to $2(1+\beta)/((1-\beta) h)$, and it pays in long ravines.
# - It smooths the steps, not the position: the noise floor stays. Averaged iterates lower it.
# - RMSprop divides each parameter's gradient by its usual size. That depends on the axes.
# - Adam does both. Without bias correction its first steps are too long, and with a short memory it can go the wrong way.
# - A race between optimizers is a race between searches. Say the budget.
#
# **Decide.** You have one afternoon, 12 trial runs, and a network that a colleague trained with PyTorch's `SGD(lr=0.02, momentum=0.9)`. You want to know whether
# Adam would be better. What do you run?
#
# <details><summary>One good answer</summary>
#
# Six runs each. For momentum, rates around the known one, for instance 0.005 to 0.1 (in this course's convention ten times as much); for Adam, 0.0003 to 0.03, as no one has
# looked there yet. Choose each one's rate on the dev set. If a best rate lies at the end of its range, spend what is left there. Then run both winners with two more seeds: if the difference is smaller than
# that between seeds, keep what you have.
#
# </details>
#
# **Sources.** Polyak (1964), *Some methods of speeding up the convergence of iteration methods*. Sutskever et al. (2013), *On the importance of initialization and
# momentum in deep learning*. Kidambi et al. (2018), [arXiv:1803.05591](https://arxiv.org/abs/1803.05591). Wang et al. (2023), [arXiv:2307.15196](https://arxiv.org/abs/2307.15196). Tieleman & Hinton (2012), lecture
# 6e. Kingma & Ba (2015), [arXiv:1412.6980](https://arxiv.org/abs/1412.6980). Loshchilov & Hutter (2019), [arXiv:1711.05101](https://arxiv.org/abs/1711.05101). Reddi, Kale & Kumar (2018), [arXiv:1904.09237](https://arxiv.org/abs/1904.09237). Choi et al. (2019), [arXiv:1910.05446](https://arxiv.org/abs/1910.05446). Kunstner
# et al. (2023), *Noise is not the main factor behind the gap between SGD and Adam on transformers*, [arXiv:2304.13960](https://arxiv.org/abs/2304.13960).
#
# Next: [06c Decay and saddle points](06c_decay_and_saddles.ipynb).
