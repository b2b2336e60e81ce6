# %% [markdown]
# # 3 Dropout
#
# Section 1.4 of the lecture notes. About 40 minutes.
#
# In training, switch units off at random. In use, switch all of them on. It sounds like damage, and often it helps.
# At the end of this notebook you can
#
# - write inverted dropout forward and backward, and name what each mistake in it costs,
# - say what the network without masks has to do with all the networks that the masks make,
# - say in which sense dropout is a regularizer, and how it differs from L2,
# - read a cost curve that goes up and down although nothing is wrong.
#
# How a lab works stands in [00 Start here](00_start_here.ipynb). Equation numbers begin again at (1) with each piece
# of code. Run all cells now (menu *Run*, *Run All Cells*), then read from the top.

# %%
from itertools import islice, repeat

import numpy as np

from dlhelpers import dropout
from dlhelpers.activations import sigmoid
from dlhelpers.datasets import moons
from dlhelpers.dropout import draw_uniform, with_draws
from dlhelpers.exercises import dropout as exercises
from dlhelpers.labs import dropout as labs
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network

# %%
from dlhelpers.optimizers import Adam
from dlhelpers.showing import show_source
from dlhelpers.training import descend

# %% [markdown]
# ## 1.4 Dropout
#
# Sixty noisy points of two classes, and a network with two hidden layers of 16 units. Below, it is trained
# twice from the same first weights: once as usual, once with 30% of the hidden units switched off in each step. The
# loss is the cross-entropy; all units are on when it is measured.

# %%
rng = np.random.default_rng(0)
X, y = moons(60, noise=0.4, rng=rng)
X_dev, y_dev = moons(400, noise=0.4, rng=rng)
train, dev = (Batch(rows, labels[:, None].astype(float)) for rows, labels in ((X, y), (X_dev, y_dev)))

# %%
keep_probs = np.array([1.0, 0.7])[:, None, None]  # two networks at once: without and with dropout
pair = Network((2, 16, 16, 1), "relu", "sigmoid_cross_entropy", keep_prob=keep_probs)
rng = np.random.default_rng(0)
theta = np.tile(pair.initialize(rng), (2, 1))
batches = with_draws(repeat(train), pair.sizes, rng)
*_, last = islice(descend(pair, theta, batches, Adam(), 0.01), 401)
for name, fit, new in zip(
    ("no dropout", "keep_prob 0.7"), pair.loss(last.theta, train), pair.loss(last.theta, dev), strict=True
):
    print(f"{name:>13}: train loss {fit:.2f}, dev loss {new:.2f}")

# %% [markdown]
# Without dropout, the network has learned its sixty points by heart: the train loss is 0, the dev loss is high. With
# dropout it fits its own points less well, and new points better. What exactly is done, and why does it help?
#
# ### Switch units off
#
# Let $p$ be **keep_prob**, the probability that a unit is kept. Draw a random number $U$ for each unit *and* each
# example. The **mask** $D$ is 1 where $U$ is below $p$, and 0 elsewhere. **Inverted dropout** multiplies the
# activations $A$ by the mask and divides by $p$:
#
# $$D = [U < p], \quad U \sim \text{uniform on } [0, 1) \tag{1}$$
# $$\text{factor} = D / p \tag{2}$$
# $$A \leftarrow A \odot D / p$$
#
# Why divide? $D$ is 1 with probability $p$, so its expected value is $p$. The division makes up for it:
#
# $$\operatorname{E}[A \odot D / p] = A \, \operatorname{E}[D] / p = A$$

# %%
show_source(dropout.keep_mask)

# %%
A, p = np.random.default_rng(0).uniform(1, 3, (200, 500)), 0.8
D = np.random.default_rng(1).random(A.shape) < p
for name, result in (("A", A), ("A * D", A * D), ("A * D / p", A * D / p), ("A * D / A", A * D / A)):
    print(f"{name:>10}: mean {result.mean():.2f}")

# %% [markdown]
# The third line has the mean of the first. The last line is what the notes say if one reads them word for word:
# scaling "by dividing with the activation matrix". Then only the mask is left. The divisor is the number $p$.
#
# The lab takes layer 1 of a small network apart. Top: twelve examples (columns) and ten
# units (rows); first the activations, then the mask, the product, and what goes on to layer 2. Bottom left: the same
# network; crosses are the units that are off for the example in the green frame. This is Figure 3 of the
# notes, with real weights: a thick line is a large weight. Bottom right: each dot is one unit of layer 2 and one
# example. To the right is its $Z$ at test time, upward is the mean of its $Z$ over many masks. Dots on the line mean
# that layer 2 gets in training, on average, what it gets at test time.

