# %% [markdown]
# # 2 Regularization
#
# Sections 1.3 and 1.5 of the lecture notes. About 45 minutes.
#
# A network that is large enough learns its training set by heart, noise included. Notebook 01 called that
# high variance. More data cures it, but data cost money. **Regularization** is everything else that you can do. At
# the end of this notebook you can
#
# - write the L1 and the L2 penalty and their gradients, and say which of them gives weights of exactly 0,
# - say what happens to a network, unit by unit, as the penalty grows, and at which strength training breaks,
# - say when L2 and weight decay are the same, and when not,
# - stop training at the right step, make new examples from old ones, and know what each of these controls.
#
# How a lab works stands in [00 Start here](00_start_here.ipynb). Equation numbers begin again at (1) with each
# piece of code. Run all cells now (menu *Run*, *Run All Cells*), then read from the top.

# %%
from itertools import islice, repeat

import numpy as np

from dlhelpers import regularization
from dlhelpers.datasets import moons
from dlhelpers.exercises import regularization as exercises
from dlhelpers.labs import regularization as labs
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network

# %%
from dlhelpers.optimizers import GradientDescent
from dlhelpers.showing import show_source
from dlhelpers.training import Descent, descend

# %% [markdown]
# ## 1.3 A price for large weights
#
# Forty noisy points of two classes, and a network with two hidden layers of 12 units. It trains for 1,500 steps of
# gradient descent on all points.

# %%
rng = np.random.default_rng(0)
(X, y), (X_dev, y_dev) = moons(40, noise=0.6, rng=rng), moons(500, noise=0.6, rng=rng)
train, dev = Batch(X, 1.0 * y[:, None]), Batch(X_dev, 1.0 * y_dev[:, None])
network = Network((2, 12, 12, 1), loss_name="sigmoid_cross_entropy")
start = network.initialize(np.random.default_rng(0))
run = descend(network, start, repeat(train), GradientDescent(), learning_rate=0.5)
last = next(islice(run, 1500, None))  # the step with number 1500
print(f"train loss {network.loss(last.theta, train):.2f}, dev loss {network.loss(last.theta, dev):.1f}")
for when, each in (("before training", start), ("after 1,500 steps", last.theta)):
    print(f"norm of all weights {when}: {np.linalg.norm(each[network.layout.is_weight]):.0f}")

# %% [markdown]
# The dev loss is more than 20 times the train loss. To answer 0.5 everywhere would cost $\ln 2 = 0.69$: on new points
# the network does worse than that, because it is sure of its wrong answers. And its weights have grown. Large weights make
# steep steps between close points, and the network needs these to catch each noisy point.
#
# So we put a price on large weights: we add a **penalty** $R$ to the mean loss $J$. Here is the sum for logistic
# regression, with weights $w$, a bias $b$, and $m$ training examples:
#
# $$J + R_{\text{L2}} = \frac1m \sum_{i=1}^m L(\hat y^{(i)}, y^{(i)}) + \frac{\lambda}{2m} \lVert w \rVert_2^2
# \qquad\qquad
# J + R_{\text{L1}} = \frac1m \sum_{i=1}^m L(\hat y^{(i)}, y^{(i)}) + \frac{\lambda}{m} \lVert w \rVert_1$$
#
# The strength $\lambda \ge 0$ is a hyperparameter: the dev set chooses it. **L2** takes squares; its penalty and the
# gradient of the penalty are
#
# $$R = \frac{\lambda}{2m} \sum_i w_i^2 \tag{1}$$
# $$\frac{\partial R}{\partial w_i} = \frac{\lambda}{m} w_i \tag{2}$$

# %%
show_source(regularization.l2)

# %% [markdown]
# In the code, `theta` is one long vector that holds all weights and all biases, and `is_weight` tells which is which.
# The bias has no price; further below we see why. **L1** takes absolute values:
#
# $$R = \frac{\lambda}{m} \sum_i |w_i| \tag{1}$$
# $$\frac{\partial R}{\partial w_i} = \frac{\lambda}{m} \operatorname{sign}(w_i) \tag{2}$$
#
# At $w_i = 0$ there is a kink, and no gradient. (2) takes 0 there; such a choice is called a *subgradient*. The pulls of
# the two penalties differ: L2 pulls in proportion to the weight, so its pull fades near 0. L1 pulls with the
# same force at every distance.

