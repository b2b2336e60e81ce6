# %% [markdown]
# # 6a Mini-batches and moving averages
#
# Sections 1.11 and 1.12 of the lecture notes. About 50 minutes.
#
# Gradient descent looks at every example before it moves the weights once. Must it? Below, a model with two weights learns to
# tell benign from malignant tumors. The blue path takes 8 of 512 examples for each step, the dashed path all 512. Press *one
# example* and *all examples*. Take hold of the green point, and start somewhere else.

# %%
import numpy as np

from dlhelpers import averages, minibatches
from dlhelpers.exercises import averages as average_exercises
from dlhelpers.exercises import minibatches as exercises
from dlhelpers.labs import minibatches as labs
from dlhelpers.labs.averages import moving_average_lab
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.live.stages import last
from dlhelpers.showing import show_source

# %%
labs.paths_lab()

# %% [markdown]
# A few examples know the way nearly as well as all of them, and cost a fraction. Run all cells now (menu *Run*, *Run All Cells*), then read
# on; [00 Start here](00_start_here.ipynb) says how a lab works. At the end of this notebook you can
#
# - cut a training set into mini-batches, and say what each step then sees,
# - say what a larger batch buys, what it costs, and from where on it buys nothing,
# - choose a batch size for your own network and machine,
# - average a series while it runs, and say how long the average remembers, how late it is, and how it starts.
#
# ## 1.11 Mini-batch gradient descent
#
# Shuffle the training set, cut it into pieces of $B$ examples, and make one update with each piece. Such a piece is a
# **mini-batch**, and once through all of them is an **epoch**; then shuffle again. With the loss $L_i$ of example $i$, each update
# goes against the gradient of one mini-batch alone:
#
# $$\theta \leftarrow \theta - \alpha \, \frac1B \sum_{i \,\in\, \text{batch}} \nabla L_i(\theta) \tag{1}$$
#
# With $B = m$, all examples at once, this is **batch gradient descent**. With $B = 1$ it is **stochastic gradient descent**, SGD for
# short. (Many people say SGD for every $B$ below $m$.) This is the code that cuts:

# %%
show_source(minibatches._minibatches)

# %% [markdown]
# ### Does it come to rest?
#
# The blue path of the lab hurries downhill, and then it moves about the lowest point. Try to answer before you move $\alpha$.

# %%
ask(exercises.half_the_rate)

# %% [markdown]
# Here are the heights of the lab, as the mean of the last 200 updates, for one example in each step:

# %%
for rate, schedule in ((0.1, "constant"), (0.05, "constant"), (0.1, "falling as 1/t")):
    found = labs.paths.go_downhill(1, rate, schedule, 0.4, 0.6, seed=0)
    print(f"α = {rate}, {schedule}: {found.hovers:.1g} above the lowest loss")

# %% [markdown]
# **Why.** At the lowest point the *mean* of all gradients is 0. The gradient of a single example is not, so the next update pushes
# the weights away again. With half the rate it hovers about half as high, or lower. But no constant rate brings it to rest. A falling one does: press *one,
# falling rate*. With it the blue curve goes down and down. Robbins and Monro proved this in 1951 for rates whose
# sum is infinite (far enough to go anywhere), and whose squares have a finite sum (the noise fades). $\alpha_0/(1 + d\,t)$ is such a
# rate; notebook 06c compares schedules.
#
# <details><summary>What the notes say</summary>
#
# *"Gradient descent doesn't completely converge"* with one example a step. That holds for a constant rate, as in the cell above. With rates
# as Robbins and Monro ask for, it converges. *"Running each iteration of gradient descent on smaller batches … may take too long
# per iteration"*: the slow iteration is that of the **whole** set. A mini-batch update is the cheap one, see the next lab. *"(Single
# batch)"* should go with $B = m$. And *"not monolithically"* means *monotonically*.
# </details>

# %%
practice(exercises.mini_batch)


# %%
def my_mini_batch(X, Y, order, batch_size, k):
    return ...


exercises.mini_batch.check(my_mini_batch)

# %% [markdown]
# ### Which run is the fastest?
#
# Now a real network: 64 inputs (the pixels of a small digit), 32 hidden units, 10 classes, 1,024 examples. Three runs begin with the same
# weights. Each has the learning rate that suits its batch size best; a lab further below searches for these rates. *Training loss* always means
# the loss on all 1,024 examples.

# %%
predict(exercises.which_first, labs.clocks_lab())