# %%
labs.inverted_lab()

# %% [markdown]
# **Why.** Press *a single mask*: the dots lie far from the line, above and below. Average over more masks: they
# move onto it. That is the expected value above, and it holds because $Z = W A + b$ is linear in the mask.
# Press *forgot to divide*: the dots lie on a flatter line. Layer 2 gets $p$ times the test-time value. What does that
# cost? The next lab trains a network by each rule, for ten values of $p$.

# %%
predict(exercises.no_division, labs.mask_rules_lab())

# %% [markdown]
# **Why.**
#
# - *Forgot to divide.* At test time each layer gives its next one more than the weights are used to. The network is
#   too sure of itself: the dev loss rises, most for small $p$. The share of right answers does not fall; for small $p$
#   it is even higher here. The loss punishes being too sure, the share does not.
# - *Keep and drop mixed up.* At $p = 0.5$ there is no difference. At 0.8 only 20% of the units are kept, and they are
#   divided by 0.8. At 1.0 nothing is kept, so no weight is trained at all; only the last bias is.
# - *Original: × p at test time*. This is the form of the first papers: no division in training; at test time
#   the activations are multiplied by $p$. In the first lab the dots are on the line again. It works, but then the code of the test
#   must know about dropout. Inverted dropout leaves the test alone.
# - *One mask for all examples* (tick the box in the first lab, under *More*). The columns of the mask become equal. The mean is still right, but the noise grows.
#   The next cell computes the gradient 300 times at the same weights, with fresh masks, and shows its scatter:
#   the root of the summed variances of all entries.

# %%
network = Network(pair.sizes, "relu", "sigmoid_cross_entropy", keep_prob=0.7)
theta, rng = last.theta[1].copy(), np.random.default_rng(0)
for name, columns in (("a mask for each example", 60), ("one mask for all examples", 1)):
    numbers = [rng.random((2, 16, columns)) + np.zeros((2, 16, 60)) for _ in range(300)]
    gradients = [network.gradient(theta, train._replace(draws=tuple(U))) for U in numbers]
    print(f"{name:>25}: the gradient scatters by {np.linalg.norm(np.std(gradients, axis=0)):.2f}")

# %% [markdown]
# With a mask of its own for each example, the noise of 60 examples averages out within the batch, in part: a few
# hard examples make most of the gradient here. So the mask is drawn
# **per unit and per example**, in every step. The notes speak of neurons that are off "at every training iteration".
#
# The backward pass needs the same mask. An activation is multiplied by a constant, so its gradient is, too:
#
# $$dA \leftarrow dA \odot D / p$$
#
# In the network it is this line: `dA = np.multiply(dA, mask, out=dA)`. Now the two exercises.


# %%
practice(exercises.inverted_dropout)


# %%
# Exercise 1: activations A, random numbers U of the same shape, keep_prob; return what goes on.
def my_inverted_dropout(A, U, keep_prob):
    return ...


exercises.inverted_dropout.check(my_inverted_dropout)


# %%
practice(exercises.dropout_backward)


# %%
# Exercise 2: dA_out is the gradient for what goes on; return the gradient for A.
def my_dropout_backward(dA_out, U, keep_prob):
    return ...


exercises.dropout_backward.check(my_dropout_backward)

# %% [markdown]
# Did you copy Listing 1 of the notes? Its second line does not run. The cell below only compiles it.

# %%
listing_1 = "d3 = np.random.rand(a3.shape[0] a3.shape[1]) < keep_prob"
try:
    compile(listing_1, "Listing 1", "exec")
except SyntaxError as error:
    print(type(error).__name__)

# %% [markdown]
# A comma is missing between `a3.shape[0]` and `a3.shape[1]`. The rest of the listing is inverted dropout. Its last line,
# `a3 /= keep_prob`, changes an array that may belong to somebody else; exercise 1 tells you so.
#
# ### All the networks at once
#
# Each mask makes a smaller network, a **subnetwork**. With 8 hidden units there are $2^8 = 256$ masks. That is few
# enough to try all of them: masks are data, and one forward pass answers for all 256. A mask is more or less likely:
#
# $$P(D) = p^{\text{kept}} \, (1 - p)^{\text{dropped}} \tag{1}$$

# %%
show_source(dropout.mask_weights)