# %%
show_source(regularization.l1)

# %% [markdown]
# The notes have the two formulas under swapped headings: the one with $\lVert W \rVert_2^2$ stands under "L1 norm". They also
# write $\lambda/2m$ for L1. That is no error, only another $\lambda$: the 2 in L2 is there to cancel the 2 of the derivative,
# and in L1 there is nothing to cancel. For $w = (3, -4)$, $\lambda = 2$, $m = 10$:

# %%
w, both = np.array([3.0, -4.0]), np.array([True, True])
for name, penalty in (("L2: 2/20 · (9 + 16)", regularization.l2), ("L1: 2/10 · (3 + 4)", regularization.l1)):
    found = penalty(w, both, strength=2.0, m=10)
    print(f"{name} = {found.value:.1f}, gradient ({found.gradient[0]:.1f}, {found.gradient[1]:.1f})")

# %% [markdown]
# ### Diamond and circle
#
# Take a loss with two weights only: linear regression on four examples, so $m = 4$. Its level sets are ellipses around the minimum
# $w^*$. The penalty draws the solution from there toward the origin. Where does it stop?
#
# For L1, steps along the subgradient jump over 0: a step has length $\alpha\lambda/m$, however close 0 is. The
# **soft threshold** does not jump. Each step follows the gradient of $J$ alone; then each weight is moved toward 0 by
# $a = \alpha\lambda/m$, and not beyond:
#
# $$w_i \leftarrow \operatorname{sign}(w_i) \, \max(0,\, |w_i| - a) \tag{1}$$

# %%
show_source(regularization.soft_threshold)

# %% [markdown]
# Now predict, then move. In the lab, the blue cross is $w^*$, the green dot is the solution for your $\lambda$, and the
# black line is the solution for all $\lambda$. The diamond (L1) and the circle (L2) hold all weights with the same penalty
# as the solution; the thick ellipse, all with the same loss. They touch at the solution. The small dots are the solutions of 300 random problems: their $w^*$ is drawn
# uniformly from the square from -2 to 2, and the correlation $\rho$ of the two inputs uniformly from -0.8 to 0.8 ($\rho$
# tilts the ellipses). Move $\lambda$ first, and watch where the small dots gather. Then press
# *subgradient steps*: the line jumps about, because no run comes to rest. (In the menu, *proximal* stands for the
# soft threshold.)

# %%
predict(exercises.exact_zeros, labs.diamond_lab())

# %% [markdown]
# **Why.** At the solution, the pull of the loss and the pull of the penalty cancel. With L2, the pull at a weight is
# $\lambda/m \cdot w_i$. At $w_i = 0$ it is 0, so the smallest pull of the loss moves the weight away. With L1, the pull is
# $\lambda/m$ right up to 0. A weight stays at exactly 0 if the loss pulls less hard than that. In the picture, this is the corner of the
# diamond: many ellipses touch it there first. But not all: press *no corner*.
#
# So the notes' sentence that L1 "has the advantage of making the weights matrix sparse" (sparse: many weights are 0)
# needs two remarks. It takes a large enough $\lambda$, as the panel on the right shows. And it takes the
# right steps: with plain subgradient steps, the lab finds no exact zero at all.


# %%
practice(exercises.shrink)


# %%
# Exercise 1: w has shape (n,); return the weights after one soft threshold by this amount.
def my_shrink(w, amount):
    return ...


exercises.shrink.check(my_shrink)

# %% [markdown]
# ### On a network
#
# A network has a weight matrix in each layer. The L2 penalty adds up the squares of all of them; the root of such a sum for
# one matrix is its **Frobenius norm** $\lVert W \rVert_F$:
#
# $$J + R = \frac1m \sum_{i=1}^m L(\hat y^{(i)}, y^{(i)}) + \frac{\lambda}{2m} \sum_{l=1}^L \lVert W^{[l]} \rVert_F^2,
# \qquad \lVert W^{[l]} \rVert_F^2 = \sum_{i=1}^{n^{[l]}} \sum_{j=1}^{n^{[l-1]}} \left(W_{ij}^{[l]}\right)^2$$
#
# In the code, this is the network's loss and gradient, each with the penalty added (`_penalties` calls `l1` and `l2` from above):

