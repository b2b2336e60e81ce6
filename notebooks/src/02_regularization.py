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
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.regularization import Regularized
from dlhelpers.showing import show_source
from dlhelpers.training import descend
from dlhelpers.widgets import regularization as labs
from dlhelpers.widgets.questions import ask

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
for name, each in (("first", start), ("last", last.theta)):
    print(f"length of all weights in the {name} step: {np.linalg.norm(each[network.layout.is_weight]):.0f}")

# %% [markdown]
# The dev loss is more than 20 times the train loss. Guessing would give $\ln 2 = 0.69$: on new points the network
# is worse than guessing, because it is sure of its wrong answers. And its weights have grown. Large weights make
# steep steps between close points, and the network needs these to catch each noisy point.
#
# So let us put a price on large weights: add a **penalty** $R$ to the cost. Here it is for logistic regression, with
# weights $w$, a bias $b$, and $m$ training examples:
#
# $$J_{\text{L2}} = \frac1m \sum_{i=1}^m L(\hat y^{(i)}, y^{(i)}) + \frac{\lambda}{2m} \lVert w \rVert_2^2
# \qquad\qquad
# J_{\text{L1}} = \frac1m \sum_{i=1}^m L(\hat y^{(i)}, y^{(i)}) + \frac{\lambda}{m} \lVert w \rVert_1$$
#
# The strength $\lambda \ge 0$ is a hyperparameter: the dev set chooses it. Only the penalty is new. For **L2** the
# penalty and its gradient are
#
# $$R = \frac{\lambda}{2m} \sum_i w_i^2 \tag{1} \qquad \frac{\partial R}{\partial w_i} = \frac{\lambda}{m} w_i$$
# $$\frac{\partial R}{\partial w_i} = \frac{\lambda}{m} w_i \tag{2}$$
