# %% [markdown]
# # 4 Normalized inputs and first weights
#
# Sections 1.6, 1.7 and 1.8 of the lecture notes. About 40 minutes.
#
# Before the first step of training, two things are decided: on which scales the inputs stand, and which numbers
# the weights start from. Both can make training slow, or make it fail. At the end of this notebook you can
#
# - normalize a training set and a test set, and say how many steps that saves,
# - say by which factor a layer changes a signal and a gradient, before you run anything,
# - choose first weights that fit the activation, and see what happens if you do not.
#
# How a lab works stands in [00 Start here](00_start_here.ipynb). Run all cells now. The numbers of the equations begin again at (1)
# with each piece of code.

# %%
from itertools import islice, repeat

import numpy as np

from dlhelpers import normalization
from dlhelpers.datasets import breast_cancer
from dlhelpers.exercises import initialization as exercises
from dlhelpers.labs import normalization as input_labs
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network

# %%
from dlhelpers.optimizers import GradientDescent
from dlhelpers.showing import show_source
from dlhelpers.training import descend

# %% [markdown]
# ## 1.6 Normalizing the inputs
#
# Thirty measurements of 569 breast tumors, and the question whether a tumor is benign. A single sigmoid unit learns
# it by gradient descent. It is trained at 25 learning rates at once, and we keep the best one. First the
# inputs are as they were measured, then they are normalized.

# %%
tumors = breast_cancer()
model = Network((30, 1), loss_name="sigmoid_cross_entropy")
rates = np.logspace(-9, 3, 25)[:, None]
y = tumors.y[:, None].astype(float)
for name, X in (("measured", tumors.X), ("normalized", normalization.fit(tumors.X).apply(tumors.X))):
    run = descend(model, np.zeros((25, 31)), repeat(Batch(X, y)), GradientDescent(), rates)
    *_, last = islice(run, 301)
    best = np.nanargmin(last.loss)
    print(f"{name}: loss {last.loss[best]:.2f} after 300 steps, best rate {rates[best, 0]:.0e}")

# %% [markdown]
# The data hold the same facts. Only their units differ. Why does one run need a rate that is many powers of ten smaller, and
# end with a larger loss?
#
# First what was done. For each feature $x$ of the $m$ **training** examples:
#
# $$\mu = \frac1m \sum_i x^{(i)} \tag{1}$$
# $$\sigma^2 = \frac1m \sum_i (x^{(i)} - \mu)^2 \tag{2}$$
# $$\text{scale} = \sigma, \text{ or } 1 \text{ for a constant feature} \tag{3}$$
#
# Then $x \leftarrow (x - \mu) / \text{scale}$, in every set. The notes subtract $\mu$ first, and then write
# $\sigma^2 = \frac1m \sum_i (x^{(i)})^2$. That is (2), because the $x$ in it is centered already.

# %%
show_source(normalization.fit)

# %% [markdown]
# ### The valley
#
# To see the loss as a landscape, take a model with two weights: $y$ is predicted by $w_1 x_1 + w_2 x_2$. Examples are the rows of $X$.
#
# $$J = \frac{1}{2m} \sum_i (w \cdot x^{(i)} - y^{(i)})^2 \tag{1}$$
# $$\nabla J = \frac1m X^T (X w - y) \tag{2}$$
# $$H = \frac1m X^T X \tag{3}$$
#
# $H$ is the **Hessian**, the matrix of second derivatives: it says how the slope changes. Its eigenvalues $\lambda$ are the
# curvatures of the valley, in its steepest and in its flattest direction. Their ratio is the **condition
# number** $\kappa = \lambda_{\max} / \lambda_{\min}$, and the valley is $\sqrt\kappa$ times as long as wide. $H$ holds
# nothing but the inputs. So the scales of the inputs make the shape of the valley.

# %%
show_source(normalization.LeastSquares)

# %% [markdown]
# Each step multiplies the distance to the minimum by $1 - \alpha\lambda$, along each of these directions. A rate $\alpha$ that is right for the flat direction
# is far too large for the steep one. The best compromise makes both factors equally small, with opposite signs:
#
# $$\alpha = \frac{2}{\lambda_{\max} + \lambda_{\min}} \tag{1}$$
# $$\rho = \frac{\lambda_{\max} - \lambda_{\min}}{\lambda_{\max} + \lambda_{\min}} = \frac{\kappa - 1}{\kappa + 1} \tag{2}$$
#
# The **excess loss** is the loss above its minimum. Each step leaves the share $\rho^2$ of it.