# %%
show_source(regularization.Regularized.loss, regularization.Regularized.gradient)

# %% [markdown]
# Row $i$ of $W^{[l]}$ belongs to a unit of layer $l$, column $j$ to a unit of the layer before it. The notes have the
# two limits swapped. The sum over all entries is the same, but code that trusts these limits fails as soon as the
# layers differ in size:

# %%
W1 = network.layout.views(start)["W1"]
print("W1 has shape (n[1], n[0]) =", W1.shape)
try:
    sum(W1[i, j] ** 2 for i in range(2) for j in range(12))  # the limits of the notes
except IndexError as error:
    print("IndexError:", error)

# %% [markdown]
# Backpropagation gives $dW$, the gradient of the loss. With (2) of L2 added, a step of gradient descent is
#
# $$W \leftarrow W - \alpha \left(dW + \frac{\lambda}{m} W\right)
# = \left(1 - \frac{\alpha\lambda}{m}\right) W - \alpha\, dW$$
#
# Read the right side: first each weight shrinks by a factor, then comes the usual step. That is why L2 is also called
# **weight decay**. One real step of `descend`, and the right side:

# %%
objective = regularization.Regularized(network, 40, l2=4.0)
before, after = islice(descend(objective, start, repeat(train), GradientDescent(), 0.5), 2)
factor = np.where(network.layout.is_weight, 1 - 0.5 * 4 / 40, 1)  # 1 for biases
right_side = factor * start - 0.5 * network.gradient(start, train)
print("factor 0.95; equal up to rounding:", bool(np.abs(after.theta - right_side).max() < 1e-14))


# %%
practice(exercises.l2_gradient)


# %%
# Exercise 2: W (n_out, n_in), b (n_out, 1); return what the L2 penalty adds to dW and to db.
def my_l2_gradient(W, b, strength, m):
    return ...


exercises.l2_gradient.check(my_l2_gradient)


# %%
practice(exercises.decay_step)


# %%
# Exercise 3: dW is the gradient of the loss alone; return W after one step.
def my_decay_step(W, dW, learning_rate, strength, m):
    return ...


exercises.decay_step.check(my_decay_step)

# %% [markdown]
# The lab trains the network from above for 25 values of $\lambda$ at once. Above: its answer in the plane; its weights as
# lines (a filled unit varies from example to example, an open one is constant); and where the **pre-activations** $z$, the
# numbers that go into tanh, lie. On the grey strip, $|z| < 0.5$, tanh differs from a straight line by less than 8%. Below:
# the losses and the norms for all $\lambda$; *guess* is the loss of answering 0.5 everywhere. Go from left to right with $\lambda$, slowly.

# %%
predict(exercises.huge_lambda, labs.lambda_lab())

# %% [markdown]
# **Why.** As $\lambda$ grows, four things happen one after the other.
#
# 1. The weights shrink, the map becomes smooth, and the dev loss falls, although the train loss rises: less variance, more
#    bias. Near $\lambda = 1$ the dev loss is lowest.
# 2. Most $z$ move into the linear range. This is the second figure of the notes: a tanh of small $z$ is nearly a line. But
#    at the best $\lambda$ the border is still a curve, because not all $z$ are small.
# 3. Near $\lambda = 10$ all weights collapse to 0, and the network answers the same everywhere. That is pure bias. They
#    collapse together, because the gradient of each layer has the weights of the other layers as factors: if one
#    fades, all fade.
# 4. The factor $1 - \alpha\lambda/m$ has a trap: if $\alpha\lambda/m$ is larger than 2, it is below $-1$, and training diverges. The notes say that $W$ goes to 0 for $\lambda \to \infty$. The minimum
#    of the cost does; gradient descent with a fixed $\alpha$ does not. Move the learning rate $\alpha$: the edge moves with it.
#
# The first figure of the notes shows a network in which most units are crossed out. With L2, look at the drawing: no unit is
# crossed out until all are. The network becomes smaller in another way, which the singular values of a matrix show. They
# tell in how many independent directions it works:

