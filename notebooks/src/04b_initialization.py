# %% [markdown]
# # 4b The first weights
#
# Sections 1.7 and 1.8 of the lecture notes. About 35 minutes.
#
# Fifty layers, and random first weights. A signal goes up through them, to the right (purple); a gradient comes down, to the left (ochre). Take hold of the green line, and drag it a
# little. Can you find the place where both lines are flat?

# %%
from functools import partial
from itertools import islice, repeat

import numpy as np

from dlhelpers import initialization as init
from dlhelpers.exercises import initialization as exercises
from dlhelpers.labs import initialization as labs
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.live.stages import last
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network

# %%
from dlhelpers.optimizers import GradientDescent
from dlhelpers.showing import show_source
from dlhelpers.training import descend

# %%
labs.depth_lab()

# %% [markdown]
# The axis on the left goes over 24 powers of ten, and $g = 2$ is enough to leave it. Run all cells now (menu *Run*, *Run All Cells*), then
# read on; [00 Start here](00_start_here.ipynb) says how a lab works. At the end of this notebook you can
#
# - say by which factor a layer changes a signal and a gradient, before you run anything,
# - choose first weights that fit the activation and the depth,
# - recognize in the numbers of a network that its first weights are wrong.
#
# ## 1.7 Vanishing and exploding gradients
#
# Each layer multiplies what it gets. Take $L$ layers of $n$ units with the activation $\varphi$, and the weights $W^{[l]} = g V^{[l]}$. $V^{[l]}$ holds random numbers of mean 0 and
# standard deviation $1/\sqrt n$; $g$ is a number of our choice, the **gain**. On the way up and on the way down:
#
# $$z^{[l]} = g V^{[l]} a^{[l-1]} \tag{1}$$
# $$a^{[l]} = \varphi(z^{[l]}) \tag{2}$$
# $$dz^{[l]} = da^{[l]} \odot \varphi'(z^{[l]}) \tag{3}$$
# $$da^{[l-1]} = g V^{[l]T} dz^{[l]} \tag{4}$$
# $$\text{size}(v) = \sqrt{\operatorname{mean}_i v_i^2} \tag{5}$$
#
# The lab draws the sizes (5) of the activations $a$ and of the gradients $dz$. It computes 32 networks at once: the lines are their medians, the bands hold 90% of them.

# %%
show_source(init.propagate)

# %% [markdown]
# ### How much is a little?

# %%
ask(exercises.slightly_more)

# %% [markdown]
# **Why.** $z$ is a sum of $n$ terms. If the weights are independent of each other and have the mean 0, the variances add up:
#
# $$\operatorname{Var}[z] = n \operatorname{Var}[w] \operatorname{E}[a^2] \tag{6}$$
#
# $\operatorname{E}$ is the mean over all units. With $\operatorname{Var}[w] = g^2/n$ the mean square is multiplied by $g^2$, and the size by $g$. The gradient goes through the same matrices the other way, and gets
# the same factor. Over 50 layers only a factor near 1 is harmless. In a network with a loss, a gain above 1 counts twice: the error at the top has grown with the signal, and the gradient grows again on the way
# down. Here are the gradients of the first layer in a linear network of 40 layers:

# %%
deep = Network((32,) * 40 + (1,), "linear")
rng = np.random.default_rng(0)
batch = Batch(rng.normal(size=(64, 32)), rng.normal(size=(64, 1)))
for gain in (0.5, 1.0, 2.0):
    theta = deep.initialize(rng, initializer=partial(init.normal, scale=gain / np.sqrt(32)))
    gradient = deep.layout.views(deep.gradient(theta, batch))
    print(f"gain {gain}: largest entry of dW1 is about 10^{np.log10(np.abs(gradient['W1']).max()):.0f}")

# %% [markdown]
# ### And with ReLU?

# %%
ask(exercises.relu_depth)