# %%
show_source(normalization.best_rate)

# %% [markdown]
# In the lab, two features have means and standard deviations that you choose. Small figures: the data, on axes that
# never change, and the predictions for a test set with the best weights. Middle: lines of equal loss, and the steps
# of gradient descent at its best rate. It always starts at the same distance from the minimum. Right: the excess loss; the dotted line falls by
# the factor $\rho^2$ per step. Where $x$ is centered, $y$ is centered with it, so no bias is needed. With *none*, both stay as they are.
#
# Look at the shape of the lines and at the path. Then choose what is done to the inputs.

# %%
predict(exercises.long_valley, input_labs.normalize_lab())

# %% [markdown]
# **Why.** $x_1$ is the larger feature, so the valley is steep along $w_1$ and flat along $w_2$. The path jumps from wall to wall: the
# rate must be nearly too large for the steep direction, so that something happens in the flat one. Raise *Rate / best rate* by one or two steps: the loss grows. After
# $(x - \mu) / \sigma$ both curvatures are 1, and one step is enough. Three things are worth a try:
#
# - *The notes' σ².* The valley is as long as before, and lies the other way: $\sigma / \sigma^2 = 1 / \sigma$.
# - *Scale* at 1 and *Means* at 3, first with *none*, then with *x − μ*. Means make a valley, too, and centering
#   cures it.
# - *Correlation* at 0.9, normalized. The condition number is about 19. Normalizing treats each feature alone; it
#   cannot undo what two features share.
#
# The predictions for the test set are good in all of these cases. A scale does not change what a linear
# model can learn. It changes how long that takes.

# %%
area_smoothness = tumors.X[:, [tumors.feature_names.index(f"mean {name}") for name in ("area", "smoothness")]]
fitted = normalization.fit(area_smoothness)
centered = area_smoothness - fitted.mean
for name, X in (
    ("as measured", area_smoothness),
    ("x - mu", centered),
    ("(x - mu) / sigma", fitted.apply(area_smoothness)),
    ("(x - mu) / sigma², the notes", centered / fitted.scale**2),
):
    print(f"{name}: condition number {normalization.condition_number(X):.1e}")

# %% [markdown]
# These are two of the thirty features, the area and the smoothness of the cell nuclei, now with a bias. At the best rate, it takes about
# $\kappa$ steps to come ten times closer to the minimum (that is 1% of the excess loss, which goes with the square). So the first line asks for billions of steps, the third for a few.
#
# ### Which mean, which deviation?
#
# The test set gets $\mu$ and $\sigma$ of the training set. In the lab, press *test set scaled alone*. The weights are as good as
# ever, and the test error is several times as large. The test set was shifted by one $\sigma$, and its own
# mean takes exactly this away. What is left if the test set has one example?

# %%
ask(exercises.one_patient)

# %% [markdown]
# Move *Test examples* down to 1, and press *New seed* a few times. The inputs have become 0, so the prediction is the mean of $y$ in
# the training set, near 2, whatever the example was.


# %%
practice(exercises.normalize)


# %%
# Exercise 1: arrays (m, features); return (normalized training set, normalized test set).
def my_normalize(X_train, X_test):
    return ...


exercises.normalize.check(my_normalize)

# %% [markdown]
# **What the notes got wrong in 1.6.** *"x ← x / σ²"*: it must be $x / \sigma$. The lab and the cell above show it: for
# centered data, the notes' formula leaves the condition number as it is.
#
# ## 1.7 Vanishing and exploding gradients
#
# A linear network of 40 layers. The weights are random, with the standard deviation $g / \sqrt n$, where $n$ is the number of units in a layer and
# $g$ is a number of our choice, the **gain**. Here is the gradient of the first weights, for three gains that do not look far apart.

# %%
from functools import partial

from dlhelpers import initialization as init
from dlhelpers.labs import initialization as labs

