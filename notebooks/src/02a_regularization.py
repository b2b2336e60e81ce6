# %% [markdown]
# # 2a Regularization
#
# Section 1.3 of the lecture notes. About 45 minutes.
#
# Forty noisy points of two classes. A network has learned them nearly by heart: look how it winds around single points. On new points (the
# dashed curve) it does worse than somebody who guesses. Now take hold of the green line and drag it slowly to the right, to about 30. Where is the
# dashed curve lowest? And what is left of the map at the end?

# %%
from itertools import islice, repeat

import numpy as np

from dlhelpers import regularization
from dlhelpers.activations import sigmoid
from dlhelpers.datasets import moons
from dlhelpers.exercises import regularization as exercises
from dlhelpers.labs import regularization as labs
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.live.stages import last

# %%
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.showing import show_source
from dlhelpers.training import Descent, descend

# %%
labs.lambda_lab()

# %% [markdown]
# One number did that: $\lambda$, the price for large weights. At $\lambda = 1$ the fit of the forty points is worse, and the answer for new points is much
# better. That is **regularization**. Beyond 20 the price is too high: the network gives the same answer everywhere. Run all cells now (menu *Run*, *Run All Cells*), then read on; [00 Start here](00_start_here.ipynb) says how a
# lab works. At the end of this notebook you can
#
# - write the L1 and the L2 penalty and their gradients, and say which of them gives weights of exactly 0,
# - say what happens inside a network as the penalty grows, and at which strength training breaks,
# - say when L2 and weight decay are the same, and when not,
# - choose $\lambda$ for a network of your own.
#
# ## 1.3 A price for large weights
#
# A network answers with a probability, and its **loss** $L$ on one example is minus the logarithm of the probability that it gave to the right
# class (the *cross-entropy*). A network that always answers 0.5 has the loss $\ln 2 = 0.69$. If the loss is higher, the network is sure of wrong answers. Look into the one on the far left of the
# lab, before and after its training:

# %%
task, trained = (
    labs.over_lambda.noisy_moons(0.6, 40, 0),
    last(labs.over_lambda.train_over_lambda("L2", 0.5, 0.6, 40, 0)),
)
network, start = task.network, task.network.initialize(np.random.default_rng(0))
theta = trained.theta[labs.over_lambda.index_of(0.01)]
print(f"train loss {network.loss(theta, task.train):.2f}, dev loss {network.loss(theta, task.dev):.1f}")
for when, each in (("before training", start), ("after 1,500 steps", theta)):
    print(f"length of all weights {when}: {np.linalg.norm(each[network.layout.is_weight]):.0f}")

# %% [markdown]
# The dev loss is more than 9 times the train loss. And the length of the weights (the root of the sum of their squares) has more than
# doubled. Large weights make steep steps between close points, and the network needs these to catch each noisy point.
#
# So we put a price on large weights: we add a **penalty** $R$ to $J$, the mean of the losses of $m$ examples, and minimize the sum.
#
# $$J + R, \qquad J = \frac1m \sum_{i=1}^m L\!\left(\hat y^{(i)}, y^{(i)}\right) \tag{1}$$
#
# The strength $\lambda \ge 0$ is a **hyperparameter**, a number that training does not fit: the dev set chooses it. The **L2** penalty takes the squares of the weights:
#
# $$R = \frac{\lambda}{2m} \sum_i w_i^2 \tag{2}$$
# $$\frac{\partial R}{\partial w_i} = \frac{\lambda}{m} w_i \tag{3}$$
#
# **L1** takes absolute values:
#
# $$R = \frac{\lambda}{m} \sum_i |w_i| \tag{4}$$
# $$\frac{\partial R}{\partial w_i} = \frac{\lambda}{m} \operatorname{sign}(w_i) \tag{5}$$
#
# At $w_i = 0$ there is a kink, and no gradient; (5) takes 0 there. The pulls differ: L2 pulls in proportion to the weight, so its pull fades near 0. L1 pulls with the
# same force at every distance. For $w = (3, -4)$, $\lambda = 2$, $m = 10$:

# %%
w, both = np.array([3.0, -4.0]), np.array([True, True])
for name, penalty in (("L2: 2/20 · (9 + 16)", regularization.l2), ("L1: 2/10 · (3 + 4)", regularization.l1)):
    found = penalty(w, both, strength=2.0, m=10)
    print(f"{name} = {found.value:.1f}, gradient ({found.gradient[0]:.1f}, {found.gradient[1]:.1f})")

