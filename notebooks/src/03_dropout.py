# %% [markdown]
# # 3 Dropout
#
# Section 1.4 of the lecture notes. About 50 minutes.
#
# One network with 8 hidden units, and the 256 smaller networks that one gets by switching some of these units off. Take hold of the ring on the left and move it
# about. The bars count what the 256 answer there. At some places they contradict each other; still, one of their means always stands where the full network stands.

# %%
from itertools import islice

import numpy as np

from dlhelpers import dropout
from dlhelpers.activations import sigmoid
from dlhelpers.dropout import draw_uniform
from dlhelpers.exercises import dropout as exercises
from dlhelpers.labs import dropout as labs
from dlhelpers.labs.dropout import columns, common, noisy_cost
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict

# %%
from dlhelpers.live.stages import last
from dlhelpers.network import Network
from dlhelpers.showing import show_source

# %%
labs.subnetworks_lab()

# %% [markdown]
# **Dropout** trains all of these networks at once: in each step of training, switch units off at random. In use (the labs say *at test time*), switch all of them on. It sounds like damage, and
# sometimes it helps. Run all cells now (menu *Run*, *Run All Cells*), then read on; [00 Start here](00_start_here.ipynb) says how a lab works. At the end of this notebook you can
#
# - write inverted dropout forward and backward, and name what each mistake in it costs,
# - say what the network without masks has to do with all the networks that the masks make,
# - say in which sense dropout is a regularizer, and how it differs from L2,
# - say when to take it, with which keep_prob, and when not at all.
#
# ## 1.4 Switch units off
#
# Let $p$ be **keep_prob**, the probability that a unit is kept. Draw a random number $U$ for each unit *and* each
# example. The **mask** $D$ is 1 where $U$ is below $p$, and 0 elsewhere. **Inverted dropout** multiplies the
# activations $A$ by the mask and divides by $p$:
#
# $$D = [U < p], \quad U \sim \text{uniform on } [0, 1) \tag{1}$$
# $$A \leftarrow A \odot D / p \tag{2}$$
#
# Why divide? $D$ is 1 with probability $p$, so its mean over many draws, its *expected value* $\operatorname{E}[D]$, is $p$. The division makes up for it:
#
# $$\operatorname{E}[A \odot D / p] = A \, \operatorname{E}[D] / p = A \tag{3}$$

# %%
A, p = np.random.default_rng(0).uniform(1, 3, (200, 500)), 0.8
D = np.random.default_rng(1).random(A.shape) < p
for name, result in (("A", A), ("A * D", A * D), ("A * D / p", A * D / p), ("A * D / A", A * D / A)):
    print(f"{name:>10}: mean {result.mean():.2f}")

# %%
practice(exercises.inverted_dropout)


# %%
def my_inverted_dropout(A, U, keep_prob):
    return ...


exercises.inverted_dropout.check(my_inverted_dropout)

# %% [markdown]
# The lab takes layer 1 of a small network apart. Top: twelve examples (columns) and ten
# units (rows); first the activations, then the mask, the product, and what goes on to layer 2. Bottom left: the same
# network; crosses are the units that are off for the example in the green frame. Bottom right: each dot is one unit of layer 2 and one
# example: to the right its $Z$ in use, upward the mean of its $Z$ over many masks.

# %%
labs.inverted_lab()

# %% [markdown]
# Press *a single mask*: the dots lie far from the line, above and below. Average over more masks: they
# move onto it. That is (3), and it holds because $Z = W A + b$ is linear in the mask.
# Press *forgot to divide*: the dots lie on a flatter line. Layer 2 gets $p$ times what it gets in use. What does that
# cost? The next lab trains a network by each rule, for ten values of $p$.

# %%
predict(exercises.no_division, labs.mask_rules_lab())

# %% [markdown]
# **Why.**
#
# - *Forgot to divide.* In use, each layer gives its next one more than the weights are used to. The network is
#   too sure of itself: at $p = 0.5$ the dev loss is higher than with inverted dropout, and about as many answers are right. The loss punishes being too sure, the share of right answers does not.
# - *Keep and drop mixed up.* At $p = 0.5$ there is no difference. At 0.8 only 20% of the units are kept, and they are
#   divided by 0.8. At 1.0 nothing is kept, so no weight is trained at all.
# - *Original: × p at test time*. The form of the first papers: no division in training; in use,
#   the activations are multiplied by $p$. It works, but then the code in use
#   must know about dropout. Inverted dropout leaves it alone.
#
# The mask is drawn **for each unit and each example**. With one mask for all examples the mean is still right, but the noise does not average out within the batch.
# Compute the gradient 300 times at the same weights, each time with fresh masks, and look at its scatter (the root of the summed variances of all entries):