# %% [markdown]
# Choose each clock in turn, and drag the green target line. The clock decides who wins. Counted in updates, all examples at once are first. Counted in
# examples, one at a time is first, by far. And in seconds? That depends on the machine, so this one was measured: look at the panel on the
# right. An update of 32 examples takes hardly longer than an update of one, because the processor does the 32 in one matrix
# product (that is the *speedup from vectorization*), and because a part of the time is Python's and does not depend on $B$. So in seconds, $B = 1$ pays for its many updates.
#
# Now look at the pale dots: the loss on each mini-batch, the only loss that the run itself sees. It goes up and down on its way. With
# $B = 32$ the loss on the *training set* goes up and down as well: the best rate is a fast one, and some steps go too far. Even
# with all examples the best rate lets the loss rise here and there. Only a slower run is smooth:

# %%
for batch_size, rate in ((32, 1.0), (1024, 1.41), (1024, 0.35)):
    rises = np.sum(np.diff(labs.clocks.losses_of(batch_size, rate, updates=50, seed=0)) > 0)
    print(f"B = {batch_size:,}, α = {rate}: the training loss rises in {rises} of 50 updates")

# %% [markdown]
# **In practice.** Plot the loss of training as a moving average (section 1.12 below), and do not stop a run because one
# mini-batch went up. If you compare two batch sizes, say which clock you use.
#
# ### Why a few examples are enough
#
# Take the network in the middle of its training and compute the gradient of each example alone, 1,024 of them, each a vector with
# 2,410 entries. Their mean is the true gradient. A mini-batch takes the mean of only $B$ of them, drawn at random.

# %%
predict(exercises.four_times, labs.gradient_cloud_lab())

# %% [markdown]
# Move $B$ and watch the cloud. Nearly all dots lie on the right: they point downhill, although most point far off. That is why the path of a small batch
# staggers and still arrives. At $B = 1$ some dots lie on the left. Those steps go uphill.
#
# **Why.** The mean of $B$ independent numbers has a variance $B$ times smaller. Let $g_i$ be the gradient of example $i$, and compare, in squared lengths, the **signal** $\lVert g \rVert^2$ with
# the **noise**, which is how far single gradients lie from their mean:
#
# $$g = \frac1m \sum_{i=1}^m g_i \tag{2}$$
# $$S^2 = \frac{1}{m-1} \sum_{i=1}^m \lVert g_i - g \rVert^2 \tag{3}$$
# $$B_\text{noise} = \frac{S^2}{\lVert g \rVert^2} \tag{4}$$
#
# $B_\text{noise}$ is the **noise scale** (McCandlish and others, 2018). The noise of a mini-batch, next to the signal, is
#
# $$\frac{\mathbb E \lVert g_B - g \rVert^2}{\lVert g \rVert^2} = \frac{B_\text{noise}}{B} \left(1 - \frac Bm\right) \tag{5}$$
#
# The factor in brackets is there because a batch does not draw an example twice: with $B = m$ no noise is left. At $B = B_\text{noise}$ noise and signal are about equal.
# Four times the batch, a quarter of the squared noise, half the distance: the lab measures it.

# %%
show_source(labs.gradient_cloud.noise_scale, labs.gradient_cloud.expected_spread)

# %%
for batch_size in (1, 4, 16, 64):
    found = last(labs.gradient_cloud.look(batch_size, 16, "mini-batches of 32, α = 1", seed=0))
    print(f"B = {batch_size:>2}: formula (5) {found.expected:.2g}, the 200 mini-batches {found.spread:.2g}")

# %%
practice(exercises.noise_scale)


# %%
def my_noise_scale(G):
    return ...


exercises.noise_scale.check(my_noise_scale)

# %% [markdown]
# The panel on the right of the lab shows the noise scale along the run. Take hold of the green point in it. Below the curve a batch is mostly noise, above it mostly
# signal. As the loss falls, the examples agree less and less, and the curve rises: late in training, the batch that pays is larger.
#
# <details><summary>For the curious: the noise scale belongs to a run, not to a network</summary>
#
# Choose *all examples, α = 0.5* under *Trained with*. The same network, at the same loss, now has a far larger noise scale. A run with
# small batches bounces from wall to wall of the valley, where the gradient is long. A run with all examples glides along the floor, where it is short: nearly
# all that is left of a single example's gradient is noise.
# </details>
#
# ### Which batch size do I take?
#
# So a larger batch has a better gradient. How many updates does that save? The lab gives every batch size its fair chance: 15 learning rates, from 1/32 to 4,
# each $\sqrt2$ times the one before, and only the best one counts. All in all that is 165 runs, and a few seconds.

# %%
predict(exercises.how_many_fewer, labs.batch_sizes_lab())

# %% [markdown]
# The table behind the figure, for a training loss of 0.15. (The loss is measured at steps that are about 5% apart; so the counts are known to 5%.)

