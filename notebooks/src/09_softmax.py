# %% [markdown]
# # 9 Softmax: more than two classes
#
# Section 1.20 of the lecture notes. About 55 minutes.
#
# Cat, dog, fox or owl? A network has one output for each class, its **logits**: any numbers, the largest wins.
# **Softmax** makes probabilities of them. Below, drag a bar on the left. Then press *overflow*.

# %% jupyter={"source_hidden": true}
import numpy as np

from dlhelpers import calibration, losses, softmax
from dlhelpers.activations import sigmoid
from dlhelpers.datasets import digits, one_hot, split
from dlhelpers.exercises import softmax as exercises
from dlhelpers.labs import softmax as labs
from dlhelpers.labs.softmax import rare_words
from dlhelpers.labs.softmax.calibrated import measure
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.live.stages import last

# %% jupyter={"source_hidden": true}
from dlhelpers.metrics import accuracy
from dlhelpers.minibatches import minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.showing import show_source
from dlhelpers.training import descend

# %%
labs.logits_lab()

# %% [markdown]
# With *overflow*, 710 is added to every logit. The differences are the same as before, and yet there is no answer. At
# the end of this notebook you can
#
# - compute softmax so that it never fails, and say what a temperature does to it,
# - write the loss and its gradient, and say where $1/m$ belongs,
# - read a confusion matrix, and look at the mistakes that a network is surest of,
# - tell whether "I am 90% sure" can be trusted, and repair it if not.
#
# How a lab works is explained in [00 Start here](00_start_here.ipynb). Run all cells now (menu *Run*, *Run All Cells*),
# then read on.
#
# ## From logits to probabilities
#
# Let $z_1, \dots, z_K$ be the logits of one example, for $K$ classes. Probabilities must be positive and add up to 1.
# So make them positive first, then divide by their sum:
#
# $$t_i = e^{z_i} \tag{1}$$
# $$a_i = \frac{t_i}{\sum_{j=1}^{K} t_j} \tag{2}$$
#
# The lab shows $z$, $t$ and $a$ side by side. One step up in a logit multiplies its $t$ by $e \approx 2.7$. Two things
# follow:
#
# - **Only differences count.** Add $c$ to all logits, and every $t$ is multiplied by $e^c$, above and below the line.
# - **Every class counts.** If one logit rises, the probabilities of all others fall. That is right where a picture shows *one* of the
#   classes. A picture with a cat *and* a dog needs a sigmoid for each class instead.
#
# Now the failure. A 64-bit number ends near $1.8 \cdot 10^{308}$. Where does exp leave it?

# %%
with np.errstate(over="ignore"):
    print(f"exp(709.78) = {np.exp(709.78):.1e}, exp(709.79) = {np.exp(709.79)}")
print("32-bit numbers: exp overflows above", round(float(np.log(np.finfo(np.float32).max)), 2))

# %% [markdown]
# Logits of 710 are rare; in 32-bit numbers 89 is enough. The cure uses that only differences count: subtract the
# largest logit of each example first.
#
# $$a_i = \frac{e^{z_i - \max z}}{\sum_j e^{z_j - \max z}} \tag{3}$$
#
# The largest exponent is now 0. The sum is 1 or more, so nothing is divided by 0 either. In the lab: *710, stable*.

# %%
show_source(softmax.softmax)

# %% [markdown]
# Here `_scaled` subtracts the maximum and divides by $T$, which is the next section. The numbers at the ends of the
# lines are those of the equations. Now write it yourself.

# %%
practice(exercises.stable_softmax)


# %%
def my_softmax(Z):
    return ...


exercises.stable_softmax.check(my_softmax)

# %% [markdown]
# ### Two classes: the sigmoid
#
# Divide numerator and denominator of (2) by $e^{z_1}$. For two classes this gives
#
# $$a_1 = \frac{e^{z_1}}{e^{z_1} + e^{z_2}} = \frac{1}{1 + e^{-(z_1 - z_2)}} = \sigma(z_1 - z_2) \tag{4}$$
#
# So logistic regression, one output and a sigmoid, is softmax for two classes whose second logit is held at 0. In the
# lab, *two classes* draws this sigmoid as a cross. A thousand random pairs:

# %%
Z = 10 * np.random.default_rng(0).standard_normal((2, 1000))
off = np.abs(softmax.softmax(Z)[0] - sigmoid(Z[0] - Z[1])).max()
print("largest difference below 1e-15:", bool(off < 1e-15))