# %%
deep = Network((32,) * 40 + (1,), "linear")
rng = np.random.default_rng(0)
batch = Batch(rng.normal(size=(64, 32)), rng.normal(size=(64, 1)))
for gain in (0.5, 1.0, 2.0):
    theta = deep.initialize(rng, initializer=partial(init.normal, scale=gain / np.sqrt(32)))
    gradient = deep.layout.views(deep.gradient(theta, batch))
    print(f"gain {gain}: largest entry of dW1 is about 10^{np.log10(np.abs(gradient['W1']).max()):.0f}")

# %% [markdown]
# Each layer multiplies what it gets: the signal on its way up, and the gradient on its way down. Factors that are repeated 40 times soon
# give very large or very small numbers. At a gain of 2 the factor works twice: the output, and with it the error, is about
# $10^{12}$ times too large, and its gradient grows again on its way down.
#
# For layer $l$, with the activation $\varphi$ and the weights $W^{[l]} = g V^{[l]}$, where $V^{[l]}$ holds random numbers with
# $\sigma = 1 / \sqrt n$:
#
# $$z^{[l]} = g V^{[l]} a^{[l-1]} \tag{1}$$
# $$a^{[l]} = \varphi(z^{[l]}) \tag{2}$$
# $$dz^{[l]} = da^{[l]} \odot \varphi'(z^{[l]}) \tag{3}$$
# $$da^{[l-1]} = g V^{[l]T} dz^{[l]} \tag{4}$$
# $$\text{size}(v) = \sqrt{\operatorname{mean}_i v_i^2} \tag{5}$$
#
# For linear layers it is one product of matrices: $a^{[L]} = W^{[L]} \cdots W^{[2]} W^{[1]} x$.

# %%
show_source(init.propagate)

# %% [markdown]
# Which factor is it? $z$ is a sum of $n$ terms. If the weights are independent, with mean 0, their variances add up:
#
# $$\operatorname{Var}[z] = n \operatorname{Var}[w] \operatorname{E}[a^2]$$
#
# With $\operatorname{Var}[w] = g^2 / n$, the mean square is multiplied by $g^2$; the activation $\varphi$ then takes its share of it. In a
# wide layer $z$ is nearly normal. With its variance $q$, and $\xi$ for a standard normal number, the sizes $s$ of the activations and $d$ of the gradients are
#
# $$q_l = g^2 s_{l-1}^2 \tag{1}$$
# $$s_l^2 = \operatorname{E}\,\varphi(\sqrt{q_l}\,\xi)^2 \tag{2}$$
# $$c_l^2 = \operatorname{E}\,\varphi'(\sqrt{q_l}\,\xi)^2 \tag{3}$$
# $$d_l = c_l \, g \, d_{l+1} \tag{4}$$

# %%
show_source(init.predict_signals)

# %% [markdown]
# In the lab, 32 networks are computed at each move. The lines are their medians, the bands hold 90% of them, and the
# dotted lines are the prediction. Left: sizes over the layers; purple goes up, to the right, and ochre comes down,
# to the left. Right: the factor per layer for all gains at once. With *all weights equal to g*, $g$ is the weight itself.
#
# Move *Weight gain*. Look for the gain at which both lines are flat. Then choose ReLU, and look for it again.

# %%
ask(exercises.relu_depth)

# %%
predict(exercises.halves, labs.depth_lab())

# %% [markdown]
# **Why.** A linear layer multiplies the size by $g$. ReLU cuts off half of the mean square, so the factor is $g / \sqrt 2$, and the
# flat place is at $g = \sqrt 2$. The measured factors lie a little below: narrow layers scatter, and the
# median of a product of scattered factors is less than its mean. More units in a layer bring them
# together. tanh cannot explode upward, since it ends at 1. But look at its gradients at a gain of 4. The sigmoid has a slope of 1/4 at most: at a gain of 1
# its activations look healthy, near 0.5, while its gradients vanish.

# %%
for activation in ("linear", "relu", "tanh", "sigmoid"):
    for gain in (1.0, 2**0.5):
        s, d = init.predict_signals(activation, gain, 50)
        print(f"{activation}, gain {gain:.2f}, from layer 1 to 50:", end=" ")
        print(f"{s[-1] / s[0]:.0e} of the signal, {d[0] / d[-1]:.0e} of the gradient")