# %%
for strength in (0.01, 1.0):
    objective = regularization.Regularized(network, 40, l2=strength)
    run = descend(objective, start, repeat(train), GradientDescent(), learning_rate=0.5)
    W2 = network.layout.views(next(islice(run, 1500, None)).theta)["W2"]
    values = np.linalg.svd(W2, compute_uv=False)
    print(f"λ = {strength}: W2 has singular values", ", ".join(f"{value:.1f}" for value in values[:5]), "...")

# %% [markdown]
# At $\lambda = 1$, one direction is left: the weights feed all 12 units of the second layer the same number, up to a
# factor. With their biases they answer nearly alike. L2 makes copies. To see
# units crossed out, press *L1 cuts weights*.
#
# **And the bias?** The notes leave it out of the penalty "because it is just a constant". It is no constant: it
# is learned. The reason is another one. A bias does not multiply the input, so it makes no steep steps, and little data is
# enough to fit it. A price on it can pull the answer to the wrong level. Of the 40 points below, 30 are of
# class 1. In every second run, the biases shrink too.

# %%
X_all, y_all = moons(2000, noise=0.6, rng=np.random.default_rng(0))
rows = np.concatenate([np.flatnonzero(y_all == 1)[:30], np.flatnonzero(y_all == 0)[:10]])
uneven = Batch(X_all[rows], 1.0 * y_all[rows, None])


def train_uneven(strength, price_of_b):
    shrink = np.where(network.layout.is_weight, 1, 1 - 0.5 * price_of_b / 40)
    objective = regularization.Regularized(network, 40, l2=strength)
    run = descend(objective, start, repeat(uneven), GradientDescent(), 0.5, projection=lambda t: shrink * t)
    return next(islice(run, 1500, None)).theta


# %%
for strength in (1.0, 32.0):
    for price_of_b in (0.0, strength):
        theta = train_uneven(strength, price_of_b)
        mean, loss = network.predict(theta, uneven.X).mean(), network.loss(theta, uneven)
        print(f"λ {strength:2.0f}, for b {price_of_b:2.0f}: mean answer {mean:.2f}, train loss {loss:.2f}")

# %% [markdown]
# At $\lambda = 1$ it hardly matters. At $\lambda = 32$ all weights are nearly 0. With free biases the network still gives the best
# answer that is the same everywhere, the share 0.75. With a price on $b$ it cannot even do that.
#
# This run also shows the last slip of this section. *"$W \approx 0$, so $Z$ will be relatively small"*: $Z = W A + b$
# goes to $b$, not to 0. Look at the last layer:

# %%
theta = train_uneven(32.0, 0.0)
Z = network.trace(theta, uneven).Z[-1]
print("every weight is below 1e-12:", bool(np.abs(theta[network.layout.is_weight]).max() < 1e-12))
print(f"Z from {Z.min():.3f} to {Z.max():.3f}, b = {network.layout.views(theta)['b3'][0, 0]:.3f}")

# %% [markdown]
# Here $b = \ln(0.75/0.25) = 1.099$, which the sigmoid turns into 0.75.
#
# ### When is L2 weight decay?
#
# *"Regularization is also called weight decay"*, say the notes. For L1 this is wrong: it takes the same amount from every weight.
# For L2, the update above makes it true, but it was the update of *plain* gradient descent. Other optimizers do not take a
# step along the gradient. **Momentum** averages gradients over the steps, and **Adam** divides each entry by the usual size
# of its gradients (notebook 06 explains both). Then two programs that looked the same come apart:
#
# $$\textbf{L2 in the loss:}\quad \text{direction} = \text{optimizer}\!\left(dW + \tfrac{\lambda}{m} W\right)$$
# $$\textbf{decay:}\quad \text{direction} = \text{optimizer}(dW) + \delta\, W \tag{1}$$
#
# and both end with
#
# $$W \leftarrow W - \alpha \cdot \text{direction} \tag{2}$$
#
# The decay $\delta$ is not passed through the optimizer; it is **decoupled**. For gradient descent, $\delta = \lambda/m$ makes
# the two equal. Here is the update inside `descend`; look for the lines (1) and (2):

# %%
show_source(Descent._update)

