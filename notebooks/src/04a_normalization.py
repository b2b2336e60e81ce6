# %% [markdown]
# # 4a Normalized inputs
#
# Section 1.6 of the lecture notes. About 30 minutes.
#
# A model with two weights walks downhill, to the star. It jumps from wall to wall of a long valley, and needs dozens of steps. Press
# *normalized*: the same facts, told in other units, and it is there in a step or two. Take hold of the green point, and start somewhere else.

# %%
from itertools import islice, repeat

import numpy as np

from dlhelpers import normalization
from dlhelpers.datasets import breast_cancer
from dlhelpers.exercises import normalization as exercises
from dlhelpers.labs import normalization as labs
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network

# %%
from dlhelpers.optimizers import GradientDescent
from dlhelpers.showing import show_source
from dlhelpers.training import descend

# %%
labs.valley_lab()

# %% [markdown]
# Nothing was wrong with the data. So why is the walk so long? Run all cells now (menu *Run*, *Run All Cells*), then read on;
# [00 Start here](00_start_here.ipynb) says how a lab works. At the end of this notebook you can
#
# - normalize a training set and a test set,
# - say from the inputs alone how long the valley is, and how many steps it costs,
# - name the two usual bugs (divide by $\sigma^2$; give the test set its own $\mu$ and $\sigma$), and say what each of them does.
#
# ## 1.6 Normalizing the inputs
#
# A **feature** is one number that was measured of every example: an age, an area. Take a feature $x$ of the $m$ **training** examples. Its mean $\mu$ says where it
# lies, and its standard deviation $\sigma$ how far it spreads:
#
# $$\mu = \frac1m \sum_i x^{(i)} \tag{1}$$
# $$\sigma^2 = \frac1m \sum_i (x^{(i)} - \mu)^2 \tag{2}$$
# $$\text{scale} = \sigma, \text{ or } 1 \text{ for a constant feature} \tag{3}$$
#
# To **normalize** is to replace $x$ by $(x - \mu) / \text{scale}$, in every set. Then each feature has the mean 0 and the standard deviation 1,
# whatever its unit was.

# %%
show_source(normalization.fit)

# %% [markdown]
# Real data first: thirty measurements of 569 breast tumors, and the question whether a tumor is benign. A single sigmoid unit learns it
# by gradient descent. It gets 25 learning rates from $10^{-9}$ to 1,000, and we keep the best. The inputs are as they were measured, and then normalized.

# %%
tumors = breast_cancer()
model = Network((30, 1), loss_name="sigmoid_cross_entropy")
rates = np.logspace(-9, 3, 25)[:, None]
y = tumors.y[:, None].astype(float)
for name, X in (("measured", tumors.X), ("normalized", normalization.fit(tumors.X).apply(tumors.X))):
    run = descend(model, np.zeros((25, 31)), repeat(Batch(X, y)), GradientDescent(), rates)
    *_, end = islice(run, 301)  # the last of 301 records
    best = np.nanargmin(end.loss)
    print(f"{name}: loss {end.loss[best]:.2f} after 300 steps, best rate {rates[best, 0]:.2g}")

# %% [markdown]
# The normalized run works with a rate that is many powers of ten larger, and it ends lower.
#
# ### What makes the valley long?
#
# The lab shows the smallest case: $y$ is predicted by $w_1 x_1 + w_2 x_2$, and the loss is a mean of squares. With the examples as rows of $X$:
#
# $$J = \frac{1}{2m} \sum_i (w \cdot x^{(i)} - y^{(i)})^2 \tag{4}$$
# $$\nabla J = \frac1m X^T (X w - y) \tag{5}$$
# $$H = \frac1m X^T X \tag{6}$$
#
# $H$ is the **Hessian**, the matrix of second derivatives: it says how the slope changes when one walks. Its eigenvalues are the **curvatures** of
# the valley. The largest, $\lambda_{\max}$, belongs to the steepest direction, and the smallest, $\lambda_{\min}$, to the flattest. Their ratio is the **condition
# number** $\kappa = \lambda_{\max} / \lambda_{\min}$, and the valley is $\sqrt\kappa$ times as long as wide. Look at (6): there is no $y$ in it, and no $w$. The inputs
# alone make the shape.

# %%
show_source(normalization.LeastSquares.gradient, normalization.LeastSquares.hessian)

# %%
ask(exercises.long_valley)

# %% [markdown]
# **Why.** In (6) the entry for $w_1$ is the mean of $x_1^2$. A large feature makes a steep direction. Go back to the lab. With *none*, the valley is steep along $w_1$ and flat along $w_2$. Divided by $\sigma^2$,
# the large feature becomes the small one, since $\sigma / \sigma^2 = 1 / \sigma$: the valley lies the other way, about as long as before. Two more things make a valley long:
#
# - *Means.* Press *means only*. Both features have the same spread, but they lie far from 0, and on the same side. Then both weights multiply nearly the same number: their sum is easy to learn, their difference hard. Subtracting $\mu$ cures it.
# - *Correlation.* Press *correlated*. These features are normalized, and the valley is long again. Normalizing treats each feature alone; it cannot undo what two of them share.
#
# Here are two of the thirty features of the tumors, the area and the smoothness of the cell nuclei, with a bias:

# %%
pair = tumors.X[:, [tumors.feature_names.index(name) for name in ("mean area", "mean smoothness")]]
fitted = normalization.fit(pair)
for name, X in (
    ("as measured", pair),
    ("x - μ", pair - fitted.mean),
    ("(x - μ) / σ²", (pair - fitted.mean) / fitted.scale**2),
    ("(x - μ) / σ", fitted.apply(pair)),
):
    print(f"{name:<12}  condition number {normalization.condition_number(X):.1e}")