# %% [markdown]
# ### What the notes got wrong in 1.7
#
# 1. *"Weights smaller than 0" make activations shrink.* The sign has nothing to do with it. In a chain of single
#    linear units, weights with $|w| < 1$ shrink it. For matrices not even this is right. What counts is how much the *matrix* stretches a vector: its
#    singular values. A matrix of 100 x 100 numbers, all 0.5, stretches by up to 50. In the lab, compare *0.5, one unit*
#    with *0.5, 64 units*: the same weights, and $10^{-15}$ against $10^{74}$.

# %%
W = np.full((100, 100), 0.5)
print(f"largest singular value: {np.linalg.norm(W, 2):.0f}")
signal = np.linalg.matrix_power(W, 10) @ np.ones(100)
print(f"10 layers of this matrix: 1 becomes {signal[0]:.0e}; 10 single weights of 0.5: {0.5**10:.0e}")

# %% [markdown]
# 2. *Small gradients bring "numerical instability".* A number keeps its digits when it is small, in single precision down to
#    about $10^{-38}$. Below, the gradient of the first layer is computed in single and in double precision. At a gain of 0.5
#    it is tiny, and as exact as ever: the trouble is that the first layers learn **slowly**. Digits are lost only at the ends
#    of the range, above $3 \cdot 10^{38}$ and below $10^{-38}$.

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
# Exercise 2 asks for the growth over many ReLU layers.


# %%
practice(exercises.relu_growth)


# %%
# Exercise 2: n units in each layer, weights with mean 0 and this variance. By which factor does E[a²] change?
def my_relu_growth(n, variance, layers):
    return ...


exercises.relu_growth.check(my_relu_growth)

# %% [markdown]
# ## 1.8 The first weights
#
# A factor of 1 per layer, up and down: this is what first weights are made for. A layer has $n_{in}$ inputs and
# $n_{out}$ outputs; all weights have the mean 0:
#
# | name | variance of the weights (1) | made for |
# |---|---|---|
# | LeCun | $1 / n_{in}$ | the signal in linear layers, and in tanh near 0 |
# | Glorot (Xavier) | $2 / (n_{in} + n_{out})$ | the signal and the gradient, as a compromise |
# | He | $2 / n_{in}$ | ReLU, which takes away half of the mean square |
#
# The way up asks for $n_{in} \operatorname{Var}[w] = 1$. The way down multiplies with $W^T$, so it asks for
# $n_{out} \operatorname{Var}[w] = 1$. Glorot & Bengio took the mean of $n_{in}$ and $n_{out}$.

# %%
show_source(init.lecun_normal, init.glorot_normal, init.he_normal)

# %%
for initializer in (init.lecun_normal, init.glorot_normal, init.he_normal):
    W = initializer(np.random.default_rng(0), (300, 100))
    print(f"{initializer.__name__}: 100 inputs, 300 outputs, variance {W.var():.3f}")

# %% [markdown]
# In the lab, a network learns digits from seven starts, for 100 steps. All see the same mini-batches, and all random weights are multiples of the same
# random numbers (orthogonal ones are made from them). Each start is trained at five learning rates at once, and shown at the
# best of them, which the green diamond marks. All hidden layers are equally wide, so Glorot and LeCun differ only in the first and
# the last layer. Left: the activations of each hidden layer, and the sizes. Right:
# the loss over the steps, and its end over the learning rate.

# %%
predict(exercises.which_start, labs.initialization_lab())