# %% [markdown]
# The lab trains a network of 8 hidden units twice, from the same weights on the same 60 points. In the middle, each
# weight is a dot: if both runs agree, it lies on the diagonal. On the right is the largest difference, on a scale of
# powers of ten. Start with *gradient descent*, then press the buttons from left to right.

# %%
predict(exercises.adam_decay, labs.decay_lab())

# %% [markdown]
# **Why.** Gradient descent: $\text{optimizer}(g) = g$, so the two lines above are the same. Only $\delta = \lambda/m$ does it;
# move $\delta$ to see. Momentum is linear, too, but it averages the pull of the penalty over old weights, and decay takes the
# new ones. The weights differ on the way. But both runs rest only where $dW + \frac{\lambda}{m} W = 0$. So length and loss
# end the same; single weights may still differ a little, because a network has more than one such place.
#
# Adam divides by the size of the gradients, so its step is about $\alpha$ for every weight, however small the gradient. With
# L2 in the loss, the penalty is divided together with the gradient: their balance stays, and so does the length of the
# weights. Decay is not divided: $\alpha\lambda/m$ times the weight is little beside $\alpha$, so the weights grow. A larger $\delta$ can give the same length of all weights, as the last button
# shows, but single weights still differ. Adam with decoupled decay has a name of its own, **AdamW**.
#
# ### What the notes got wrong in 1.3
#
# 1. *Regularization "is also called weight decay".* Only L2 is, and the two are equal for plain gradient descent only. The
#    lab above shows both.
# 2. *L1 "uses only the norm" and makes weights sparse.* Both use a norm: L1 the sum of absolute values, L2 the
#    square of the Euclidean norm. Exact zeros need the soft threshold; see *subgradient steps* in the first lab.
# 3. *No penalty for the bias "because it is just a constant".* It is learned. A price on it makes the network underfit when
#    $\lambda$ is large, and hardly matters when it is small: see the four lines above.
# 4. *The headings "L1 norm" and "L2 norm"* are swapped, and the 2 in $\lambda/2m$ has no reason in L1.
# 5. *The limits of $i$ and $j$* in the Frobenius norm are swapped: $W^{[l]}$ has $n^{[l]}$ rows and $n^{[l-1]}$ columns.
# 6. *$\lambda \to \infty$ sets $W$ to 0.* Gradient descent needs $\lambda < 2m/\alpha$. See *diverges* in the second lab.
# 7. *$W \approx 0$, so $Z$ is small.* $Z$ goes to $b$.

# %% [markdown]
# ## 1.5 Early stopping, augmentation, and one control per goal
#
# A penalty is not the only remedy for overfitting. This section has two more: stop in time, and make more data out
# of the data that you have. Then it asks which control serves which goal.
#
# ### Early stopping
#
# A network of two hidden layers learns 40 points of two noisy half-moons. After each **epoch**, one pass through
# the training set, we measure its loss on the dev set.

# %%
from dlhelpers.augmentation import augment, rotate
from dlhelpers.datasets import digits
from dlhelpers.early_stopping import early_stop, matching_strength, ridge, share_after_steps, share_of_ridge
from dlhelpers.exercises import early_stopping as exercises_1_5
from dlhelpers.labs import augmentation as augmentation_labs
from dlhelpers.labs import early_stopping as stopping_labs
from dlhelpers.minibatches import minibatches
from dlhelpers.optimizers import Adam

# %%
X, y = moons(200, noise=0.4, rng=np.random.default_rng([0, 0]))
X_dev, y_dev = moons(200, noise=0.4, rng=np.random.default_rng([0, 1]))
train = Batch(X[:40], y[:40, None].astype(float))
dev = Batch(X_dev, y_dev[:, None].astype(float))
network, rng = Network((2, 20, 20, 1), "tanh", "sigmoid_cross_entropy"), np.random.default_rng([0, 2])

# %%
theta = network.initialize(rng)
run = descend(network, theta, minibatches(train.X, train.Y, 10, rng), Adam(), 0.01)
thetas = [step.theta for step in islice(run, 0, 1201, 4)]  # four steps are one epoch
dev_losses = np.array([network.loss(theta, dev) for theta in thetas])
print(f"dev loss after 300 epochs: {dev_losses[300]:.2f}; the lowest was {dev_losses.min():.2f}")