# %%
single = Network((2, 8, 1), "tanh", keep_prob=0.5)  # no sigmoid at the end: it predicts logits
theta, point = 4 * single.initialize(np.random.default_rng(0)), np.array([[0.5, -1.0]])
masks = dropout.all_masks(8)
weights = dropout.mask_weights(masks, keep_prob=0.5)
draws = dropout.draws_for_masks(masks, single.sizes, m=1)
logits = single.predict(theta, point, draws=draws)[:, 0, 0]  # 256 networks, 1 example, 1 output
full = single.predict(theta, point)[0]  # without masks

# %%
print(f"{len(logits)} logits from {logits.min():.2f} to {logits.max():.2f}")
print(f"their mean {weights @ logits:.3f}, the full network {full[0]:.3f}")
print("difference below 1e-12:", bool(abs(weights @ logits - full[0]) < 1e-12))

# %% [markdown]
# The mean of the 256 logits *is* the logit of the full network; what differs is rounding. With one hidden layer the
# logit $z = W (A \odot D / p) + b$ is linear in $D$, and the expected value goes through a linear function.
#
# The sigmoid is not linear. So the mean of the 256 *probabilities* is something else. But there is a mean that fits:
# the **normalized geometric mean**. With $\hat y_k = \sigma(z_k)$, and the probabilities $P(D)$ of the masks as
# weights $w_k$:
#
# $$\log G = \sum_k w_k \log \hat y_k \tag{1}$$
# $$\log G' = \sum_k w_k \log (1 - \hat y_k) \tag{2}$$
# $$\tilde y = \frac{G}{G + G'} = \sigma(\log G - \log G') \tag{3}$$
#
# $G$ is the weighted geometric mean of the probabilities of one class, $G'$ that of the other class; (3) makes their sum 1.

# %%
show_source(dropout.normalized_geometric_mean)

# %%
geometric = dropout.normalized_geometric_mean(logits, weights)
print(f"arithmetic mean of the probabilities {weights @ sigmoid(logits):.3f}")
print(f"normalized geometric mean {geometric:.3f}, full network {sigmoid(full)[0]:.3f}")
print("difference below 1e-12:", bool(abs(geometric - sigmoid(full)[0]) < 1e-12))

# %% [markdown]
# **Predict, then move.** The lab does this for a trained network. Move the point in the map with the two sliders. The
# histogram shows what the 256 subnetworks answer there, each counted by its probability $P(D)$. Below it are three
# answers: the two means, and the full network. Then choose *trained with dropout*, and *two hidden layers*.

# %%
predict(exercises.many_networks, labs.subnetworks_lab())

# %% [markdown]
# **Why.** By (1) and (2), $\log G - \log G' = \sum_k w_k \log \frac{\hat y_k}{1 - \hat y_k} = \sum_k w_k z_k$. So the
# normalized geometric mean is the sigmoid of the mean logit, and that is the full network. It holds at every point, for
# all weights and every keep_prob. Nobody has to run 256 networks: **one pass without masks gives their mean**.
#
# With two hidden layers, the masks of the first one go through the activation function of the second, which is not
# linear. The identity becomes an approximation. How good it is depends on training. After training
# without dropout, the subnetworks contradict each other: at the default point some answer 0 and some 1. After
# training with keep_prob 0.5, they agree much more; then even the arithmetic mean is close. Training with
# dropout trains all the subnetworks at once, with shared weights, so that a random one is nearly as good as all
# together. Compare the last sentence of the caption.
#
# There is a price: here, the network trained with keep_prob 0.5 is right on fewer dev points than the one trained
# without dropout. Eight units are few. Dropout is for networks that are too large for their data, such as the one
# at the beginning.


# %%
practice(exercises.geometric_mean)


# %%
# Exercise 3: probabilities y (K,), weights w (K,) with the sum 1; return G / (G + G').
def my_geometric_mean(y, w):
    return ...


exercises.geometric_mean.check(my_geometric_mean)

# %% [markdown]
# ### What is being minimized?
#
# The notes call it a downside that the cost $J$ "is no longer well-defined". Each step has fresh masks, so
# each step measures another $J$. Here are 2,000 values at the same weights:

# %%
rng = np.random.default_rng(0)
draws = (draw_uniform(network.sizes, 60, rng) for _ in range(2000))
J = np.array([network.loss(last.theta[1].copy(), train._replace(draws=each)) for each in draws])
print(f"single values: 90% between {np.quantile(J, 0.05):.2f} and {np.quantile(J, 0.95):.2f}")
print(f"mean of the first thousand {J[:1000].mean():.2f}, of the second thousand {J[1000:].mean():.2f}")