# %%
data, trained = common.two_moons(60, 0.4, seed=0), last(columns.train_column(6, 60, seed=0))
network, theta = (
    Network((2, 16, 16, 1), "relu", "sigmoid_cross_entropy", keep_prob=0.7),
    trained.thetas[-1, 6].copy(),
)
rng = np.random.default_rng(0)
for name, examples in (("a mask for each example", 60), ("one mask for all examples", 1)):
    numbers = [rng.random((2, 16, examples)) + np.zeros((2, 16, 60)) for _ in range(300)]
    gradients = [network.gradient(theta, data.batch._replace(draws=tuple(U))) for U in numbers]
    print(f"{name:>25}: the gradient scatters by {np.linalg.norm(np.std(gradients, axis=0)):.2f}")

# %% [markdown]
# The backward pass needs the same mask. An activation is multiplied by a constant, so its gradient is, too:
#
# $$dA \leftarrow dA \odot D / p \tag{4}$$
#
# <details><summary>What the notes say</summary>
#
# *"Dividing with the activation matrix with keep_prob."* Divided by $A$, only the mask is left: see the last line of the first cell. The divisor is the number $p$.
#
# *Neurons are "switched off at every training iteration".* For each unit and each example, see the cell above.
#
# *Listing 1*, `d3 = np.random.rand(a3.shape[0] a3.shape[1]) < keep_prob`, lacks a comma: a SyntaxError. Its last line, `a3 /= keep_prob`, changes an array that may belong to somebody else; exercise 1 tells you so.
# </details>

# %%
practice(exercises.dropout_backward)


# %%
def my_dropout_backward(dA_out, U, keep_prob):
    return ...


exercises.dropout_backward.check(my_dropout_backward)

# %% [markdown]
# ## All the networks at once
#
# Each mask makes a **subnetwork**. With 8 hidden units there are $2^8 = 256$ masks, few
# enough to try all of them. A mask is more or less likely:
#
# $$P(D) = p^{\text{kept}} \, (1 - p)^{\text{dropped}} \tag{5}$$

# %%
single = Network((2, 8, 1), "tanh", keep_prob=0.5)  # no sigmoid at the end: it predicts logits
weights_and_biases, point = 4 * single.initialize(np.random.default_rng(0)), np.array([[0.5, -1.0]])
masks = dropout.all_masks(8)
weights, draws = dropout.mask_weights(masks, 0.5), dropout.draws_for_masks(masks, single.sizes, m=1)
logits = single.predict(weights_and_biases, point, draws=draws)[:, 0, 0]  # 256 networks, 1 example, 1 output
full = single.predict(weights_and_biases, point)[0, 0]  # without masks
print(f"{len(logits)} logits from {logits.min():.2f} to {logits.max():.2f}, mean {weights @ logits:.3f}")
print(f"the full network {full:.3f}; difference below 1e-12:", bool(abs(weights @ logits - full) < 1e-12))

# %% [markdown]
# A **logit** is the number that goes into the last sigmoid. The mean of the 256 logits *is* the logit of the full network. With one hidden layer
# $z = W (A \odot D / p) + b$ is linear in $D$, and (3) goes through a linear function.
#
# The sigmoid $\sigma$ is not linear. So the mean of the 256 *probabilities* is something else. But there is a mean that fits:
# the **normalized geometric mean**. With $\hat y_k = \sigma(z_k)$, and $w_k = P(D_k)$:
#
# $$\log G = \sum_k w_k \log \hat y_k \tag{6}$$
# $$\log G' = \sum_k w_k \log (1 - \hat y_k) \tag{7}$$
# $$\tilde y = \frac{G}{G + G'} = \sigma(\log G - \log G') \tag{8}$$
#
# By (6) and (7), $\log G - \log G' = \sum_k w_k z_k$. So (8) is the sigmoid of the mean logit, and that is the full network. The lab at the top does this for networks that were trained, without dropout and with it. Ask yourself first:

# %%
ask(exercises.many_networks)

# %% [markdown]
# In the first lab choose *trained with dropout*, and compare the last sentence of the caption. Without dropout, a random subnetwork is right on at least 8 of 100 dev points less than the full
# network. With it, the two are much closer: training with dropout trains the subnetworks themselves, with shared weights.
#
# Nobody has to run 256 networks: **one pass without masks gives their mean**. With two hidden layers, the masks of the first one go through the activation function of the second, which is not
# linear, and the identity becomes an approximation: press *two hidden layers*.
#
# There is a price: here, the network trained with keep_prob 0.5 is right on fewer dev points than the one trained without dropout. Eight units are few.

# %%
practice(exercises.geometric_mean)


# %%
def my_geometric_mean(y, w):
    return ...


