# %% [markdown]
# # 8 Batch normalization
#
# Section 1.19 of the lecture notes. About 50 minutes.
#
# Two networks have learned to read digits. Push all units of the first layer to one side: add 10 to their biases. The
# network on the left breaks, and reads fewer than half of the digits. The one on the right does not even notice. Now
# press *W1 / 100*, and move both sliders. Which part of the network undoes what you do, and what does it cost?

# %% jupyter={"source_hidden": true}
from itertools import islice

import numpy as np

from dlhelpers import batch_normalization
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.datasets import digits, one_hot, split
from dlhelpers.exercises import batch_normalization as exercises
from dlhelpers.labs import batch_normalization as labs
from dlhelpers.labs.batch_normalization.depth import THEORY, factor, gradient_sizes
from dlhelpers.labs.batch_normalization.running import ONE_CLASS, batches_of

# %% jupyter={"source_hidden": true}
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.normalization import fit
from dlhelpers.optimizers import GradientDescent
from dlhelpers.showing import show_source
from dlhelpers.training import descend

# %%
labs.scale_and_shift_lab()

# %% [markdown]
# Each row is a histogram: the numbers that the units of a layer get, over the digits of the dev set. On the right, each
# layer **normalizes** the numbers that it gets: over the examples of a batch, it subtracts their mean and divides by
# their standard deviation. (Large weights alone do less harm on the left: with *W1 × 10* the largest logit mostly stays
# the largest, and the loss tells what the answers hide.) At the end of this notebook you can
#
# - write batch normalization for training and for use, and name what each mistake in it does,
# - say what the length of the weights means with it,
# - say when it helps here, when it does not, and what is known of why,
# - recognize three cases in which it fails: batches that are no sample, tiny batches, great depth.
#
# ## 1 Normalize each unit
#
# A unit computes $Z = W A + b$, a number for each of the $m$ examples of a batch. **Batch normalization** takes their
# mean and their variance,
#
# $$\mu = \frac{1}{m} \sum_i z^{(i)} \tag{1}$$
# $$\sigma^2 = \frac{1}{m} \sum_i \left(z^{(i)} - \mu\right)^2 \tag{2}$$
#
# makes the mean 0 and the standard deviation 1,
#
# $$z_{norm}^{(i)} = \frac{z^{(i)} - \mu}{\sqrt{\sigma^2 + \varepsilon}} \tag{3}$$
#
# and then gives the unit back the freedom to choose both, by two numbers that are learned like weights:
#
# $$\tilde z^{(i)} = \gamma \, z_{norm}^{(i)} + \beta \tag{4}$$
#
# The small number $\varepsilon$, here $10^{-5}$, keeps the division safe when all $z^{(i)}$ are equal. These are the lines
# that run, with the same numbers. In (2), `np.vecdot` multiplies each row by itself, number by number, and adds up:

# %%
show_source(batch_normalization.forward)

# %% [markdown]
# Is (3) exact? For a layer that is 100 times smaller, $\varepsilon$ begins to count. The cell normalizes the same numbers on
# three scales.

# %%
Z = np.random.default_rng(0).standard_normal((1, 1000))
for scale in (100, 1, 0.01):
    batch = batch_normalization.forward(scale * Z, np.ones((1, 1)), np.zeros((1, 1)))
    print(f"Z times {scale:>4}: mean {abs(batch.Z_norm.mean()):.2f}, deviation {batch.Z_norm.std():.3f}")

# %% [markdown]
# ### What are gamma and beta for?
#
# A ReLU after numbers with mean 0 lets half of them pass, always. That may not be what the unit needs. In the lab you hold
# $\gamma$ and $\beta$ of one unit. Drag the tall line on the right to and fro: that is $\beta$. Then move the bias
# $b$, which is added *before* the normalization, and watch the right panel.

# %%
labs.gamma_beta_lab()