# %% [markdown]
# The dev loss has more than tripled since its lowest value. The weights of that moment would be the better network.
# **Early stopping** keeps them.
#
# But the lowest value is known only afterwards: at the time it happens, the next epoch may be lower still. So we wait for
# some epochs. How many is the **patience** $p$. Let $J_e$ be the dev loss after epoch $e$. At each epoch $i$ we ask for
# the best one so far; at the first epoch $s$ that satisfies (2) training stops, and the weights of $b_s$ are restored:
#
# $$b_i = \operatorname{argmin}_{e \le i}\, J_e \tag{1}$$
# $$s - b_s \ge p \tag{2}$$

# %%
show_source(early_stop)

# %%
print(early_stop(dev_losses, patience=30))
print(early_stop(dev_losses, patience=5))

# %% [markdown]
# In the code, the first `if` keeps (1) up to date, the second one is (2).
#
# The lab shows this very run: the notes' Figure 4, with everything that belongs to it. Drag *Epoch*, and three things move
# together: the map on the left, the place on the loss curves, and the length of the weights. *Patience* replays the run
# without training it again: the star is the epoch that comes back, the bar behind it is the waiting, the cross is the stop.

# %%
predict(exercises_1_5.more_patience, stopping_labs.early_stopping_lab())

# %% [markdown]
# **Why.** Look at the map of epoch 62, then at the one of epoch 300. Early in training the boundary is
# simple. Each step changes the weights a little, so after a few steps they are still near the place where they began.
# Later the boundary grows a narrow arm for single points, and that takes large weights: the curve below the losses
# rises to the end. Stopping in time keeps the weights small, as a penalty does.
#
# A patience of 5 ends at a small bump of the dev loss. With *more data* there is hardly anything to stop: the dev
# loss stays low. And note what the dev set does here: it chooses among 300 networks, so its lowest loss is a little
# too good, see 1.1. Report the loss on a test set.


# %%
practice(exercises_1_5.stop_and_restore)


# %%
# Exercise 4: arrays with the losses of each epoch; return (epoch to restore, epoch at which training stops).
def my_stop_and_restore(train_losses, dev_losses, patience):
    return ...


exercises_1_5.stop_and_restore.check(my_stop_and_restore)

# %% [markdown]
# ### How much is early stopping like L2?
#
# For one kind of model the likeness can be computed: a linear model $Xw$ with squared error, trained by gradient descent
# from $w = 0$. Below, $X$ holds 15 polynomials of $x$, for 20 noisy points of a sine. First the two things to compare. One
# step of gradient descent, and the solution of **ridge regression**, which is linear regression with the L2 penalty:
#
# $$w \leftarrow w - \alpha\, \tfrac1m X^T (Xw - y) \tag{1}$$
# $$w_\lambda = (X^T X + \lambda I)^{-1} X^T y \tag{2}$$
#
# What has the number of steps to do with $\lambda$? Choose an answer before you read on.

# %%
ask(exercises_1_5.steps_and_lambda)

# %% [markdown]
# Look along one direction in the space of weights, an eigenvector of $X^T X / m$. Its eigenvalue $s$ is the curvature
# of the cost in that direction. Both methods give a *share* of the unregularized solution there. After $t$ steps, (1)
# has reached the share (3). Ridge keeps the share (4). For small $s$ the shares are about $s \alpha t$ and
# $s m / \lambda$, and they agree if (5) holds:
#
# $$1 - (1 - \alpha s)^t \tag{3}$$
# $$\frac{s}{s + \lambda / m} \tag{4}$$
# $$\lambda = \frac{m}{\alpha t} \tag{5}$$
#
# Step (1) is what `descend` does with this model and plain gradient descent. The others are one line each.

# %%
show_source(ridge, share_after_steps, share_of_ridge, matching_strength)

# %% [markdown]
# In the lab, purple is training, green is ridge. The slider of $\lambda$ starts at 1, which is equation (5). In the middle you see
# both paths, from zero weights at the left to the unregularized solution. On the right, the dots and squares are
# measured on the weights, and the lines are (3) and (4).

# %%
stopping_labs.ridge_path_lab()