# %%
costs = last(labs.batch_sizes.compare_sizes(32, 0.15, seed=0))
rates = labs.batch_sizes.RATES[np.nanargmin(costs.updates, axis=1)]
print("    B  best rate  updates  examples")
for size, rate, updates in zip(labs.batch_sizes.SIZES, rates, costs.best, strict=True):
    print(f"{size:>5,}  {rate:>9.2g}  {updates:>7,.0f}  {size * updates:>8,.0f}")

# %% [markdown]
# **Two ends.** From one end to the other, the updates fall about 30 times. On the left, twice the batch halves the updates; the number of examples hardly changes. Here a step is mostly noise, and a mean of twice as many
# examples is worth twice as much. (The best rate grows along, from about 0.1 to 1.) On the right, a larger batch saves nothing: the gradient is already as good as the true one, and the length of a step is
# limited by the curvature of the valley. There each further example is wasted. The two lines meet near $B = 30$.
#
# Formula (4) could have told us so from a single run. Its noise scale is the batch size at which noise and signal are equal:

# %%
run = "mini-batches of 32, α = 1"
scales = [labs.gradient_cloud.scale_after(k, run, seed=0) for k in range(len(labs.gradient_cloud.UPDATES))]
print(f"noise scale, median of the run: {np.median(scales):.0f}; the lines meet at B = {costs.bend:.0f}")

# %% [markdown]
# Press *an easy target*: for a loss of 0.6 the lines meet further to the left. The lower the target, the larger the batch that pays. For
# large language models it goes into the millions of tokens, and so do their batches.
#
# **In practice.**
#
# 1. Find the largest batch that costs no more time for an update than a small one. On a processor like this one the right panel of *Three clocks* shows it; on a
#    graphics card it is often in the hundreds or thousands. Below it you waste the machine.
# 2. Do not go far beyond the noise scale. There you waste examples. If two batches take the same time to your target, take the smaller one: it needs less memory.
# 3. Whenever you change the batch size, search for the learning rate again. Up to the bend a larger batch wants a higher rate: here 3 to 8 times
#    higher from B = 1 to 8. Beyond it, the rate stays. (The rule of *linear scaling* says 8 times; it is a first guess.)
# 4. All examples at once make sense when the set is tiny, or for methods that need an exact gradient (L-BFGS).
#
# <details><summary>What the notes say</summary>
#
# *"If batch size = m … (use this for $m \le 2000$)".* Our set has 1,024 examples. With all of them in each update, the table needs 30 times as many
# examples as with one, and mini-batches of 128 need hardly more updates. No number of examples decides this; the noise scale and the time of an update do.
#
# *"Powers of two (64, 128, 256, 512) - to ensure they fit in memory".* Whether a batch fits is decided by its size: 500 fits wherever 512 does. What is meant is speed: the units of a processor work on
# blocks of 8, 16 or 64 numbers, and a rest wastes a part of a block. In the right panel of *Three clocks*, filled dots are powers of two and open dots are
# other sizes. Can you tell the two apart by their time? NVIDIA's guide asks for multiples of 8 on some cards, which is a weaker wish. A power of two does no harm; it is a habit.
# </details>
#
# ## 1.12 Exponentially weighted moving averages
#
# The loss of a mini-batch jumps, and so does its gradient. To see through the noise, one averages over time. Keeping all old values would cost memory, so the average
# is updated with each new value $x_t$ instead:
#
# $$v_t = \beta\, v_{t-1} + (1 - \beta)\, x_t, \qquad v_0 = 0 \tag{6}$$
#
# Momentum, RMSprop and Adam in the next notebook are built on this line. Here it averages the temperature of the sea off Peru, month by month.

# %%
predict(average_exercises.weight_of_ten, moving_average_lab())

# %% [markdown]
# Drag the green line through the years, then drag the one in the right panel: it sets $\beta$. The bars at the bottom are the weights of the months in the average.
# Put (6) into itself again and again, and they stand there:
#
# $$v_t = (1 - \beta) \sum_{i=1}^t \beta^{\,t-i} x_i \tag{7}$$
#
# Each month back, a weight is $\beta$ times as large. After $n = 1/(1-\beta)$ months it is down to $\beta^n$, about a third; the months up to there hold about
# two thirds of the weight. So *"the average of the last $1/(1-\beta)$ values"* is a rule of thumb. There are others:

# %%
print("  β    1/(1-β)  hold  weight of the n-th    as noisy as a mean of")
for beta in (0.5, 0.9, 0.98):
    n = averages.rule_of_thumb_window(beta)
    mean = averages.effective_window(beta)
    print(f"{beta:.2f}  {n:>7.0f}  {1 - beta**n:>5.0%}  {beta**n:>16.4f}  {mean:>22.0f}")
print(f"1/e = {np.exp(-1):.4f}")

