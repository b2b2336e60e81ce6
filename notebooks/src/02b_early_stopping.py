# %% [markdown]
# # 2b Early stopping and augmentation
#
# Section 1.5 of the lecture notes. About 40 minutes.
#
# A network learns 40 noisy points, for 300 rounds. Take hold of the green line in the curves and drag it from left to right: the map on the left is the
# network of that moment. When was it best? And what was it doing all the time after that?

# %%
import numpy as np

from dlhelpers.augmentation import augment, rotate
from dlhelpers.datasets import digits
from dlhelpers.early_stopping import early_stop, share_after_steps, share_of_ridge
from dlhelpers.exercises import early_stopping as exercises
from dlhelpers.labs import augmentation as augmentation_labs
from dlhelpers.labs import early_stopping as labs
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.live.stages import last
from dlhelpers.showing import show_source

# %%
labs.early_stopping_lab()

# %% [markdown]
# Most of the run was harmful. A penalty ([02a](02a_regularization.ipynb)) is one remedy against learning by heart; this notebook has two more: stop in time, and make more data out
# of the data that you have. Run all cells now (menu *Run*, *Run All Cells*), then read on; [00 Start here](00_start_here.ipynb) says how a lab works. At
# the end of this notebook you can
#
# - stop training at the right step, and say what patience costs,
# - say in which sense early stopping is a penalty, and in which it is not,
# - make new examples from old ones, and say when that helps,
# - choose a control for each of your two goals.
#
# ## 1.5 Early stopping
#
# One pass through the training set is an **epoch**. After each epoch the loss on the dev set is measured. At the end of this run it is about twice its lowest value, or more:

# %%
run = last(labs.scrub.record(noise=0.4, m=40, learning_rate=0.01, seed=0))
print(f"dev loss: lowest {run.dev.min():.2f}, after 300 epochs {run.dev[300]:.2f}")

# %% [markdown]
# **Early stopping** keeps the weights of the lowest dev loss. But at the time nobody knows that it is the lowest: the next epoch may be lower still. So we wait for
# some epochs. How many is the **patience** $p$. Let $J_e$ be the dev loss after epoch $e$. At each epoch $i$ we ask for
# the best one so far; at the first epoch $s$ that satisfies (2), training stops, and the weights of epoch $b_s$ are restored:
#
# $$b_i = \operatorname{argmin}_{e \le i}\, J_e \tag{1}$$
# $$s - b_s \ge p \tag{2}$$

# %%
show_source(early_stop)

# %%
ask(exercises.more_patience)

# %% [markdown]
# In the lab the star is the epoch that comes back, the bar after it is the time of waiting, the cross is the stop. *Patience* replays the run without training it again. Press *too impatient*: a
# patience of 5 ends at a small bump of the dev loss. That happens in about half of ten data sets; with 30 it happens in none. What the stop would have cost, and what going back wins:

# %%
for patience in (5, 30):
    best, stopped = early_stop(run.dev, patience)
    print(f"patience {patience:>2}: stops at {stopped}, dev loss {run.dev[stopped]:.2f}", end="; ")
    print(f"goes back to {best}, dev loss {run.dev[best]:.2f}")

# %% [markdown]
# **Why it overfits late.** Each step changes the weights a little, so after a few steps they are still near the place where they began, and the boundary is
# simple. Later it grows narrow arms for single points. Look at the curves below the losses: the weights grow on and on (solid), and go farther and farther from where they began (dashed). Stopping in
# time keeps them small, as a penalty does.
#
# But small weights are not the whole story. Press *more data*: the weights end even longer, and yet the dev loss ends lower. Many points say where the steep steps
# belong. Large weights are harmful when a few noisy points decide where they go.
#
# **In practice.** Measure the dev loss a few times in each epoch, keep a copy of the best weights, and be patient for about a tenth to a third of the epochs that you could afford. The dev
# set chooses among hundreds of networks here, so its lowest loss is a little too good: report the loss on a test set ([01](01_bias_variance.ipynb)).
#
# <details><summary>What the notes say</summary>
#
# *"Stopping training when the error of the network is the lowest for the dev dataset."* At that moment nobody knows that. One stops later, when the patience is over, and goes back: see the cell above.
# </details>