# %% [markdown]
# **In practice.** For two classes take one output and a sigmoid: half the weights, the same model. From three classes
# on take softmax. Hand the *logits* to the loss, never probabilities: a probability that was rounded to 0 has no
# logarithm.
#
# ## Temperature: how sure, not who wins
#
# Divide all logits by a number $T > 0$, the **temperature**, before exp. Cold ($T < 1$) makes the differences larger,
# hot makes them smaller.

# %%
predict(exercises.which_wins, labs.simplex_lab())

# %% [markdown]
# **Why.** Each point of the triangle is one way to share 1 among three classes: a corner is a sure answer, the middle
# is "no idea". Since only differences count, two numbers are enough for three logits: the plane on the left. Press *the question* for the logits of the network
# above. Dividing by $T$ moves the dot on a straight ray there, towards the origin or away from it. It never crosses a dashed border,
# because $z_i > z_j$ is also $z_i / T > z_j / T$. On the right the ray becomes a curve from the middle to a corner.
#
# The *entropy* in the caption, $-\sum_j a_j \log_2 a_j$, measures in bits how open the answer is.
#
# At the cold end stands **hardmax**: 1 for the largest logit, 0 for the others. As an output for *training* it is of no
# use, because a small change of a weight changes nothing in it: its gradient is 0. For *use* it is what you want when
# you need one answer.
#
# ## The loss and its gradient
#
# The label is a **one-hot** vector $y$: 1 at the right class, 0 elsewhere. The cross-entropy loss asks only for the
# probability of the right class; the cost is its mean over $m$ examples:
#
# $$\mathcal{L}(\hat y, y) = -\sum_{j=1}^{K} y_j \log \hat y_j \tag{5}$$
# $$J = \frac{1}{m} \sum_{i=1}^{m} \mathcal{L}(\hat y^{(i)}, y^{(i)}) \tag{6}$$
#
# With $\hat y$ from (2), $\log \hat y_j = z_j - \log \sum_k e^{z_k}$. Take the derivative with respect to $z_k$. The
# first part gives $-y_k$. The second gives $\hat y_k$ times $\sum_j y_j$, which is 1:
#
# $$\frac{\partial \mathcal{L}}{\partial z} = \hat y - y \tag{7}$$
# $$\frac{\partial J}{\partial Z} = \frac{1}{m} (\hat Y - Y) \tag{8}$$
#
# The lab has the formula as bars. The black dots are measured: move one logit a little, and see how $J$ changes. Four
# examples are in the mean. Which formula do the dots agree with? Choose it, then move $m$.

# %%
labs.loss_gradient_lab()

# %% [markdown]
# **Why.** The dots belong to $J$, and this example is one of $m$ in it. With $\hat y - y$ alone the bars are $m$ times
# too long. Gradient descent would still go downhill, but with a learning rate that is $m$ times what you wrote, and
# another one for each batch size. Press *sure and wrong*: the gradient stays large. For a squared error behind a
# softmax it would vanish there, since its derivative carries the factor $\hat y_j (1 - \hat y_j)$.
#
# The code below is (8). It writes $\hat y - y$ as $(1 - y) \, \hat y - y \, (1 - \hat y)$, with $1 - \hat y$ as the sum of the
# other probabilities: no digits are lost where $\hat y$ is next to 1.

# %%
show_source(losses.softmax_cross_entropy_gradient)

# %%
practice(exercises.softmax_gradient)


# %%
def my_gradient(Z, Y):
    return ...


exercises.softmax_gradient.check(my_gradient)

# %% [markdown]
# <details><summary>What the notes say</summary>
#
# Their Figure 17, from a vector of numbers to a vector of probabilities, is the first lab, with numbers that move.
#
# 1. *Backprop: $\partial J / \partial z = \hat y - y$.* That is $\partial \mathcal{L} / \partial z$, for one example.
#    For $J$ the factor $1/m$ belongs to it: (8). The choice *Formula* of the lab shows the difference.
# 2. *$t = e^{Z}$.* Right on paper; in a computer it overflows. The button *overflow* of the first lab shows it.
# 3. *$y$ is "a binary vector".* It must be one-hot. The vector (1, 1, 0) is binary, too. For it, $\sum_j y_j = 2$ and
#    (7) is wrong; the cell below measures it.
# 4. *"Probabilities (likelihood)".* The outputs are probabilities of the class, given $x$. A likelihood is the other
#    way round: how probable $x$ is, given the class. The second cell below shows why that matters.
# 5. *K and C, $\mathcal{L}(\hat y, y)$.* The notes call the number of classes K in one formula and C in the next. Here
#    it is $K$. Our order is $\mathcal{L}(\hat y, y)$ everywhere; the two cannot be swapped, since $\log 0$ has no
#    value.
#
# </details>