exercises.geometric_mean.check(my_geometric_mean)

# %% [markdown]
# ## What is being minimized?
#
# Each step has fresh masks, so each step measures another cost $J$. Here are 2,000 values at the same weights:

# %%
rng = np.random.default_rng(0)
masked = [data.batch._replace(draws=draw_uniform(network.sizes, 60, rng)) for _ in range(2000)]
J = np.array([network.loss(theta, batch) for batch in masked])
print(f"single values: 90% between {np.quantile(J, 0.05):.2f} and {np.quantile(J, 0.95):.2f}")
print(f"mean of the first thousand {J[:1000].mean():.2f}, of the second thousand {J[1000:].mean():.2f}")

# %% [markdown]
# One value is noisy. The mean is not: it is a function of the weights $\theta$ alone.
#
# $$\bar J(\theta) = \operatorname{E}_D [\, J(\theta, D) \,] \tag{9}$$
#
# So dropout is stochastic gradient descent on $\bar J$, in the same way as mini-batches are on the cost of all examples. The next lab shows what that does to $J$ and to the weights. Choose an answer to both questions first.

# %%
ask(exercises.what_norms_do)

# %%
predict(exercises.jagged_cost, labs.noisy_cost_lab())

# %% [markdown]
# The thin line is $J$ with the masks of its step, the thick one the mean over the same 24 masks, close to $\bar J$; the dashed one is the dev loss without masks. The thick line rises less often. It rises at some steps, too: a step follows the gradient of its own masks, not
# that of $\bar J$. Press *too much*: with 10% of the units in both layers, even the mean stays high. That is bias.
#
# And the weights, at the right? Above, the squared norm of each matrix, in percent of that without dropout; below, how evenly it is spread over the single weights (100%: all are equally large). More data sets, and another keep_prob:

# %%
for share in (0.7, 0.3):
    found = [last(noisy_cost.noisy_cost(share, share, 60, seed)) for seed in range(3)]
    for name, k in (("W1", 0), ("W2", 1), ("W3", 2)):
        percent = ", ".join(f"{100 * each.norms[k] / each.norms_without[k]:.0f}%" for each in found)
        print(f"keep_prob {share}, three data sets: squared norm of {name} is {percent} of that without")

# %% [markdown]
# All three shrink. Without dropout, growing weights bring the train loss ever closer to 0. With masks that is no longer possible, and large weights cost something: **on average, dropout adds a penalty**.
# For linear regression with masks on the features it can be written down:
#
# $$R = \frac{1}{2m} \, \frac{1 - p}{p} \sum_j w_j^2 \sum_i \left(x_j^{(i)}\right)^2 \tag{10}$$
#
# It looks like L2, but its strength **adapts**: a weight costs more if its feature is large. Below, the four
# features have different sizes, and all 16 masks are enumerated.

# %%
rng, p = np.random.default_rng(0), 0.8
X, w = rng.normal(size=(50, 4)) * [1, 1, 3, 0.3], np.array([1.0, -2.0, 0.5, 3.0])
target, masks = X @ w + rng.normal(size=50), dropout.all_masks(4)
z = (masks / p * w) @ X.T  # (16, 50): 16 masks, 50 examples
expected = dropout.mask_weights(masks, p) @ np.sum((z - target) ** 2, axis=1) / 100
plain = np.sum((X @ w - target) ** 2) / 100
print(f"expected cost {expected:.3f} = cost {plain:.3f} + R {dropout.adaptive_l2(w, X, p):.3f}")
print("strength for each weight:", np.round((1 - p) / p * np.mean(X**2, axis=0), 2))

# %% [markdown]
# <details><summary>For the curious: the cross-entropy</summary>
#
# With the logit $z$, the cross-entropy of an example is $\log(1 + e^z) - y z$. The second term is linear in the mask, so on average nothing is added to it. A Taylor series of the first to second order gives, with the prediction $\hat y$ without masks,
# $R \approx \frac{1}{2m} \frac{1 - p}{p} \sum_i \hat y^{(i)} (1 - \hat y^{(i)}) \sum_j w_j^2 (x_j^{(i)})^2$.
# An example counts most where the network is not sure. The next cell compares.
# </details>

# %%
y_hat = sigmoid(X @ w)
added = dropout.mask_weights(masks, p) @ np.logaddexp(0, z).mean(axis=1) - np.logaddexp(0, X @ w).mean()
about = (1 - p) / p * np.sum(y_hat * (1 - y_hat) * (X**2 @ w**2)) / (2 * len(X))
print(f"what dropout adds to the cross-entropy: {added:.3f}; by the Taylor series: {about:.3f}")