# %% [markdown]
# <details><summary>What the notes say</summary>
#
# *"$x \leftarrow x / \sigma^2$"*. It must be $x / \sigma$. The lab and the cell show what the slip does: for centered features without a bias, nothing is gained. The notes also write
# $\sigma^2 = \frac1m \sum_i (x^{(i)})^2$. That is (2), because they have subtracted $\mu$ from $x$ one line before.
# </details>
#
# ### How many steps does it cost?
#
# A step of gradient descent multiplies the distance to the star by $1 - \alpha\lambda$, along each of the two directions. A rate $\alpha$ that is right for the flat direction is far too large for the
# steep one. The best compromise makes both factors equally large, with opposite signs:
#
# $$\alpha = \frac{2}{\lambda_{\max} + \lambda_{\min}} \tag{7}$$
# $$\rho = \frac{\lambda_{\max} - \lambda_{\min}}{\lambda_{\max} + \lambda_{\min}} = \frac{\kappa - 1}{\kappa + 1} \tag{8}$$
#
# $\rho$ is what a step leaves of the distance. The **excess loss**, the loss above its minimum, goes with the square of the distance, so a step leaves $\rho^2$ of it.

# %%
show_source(normalization.best_rate)

# %%
ask(exercises.hard_start)

# %% [markdown]
# **Why.** At the rate (7), each step multiplies the steep part of the distance by $-\rho$, and the flat part by $+\rho$. The minus sign is the zigzag. Both parts of the loss shrink alike, so the
# black dotted line in the lab lies on the blue one, wherever you drop the green point. In the lab, raise *Rate / best rate* a little: above
# $1 + 1/\kappa$ times the best rate, the loss grows. The longer the valley, the closer the best rate is to that cliff.

# %%
for kappa in (1, 10, 100, 1_000_000):
    rho = (kappa - 1) / (kappa + 1)
    steps = 1 if rho == 0 else np.ceil(np.log(0.01) / np.log(rho**2))
    print(f"κ = {kappa:>9,}: {steps:>9,.0f} steps to 1% of the excess loss")

# %% [markdown]
# About $\kappa$ steps come ten times closer to the minimum. With the area and the smoothness as they were measured, that would be billions.

# %%
practice(exercises.valley_rate)


# %%
def my_valley_rate(X):
    return ...


exercises.valley_rate.check(my_valley_rate)

# %% [markdown]
# **In practice.**
#
# 1. Normalize whenever features have different units or ranges. It costs two lines.
# 2. Pixels that all go from 0 to 255 are on one scale already. Bring them near 0: divide by 255, and subtract the mean.
# 3. A feature that spreads over powers of ten (an income, a count) wants its logarithm first.
# 4. A constant feature has $\sigma = 0$. Take 1, as in (3), or drop it.
# 5. Decision trees do not care: they compare each feature with a threshold in its own unit. What is trained by gradient descent cares.
#
# ### Which mean, which deviation?
#
# A new set arrives, the test set. It was drawn at another place, and its features lie one $\sigma$ higher than those of the training set. The model is trained, its weights are fixed.

# %%
predict(exercises.one_patient, labs.scaled_test_set_lab())

# %% [markdown]
# Drag the green mark to the right: the black squares follow it, and the predictions stay on the line. Press *by its own*, and drag again. Now the squares do not move, however far away
# the test set is. The model cannot see the shift, so its predictions stay where they were, and the test error grows with the shift. Press *a single example*: all its features have become 0, and the prediction is the mean
# of $y$ in the training set.

# %%
for shift in (0.0, 1.0, 3.0):
    errors = [
        labs.own_scale.predict_test_set(how, shift, 30, seed=0).error for how in labs.own_scale.SCALINGS
    ]
    print(
        f"shift {shift:.0f} σ: test error {errors[0]:.1f} by the training set's μ and σ, {errors[1]:.1f} by its own"
    )

# %% [markdown]
# **Why.** $\mu$ and $\sigma$ belong to the model, like its weights. The weights were fitted to inputs that went through *these* two numbers. Use the same two for every other set, and store them with the
# weights. And do not compute them from all data before you split: then the test set has taken part in the training.

# %%
practice(exercises.normalize)


# %%
def my_normalize(X_train, X_test):
    return ...


exercises.normalize.check(my_normalize)

# %% [markdown]
# ## A decision

# %%
ask(exercises.two_hospitals)

# %% [markdown]
# ## Summary
#
# - Normalize each feature by $\mu$ and $\sigma$ of the training set, and use the same two numbers for every other set.
# - The inputs alone make the shape of the valley: their scales, their means, their correlation. The first two can be normalized away.
# - The valley is $\sqrt\kappa$ times as long as wide, and about $\kappa$ steps come ten times closer to its lowest point.
# - A scale does not change what a linear model can learn. It changes how long that takes.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.6, after Andrew Ng's course. LeCun, Bottou, Orr & Müller (1998), *Efficient BackProp*, section 4.3. Nocedal & Wright
# (2006), *Numerical Optimization*, section 3.3. Goodfellow, Bengio & Courville (2016), *Deep Learning*, section 4.3. Tumors: W. Wolberg and others, UCI; see `data/README.md`.
#
# Next: [04b The first weights](04b_initialization.ipynb). The inputs are on one scale now. What does the second layer get, and the fiftieth?