# %%
z, y, h = np.array([2.0, 1.0, -1.0]), np.array([1.0, 1.0, 0.0]), 1e-5 * np.eye(3)  # y is binary, not one-hot
cost = [-(y @ softmax.log_softmax((z + sign * h).T)) for sign in (1, -1)]  # each logit moved a little
print("measured:     ", ((cost[0] - cost[1]) / 2e-5).round(3))
print("y_hat - y:    ", (softmax.softmax(z[:, None])[:, 0] - y).round(3))
print("2 y_hat - y:  ", (2 * softmax.softmax(z[:, None])[:, 0] - y).round(3))

# %%
likelihood = np.array([0.1, 0.3])  # how probable this picture is among cats, and among dogs
for share_of_cats in (0.5, 0.9):
    joint = likelihood * [share_of_cats, 1 - share_of_cats]
    print(
        f"{share_of_cats:.0%} cats: likelihoods 0.1 and 0.3, P(cat | picture) = {joint[0] / joint.sum():.2f}"
    )

# %% [markdown]
# The likelihoods are the same in both lines and need not add up to 1. The probability of the class depends on how
# frequent cats are. A network learns that share from its training set. Where cats are rarer later, its probabilities
# are off.
#
# ## Three classes in the plane
#
# Without a hidden layer, $z = W x + b$, and softmax on top: this is **softmax regression**. One of the large marks can be
# dragged anywhere, and training starts anew each time.

# %%
predict(exercises.outlier, labs.three_classes_lab())

# %% [markdown]
# **Why.** Two classes are equally probable where $z_i = z_j$. Both are linear in $x$, so that is a straight line. An
# island would need a border that bends. As a single example, the point in the wrong place is left alone: its own class
# gets less than 10% there. As 20 examples it cannot be ignored, and the straight border pays with the others: at least
# 5 points of accuracy on new points are lost. Press *20, curved*: 8 tanh units draw the island, and the point gets its
# own class with more than 80%. That is not learning, that is learning by heart.
#
# The white zones are where two classes are about equally probable. With *hardmax* they are gone: the same borders, and
# no word of doubt.
#
# **In practice.** Look at the examples with the largest loss before you add hidden units. Often they are wrong labels.
#
# ## Ten classes: digits
#
# 1,797 pictures of handwritten digits, 8 x 8 pixels; 1,024 for training, 386 for dev, 387 for test. The network has one
# hidden layer of 32 ReLU units and 10 logits.

# %%
predict(exercises.worst_mistake, labs.digits_lab())

# %% [markdown]
# **How to read it.** Row: the label. Column: the answer. The diagonal is right, everything else is a mistake. Click on
# a field, or drag across the matrix, and see its digits. Move *Epochs* to watch training. With *four hidden units*,
# many more digits are misread: four numbers are few for ten classes.
#
# How good is it, and how much of that is luck? Ten seeds, each with another split, other first weights and other
# batches:

# %%
X, y, *_ = digits()
network = Network((64, 32, 10), "relu", "softmax_cross_entropy")