# %% [markdown]
# **Why.** $z$ is as often negative as positive, so ReLU cuts off half of its mean square. The size is multiplied by $g/\sqrt 2$, and the flat place is at $g = \sqrt 2$. Press *ReLU at g = √2* in the lab at the top. The measured
# factors lie a little below the dotted line: narrow layers scatter, and the median of a product of scattered factors is less than their mean. More units in a layer bring them
# together. Now choose *tanh*. It ends at 1, so its signal cannot explode. Its gradients can: at a gain of 4 they grow by about 1.4 in each layer on the way down. The slope is small where the signal is large, but the weights are larger still. And *sigmoid*? Its slope is 1/4 at most. At a gain of 1 its
# activations look healthy, near 0.5, while its gradients vanish.

# %%
for activation in ("linear", "relu", "tanh", "sigmoid"):
    for gain in (1.0, 2**0.5):
        s, d = init.predict_signals(activation, gain, 50)
        print(f"{activation}, gain {gain:.2f}, from layer 1 to 50:", end=" ")
        print(f"{s[-1] / s[0]:.0e} of the signal, {d[0] / d[-1]:.0e} of the gradient")

# %% [markdown]
# <details><summary>For the curious: where the dotted lines come from</summary>
#
# In a wide layer $z$ is a sum of many terms, so it is nearly normal. Let $q_l$ be its variance in layer $l$ and $\xi$ a standard normal number. Then the sizes $s$ of the activations and $d$ of the gradients follow from layer to layer
# (Poole and others, 2016; Schoenholz and others, 2017):
#
# $$q_l = g^2 s_{l-1}^2 \tag{7}$$
# $$s_l^2 = \operatorname{E}\,\varphi(\sqrt{q_l}\,\xi)^2 \tag{8}$$
# $$c_l^2 = \operatorname{E}\,\varphi'(\sqrt{q_l}\,\xi)^2 \tag{9}$$
# $$d_l = c_l \, g \, d_{l+1} \tag{10}$$
#
# `init.predict_signals` computes them. The means over $\xi$ are sums over 2,000 values.
# </details>

# %%
practice(exercises.relu_growth)


# %%
def my_relu_growth(n, variance, layers):
    return ...


exercises.relu_growth.check(my_relu_growth)

# %% [markdown]
# ### Small weights, small signal?

# %%
ask(exercises.halves)

# %% [markdown]
# **Why.** What counts is not how large the numbers in a matrix are, but how much the *matrix* stretches a vector: its singular values. In the lab at the top, press *0.5, one unit* and *0.5, 64 units*: the same weights, and
# $10^{-15}$ against $10^{74}$.

# %%
W = np.full((100, 100), 0.5)
signal = np.linalg.matrix_power(W, 10) @ np.ones(100)
print(f"100 x 100 numbers, all 0.5: largest singular value {np.linalg.norm(W, 2):.0f}")
print(f"10 layers of this matrix: 1 becomes {signal[0]:.0e}; 10 single weights of 0.5: {0.5**10:.0e}")

# %% [markdown]
# <details><summary>What the notes say</summary>
#
# *"Weights smaller than 0"* make activations shrink. The sign has nothing to do with it. In a chain of single linear units, weights with $|w| < 1$ shrink the signal. For matrices not even this is right, as the cell above shows.
#
# Small gradients bring *"numerical instability"*. A number keeps its digits when it is small, in single precision down to about $10^{-38}$. The cell below computes the gradient of the first layer in single and in double precision. At a gain of 0.5 it is
# tiny, and as exact as ever: the trouble is that the first layers learn **slowly**. Digits are lost only at the ends of the range.
# </details>

# %%
short = Batch(batch.X.astype(np.float32), batch.Y.astype(np.float32))
for gain in (0.05, 0.5, 1.0, 20.0):
    theta = deep.initialize(rng, initializer=partial(init.normal, scale=gain / np.sqrt(32)))
    exact = deep.layout.views(deep.gradient(theta, batch))["W1"]
    single = deep.layout.views(deep.gradient(theta.astype(np.float32), short))["W1"]
    error = np.abs(single - exact).max() / np.abs(exact).max() if np.isfinite(single).all() else np.inf
    lost = "lost: it underflows" if np.abs(single).max() < 1e-38 else "lost: it overflows"
    print(f"gain {gain}: single precision is {'exact to 5 digits' if error < 1e-5 else lost}")