# %% [markdown]
# **Why.** By (3) and (4), what goes on has the mean $\beta$ and the standard deviation $|\gamma|$, whatever $Z$ was. Press *it is
# Z again*: with $\gamma = \sqrt{\sigma^2 + \varepsilon}$ and $\beta = \mu$ nothing is changed. So the layer can still compute
# all that it could before. The bias $b$ moves the left panel only: it is in $z$ and in $\mu$, and cancels in
# $z - \mu$. A layer with batch norm needs no $b$; $\beta$ does its work.
#
# <details><summary>What the notes say about this</summary>
#
# - *"Dividing by the variance."* Press *divided by σ²*: the deviation becomes $1 / \sigma$, not 1. Their formula has the root.
# - *"γ is multiplied by Z."* It multiplies the normalized $z$. Otherwise the mean would be $\gamma \mu + \beta$.
# - *"Learned in the forward and backward propagation."* The two passes give the gradients. The optimizer learns: $\gamma$ and $\beta$
#   stand in $\theta$ beside the weights.
#
# </details>
#
# **Exercise 1.** Write the forward pass.

# %%
practice(exercises.batch_norm)


# %%
def my_batch_norm(Z, gamma, beta, eps):
    return ...


exercises.batch_norm.check(my_batch_norm)

# %% [markdown]
# ## 2 What is left of the weights' scale?
#
# Look again at the lab at the top. The factor 10 goes in, and is divided out again. So the loss depends on the *direction*
# of the weights of a unit, and not on their length. But training goes by the gradient. What happens to that?

# %%
ask(exercises.ten_times)

# %%
X, y, *_ = digits()
data = split(X / 16, y, dev=386, test=387, rng=np.random.default_rng(0))
transform = fit(data.X_train)
train = Batch(transform.apply(data.X_train), one_hot(data.y_train, 10))
network = Network((64, 32, 32, 10), "relu", "softmax_cross_entropy", batch_norm=BatchNormalization())

# %%
theta = network.initialize(np.random.default_rng(0))
longer = theta.copy()
network.layout.views(longer)["W1"][...] *= 10
for name, each in (("W1", theta), ("10 W1", longer)):
    size = np.linalg.norm(network.layout.views(network.gradient(each, train))["W1"])
    print(f"{name:>5}: loss {network.loss(each, train):.4f}, gradient of W1 {size:.4f}")

# %% [markdown]
# **Why.** Let $J(cW) = J(W)$ for every $c > 0$. Take the derivative with respect to $W$ on both sides, by the chain rule:
#
# $$\nabla J(c W) = \frac{1}{c} \nabla J(W) \tag{5}$$
#
# A step of size $\alpha$ moves the long weights 10 times less, and they are 10 times longer. So their direction turns
# $10^2$ times less. What counts is $\alpha / \lVert w \rVert^2$, the **effective learning rate**. Here is one step of
# gradient descent from both places. How far does the direction of the first unit's weights turn?

# %%
for name, each in (("W1", theta), ("10 W1", longer)):
    after = each - 0.1 * network.gradient(each, train)
    units = [network.layout.views(place)["W1"][0] for place in (each, after)]
    first, then = (w / np.linalg.norm(w) for w in units)
    print(f"{name:>5}: it turns by {np.degrees(np.linalg.norm(then - first)):.2g} degrees")

# %% [markdown]
# This gives weight decay a new meaning. In front of a batch norm, shorter weights do not make a simpler function: the
# function is the same. But they make the effective rate larger. So decay works against a slowdown: without it, each step
# makes the weights a little longer (the gradient is at a right angle to $w$, so by Pythagoras the length grows), and
# the effective rate falls by itself. Van Laarhoven (2017) worked this out.
#
# **In practice.** With batch norm, do not judge weights by their size, and do not expect L2 to simplify the layers in front of
# it. Tune the learning rate and the decay together.
#
# ## 3 When does it help?
#
# Batch norm is said to allow larger learning rates, to forgive bad first weights, and to train faster. The lab
# trains on digits with 13 rates, three seeds, with and without. Each side counts at its own best rate.

# %%
predict(exercises.which_rates, labs.learning_rates_lab())