# %% [markdown]
# <details><summary>What the notes say</summary>
#
# *"The cost function J is no longer well-defined."* A single value is noisy. (9) is well-defined, and it is what training minimizes. To see whether training goes down, average over masks, or plot the cost without masks.
#
# *Dropout "has a similar effect to regularization".* It *is* regularization, but it is not L2: see (10). Helmbold & Long (2015) show cases where the two behave quite differently.
#
# *An input may go away, so a unit spreads its weights, and that shrinks the norm.* W1 shrinks as well, and its inputs are the features, which are never dropped. The argument is a part of the truth at most.
# </details>
#
# ## Does it help?
#
# Sixty points and a network of 16 + 16 units. At step 400 the network with dropout looks far better. But in [02b](02b_early_stopping.ipynb) we learned to stop in time. A fair contest
# gives each network its own best learning rate and its own best step, both chosen on the dev set, and then asks the *test* set.

# %%
predict(exercises.dropout_or_stop, labs.stopped_lab())

# %% [markdown]
# Drag the green line: who is ahead depends on the step. Without dropout the dev loss falls fast and rises again; with dropout it falls slowly and hardly rises. Whoever compares the two at one late step
# measures the harm of training too long. On the 60 points, stopping in time is mostly the better remedy. Five data sets:

# %%
for task in (labs.stopped.POINTS, labs.stopped.DIGITS):
    contests = [last(labs.stopped.contest(task, 0.7, 400, seed)) for seed in range(5)]
    losses = np.array([(*contest.best, *contest.here) for contest in contests])
    lower = np.sum(losses[:, 1] < losses[:, 0])
    print(f"{task}: dropout has the lower test loss in {lower} of {len(losses)}, each at its best step")

# %% [markdown]
# Press *noisy digits*: 64 inputs, 64 + 64 units, 200 images under heavy noise. Here the network is far too large for its data, and many pixels say a little of the same. Dropout is better although both are stopped in time. The gain is small, a few hundredths of the loss, but it comes nearly always.
#
# ### Which keep_prob, in which layer?
#
# Each hidden layer may have its own. The lab trains the network of the 60 points for all 100 pairs, each once, for 400 steps. Take hold of the frame and move it. At the right are the map of that network, and the
# maps of six of its subnetworks.

# %%
labs.keep_prob_lab()

# %% [markdown]
# Press *no dropout*: the six subnetworks are one and the same. Press *too much*: both losses are high. Then press *New seed* a few times. The star, the lowest of all 100, jumps from one end to the other. It is the best of 100 single runs, and most of its lead is luck ([01](01_bias_variance.ipynb)). So do not search
# for the second digit of keep_prob.
#
# **In practice.**
#
# 1. **None** if the train error is high (dropout adds bias), if the network is small, or if there is plenty of data. Stop in time first, or add examples: both are cheaper.
# 2. For a large layer that learns its training set by heart: begin with keep_prob 0.5, and try 0.8. Large layers take the lower value, because they have more units to spare.
# 3. For the inputs 0.8 or more, mostly 1: a feature that is dropped is information lost. For the output layer always 1.
# 4. With dropout, train longer, and search for the learning rate again. Then compare on the dev set, each at its best step.
# 5. Convolutional layers and networks with batch normalization mostly do without; transformers take about 0.9. (Libraries ask for the share that is *dropped*: `Dropout(0.1)` keeps 90%.)
#
# ## A decision

# %%
ask(exercises.which_keep_prob)

# %% [markdown]
# ## Summary
#
# - Inverted dropout: $A \odot D / p$ in training, nothing in use. The same mask goes forward and backward.
# - The division keeps the expected value. Without it, the answers in use are too sure.
# - For one hidden layer, the network without masks is exactly the normalized geometric mean of all subnetworks; for more layers, about.
# - The cost of a step is noisy, its mean over masks is not. On average, dropout adds a penalty that adapts to the size of each feature.
# - Compare it with stopping in time, each at its best step. It helps large networks with few noisy data, a little; small ones it mostly harms.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.4, after Andrew Ng's
# course. Hinton, Srivastava, Krizhevsky, Sutskever & Salakhutdinov (2012), *Improving neural networks by preventing
# co-adaptation of feature detectors*, arXiv 1207.0580. Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov
# (2014), *Dropout: a simple way to prevent neural networks from overfitting*. Wager, Wang & Liang (2013), *Dropout
# training as adaptive regularization*. Baldi & Sadowski (2013), *Understanding dropout*. Helmbold & Long (2015), *On the
# inductive bias of dropout*. Goodfellow, Bengio & Courville (2016), *Deep Learning*, section 7.12.
#
# Next: [04a Normalized inputs](04a_normalization.ipynb). What if one input is a thousand times as large as another?