# %% [markdown]
# **In practice.** If a deep network does not learn, print the size (5) of the activations and of the gradients in the first and the last layer, before the first step. If the sizes differ by a ratio $r$ over $k$ layers, each layer has the factor $r^{1/k}$.
#
# ## 1.8 The first weights
#
# A factor of 1 per layer, up and down: first weights are made for this. A layer has $n_{in}$ inputs and $n_{out}$ outputs. All weights have the mean 0:
#
# | name | variance of the weights | | made for |
# |---|---|---|---|
# | LeCun | $1 / n_{in}$ | (11) | the signal in linear layers, and in tanh near 0 |
# | Glorot (Xavier) | $2 / (n_{in} + n_{out})$ | (12) | signal and gradient, as a compromise |
# | He | $2 / n_{in}$ | (13) | ReLU, which takes away half of the mean square |
#
# By (6) the way up asks for $n_{in} \operatorname{Var}[w] = 1$. The way down multiplies by $W^T$, so it asks for $n_{out} \operatorname{Var}[w] = 1$. Glorot and Bengio took the mean of $n_{in}$ and $n_{out}$. An **orthogonal** matrix keeps the
# length of every vector; like LeCun's weights it has the gain 1.

# %%
show_source(init.lecun_normal, init.glorot_normal, init.he_normal)

# %%
for initializer in (init.lecun_normal, init.glorot_normal, init.he_normal):
    W = initializer(np.random.default_rng(0), (300, 100))
    print(f"{initializer.__name__}: 100 inputs, 300 outputs, variance {W.var():.3f}")

# %% [markdown]
# ### What is left of the signal?
#
# Now a network that reads digits: 64 inputs, layers of 32 units, 10 classes. It is not trained yet. The next lab shows the activations of each hidden layer as an upright shape, wide where many of them are. Here $n = 32$, so weights
# of $\sigma = 0.01$ have the gain $0.01 \sqrt{32} = 0.06$, and weights of $\sigma = 1$ the gain 5.7.

# %%
predict(exercises.which_flat, labs.signals_lab())

# %% [markdown]
# Press the buttons one after the other, and look at the lines on the right. Drag the green line: more layers, more of the same.
#
# **Why.** *small* multiplies by $0.06/\sqrt 2 = 0.04$ in each layer; eight layers leave nothing. *large* multiplies by $5.7/\sqrt 2 = 4$. *LeCun* with ReLU loses $\sqrt 2$ in each layer, and *He* keeps both lines within a factor of 3. With tanh, *LeCun* loses about
# half of the signal in eight layers, since tanh shrinks what is not near 0. *large, tanh*: all activations sit at -1 and 1, where the slope is nearly 0. Yet the gradient grows on the way down, as the weights are so large.
#
# *zeros* has no line at all, as 0 has no place on a logarithmic axis. Every hidden activation is 0, and so is every weight. The gradient of a weight is a product of the activation below and of the gradient from above. For $W^{[1]}$ the factor
# that is 0 is $W^{[2]}$ on the way down; for the others it is the activation, too. Only the last bias learns.

# %%
practice(exercises.he_weights)


# %%
def my_he_weights(G):
    return ...


exercises.he_weights.check(my_he_weights)

# %% [markdown]
# ### Which start comes farthest?
#
# The same network is trained from seven starts. All see the same mini-batches, and all random weights come from the same random numbers. Each start gets nine learning rates, and counts at its best. So nobody loses by a rate that suits others.

# %%
predict(exercises.twice_the_start, labs.starts_lab())

# %% [markdown]
# Drag the green line on the right: now all starts have the same rate, and the names on the left change places. That is why one rate for all is no fair race. *Reset*, and then drag the green line on the left to 300 steps.

# %%
found = last(labs.starts.race(labs.starts.HE, 100, labs.starts.OWN_BEST, "relu", 8, seed=0))
for name in found.trained:
    print(f"{labs.common.short(name):<10} after 100 steps: {labs.starts.in_words(found.loss(name))}")