# %% [markdown]
# **Why.** With He's weights, two hidden layers have no problem that batch norm could cure. The network without it is
# ahead at small rates and at its best rate. The largest rate that works is larger with batch norm. Now press *too large*: the weights of the
# hidden layers begin 8 times too large. Without batch norm, no rate repairs that in 100 steps. With it, the curve moves to the
# right: by (5) longer weights want a larger rate, and that is all they want.
#
# So on this small task batch norm is an insurance. It makes training forgive a bad start, and widens
# the range of rates. In deep networks for images it does more: there, networks without it often do not train at all at the rates
# that are used with it (Bjorck 2018).
#
# ### What is known of why it works
#
# The notes tell the story of the inventors: training a layer moves the numbers that the next layer gets; batch norm holds
# their mean and variance still, so the next layers stand on firmer ground. This is called *internal covariate
# shift*. What speaks for and against it?
#
# - Mean and variance are *not* held still. They are $\beta$ and $\gamma^2$ by (4), and training moves both.
# - Santurkar and others (2018) added noise *after* each batch norm, new in each step, so that the ground shook more than without any. These
#   networks trained as well as with plain batch norm. They find that batch norm makes the loss and its gradient
#   smoother along a step.
# - Bjorck and others (2018) find that it prevents sizes that explode at large rates, so that larger rates can be used.
# - Luo and others (2019) find a mild regularization by the noise of the batches.
#
# <details><summary>What the notes say about this</summary>
#
# - *"Covariate shift: the data distribution changes."* The term (Shimodaira 2000) means that $p(x)$ changes while
#   $p(y \mid x)$ stays. That the inputs of an inner layer move in training is another thing; hence "internal".
# - *"No matter how the previous layer changes, mean and variance remain the same."* They remain $\beta$ and $\gamma^2$, and
#   these are learned. See the lab above: you moved them.
#
# </details>
#
# **In practice.** Use it in deep convolutional networks with batches of 32 or more. In a network of two layers with good first
# weights and normalized inputs, try without it first.
#
# ## 4 Each example sees the others
#
# Mean and variance belong to the batch. So the answer to one example depends on who else is in the batch. How much? In the lab
# below, take hold of the ring and move it.

# %%
predict(exercises.one_moves, labs.one_example_lab())

# %% [markdown]
# **Why.** In training, the moved example changes $\mu$ and $\sigma^2$ of every unit in (1) and (2), and these act on all. This is also the
# noise that regularizes a little: the same example gets another answer in every batch.
#
# For use that will not do. A doctor's answer must not depend on who else sits in the waiting room. Press *in use*:
# now mean and variance are fixed numbers, and the others stand still. Where do these numbers come from?
#
# ### From training to use
#
# While training, one keeps a **running average** of each unit's mean and variance,
#
# $$\mu_{run} \leftarrow \rho \, \mu_{run} + (1 - \rho) \, \mu_{batch} \tag{6}$$
#
# and the same for the variance. $\rho$ is called momentum; it is 0.9 in this course. The variance of the batch is first
# multiplied by $m / (m - 1)$: measured around the batch's own mean, it comes out that much too small.

# %%
show_source(batch_normalization.update_running)

# %% [markdown]
# In the lab a network is trained once. The dashed line is the dev set in use, with running averages; the dotted line uses the
# exact mean and variance of the whole training set instead. The right panel has the variance of one unit: its running
# average comes from 1, and arrives late. Press *the usual 0.9*. Then press *one class a batch*.

# %%
labs.running_lab()

# %% [markdown]
# **Why.** The averages start at mean 0 and variance 1, and forget that only after about $1 / (1 - \rho)$ steps. While the
# weights change fast, a slow average is nearly always behind. That is a delay, and after 200 steps it is gone.
#
# *One class a batch* is something else. The variance within one digit is smaller than that of all digits, and the
# running average stays below it for good. The loss in training falls. In use the network is about as good as guessing, even with exact
# statistics. Each batch was normalized by the mean of one digit, so the network never learned to tell the digits by their means.
# **A batch must be a sample of the data.** The same order of examples does little harm to the network without batch norm:

# %%
plain = Network((64, 32, 32, 10), "relu", "softmax_cross_entropy")
run = descend(
    plain, plain.initialize(np.random.default_rng(0)), batches_of(ONE_CLASS, 64, 0), GradientDescent(), 0.1
)
*_, last = islice(run, 301)
right = plain.predict(last.theta, transform.apply(data.X_dev)).argmax(axis=1) == data.y_dev
print(f"one class a batch, without batch norm: {right.mean():.0%} of the dev set right")

# %% [markdown]
# *Batches of 2* is the same disease. Two examples, normalized, are always about $+1$ and $-1$: only their order is left.
#
# <details><summary>What the notes say about this</summary>
#
# - *"At test time there is no μ and σ²."* There is no mini-batch. Mean and variance there are, from training.
# - *"A weighted average of these two parameters."* They are statistics of the data, not parameters: no gradient changes them.
# - Two conventions: the paper and PyTorch average the unbiased variance, with $m - 1$; the course CS231n averages that of (2).
#
# </details>
#
# **Exercise 2.** Write the update of a running variance.

# %%
practice(exercises.running_update)


# %%
def my_running_update(running, Z, momentum):
    return ...


exercises.running_update.check(my_running_update)

# %% [markdown]
# **In practice.** Shuffle. Take batches of 16 or more for each device. If a network is good in training and bad in use, first compare
# its answers with running averages and with those of a batch. Where batches must be small, use a normalization
# within each example: layer norm or group norm.
#
# ## 5 Does it cure depth?
#
# Batch norm keeps the numbers on the way *up* at one size, in a network of any depth. What about the gradients on the way *down*?

# %%
predict(exercises.deep_start, labs.normalized_depth_lab())

# %% [markdown]
# **Why.** At the start, a ReLU layer with batch norm multiplies the gradient by about $\sqrt{\pi / (\pi - 1)} = 1.21$ on the way down, in
# wide layers and large batches (Yang 2019). It comes from the ReLU: its outputs have a mean, batch norm removes
# it, and what is left is smaller and gets enlarged again, the gradient with it. Small batches make it worse; see the right panel. The cell compares:

# %%
for batch_size in (8, 32, 256):
    sizes = [gradient_sizes(batch_size, "relu", 30, seed, normalize=True) for seed in range(16)]
    print(f"batches of {batch_size:>3}: {factor(np.array(sizes)):.2f} a layer; theory {THEORY['relu']:.2f}")

# %% [markdown]
# So batch norm does not cure depth: 50 layers of it begin with gradients that differ by a factor of $1.21^{50} \approx 14{,}000$. Without ReLU the
# growth is gone, see *no ReLU*. What cures it in practice is a path around each block: residual connections.
#
# ## Summary
#
# - Over the batch, each unit gets mean 0 and deviation 1; then $\gamma$ and $\beta$ set both again. $b$ is not needed.
# - Scale the weights in front of it by $c$: the same answers, and gradients $1/c$ as large. The effective rate is $\alpha / \lVert w \rVert^2$.
# - It forgives bad first weights and allows larger rates. With good ones, two layers do not need it.
# - In training an answer depends on the whole batch. In use, running averages replace the batch.
# - A batch must be a sample, and not too small.
# - It does not cure depth. Why it works is an open question; "less covariate shift" is not the answer.
#
# ## Decide

# %%
ask(exercises.what_to_do)

# %% [markdown]
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.19, after Andrew Ng's
# course. Ioffe & Szegedy (2015), *Batch normalization*, arXiv 1502.03167. Van Laarhoven (2017), *L2 regularization versus batch
# and weight normalization*, arXiv 1706.05350. Santurkar, Tsipras, Ilyas & Madry (2018), *How does batch
# normalization help optimization?*, arXiv 1805.11604. Bjorck, Gomes, Selman & Weinberger (2018), *Understanding batch
# normalization*, arXiv 1806.02375. Luo, Wang, Shao & Peng (2019), *Towards understanding regularization in batch normalization*,
# arXiv 1809.00846. Yang, Pennington, Rao, Sohl-Dickstein & Schoenholz (2019), *A mean field theory of batch
# normalization*, arXiv 1902.08129. Shimodaira (2000), *Improving predictive inference under covariate shift*.
#
# Next: [09 Softmax](09_softmax.ipynb).