# %% [markdown]
# The last column asks another question. If the values are independent noise, the average is as noisy as a plain mean of
# $(1+\beta)/(1-\beta)$ values, nearly twice the rule of thumb: the long tail of old values helps, too.
#
# <details><summary>For the curious: where this number comes from</summary>
#
# A mean of $n$ independent values has the variance $\sigma^2/n$. The average has $\sigma^2 \sum_i w_i^2$, with the weights $w_i$ of (7). After a long time
# $\sum_i w_i^2 = (1-\beta)^2/(1-\beta^2) = (1-\beta)/(1+\beta)$.
# </details>
#
# **What it costs: delay.** Press *a step*. The series jumps by 6 degrees, and with $\beta = 0.9$ the average needs 10 months for the first 63% of it. A
# longer memory is smoother and later; nobody gets one without the other.
#
# ### The first values
#
# Press *the first months*. With $\beta = 0.95$ the average of the sixth month is 6 °C, and no sea off Peru was ever that cold. $v_0 = 0$ is a
# temperature that was never measured, and the average still believes in it. Look at the caption: the weights add up to 0.26 only. In general,
#
# $$(1 - \beta) \sum_{i=1}^t \beta^{\,t-i} = 1 - \beta^t \tag{8}$$
#
# Dividing by this sum makes the weights add up to 1. That is **bias correction**:
#
# $$\hat v_t = \frac{v_t}{1 - \beta^t} \tag{9}$$
#
# Tick the box, or press *corrected*. Only what is shown is divided; $v_t$ itself goes on as it is. The function below has its own numbers: its (1) is our (6), its (2) our (9).

# %%
show_source(averages.moving_average)

# %%
x = np.full(60, 23.0)  # a sea that always has 23 °C
plain, corrected = (averages.moving_average(x, 0.95, bias_correction=flag) for flag in (False, True))
for t in (1, 6, 60):
    print(
        f"t = {t:>2}: plain {plain[t - 1]:.1f} °C, corrected {corrected[t - 1]:.1f} °C, sum {1 - 0.95**t:.2f}"
    )

# %%
practice(average_exercises.average)


# %%
def my_average(x, beta):
    return ...


average_exercises.average.check(my_average)

# %% [markdown]
# **In practice.** $\beta = 0.9$ is the usual start: a memory of about 10. For the loss of training take 0.98 or more, with bias correction, or the
# curve begins at 0. For a long run the correction does not matter: after 60 values with $\beta = 0.95$ it is 5%.
#
# <details><summary>What the notes say</summary>
#
# *"$V_t$ is the average over the past $1/(1-\beta)$ data points."* The whole past is in it. The newest $1/(1-\beta)$ values hold about two thirds of the weight, and by its noise the
# average is one over $(1+\beta)/(1-\beta)$ values: see the table.
#
# *"All the coefficients add up to 1."* They add up to $1 - \beta^t$, and to 1 only after bias correction: see the last cell.
#
# *After 10 steps at $\beta = 0.9$ the weight is 1/3, and $(1-\varepsilon)^{1/\varepsilon} = 1/e$.* It is 0.3487, and $1/e$ is 0.3679; the two become equal only in the limit of
# small $\varepsilon$: see the third column of the table.
# </details>
#
# ## A decision

# %%
ask(exercises.which_batch)

# %% [markdown]
# ## Summary
#
# - A mini-batch gives a cheap, noisy gradient that points downhill on average. Small batches make many steps with the examples they see.
# - At a constant rate, SGD hovers about the lowest point; a smaller rate hovers lower; a falling rate comes to rest.
# - Updates, examples and seconds are three clocks. Compare runs on the one that you pay for.
# - The noise of a gradient falls as $B_\text{noise}/B$. Below the noise scale, twice the batch halves the updates. Far above it, it saves nothing.
# - The noise scale grows as the loss falls. Change the batch, search the rate again.
# - A moving average remembers about $1/(1-\beta)$ values, with two thirds of its weight, and is about that late. It starts too low; divide by $1 - \beta^t$.
#
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), 1.11 and 1.12, after Andrew Ng's course. Robbins & Monro (1951), *A stochastic
# approximation method*. Bottou, Curtis & Nocedal (2018), *Optimization methods for large-scale machine learning*, arXiv 1606.04838. McCandlish, Kaplan, Amodei et al. (2018), *An
# empirical model of large-batch training*, arXiv 1812.06162. Shallue et al. (2019), *Measuring the effects of data parallelism on neural network training*, arXiv 1811.03600. Kingma & Ba (2015), *Adam*,
# arXiv 1412.6980, section 3. NVIDIA, *Matrix multiplication background user's guide*. Goodfellow, Bengio & Courville (2016), *Deep Learning*, sections 8.1.3 and 8.3.1.
#
# Next: [06b From momentum to Adam](06b_momentum_to_adam.ipynb) averages the gradients themselves. Does that take the noise away?