def dev_accuracy(seed):
    data = split(X / 16, y, dev=386, test=387, rng=np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    theta = network.initialize(rng)
    batches = minibatches(data.X_train, one_hot(data.y_train, 10), 64, rng)
    *_, end = descend(network, theta, batches, Adam(), 0.01, steps=30 * 16)
    return accuracy(network.predict(end.theta, data.X_dev), one_hot(data.y_dev, 10))


# %%
scores = np.array([dev_accuracy(seed) for seed in range(10)])
error = scores.std(ddof=1) / np.sqrt(len(scores))
print(f"dev accuracy {scores.mean():.1%}, standard error {error:.1%}")

# %% [markdown]
# Nearly always 96% or more of the dev digits are right. The surest mistake is announced with more than 90%, at every
# one of the ten seeds. And it is no exception: half of all answers come with more than 99%. May one believe these
# numbers?
#
# ## Calibrated, or just small?
#
# The largest probability is the **confidence** of an answer. A network is **calibrated** if its answers with 80% hit in
# 80% of the cases. To check it, sort the answers into bins by their confidence. In each bin compare the mean confidence
# with the share of hits. The **expected calibration error** is the mean gap, each bin weighed by its $n_b$ of $n$
# answers:
#
# $$\text{ECE} = \sum_b \frac{n_b}{n} \, \lvert \text{hits}_b - \text{confidence}_b \rvert \tag{9}$$
#
# But a bin of 2 answers has 0, 1 or 2 hits. Even a perfect network has gaps, by luck. So draw perfect networks: take
# the same confidences, and let each answer hit with just that probability. Do it 1,000 times. That gives the gray bands
# of the lab, and the gray columns: what *calibrated* looks like **at this n and with these bins**.
#
# Now the lab. The pixels of the digits are noisy here, so that the task is hard. The black dots are bins; the small
# numbers below count their answers. Move the temperature until the dev loss is lowest.

# %%
predict(exercises.small_sample, labs.calibrated_lab())

# %% [markdown]
# **Why.** The network knows its 1,024 training digits by heart. There, being sure pays: cross-entropy falls as long as
# the logits grow. On new digits it is right on about 85% and sure by about 95%. The longer it trains, the surer it
# gets: after 60 epochs the calibration error is above that after 8. Its logits are too large. Dividing them by a
# temperature cannot change who wins, so the accuracy stays; it changes only how sure the network is.
#
# Which $T$? The one with the lowest cross-entropy **on the dev set**: one number from 386 examples, so little can be
# overfitted. Fitted on the training set, it would be far below 1: the network would become even surer. With $\beta =
# 1/T$ this loss is convex. Its slope is
#
# $$\frac{dJ}{d\beta} = \frac{1}{m} \sum_i \sum_j \left(\hat y_j^{(i)} - y_j^{(i)}\right) z_j^{(i)} \tag{10}$$
#
# so the code looks for the place where it changes its sign, by halving. Its line `# (1)` is (10) without $1/m$, which
# does not change a sign. The largest logit may be subtracted, because both $\hat y$ and $y$ add up to 1.

# %%
show_source(calibration.fit_temperature)

# %% [markdown]
# Ten seeds, before and after. The temperature is fitted on dev digits; the error is measured on the 387 test digits.

# %%
before = [last(measure(0.25, 1.0, 387, 10, 0.0, seed)) for seed in range(10)]
after = [last(measure(0.25, run.fitted, 387, 10, 0.0, seed)) for seed, run in enumerate(before)]
for name, runs in (("T = 1", before), ("T fitted", after)):
    error, perfect, limit = np.mean([(r.error, r.chance.errors.mean(), r.limit) for r in runs], axis=0)
    right, sure = np.mean([(r.accuracy, r.confidence) for r in runs], axis=0)
    print(f"{name:>8}: error {error:.3f}; perfect networks {perfect:.3f}, 19 of 20 below {limit:.3f}")
    print(f"          right on {right:.1%}, sure by {sure:.1%}")

# %% [markdown]
# Before, the error is above what luck explains, at every seed. After, it is lower at every seed, and mostly within what
# luck explains. Note that the band itself has moved: surer answers leave less to luck. An error of .03 is much for one
# network and nothing for another.
#
# How few are too few? Press *only 27 digits*. Even a perfect network shows about .1 with 27 digits.

# %%
few = [last(measure(0.25, run.fitted, 27, 10, 0.0, seed)) for seed, run in enumerate(before)]
print(f"27 digits, ten bins: perfect networks show {np.mean([run.chance.errors.mean() for run in few]):.2f}")

# %% [markdown]
# ### Label smoothing
#
# Another way to keep a network from being too sure: take a little from the label. With strength $s$, the right class
# gets $1 - s + s / K$ and every other one $s / K$. Then no logit has to grow without end. It is said to calibrate. Does
# it? Decide, try it with the buttons of the lab above, and write the error itself in the exercise below.

# %%
ask(exercises.smoothing)

# %%
practice(exercises.calibration_error)


# %%
def my_calibration_error(confidence, correct):
    return ...


exercises.calibration_error.check(my_calibration_error)

# %% [markdown]
# Five of the seeds on clean digits, without smoothing and with it:

# %%
for name, strength in (("none", 0.0), ("0.1", 0.1)):
    runs = [last(measure(0.0, 1.0, 387, 10, strength, seed)) for seed in range(5)]
    rows = [(run.error, run.confidence, run.accuracy, run.fitted) for run in runs]
    error, sure, right, fitted = np.mean(rows, axis=0)
    print(
        f"smoothing {name:>4}: error {error:.2f}, sure by {sure:.1%}, right on {right:.1%}, fitted T {fitted:.1f}"
    )

# %% [markdown]
# On clean digits, smoothing alone raises the calibration error to more than .1, at every seed. The network has learned
# to say about 84% where it is right on about 98%. It trades *too sure* for *not sure enough*. A temperature below 1
# repairs that, too. Smoothing has another side: at every seed the smoothed network reads more test digits correctly. So
# one may smooth for the accuracy, and fit a temperature for the calibration. Large networks that are far too sure may
# become better calibrated by smoothing alone (Müller 2019).
#
# **In practice.** Look at the reliability diagram *with its band*. If the error is above it, fit one temperature on
# dev, and report the error on test. Fit it again whenever the network or the data change. Nothing of this helps if new
# data are of another kind than dev.
#
# **For the curious: rare classes and Adam.** Gradient descent learns these digits well, and language models are trained
# with Adam. What is different there? For such a model, each word is a class, and most words are rare: the word of rank
# $r$ has a share of about $1/r$ in a text. So take a small language: 32 words, and each can be followed by two words,
# one of them twice as often. A network without a hidden layer learns what follows. Each step sees the whole text, so
# there is no noise. Each optimizer may try nine learning rates and keeps the best. The control has the same language,
# but each of its words is equally common. How far is the loss above the lowest one, after 100 steps?

# %%
print("mean of 5 texts         four common words   28 rare words   all equally common")
for name in rare_words.RACERS:
    rare, control = ([rare_words.learn(name, even, seed) for seed in range(5)] for even in (False, True))
    columns = [run.common for run in rare], [run.rare for run in rare], [run.loss for run in control]
    print(f"{name:<16}" + "".join(f"{np.mean(column):>19.3f}" for column in columns))

# %% [markdown]
# **Why.** The loss curves most for the common words, and these set how large a rate may be. The gradient for a word is
# multiplied by its share of the text. So with gradient descent the rare words stay behind: the last one learns at 1/32
# of the pace of the first. Adam divides each entry by its own size, and the share cancels. With equal shares, gradient
# descent has one pace for all words, and comes much closer. Momentum copes, too: curvatures that differ by a factor of
# 32 are what it is good at ([06b](06b_momentum_to_adam.ipynb)). A real text has 50,000 words and more. Kunstner and
# others (2024) found that gradient descent leaves rare classes behind in transformers, in networks for pictures, and in
# linear models like this one.
#
# ## Summary
#
# - Softmax: exp, sum, divide. Subtract the largest logit first; only differences count.
# - Temperature changes how sure the answer is, never which class wins. Two classes: the sigmoid of the difference.
# - $\partial J / \partial Z = (\hat Y - Y) / m$ for one-hot labels; a sure mistake keeps its gradient.
# - Without a hidden layer, borders are straight. The confusion matrix says which classes are mixed up, the loss says
#   where to look first.
# - A calibration error means something only beside that of perfect networks at the same n and bins. One temperature,
#   fitted on dev, repairs most of it.
#
# One decision at the end:

# %%
ask(exercises.decision)

# %% [markdown]
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.20, after Andrew Ng's
# course. Bridle (1990), *Probabilistic interpretation of feedforward classification network outputs*. Goodfellow,
# Bengio & Courville (2016), *Deep Learning*, sections 4.1 and 6.2.2.3. Guo, Pleiss, Sun & Weinberger (2017), *On
# calibration of modern neural networks*. Vaicenavicius et al. (2019), *Evaluating model calibration in classification*.
# Kunstner et al. (2024), *Heavy-tailed class imbalance and why Adam outperforms gradient descent on language models*.
# Szegedy et al. (2016), *Rethinking the inception architecture for computer vision*. Müller, Kornblith & Hinton (2019),
# *When does label smoothing help?*
#
# Next: [10 Capstone](10_capstone.ipynb): a network with planted faults, a budget to find them, and your own table.