# %% [markdown]
# **Why.** Press the buttons one after the other, and look at the purple line first.
#
# - *zeros*: there is no purple line, as 0 has no place on a logarithmic axis. Each activation is 0 and each gradient of a weight has such a factor. Nothing moves but the last bias. Two
#   units of a layer are equal before, so they get the same gradient, and stay equal: the difference is 0 to the last digit.
# - *small, 0.01*: with 32 inputs the gain is $0.01 \sqrt{32} = 0.06$. Eight layers leave nothing of the signal.
# - *too large*: with $\sigma = 1$ the gain is $\sqrt{32} = 5.7$. ReLU explodes, and no rate in the row saves it. Under tanh the activations
#   sit at -1 and 1, where the slope is nearly 0; see *large, tanh*.
# - *He, ReLU* keeps both lines flat. With LeCun's weights, ReLU loses a factor of $\sqrt 2$ in each layer; it learns, but only at
#   higher rates, and less far. An **orthogonal** matrix keeps the length of every vector; like LeCun's weights it
#   has the gain 1, so ReLU makes the signal shrink. Set the seed to 1, 2 and 3: He stays ahead of LeCun and
#   Glorot. With seed 2, orthogonal weights are ahead of He: one run of 100 steps is not the last word.
# - *LeCun, tanh*: LeCun, Glorot, He and orthogonal weights all learn well. The notes recommend $1/n$ for tanh. With seeds 0 to
#   3, $2/n$ is better, by a factor of up to 3: tanh shrinks the signal, so a gain above 1 does not explode.
# - Choose *sigmoid*: none of them gets far in 100 steps. Its outputs are all positive, and its slope is 1/4 at most. The large
#   weights come farthest: a gain of 5.7 makes up for the slope of 1/4.
#
# Now move *Hidden layers* to 1 and choose what you like: all random starts learn. First weights matter because of the depth.


# %%
practice(exercises.he_weights)


# %%
# Exercise 3: G holds standard normal numbers, in the shape of W: (n_out, n_in); return weights with He's variance.
def my_he_weights(G):
    return ...


exercises.he_weights.check(my_he_weights)

# %% [markdown]
# ### What the notes got wrong in 1.8
#
# 1. *$\sqrt{1 / n^{[l-1]}}$ is "Xavier initialization".* It is LeCun's (1998). Xavier Glorot's own formula has both sizes,
#    $2 / (n^{[l-1]} + n^{[l]})$; it stands in the notes without a name. The variances above show the difference.
# 2. *`np.random.randn() * ...`*: without a shape this is a single number. NumPy spreads it over the whole
#    matrix, and all units of the layer are twins. They get the same gradients and stay twins. The cell below trains such a
#    network, and one with a number for each weight.

# %%
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 2))
examples = repeat(Batch(X, (X[:, :1] * X[:, 1:] > 0).astype(float)))
small = Network((2, 8, 1), "tanh", "sigmoid_cross_entropy")
for name, first in (("randn()", partial(init.constant, value=rng.standard_normal())), ("a shape", None)):
    theta = small.initialize(np.random.default_rng(1), initializer=first)
    *_, last = islice(descend(small, theta, examples, GradientDescent(), 0.5), 2001)
    differ = np.ptp(small.layout.views(last.theta)["W1"], axis=0).max()
    print(f"{name}: loss {last.loss:.2f}, the weights of two units differ by up to {differ:.1f}")

# %% [markdown]
# Eight twins are worth one unit. The notes call initialization a *partial* solution, and that is right. It makes the
# factor 1 at the start; training then moves the weights. Batch normalization (notebook 08) controls the sizes during training.
#
# ## Summary
#
# - Normalize each feature by $\mu$ and $\sigma$ of the training set, and use the same two numbers for every other set.
# - The condition number says how long the valley is, and about how many steps it takes to come ten times closer.
# - A layer multiplies signal and gradient by a factor. Over many layers, only a factor near 1 is harmless.
# - $\operatorname{Var}[z] = n \operatorname{Var}[w] \operatorname{E}[a^2]$: so $1/n$ for linear layers and tanh, $2/n$ for ReLU.
# - Zeros, or any one number for all weights, leave the units of a layer alike forever.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.6 to 1.8, after Andrew Ng's
# course. LeCun, Bottou, Orr & Müller (1998), *Efficient BackProp*, sections 4.3 and 4.6. Glorot & Bengio (2010), *Understanding
# the difficulty of training deep feedforward neural networks*. He, Zhang, Ren & Sun (2015), *Delving deep into rectifiers*. Saxe, McClelland &
# Ganguli (2014), *Exact solutions to the nonlinear dynamics of learning in deep linear neural networks*, arXiv 1312.6120. Pascanu, Mikolov &
# Bengio (2013), *On the difficulty of training recurrent neural networks*. Poole et al. (2016), *Exponential
# expressivity in deep neural networks through transient chaos*. Schoenholz et al. (2017), *Deep information propagation*. Tumors: W. Wolberg et al., UCI; digits: E. Alpaydin & C. Kaynak, UCI; see `data/README.md`.