# %%
practice(exercises.stop_and_restore)


# %%
def my_stop_and_restore(train_losses, dev_losses, patience):
    return ...


exercises.stop_and_restore.check(my_stop_and_restore)

# %% [markdown]
# ### How much is early stopping like L2?
#
# For one kind of model the likeness can be computed: a linear model $Xw$ with squared error, trained by gradient descent
# from $w = 0$. Here $X$ holds 15 polynomials of $x$, for 20 noisy points of a sine. Compare a step of gradient descent with the rate $\alpha$, and the solution of **ridge regression**, which is linear regression
# with the L2 penalty of strength $\lambda$:
#
# $$w \leftarrow w - \alpha\, \tfrac1m X^T (Xw - y) \tag{3}$$
# $$w_\lambda = (X^T X + \lambda I)^{-1} X^T y \tag{4}$$

# %%
predict(exercises.steps_and_lambda, labs.ridge_path_lab())

# %% [markdown]
# Purple is training, green is ridge. Drag the purple line: both fits on the left follow. Each ridge solution stands at the step that (7) below gives to its $\lambda$. On the right, dots and squares are
# measured on the weights; the lines are (5) and (6), see below.
#
# **Why.** Look along one direction in the space of weights, an eigenvector of $X^T X / m$. Its eigenvalue $s$ is the *curvature*
# of the cost in that direction. Both methods reach a *share* of the unregularized solution there: after $t$ steps of (3) the share (5), with (4) the share (6). For small $s$ these are about $s \alpha t$ and
# $s m / \lambda$, and they agree if (7) holds:
#
# $$1 - (1 - \alpha s)^t \tag{5}$$
# $$\frac{s}{s + \lambda / m} \tag{6}$$
# $$\lambda = \frac{m}{\alpha t} \tag{7}$$

# %%
m, rate, steps = 20, 1.0, 100
s = np.array([0.001, 0.01, 0.1, 1.0])  # curvatures, from flat to steep
print("training", share_after_steps(s, rate, steps).round(2))
print("ridge   ", share_of_ridge(s, m / (rate * steps), m).round(2))

# %% [markdown]
# Both fill the steep directions first (large $s$) and leave the flat ones for last. Flat directions
# are those that the data say little about, and there the noise does its harm. So they are *alike*. They are *not equal*: (5) has a sharper bend than (6), so no $\lambda$ gives the same function. The caption says how
# near the nearest one comes, and at which multiple of (7). For 20 points, the noise of the lab and up to 1,000 steps that multiple nearly always lies between 0.4 and 1. The lowest dev losses of both are within 15% of each other.
#
# Ridge needs no learning rate and cannot diverge. Early stopping gets all its strengths in a single run. For networks there are no such formulas; the first lab only shows the same pattern, small weights first.
#
# ## Data augmentation
#
# A digit that is moved a little is still the same digit. **Data augmentation** makes use of that: it changes each
# training image at random, and keeps its label. In every step the network meets another version of the same
# images. The change is drawn from uniform numbers $u_1, u_2, \ldots$ between -1 and 1:
#
# $$\text{angle} = \text{degrees} \cdot u_1, \qquad \text{rows} = \text{pixels} \cdot u_2, \qquad \text{columns} = \text{pixels} \cdot u_3 \tag{8}$$
#
# The lab trains 13 networks on the same 50 images, one for each strength of the change. The images in use, dev and test, are moved by up to one pixel, too: nobody writes exactly in the middle.

# %%
predict(exercises.moved_digits, augmentation_labs.augmentation_lab())

# %% [markdown]
# Press *moved*, then move the strength from notch to notch. The first row is original; the others are what the network sees instead. Each network is measured at its own best step.
#
# **Why.** With 50 images, a pixel that happens to be dark in all 7s looks like a rule. In the moved copies it is not
# dark any more, so the network must find something that holds for all versions of a 7. Without copies it has never seen a digit off the middle, and is right on about half of those in use. With moves of up to 1.25 pixels it is right on at least 15 of 100 more. Press *turned*: rotation
# helps as well where the digits in use are turned.
#
# ### And when the images in use are not changed?