# %%
show_source(regularization.l2)

# %% [markdown]
# `theta` is one long vector of all weights and biases; `is_weight` tells which is which. Biases have no price; further below we
# see why. The tags `# (1)` and `# (2)` at the ends of these lines are (2) and (3) here.
#
# <details><summary>What the notes say</summary>
#
# The two penalties stand under swapped headings: the one with $\lVert W \rVert_2^2$ under "L1 norm". And L1 "uses only the norm": both use one. The notes write $\lambda/2m$ for L1,
# too. That is no error, only another $\lambda$: the 2 in L2 cancels the 2 of the derivative, and in L1 there is nothing to cancel.
# </details>

# %%
practice(exercises.l2_gradient)


# %%
def my_l2_gradient(W, b, strength, m):
    return ...


exercises.l2_gradient.check(my_l2_gradient)

# %% [markdown]
# ### Which weights become exactly 0?
#
# Take a loss with two weights only. Its **level sets**, the curves on which the loss has one value, are ellipses around the minimum
# $w^*$. The penalty draws the solution from there toward the origin. Where does it stop?

# %%
predict(exercises.exact_zeros, labs.diamond_lab())

# %% [markdown]
# The blue cross is $w^*$; take hold of it. The green dot is the solution for your $\lambda$, the black line that for all $\lambda$. The diamond (L1) and
# the circle (L2) hold the weights with the same penalty as the solution, the thick ellipse those with the same loss: they touch at the
# solution. The small dots are the solutions of 300 random problems.
#
# **Why.** At the solution, the pull of the loss and the pull of the penalty cancel. With L2, the pull at a weight is
# $\lambda/m \cdot w_i$. At $w_i = 0$ it is 0, so the smallest pull of the loss moves the weight away. With L1, the pull is
# $\lambda/m$ right up to 0. A weight stays at exactly 0 if the loss pulls less hard than that. In the picture this is the corner of the
# diamond: many ellipses touch it there first. But not all: press *no corner*, or *correlated features*, which tilts the ellipses.
#
# The steps must be right, too. A step along (5) has the length $\alpha\lambda/m$ ($\alpha$ is the learning rate), however close 0 is, so it jumps over 0. Press *subgradient
# steps*: in none of the 300 problems is a weight exactly 0. The **soft threshold** (*proximal* in the menu under *More*) does not jump. It takes a step along the gradient of $J$ alone, and then moves each
# weight toward 0 by $a = \alpha\lambda/m$, and not beyond:
#
# $$w_i \leftarrow \operatorname{sign}(w_i) \, \max(0,\, |w_i| - a) \tag{6}$$

# %%
practice(exercises.shrink)


# %%
def my_shrink(w, amount):
    return ...


exercises.shrink.check(my_shrink)

# %% [markdown]
# **In practice.** L1 with (6) is for linear models, where a weight of 0 means that a feature is not needed. In networks it is rare: single zeros make a
# matrix product no faster. Take L2.
#
# <details><summary>What the notes say</summary>
#
# L1 *"has the advantage of making the weights matrix sparse"* (sparse: many weights are 0). It takes a large enough $\lambda$, as the panel on the right shows, and it takes
# the soft threshold, as *subgradient steps* shows.
# </details>
#
# ### What λ does inside a network
#
# A network has a weight matrix in each layer, and the L2 penalty adds up the squares of all of them. The root of the sum for
# one matrix is its **Frobenius norm**:
#
# $$R = \frac{\lambda}{2m} \sum_{l=1}^L \lVert W^{[l]} \rVert_F^2, \qquad \lVert W^{[l]} \rVert_F^2 = \sum_{i=1}^{n^{[l]}} \sum_{j=1}^{n^{[l-1]}} \left(W_{ij}^{[l]}\right)^2 \tag{7}$$
#
# Backpropagation gives $dW$, the gradient of $J$. With (3) added, a step of gradient descent is
#
# $$W \leftarrow W - \alpha \left(dW + \frac{\lambda}{m} W\right)
# = \left(1 - \frac{\alpha\lambda}{m}\right) W - \alpha\, dW \tag{8}$$
#
# Read the right side: each weight shrinks by a factor, and then comes the usual step. That is why L2 is also called
# **weight decay**. One real step, and the right side of (8):