# %% [markdown]
# One value is noisy. The mean is not: it is a function of the weights alone, and it is well-defined.
#
# $$\bar J(\theta) = \operatorname{E}_D [\, J(\theta, D) \,]$$
#
# The gradient of a step is that of a single $J(\theta, D)$; its expected value is the gradient of $\bar J$. So
# dropout is stochastic gradient descent on $\bar J$, in the same way as mini-batches are on the cost of all examples.
#
# For linear regression with masks on the *features*, $\bar J$ can be written down. It is the cost without masks
# plus a penalty:
#
# $$R = \frac{1}{2m} \, \frac{1 - p}{p} \sum_j w_j^2 \sum_i \left(x_j^{(i)}\right)^2 \tag{1}$$
#
# It looks like L2, but its strength **adapts**: a weight costs more if its feature is large. Below, the four
# features have different sizes, and all 16 masks are enumerated.

# %%
show_source(dropout.adaptive_l2)

# %%
rng, p = np.random.default_rng(0), 0.8
X4, w = rng.normal(size=(50, 4)) * [1, 1, 3, 0.3], np.array([1.0, -2.0, 0.5, 3.0])
target, masks = X4 @ w + rng.normal(size=50), dropout.all_masks(4)
z = (masks / p * w) @ X4.T  # (16, 50): 16 masks, 50 examples
expected = dropout.mask_weights(masks, p) @ np.sum((z - target) ** 2, axis=1) / 100
plain = np.sum((X4 @ w - target) ** 2) / 100
print(f"expected cost {expected:.3f} = cost {plain:.3f} + R {dropout.adaptive_l2(w, X4, p):.3f}")
print("strength for each weight:", np.round((1 - p) / p * np.mean(X4**2, axis=0), 2))

# %% [markdown]
# The sum is exact. The strength of the penalty on $w_j^2 / 2$ is $\frac{1 - p}{p}$ times the mean of $x_j^2$: the
# largest is about 100 times the smallest, while L2 has one strength for all. For the cross-entropy, (1) becomes an approximation. By a Taylor series of the cost to second order, with $\hat y$ the
# prediction without masks,
#
# $$R \approx \frac{1}{2m} \, \frac{1 - p}{p} \sum_i \hat y^{(i)} (1 - \hat y^{(i)}) \sum_j w_j^2 \left(x_j^{(i)}\right)^2 \tag{2}$$
#
# (With the logit $z$, the cross-entropy of an example is $\log(1 + e^z) - y z$. The term $y z$ is linear in the mask, so on
# average nothing is added to it.) An example counts most where the network is not sure.

# %%
y_hat = sigmoid(X4 @ w)
added = dropout.mask_weights(masks, p) @ np.logaddexp(0, z).mean(axis=1) - np.logaddexp(0, X4 @ w).mean()
about = (1 - p) / p * np.sum(y_hat * (1 - y_hat) * (X4**2 @ w**2)) / (2 * len(X4))  # (2)
print(f"what dropout adds to the cross-entropy: {added:.3f}; by equation (2): {about:.3f}")

# %% [markdown]
# So dropout *is* a regularizer, not something with "a similar effect". To L2 it is related, not equal.
#
# ### A keep_prob for each layer
#
# Train the network of the beginning with dropout. The first lab shows its cost, at each fifth step: thin, $J$ with
# the masks of that step; thick, the mean over the same 24 masks, close to $\bar J$; dashed, the dev loss without masks.
#
# At the right are the weights. Above, the squared norm $\lVert W \rVert^2$ of each matrix, in percent of that without
# dropout. Below, how evenly it is **spread**, by the *participation ratio*
#
# $$N = \frac{\left(\sum_i v_i^2\right)^2}{\sum_i v_i^4} \tag{1}$$
#
# It is 1 if a single weight carries everything, and $n$ if all $n$ weights have the same size. The lab shows $N / n$.

# %%
show_source(dropout.participation_ratio)

# %%
ask(exercises.what_norms_do)

# %%
predict(exercises.jagged_cost, labs.noisy_cost_lab())

# %% [markdown]
# **Why.** The thin line goes up and down, as the notes say; its mean falls more smoothly. Press *no dropout*: now the
# cost never rises. Press *Reset*. The mean rises at some steps, too: a step follows the gradient of its own masks, not
# that of $\bar J$. Press *too much*: with 10% of the units in both layers, even the mean stays high. That is bias.
#
# *The weights.* All three norms are smaller than without dropout. The notes explain it so: an input may go away, so a
# unit spreads its weights, and that shrinks the squared norm. Is it so? Ask eight data sets:

# %%
found = []
for seed in range(8):
    rng = np.random.default_rng(seed)
    sets = [moons(m, noise=0.4, rng=rng) for m in (60, 400)]
    seen, new = (Batch(rows, labels[:, None].astype(float)) for rows, labels in sets)
    rng = np.random.default_rng(seed)
    start = np.tile(pair.initialize(rng), (2, 1))
    run = descend(pair, start, with_draws(repeat(seen), pair.sizes, rng), Adam(), 0.01)
    *_, end = islice(run, 401)
    found.append((pair.layout.views(end.theta), pair.loss(end.theta, new)))

# %%
for name in ("W1", "W2", "W3"):
    W = np.array([views[name].reshape(2, -1) for views, _ in found])  # 8 seeds, 2 networks, all weights
    norms, spread = np.sum(W**2, axis=2), dropout.participation_ratio(W) / W.shape[2]
    smaller, more = np.sum(norms[:, 1] < norms[:, 0]), np.sum(spread[:, 1] > spread[:, 0])
    print(f"{name}: norm smaller in {smaller} of 8, weights more evenly spread in {more} of 8")
lower = sum(bool(dev_loss[1] < dev_loss[0]) for _, dev_loss in found)
print(f"dev loss lower in {lower} of 8")

# %% [markdown]
# With dropout the norms are smaller in every case, and W2 and W3 do spread at this keep_prob (not always: press *too much*). But W1 shrinks as well, and its inputs are
# the features, which are never dropped. So the argument of the notes is a part of the truth at most. Another part may
# be this: without dropout, growing weights bring the train loss ever closer to 0. With masks that is no longer
# possible, and by the penalties $R$ of the last section, large weights cost something.
#
# And the last line: dropout did not lower the dev loss every time. It is a bet that often pays when a network is too
# large for its data. The dev set tells.
#
# ### A keep_prob for each layer
#
# Each hidden layer may have its own keep_prob. The next lab trains the same network for all 100 pairs of values; each
# square of the plane is one of them. Take the frame and move it. At the right are the map of that network, and the
# maps of six of its subnetworks.

# %%
labs.keep_prob_lab()

# %% [markdown]
# Press *no dropout*: the six subnetworks are one and the same. Press *too much*: both losses are high. Now look at the
# plane. The two keep_probs do not act alike, and the star, the lowest dev loss, is far from the middle. Press
# *New seed* a few times: the star jumps, because each network is trained once, on 60 points. But
# mostly it lies where one layer drops much and the other one little.
#
# ### What the notes got wrong in 1.4
#
# 1. *Dropout "has a similar effect to regularization".* It *is* regularization. But it is not L2: for linear
#    regression its penalty is a sum of squares with a strength of its own for each weight, see $R$ above; for other
#    models even that is only an approximation. Helmbold & Long (2015) show cases where the two behave quite differently.
# 2. *Neurons are "switched off at every training iteration".* The mask is drawn for each unit **and each example**. One
#    mask for the whole batch is noisier; see the scatter of the gradient, and the switch of the lab.
# 3. *"Dividing with the activation matrix with keep_prob".* The masked activations are divided by keep_prob.
# 4. *Listing 1* lacks a comma: a SyntaxError.
# 5. *"The cost function J is no longer well-defined."* A single value is noisy. The expected value over the masks is
#    well-defined, and it is what training minimizes. To see whether training goes down, average over
#    masks, or plot the cost without masks.
#
# ## Summary
#
# - Inverted dropout: $A \odot D / p$ in training, nothing at test time. The same mask goes forward and backward.
# - The division keeps the expected value. Without it, the answers are too sure at test time.
# - For one hidden layer, the network without masks is exactly the normalized geometric mean of all subnetworks;
#   for more layers, about.
# - The cost of a step is noisy, its mean over masks is not.
# - On average, dropout adds a penalty: for a linear model an L2 penalty that adapts to the size of each feature.
# - It often helps where a network is too large for its data, and not always. The dev set tells. The next notebook,
#   04, is about the first weights.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.4, after Andrew Ng's
# course. Hinton, Srivastava, Krizhevsky, Sutskever & Salakhutdinov (2012), *Improving neural networks by preventing
# co-adaptation of feature detectors*, arXiv 1207.0580. Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov
# (2014), *Dropout: a simple way to prevent neural networks from overfitting*. Wager, Wang & Liang (2013), *Dropout
# training as adaptive regularization*. Baldi & Sadowski (2013), *Understanding dropout*. Helmbold & Long (2015), *On the
# inductive bias of dropout*. Goodfellow, Bengio & Courville (2016), *Deep Learning*, section 7.12.