# %%
ask(exercises.half_a_turn)

# %% [markdown]
# In the lab above, press *turned, used upright*, and then *a 6 or a 9?* Mostly there is a small gain, a few points at about 15°. Then the curve falls. The network spends its 32 hidden units on images that
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
# **In practice.** The right change is a fact about your data, not about the method. Ask: *does it occur in use, and does the label stay true?* An 8 may be
# mirrored, a 2 may not; a photo of a cat may be mirrored, a word may not. Take the strength that occurs, or a little more. Change the training images only; dev and test stand for the images to come. Copies are
# not new data: they only say which changes do not matter.

# %%
practice(exercises.with_copies)


# %%
def my_with_copies(images, labels, pixels):
    return ...


exercises.with_copies.check(my_with_copies)

# %% [markdown]
# ## One control per goal
#
# An old television has one knob for the height of the picture and one for its width. If each knob changed both, nobody could
# set the picture right. **Orthogonalization** means: have one control for each goal. Here are two goals.
#
# 1. Fit the training set: make the *train loss* small.
# 2. Hold for new data: make the *gap*, dev loss minus train loss, small.
#
# In the lab these are the two axes. A network has learned 40 points by heart; that is the top left end of the purple path.
# A knob for the second goal alone would go straight down. Each path is the mean over two training sets.

# %%
predict(exercises.cheapest_knob, augmentation_labs.orthogonalization_lab())

# %% [markdown]
# **Why.** *Stop early* goes down *and* to the right: it closes the gap by not fitting the training set. One knob moves
# both goals, which is what the lecture warns of. But look at the other paths: all of them go to the right. With $\lambda$, what is trained is $J + R$, and its minimum has a larger
# $J$. More examples are harder to learn by heart. No knob moves the gap alone. What differs is the price: for a gap of 0.1, $\lambda$ nearly always pays less train loss than early stopping does.
#
# So what is left of the advice? Choose *stop early, with λ on* and turn the knob from 10 to 0. That is longer and longer training
# with $\lambda = 0.5$. Now the number of steps moves the train loss, and the gap moves less than half as much as without the penalty. With a fixed $\lambda$ you may train to the end, as well as you can, without a watch on the dev
# loss. One knob for the fit, and $\lambda$ for the gap: that is what early stopping cannot offer.
#
# **In practice.** Early stopping needs one run, where $\lambda$ needs one for each value. Take it when runs are dear, and always as a safety net. Take $\lambda$ when you want to tune one thing after the other. Both together do no harm, as long as the dev loss says when to stop.
#
# <details><summary>What the notes say</summary>
#
# *Orthogonalization is "optimizing model's parameters vs. optimizing model hyperparameters".* It is about goals
# and controls. The number of steps and $\lambda$ are both hyperparameters, and the lab shows that they are different controls. The point of the lecture: early stopping *couples* the two goals, because it ends the
# fit of $J$ in order not to overfit. The notes present it without this warning.
# </details>
#
# ## A decision

# %%
ask(exercises.which_remedy)

# %% [markdown]
# ## Summary
#
# - Early stopping keeps the weights of the lowest dev loss. Patience decides how long to wait for a lower one.
# - For linear models, $t$ steps are like $\lambda = m/(\alpha t)$, to within a factor of about two. Alike, not equal.
# - Augmentation teaches which changes do not matter. It helps a lot where they occur in use, and as long as the labels stay true.
# - One control per goal: early stopping moves the fit and the gap together.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.5, after Andrew
# Ng's course. Goodfellow, Bengio & Courville (2016), *Deep Learning*, sections 7.4 and 7.8. Prechelt (1998), *Early stopping - but when?* Ali, Kolter & Tibshirani (2019), *A continuous-time view of early
# stopping for least squares regression*. Simard, Steinkraus & Platt (2003), *Best practices for convolutional neural
# networks applied to visual document analysis*. A. Ng, *Structuring machine learning projects* (orthogonalization).
#
# Next: [03 Dropout](03_dropout.ipynb) switches units off at random. Does it beat stopping in time?