# %%
objective = regularization.Regularized(network, 40, l2=4.0)
before, after = islice(descend(objective, start, repeat(task.train), GradientDescent(), 0.5), 2)
factor = np.where(network.layout.is_weight, 1 - 0.5 * 4 / 40, 1)  # 1 for biases
right_side = factor * start - 0.5 * network.gradient(start, task.train)
print("factor 0.95; equal up to rounding:", bool(np.abs(after.theta - right_side).max() < 1e-14))

# %%
practice(exercises.decay_step)


# %%
def my_decay_step(W, dW, learning_rate, strength, m):
    return ...


exercises.decay_step.check(my_decay_step)

# %% [markdown]
# Now (8) with larger and larger $\lambda$. The lab looks into the networks of the first one. Left: where the **pre-activations** $z$ lie, the numbers that go into tanh; on the
# grey strip, $|z| < 0.5$, tanh differs from a straight line by less than 8%. Right: the weights as lines (an open circle is a unit that gives the same output for all
# examples), and the norms over $\lambda$.

# %%
predict(exercises.huge_lambda, labs.inside_lab())

# %% [markdown]
# **Why.** As $\lambda$ grows, four things happen one after the other.
#
# 1. The weights shrink, the boundary becomes smooth, and the dev loss falls to about half or less, although the train loss rises: less variance, more
#    bias. For ten data sets like this one the best $\lambda$ lies between 0.5 and 3.5.
# 2. Most $z$ move into the linear range: about a quarter are there at $\lambda = 0.01$, more than half at 1. A tanh of small $z$ is nearly a line. But
#    the boundary at the best $\lambda$ is still a curve, because not all $z$ are small.
# 3. Between 5 and 20 all weights collapse to 0, and the network answers the same everywhere. That is pure bias. They
#    collapse together: the gradient of each layer has the weights of the other layers as factors. If one fades, all fade.
# 4. If $\alpha\lambda/m$ is larger than 2, the factor in (8) is below $-1$: each step turns the sign of the weights and makes them larger. Training diverges. Move
#    the learning rate $\alpha$: the edge moves with it.
#
# And the units? Until the collapse, at least 22 of the 24 hidden units vary: L2 hardly switches units off. The network becomes simpler in another
# way. The *singular values* of a matrix tell in how many independent directions it works:

# %%
for strength in (0.01, 1.0):
    W2 = network.layout.views(trained.theta[labs.over_lambda.index_of(strength)])["W2"]
    values = np.linalg.svd(W2, compute_uv=False)
    print(
        f"λ = {strength}: W2 has the singular values",
        ", ".join(f"{value:.1f}" for value in values[:4]),
        "...",
    )

# %% [markdown]
# At $\lambda = 1$, one direction is left: the weights feed all 12 units of the second layer the same number, up to a factor. L2 makes copies. To see
# units switched off, press *L1 cuts weights*.
#
# <details><summary>What the notes say</summary>
#
# *"For $\lambda \to \infty$, $W$ is 0."* The minimum of $J + R$ goes there. Gradient descent with a fixed $\alpha$ needs $\lambda < 2m/\alpha$: see *diverges*.
#
# *"$W \approx 0$, so $Z$ will be relatively small."* $Z = WA + b$ goes to $b$, and the biases have no price: press *W nearly 0* and read the caption.
#
# *Most units are crossed out* in the first figure. See the drawing in the lab: with L2 they are not.
#
# *The limits of $i$ and $j$* in the Frobenius norm are swapped. $W^{[l]}$ has $n^{[l]}$ rows, one for each unit of its own layer. Here `W1.shape` is (12, 2), and a sum with the limits of the notes raises an IndexError.
# </details>
#
# <details><summary>For the curious: why b has no price</summary>
#
# The notes leave the bias out "because it is just a constant". It is no constant: it is learned. But it does not multiply the input, so it makes no
# steep steps, and few data are enough to fit it. A price on it pulls the answer to the wrong level. Say all weights are 0, and 30 of 40 examples are of class 1. Then the network answers $\sigma(b)$ everywhere, and the best answer is 0.75. The
# next cell minimizes the cost with a price on $b$.
# </details>