# %% [markdown]
# - *small* stays at the loss of guessing, 2.30, at every rate, and so does *zeros*. The gradient is smaller by another factor in each layer, so no single rate serves all layers.
# - *large* nearly always diverges at every rate of the row. The signal is about $10^5$ times too large at the top.
# - *He* is ahead of LeCun and Glorot after 100 steps. It is a head start, not a different end: after 300 steps all three are below 0.4, and learn on. Try other seeds.
# - Under *tanh* LeCun, Glorot and He all learn well, and He is again the first after 100 steps, nearly always. tanh shrinks the signal a little in each layer, so a gain above 1 does not explode. The table's $1/n$ is a safe choice for tanh, not the
#   fastest one.
# - Under *sigmoid* LeCun and He stay at guessing for these 100 steps: a slope of at most 1/4 in each layer takes their gradient away. Only *large* leaves it, nearly always: a gain of 5.7 makes up for the slope.
# - Move *Hidden layers* to 1: every random start learns, and *large*, hopeless with eight layers, nearly always has the lowest training loss. First weights matter because of the depth.
#
# **In practice.**
#
# 1. ReLU and its relatives: He. tanh and linear layers: LeCun or Glorot. Biases 0. That is what the libraries do, or nearly; look up what yours does by default.
# 2. Avoid the sigmoid in deep hidden layers: its slope takes the gradient away.
# 3. With batch normalization (notebook 08), layer normalization or skip connections, the first weights matter less.
# 4. Compare two starts only if each has its own learning rate.
#
# ### One number for all weights?
#
# Are small random numbers needed at all? Take one random number, and give it to every weight. The cell trains such a network, and one with a number for each weight.

# %%
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 2))
examples = repeat(Batch(X, (X[:, :1] * X[:, 1:] > 0).astype(float)))
twins = Network((2, 8, 1), "tanh", "sigmoid_cross_entropy")
for name, first in (("one number", partial(init.constant, value=rng.standard_normal())), ("many", None)):
    theta = twins.initialize(np.random.default_rng(1), initializer=first)
    *_, end = islice(descend(twins, theta, examples, GradientDescent(), 0.5), 2001)
    differ = np.ptp(twins.layout.views(end.theta)["W1"], axis=0).max()
    print(f"{name}: loss {end.loss:.2f}, the weights of two units differ by up to {differ:.1f}")

# %% [markdown]
# **Why.** Units with the same weights compute the same, get the same gradient, and stay twins for ever. Eight twins are worth one unit. Random numbers break the tie.
#
# <details><summary>What the notes say</summary>
#
# *$\sqrt{1 / n^{[l-1]}}$ is "Xavier initialization"*. It is LeCun's (1998). Xavier Glorot's own formula has both sizes, (12); it stands in the notes without a name. The variances in the cell above show the difference.
#
# *`np.random.randn() * ...`*: without a shape this is a single number. NumPy spreads it over the whole matrix, and all units of the layer are twins, as in the cell above.
#
# The notes call initialization a *partial* solution, and that is right: it makes the factor 1 at the start, and then training moves the weights.
# </details>
#
# ## A decision

# %%
ask(exercises.stuck)

# %% [markdown]
# ## Summary
#
# - A layer multiplies signal and gradient by a factor. Over many layers, only a factor near 1 is harmless.
# - $\operatorname{Var}[z] = n \operatorname{Var}[w] \operatorname{E}[a^2]$. So $1/n$ for linear layers and tanh, and $2/n$ for ReLU, which takes half.
# - Weights that are far too small or too large cannot be mended by the learning rate. Between the good ones, the difference is a head start.
# - Zeros, or any one number for all weights, leave the units of a layer alike.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.7 and 1.8, after Andrew Ng's course. LeCun, Bottou, Orr & Müller (1998), *Efficient BackProp*, section 4.6. Glorot & Bengio (2010), *Understanding the difficulty of
# training deep feedforward neural networks*. He, Zhang, Ren & Sun (2015), *Delving deep into rectifiers*. Saxe, McClelland & Ganguli (2014), *Exact solutions to the nonlinear dynamics of learning in deep linear neural networks*, arXiv 1312.6120. Pascanu, Mikolov &
# Bengio (2013), *On the difficulty of training recurrent neural networks*. Poole and others (2016), *Exponential expressivity in deep neural networks through transient chaos*. Schoenholz and others (2017), *Deep information propagation*. Digits: E. Alpaydin & C. Kaynak, UCI; see `data/README.md`.
#
# Next: [05 Gradient checking](05_gradient_checking.ipynb). All of this trusts the gradient. Is yours right?