# %% [markdown]
# **Why.** Both methods fill the steep directions first (large $s$) and leave the flat ones for last. Flat directions
# are those that the data say little about, and there the noise does its harm. So both paths run through the same
# valley of dev loss, and their lowest points are close. They are *alike*.
#
# They are *not equal*: (3) has a sharper bend than (4), so no $\lambda$ gives the same function. The caption says how
# near the nearest one comes. Equation (5) holds for small $s$ only; its $\lambda$ is too large here by a factor of
# up to about two. Ridge needs no learning rate and cannot diverge; early stopping gets all its strengths in a single run.
# For networks there are no such formulas; the early-stopping lab only shows the same pattern, small weights first.
#
# ### Data augmentation
#
# A digit that is turned a little is still the same digit. **Data augmentation** makes use of that: it changes each
# training image at random, $x \to T(x)$, and keeps its label. In every step the network meets another version of the same
# images. (The notes also name models that generate new images; this course has none.) The change is drawn from four uniform numbers $u_1, \ldots, u_4$ between -1 and 1:
#
# $$\text{angle} = \text{degrees} \cdot u_1 \tag{1}$$
# $$\text{rows} = \text{pixels} \cdot u_2 \tag{2}$$
# $$\text{columns} = \text{pixels} \cdot u_3 \tag{3}$$
# $$\text{factor} = 1 + \text{scale} \cdot u_4 \tag{4}$$

# %%
show_source(augment)

# %% [markdown]
# (`noise` and `elastic` are further changes; try them in the menu of the lab.) Dev and test images are left as they
# are: they stand for the images to come.
#
# The lab is the notes' Figure 5, with its price and its gain. On the left, the first row is original, and the others are
# what the network sees instead. On the right, 13 networks were trained on the same 50 images, one for each strength. Move the strength from
# notch to notch (the steps are uneven), and look at the copies of the 6 and the 9.

# %%
predict(exercises_1_5.half_a_turn, augmentation_labs.augmentation_lab())

# %% [markdown]
# **Why.** With 50 images, a pixel that happens to be dark in all 7s looks like a rule. In the copies it is not
# dark any more, so the network must find something that holds for all versions of a 7. That is the rise on the left side: it is
# small, two to three points. Then the curve falls, for two reasons. The network spends its 32 hidden units on images that
# never occur in use. And at some strength **the label is no longer true**. When is a 6 no longer a 6? Ask for the most
# similar image among upright digits:

# %%
images, labels, *_ = digits()
known, sixes = images[::2], images[1::2][labels[1::2] == 6]
for degrees in (0, 45, 90, 135, 180):
    distances = (known**2).sum(axis=1) - 2 * rotate(sixes, degrees) @ known.T  # squared, but for a constant
    nearest = labels[::2][distances.argmin(axis=1)]
    to_6, to_9 = np.mean(nearest == 6), np.mean(nearest == 9)
    print(f"turned by {degrees:>3}°: nearest to a 6 {to_6:.0%}, to a 9 {to_9:.0%}")

# %% [markdown]
# From about 45° on, most turned 6s are near some other digit; from 135° on, more of them are near a 9 than near a 6.
# So the right strength is a fact about your data, not about the method: an 8 may be
# mirrored, a 2 may not; a photo of a cat may be mirrored, a word may not. Press *more images*: with 200 of them,
# the gain is smaller. Copies are not new data. They only say which changes do not matter.


# %%
practice(exercises_1_5.with_copies)


# %%
# Exercise 5: return (images, labels): the originals, then copies moved `pixels` columns to the right, 0 on the left.
def my_with_copies(images, labels, pixels):
    return ...


exercises_1_5.with_copies.check(my_with_copies)

# %% [markdown]
# ### One control per goal
#
# An old television has one knob for the height of the picture and one for its width. If each knob changed both, nobody could
# set the picture right. **Orthogonalization** means: have one control for each goal. Here are two goals.
#
# 1. Fit the training set: make the *train loss* small.
# 2. Hold for new data: make the *gap*, dev loss minus train loss, small.
#
# In the lab the two goals are the two axes. A network has learned the 40 points by heart; that is the top left end of the purple path.
# Now turn one knob at a time. A knob for the second goal alone would go straight down. One for the first goal
# alone would go straight to the left or right. Each path was measured on two training sets.