# %%
b = np.linspace(-1, 2, 3001)
J = -0.75 * np.log(sigmoid(b)) - 0.25 * np.log(1 - sigmoid(b))
for strength in (0, 1, 32):
    best = int(np.argmin(J + strength / (2 * 40) * b**2))
    print(f"λ = {strength:>2} on b: the answer is {sigmoid(b)[best]:.2f}, the loss {J[best]:.2f}")

# %% [markdown]
# ### When is L2 weight decay?
#
# (8) was the step of *plain* gradient descent. Other optimizers do not step along the gradient. **Momentum** averages
# gradients over the steps; **Adam** divides each entry by the usual size of its gradients ([06b](06b_momentum_to_adam.ipynb) explains both). Then two
# programs that look alike do different things:
#
# $$\text{L2 in the loss:}\quad \text{direction} = \text{optimizer}\!\left(dW + \tfrac{\lambda}{m} W\right) \tag{9}$$
# $$\text{decay:}\quad \text{direction} = \text{optimizer}(dW) + \delta\, W \tag{10}$$
#
# Both end with $W \leftarrow W - \alpha \cdot \text{direction}$. The decay $\delta$ does not go through the optimizer; it is **decoupled**. For gradient descent, $\delta = \lambda/m$ makes
# the two equal.

# %%
predict(exercises.adam_decay, labs.decay_lab())

# %% [markdown]
# Press the buttons from left to right. In the middle each weight is a dot; if both runs agree, it lies on the diagonal.
#
# **Why.** Plain gradient descent takes the gradient as it is, so (9) and (10) are the same line. *Momentum* averages the pull of the penalty over old weights, decay takes the
# new ones: the weights differ on the way. But both rest only where $dW + \frac{\lambda}{m} W = 0$, so their lengths end the same.
#
# *Adam* divides by the size of the gradients: its step is about $\alpha$ for every weight, however small the gradient. With
# L2 in the loss the penalty is divided as well, and the balance stays. Decay is not divided: $\alpha\delta$ times the weight is little beside $\alpha$, and
# the weights end more than four times as long. A larger $\delta$ gives about the same length (the last button), but other weights. Adam with decoupled
# decay is called **AdamW**.
#
# <details><summary>What the notes say</summary>
#
# *"Regularization is also called weight decay."* L1 is not: it takes the same amount from every weight. L2 is, for plain gradient descent; for Adam the lab shows the difference.
# </details>
#
# **In practice.**
#
# 1. With plain gradient descent or momentum take L2, and with Adam take decoupled decay (AdamW; in PyTorch `AdamW`, not `Adam(weight_decay=…)`, which is (9)).
# 2. Only the dev set knows $\lambda$. Try powers of ten first, then halves of one; the curve is flat near its lowest point, so do not search long.
# 3. $\lambda$ here is divided by $m$. Libraries seldom do that: their `weight_decay` is $\lambda/m$, and 0.01 or 0.1 are usual for AdamW.
# 4. No price for biases, and none for the scales of normalization layers (notebook [08](08_batch_normalization.ipynb)).
# 5. If the train error is high, take *less* regularization. It can cure variance, and it always costs bias.
#
# ## A decision

# %%
ask(exercises.which_lambda)

# %% [markdown]
# ## Summary
#
# - Regularization pays for lower variance with some bias. The dev set chooses $\lambda$.
# - L2 pulls in proportion to the weight: all become small, none is 0. L1 pulls with the same force: with the soft threshold, many are exactly 0.
# - With L2, a step of gradient descent multiplies $W$ by $1 - \alpha\lambda/m$. Above $\alpha\lambda/m = 2$ it diverges.
# - L2 in the loss and decay of the weights are one method for gradient descent, and two for Adam.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.3, after Andrew
# Ng's course. Goodfellow, Bengio & Courville (2016), *Deep Learning*, section 7.1. Tibshirani (1996), *Regression shrinkage and selection via the lasso*. Duchi & Singer
# (2009), *Efficient online and batch learning using forward backward splitting*. Loshchilov & Hutter (2019),
# *Decoupled weight decay regularization*, arXiv 1711.05101. CS231n, Stanford: notes *Neural networks part 2*.
#
# Next: [02b Early stopping and augmentation](02b_early_stopping.ipynb). Can one do without a penalty, and simply stop in time?