# %%
predict(exercises_1_5.cheapest_knob, augmentation_labs.orthogonalization_lab())

# %% [markdown]
# **Why.** *Stop early* goes down *and* to the right: it closes the gap by not fitting the training set. One knob moves
# both goals, which is what the lecture warns of.
#
# But look at the other paths. $\lambda$ goes to the right, too: what is trained is now $J + R$, and its minimum has a larger
# $J$. Down to a gap of about 0.1, it pays less train loss for the same gap than early stopping does. More examples also raise the train
# loss, because more points are harder to learn by heart; but no other knob closes the gap as far. In this run, no knob
# moves the gap alone. Press *as errors*: counted in wrong answers, $\lambda$ and early stopping close little of the gap,
# and more examples close most of it. What the first two mainly cure here is being too sure.
#
# So what is left of the advice? Choose *stop early, with λ on* and turn the knob from 10 to 0. That is longer and longer training
# with $\lambda = 0.5$. The path goes to the left, nearly level: now the number of steps moves the train loss, and the gap
# stays near 0.1. With a fixed $\lambda$ you may train to the end, as well as you can, without a watch on the dev
# loss. One knob for the fit, and $\lambda$ for the gap: that is what early stopping cannot offer. Its advantage is its
# price. It needs one run, where $\lambda$ needs one run for each value.
#
# ### What the notes got wrong in 1.5
#
# 1. *Orthogonalization is "optimizing model's parameters vs. optimizing model hyperparameters".* It is about goals
#    and controls: one control per goal. The number of steps and $\lambda$ are both hyperparameters, and the lab shows that
#    they are different controls. The point of the lecture: early stopping *couples* the two goals, because it ends the
#    fit of $J$ in order not to overfit. The notes present it without this warning.
# 2. *Early stopping means "stopping training when the error of the network is the lowest for the dev dataset".* At that moment
#    nobody knows that it is the lowest. One stops later, when the patience is over, and goes back. In the run above:

# %%
for patience in (5, 30):
    best, stopped = early_stop(dev_losses, patience)
    print(f"patience {patience:>2}: stops at {stopped}, restores {best}, dev loss {dev_losses[best]:.2f}")
print(f"kept without going back: {dev_losses[early_stop(dev_losses, 30).stopped]:.2f}")

# %% [markdown]
# ## Summary
#
# - Regularization pays for lower variance with some bias. The dev set chooses $\lambda$.
# - L2 pulls in proportion to the weight: all weights become small, none 0. L1 pulls with the same force: with the soft threshold,
#   many weights are exactly 0.
# - With L2, a step of gradient descent multiplies $W$ by $1 - \alpha\lambda/m$. Above $\alpha\lambda/m = 2$ it diverges.
# - L2 in the loss and decay of the weights are one method for gradient descent, and two for Adam.
# - Early stopping keeps the weights of the lowest dev loss. Patience decides how long to wait for a lower one.
# - It acts much like L2: for linear models, $t$ steps are like $\lambda = m/(\alpha t)$, to within a factor of about two. Alike, not equal.
# - Augmentation teaches which changes do not matter. It helps as long as the labels stay true.
# - One control per goal: with a fixed $\lambda$, training longer improves the fit and hardly moves the gap. Early stopping moves both.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.3 and 1.5, after Andrew
# Ng's course. Goodfellow, Bengio & Courville (2016), *Deep Learning*, sections 7.1, 7.4 (augmentation) and 7.8 (early
# stopping, algorithm 7.1). Tibshirani (1996), *Regression shrinkage and selection via the lasso*. Duchi & Singer
# (2009), *Efficient online and batch learning using forward backward splitting*. Loshchilov & Hutter (2019),
# *Decoupled weight decay regularization*, arXiv 1711.05101. CS231n, Stanford: notes *Neural networks part 2*.
# Prechelt (1998), *Early stopping - but when?* Ali, Kolter & Tibshirani (2019), *A continuous-time view of early
# stopping for least squares regression*. Simard, Steinkraus & Platt (2003), *Best practices for convolutional neural
# networks applied to visual document analysis* (augmentation of digits). A. Ng, *Structuring machine learning
# projects* (orthogonalization).
