# %% [markdown]
# # 10 Capstone: find what is wrong, under a budget
#
# All sections of the lecture notes. About 40 minutes, and as long as you like to play.
#
# This network misreads 3% of new digits, no more than it should. Nothing is wrong with it, or so it seems. But it came
# to the *ward*, where scripts that train networks are examined. Below, press *Gradient check*.

# %% jupyter={"source_hidden": true}
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from dlhelpers import capstone_players
from dlhelpers.capstone import FAULTS, spoiled
from dlhelpers.capstone_players import at_random, intended
from dlhelpers.capstone_probes import PROBES, probe
from dlhelpers.capstone_runs import train
from dlhelpers.capstone_visits import score
from dlhelpers.columns import read_examples

# %% jupyter={"source_hidden": true}
from dlhelpers.datasets import data_folders, one_hot, split
from dlhelpers.diagnosis import diagnose_run, record
from dlhelpers.exercises import capstone as exercises
from dlhelpers.labs import capstone as labs
from dlhelpers.labs.capstone.readings import RIGHT, fill_table
from dlhelpers.labs.playground import playground
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask, predict
from dlhelpers.live.stages import last
from dlhelpers.metrics import error_rate
from dlhelpers.minibatches import Batch

# %% jupyter={"source_hidden": true}
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.reports import report
from dlhelpers.saving import load_network, save_network
from dlhelpers.showing import show_source
from dlhelpers.tables import read_table
from dlhelpers.training import descend

# %%
labs.ward(7)

# %% [markdown]
# The gradient of the weights is wrong. A second factor $1/m$ makes it 32 times too small; and a learning rate that is
# 32 times too high makes up for it. Two wrongs cancel. Tick *gradient bug* alone, press *Repair*, then *Train*: the
# dev error is now near that of guessing. Press *Again*, and repair both.
#
# At the end of this notebook you can
#
# - choose what to measure first when training goes wrong, and say what each measurement costs,
# - find two faults that hide each other,
# - train a network on a table of your own, save it, and report its error with a standard error,
# - say what to do first with a new problem, and where in this course it stands.
#
# How a lab works is explained in [00 Start here](00_start_here.ipynb). Run all cells now (menu *Run*, *Run All
# Cells*), then read on.
#
# ## The rules of the ward
#
# A patient is a training script: digits, one hidden layer of 64 ReLU units, dropout with $p = 0.5$ while it trains,
# gradient descent with batches of 32 and a rate that decays by a tenth each epoch, for 20 epochs. Each seed draws one
# fault or two out of ten:

# %%
for fault in FAULTS.values():
    print(f"{fault.name:<24} repair: {fault.cure}")

# %% [markdown]
# You have 100 epochs. Each **probe** is a button with its price, and each does what it says: *Overfit 32* trains two
# epochs and costs 2, the *Learning curve* is a whole run and costs 20. Its reading appears beside that of the right
# script. **Write the diagnosis down first**, by ticking boxes; then *Repair* changes the script, for 4 epochs a
# fault, whether the fault was there or not. Look again if you like. *Train* costs 20, which are kept for you, and
# ends the visit. A hint costs 8. If you are refused something, it says why and costs nothing.
#
# Both are scored, the diagnosis and the repair, 50 points each. Let $h$ be the faults that you found, $f$ the repairs
# of what was right, $n$ the number of faults; $e$ your dev error, $e^*$ that of the right script:
#
# $$S_\text{diagnosis} = 50 \max\left(0, \frac{h - f}{n}\right) \tag{1}$$
# $$S_\text{repair} = 50 \cdot \text{clip}\left(1 - \frac{e - e^* - 0.01}{0.2},\ 0,\ 1\right) \tag{2}$$
#
# Here clip cuts a number off at 0 and at 1. One point of error is forgiven: 386 dev digits cannot tell it from luck.
# Before you play, learn the instruments.
#
# ## Which probe tells which fault?
#
# Some numbers are known before any training. Random logits near 0 give ten probabilities that are about equal, and these cost
#
# $$-\log \frac{1}{K} = \log K, \qquad \log 10 \approx 2.30 \tag{3}$$
#
# A little more is healthy, since the logits of He's weights are not near 0. The second probe looks at sizes: in
# normalized inputs each feature has the root mean square 1. The *Gradient check* compares backpropagation with
# differences of the cost: they agree to about $10^{-9}$.

# %%
predict(exercises.zero_weights, labs.readings_lab())

# %% [markdown]
# **How to read it.** Each row is a script with one fault, each column a probe; all of them were run just now. White:
# the reading is within a factor of 2 of the right script's. The more orange, the further off. Click on a cell to have
# it in words.
#
# **Why.** With zero weights every hidden unit is 0, and so is every logit: ten equal probabilities, and exactly $\log
# 10$. The loss at the start looks *better* than that of the right script. The gradient check passes, because zero
# *is* the right gradient of a weight here; its words say so, and its verdict does not. *Statistics by layer* looks
# inside: no number of layer 1 differs from 0. A probe that shows nothing clears only what it looks at.
#
# Look along the columns, too. Each of the four probes on the left tells one fault or two. The expensive ones on the
# right see nearly everything, and so say little: a dev error of 90% has many causes. Two faults are nearly hidden
# from all but the learning curve. *Too few examples*: the train error is 0, and the dev error is above 10%. *Rate
# grows*: the train loss falls for some epochs, then rises.
#
# Here is the table as a list of which probes tell each fault. It asks for a factor of 3, so the palest cells are out:

# %% jupyter={"outputs_hidden": true}
table = last(fill_table(RIGHT, "Ask twice", 0))
for fault in FAULTS.values():
    told = [each.name for key, each in PROBES.items() if table.tells(fault.name, key)]
    print(f"{fault.name:<24} {', '.join(told)}")

# %% [markdown]
# ### In which order?
#
# Suppose one fault is there, and for each probe you know its price $c_i$ and the probability $p_i$ that it is the one
# that shows it. In which order do you look? Try it with two probes first.

# %%
practice(exercises.looking_order)


# %%
def my_looking_order(price, chance):
    return ...


exercises.looking_order.check(my_looking_order)

# %% [markdown]
# With $i$ right before $j$, the pair costs $c_i$, and $c_j$ more if $i$ shows nothing. Swapped, it is the other way
# round. So $i$ comes first if
#
# $$\frac{p_i}{c_i} > \frac{p_j}{c_j} \tag{4}$$
#
# Count the faults that each probe tells in the table, and divide by its price:

# %%
for key, each in PROBES.items():
    count = sum(table.tells(fault.name, key) for fault in FAULTS.values())
    print(
        f"{each.name:<20} faults: {count}, price: {each.price:>2}, faults an epoch: {count / each.price:.1f}"
    )

# %% [markdown]
# *Overfit 32* is the best buy: for two epochs it shows six of the ten faults, at some seeds seven (wrong labels take
# a little longer to learn by heart). It cannot show what only many examples or a long run bring to light: labels, too
# few examples, a rate that grows; or what happens at test. It does not say *which* of them it is, either: for that
# there are the other cheap ones.
#
# **In practice.** Before all of these, look at the data themselves: some images with their labels, the range of each
# feature, the count of each class. It costs minutes. The ward does not let you, since one glance would end the game.
#
# ## Faults that hide each other

# %%
ask(exercises.half_a_repair)

# %%
s = probe("statistics", spoiled(("inputs",)), 0).numbers["inputs"]
print(f"inputs that are not normalized: root mean square s = {s:.1f}, s² = {s * s:.0f}")
for name, faults in (("both", ("inputs", "rate low")), ("rate low", ("rate low",)), ("inputs", ("inputs",))):
    errors = [train(spoiled(faults), seed).dev_error for seed in range(5)]
    print(f"{name:<9} dev error {min(errors):.0%} to {max(errors):.0%} over five seeds")

# %% [markdown]
# **Why.** Write examples as columns of $X$. The gradient of $W^{[1]}$ is $dZ^{[1]} X^T$, so inputs that are $s$ times
# as large make it $s$ times as large; and the step changes $Z^{[1]} = W^{[1]} X$ by $s$ times as much again. A step
# of gradient descent moves the pre-activations by
#
# $$\Delta Z^{[1]} = -\alpha \, dZ^{[1]} X^T X \ \propto\ \alpha \, s^2 \tag{5}$$
#
# That is a factor of about 60. A rate that is 100 times too low is then nearly right. Somebody lowered it until
# training worked, and that repaired the symptom. Now each of the two repairs alone makes the patient worse, at every
# one of these seeds. What follows for the order of work:
#
# - Repair what you are *sure* of, even if the error rises. Then look again: what was hidden comes out.
# - After each repair, readings from before it (grey in the chart) belong to another script.
# - A cause comes before its consequence: inputs and first weights, then the gradient, then the rate, then the rest.

# %%
ask(exercises.two_that_cancel)

# %%
pair = ("gradient", "rate high")
for name, faults in (("both", pair), ("gradient bug", pair[:1]), ("rate too high", pair[1:]), ("right", ())):
    errors = [train(spoiled(faults), seed).dev_error for seed in range(5)]
    print(f"{name:<14} mean dev error {np.mean(errors):.0%} over five seeds")

# %% [markdown]
# **Why.** For the weights, $32 \alpha \cdot \frac{1}{32} \, dW$ is the step of the right script; only the biases move
# 32 times as fast. So all probes but the gradient check read what they read of the right script, within a factor of
# 3. Then why repair it? The two belong to this batch size. With another one they no longer cancel, and whoever then
# "repairs" the rate finds that training became slow.
#
# <details><summary>What the notes say</summary>
#
# The notes have no section on faults. They give single checks, and an order for tuning:
#
# - *Gradient check (1.10): suspect the formula at $10^{-5}$, and at $10^{-3}$ something is really wrong.* The bug of
#   this patient reads 0.94, and yet its dev error is that of the right script.
# - *The learning rate comes first (1.18).* That is an order for a script that is right. Whoever tunes the rate of a
#   wrong one may end where both of these patients stand: the rate makes up for the fault, and hides it.
#
# </details>
#
# ## Play
#
# Now a patient of your own. Each seed is another one. First decide what you look at; the number on the button is what
# it costs. When you train, others play the same patient: the **intended way**, which reads probes by rules, and ten
# players **at random**, who choose probes and one or two repairs without reading.

# %%
labs.ward(0)

# %% [markdown]
# Play three patients or more (*New patient*). Your best points with each patient are remembered on this machine; *Again*
# takes the same one. How do the others do, over ten patients?

# %%
ways = {"intended": [score(intended(seed)) for seed in range(10)]}
rng = np.random.default_rng(0)
ways["random"] = [score(at_random(seed, rng)) for seed in range(10) for _ in range(3)]
for name, scores in ways.items():
    low, middle, high = np.percentile([each.total for each in scores], [10, 50, 90])
    errors = [each.dev_error for each in scores]
    print(f"{name:<9} points: median {middle:.0f}, 10% below {low:.0f}, 10% above {high:.0f};", end=" ")
    print(f"median dev error {np.median(errors):.0%}")

# %% [markdown]
# The intended way finds every fault of these ten patients, and ends at the dev error of the right script. It is no
# magic: it looks with the cheap probes, repairs what they show, looks again, and pays for the expensive ones only
# when the cheap ones are silent. These are its rules:

# %%
show_source(capstone_players.suspects)

# %% [markdown]
# A random repair is mostly a repair of what was right, and that changes nothing in the script. It costs epochs, and
# it leaves you believing that something was wrong which was not. The other harm is the half repair of two faults that
# hide each other.
#
# **In practice.** Change one thing at a time, and keep a note of what you saw before and after, as the ward does
# (*Show code* is that note). After two changes at once you do not know which of them did it.
#
# ## Your own table
#
# A patient of another kind: data that nobody has prepared for you. Put the path of your CSV file here. As it stands,
# the cell reads a table that comes with the course: 569 breast tumors, measured under the microscope, and whether
# each was malignant (0) or benign (1). It prints what it understood. If the class is in another column, say
# `read_examples(table, target="its name")`. `points` is the plane in which the rows differ most.

# %%
path = next(folder / "breast_cancer.csv" for folder in data_folders() if folder.is_dir())
about = "breast tumors, Wisconsin 1995, first two principal components of 30 measurements"
examples = read_examples(read_table(path))
points = examples.points
data = split(points.X, points.y, dev=100, test=100, rng=np.random.default_rng(0), stratify=True)
n_classes = int(points.y.max()) + 1
train_set = Batch(data.X_train, one_hot(data.y_train, n_classes))
dev_set = Batch(data.X_dev, one_hot(data.y_dev, n_classes))
print("class:", examples.target, "|", *examples.notes)
print(len(data.X_train), "for training,", len(data.X_dev), "dev,", len(data.X_test), "test")

# %% [markdown]
# **Watch.** The same points in the playground: press *Play*.

# %%
own = playground()
own.own_data(points)
own

# %% [markdown]
# **Train, and read the diagnosis.** `record` keeps what a run shows, `diagnose_run` compares it with thresholds
# (notebooks 01 and 04b have the reasons).


# %%
def trained(*hidden):
    network = Network((2, *hidden, n_classes), "tanh", "softmax_cross_entropy")
    theta = network.initialize(np.random.default_rng(0))
    run = descend(network, theta, repeat(train_set), Adam(), 0.02)
    return network, record(run, steps=400, every=10, train=train_set, dev=dev_set)


# %%
runs = {"no hidden layer": trained(), "4 units": trained(4), "16 and 16 units": trained(16, 16)}
for name, (network, seen) in runs.items():
    found = diagnose_run(seen, network, train_set, dev_set)
    print(f"{name:<16} {found[0].text if found else 'none of these faults was measured'}")

# %% [markdown]
# **Choose by the dev error; save; reload.** The file holds the numbers and the shape of the network, and no program.

# %%
tried = {
    name: float(error_rate(network.predict(seen.last_theta, data.X_dev), dev_set.Y))
    for name, (network, seen) in runs.items()
}
network, seen = runs[min(tried, key=tried.get)]
with TemporaryDirectory() as folder:
    save_network(Path(folder) / "network.npz", network, seen.last_theta)  # choose a folder that stays
    saved = load_network(Path(folder) / "network.npz")
answers = saved.network.predict(saved.theta, data.X_test)
print("same to the bit:", np.array_equal(answers, network.predict(seen.last_theta, data.X_test)))

# %% [markdown]
# ### How sure is an error?
#
# Each of $m$ examples is misread with probability $e$. Its variance is $e (1 - e)$, so the mean of $m$ has the
# **standard error**
#
# $$s = \sqrt{\frac{e (1 - e)}{m}} \tag{6}$$

# %%
practice(exercises.error_of_a_share)


# %%
def my_error_of_a_share(errors, m):
    return ...


exercises.error_of_a_share.check(my_error_of_a_share)

# %% [markdown]
# ### The report
#
# What a colleague wants to know fits in ten lines. Copy this cell into your own notebook. The test set is looked at
# here, once, after everything is chosen.

# %%
test_error = float(error_rate(answers, one_hot(data.y_test, n_classes)))
sizes = (len(data.X_train), len(data.X_dev), len(data.X_test))
print(report(about, sizes, tried, test_error))

# %% [markdown]
# Compare the differences between the networks with their standard errors before you believe in one of them. (The
# networks are judged on the same dev examples, so a difference is a little surer than it looks.) And one thing the
# report should admit: `points` took plane and scale from all rows, those of the test set, too. No label went
# into that; in a product, fit them on the training rows alone.
#
# ## What first, with a new problem?
#
# A tree to walk down from the top. The numbers are sections of the lecture notes; after each link stands its lab.
#
# 1. **Before you train**
#    - *What are data, measure and target?* Split into train, dev and test; dev and test come from where it will be
#      used (1.1): [01 Bias and variance](01_bias_variance.ipynb), *How large must the dev and the test set be?*
#    - *Are the inputs of about one size?* Normalize them (1.6): [04a Normalization](04a_normalization.ipynb).
#    - *Does a signal come through, forward and back?* First weights by He or Xavier (1.7, 1.8): [04b
#      Initialization](04b_initialization.ipynb).
#    - *Is the loss at the start about $\log K$?* Softmax, in its stable form (1.20): [09 Softmax](09_softmax.ipynb),
#      *From logits to probabilities*.
#    - *Did you write the gradient yourself?* Check it (1.9, 1.10): [05 Gradient
#      checking](05_gradient_checking.ipynb), *Find the bug*.
# 2. **Can it fit one batch of 32?**
#    - *No, the loss hardly moves or blows up.* The rate first: sweep it, on a log scale (1.18): [07a Where to
#      look](07a_hyperparameter_search.ipynb).
#    - *It can, but slowly.* Momentum, RMSprop, Adam (1.13 to 1.15): [06b Momentum to
#      Adam](06b_momentum_to_adam.ipynb), *The fair race*. A plateau or a saddle (1.17): [06c Decay and
#      saddles](06c_decay_and_saddles.ipynb), *Off the ridge*.
#    - *No, and the network is deep.* Batch normalization (1.19): [08 Batch
#      normalization](08_batch_normalization.ipynb), *Which learning rates work?*
# 3. **Does it fit the training set?**
#    - *No: bias.* Larger, longer, less regularization (1.2): [01](01_bias_variance.ipynb), *Diagnosis from three
#      errors*.
#    - *An epoch takes too long.* Mini-batches (1.11), and averages to read their noisy loss (1.12): [06a
#      Mini-batches](06a_minibatches.ipynb), *Both ends of the batch size* and *Moving averages*.
#    - *The loss falls and then stays noisy.* Let the rate decay (1.16): [06c](06c_decay_and_saddles.ipynb), *Branch
#      off*.
# 4. **Does it hold on dev?**
#    - *No: variance.* More data; weight decay and augmentation (1.3): [02a Regularization](02a_regularization.ipynb);
#      dropout (1.4): [03 Dropout](03_dropout.ipynb), *keep_prob for each layer*; early stopping (1.5): [02b Early
#      stopping](02b_early_stopping.ipynb).
#    - *No, and with shuffled labels the train loss falls just as well.* Then the inputs tell nothing about the
#      labels: look at the data.
# 5. **Good, and could be better?** Search the hyperparameters that matter, at random (1.18):
#    [07b A search for real](07b_real_search.ipynb). Then test, once.
#
# ## Summary
#
# - Cheap looks first: chance per price, (4). *Overfit 32* tells more than half of the ten faults.
# - A probe that shows nothing clears only what it looks at. $\log K$ at the start is no proof.
# - Two faults can cancel. Repair what you are sure of, and look again.
# - Write the diagnosis down before you repair.
# - An error comes with its standard error; the lowest of many is flattered; the test set is looked at once.
#
# One decision at the end:

# %%
ask(exercises.last_day)

# %% [markdown]
# **Sources.** Amir Masoud Sefidian, *Improving Deep Neural Networks* (lecture notes, 2022), all sections, after
# Andrew Ng's course. Ng (2018), *Machine Learning Yearning*. Karpathy (2019), *A recipe for training neural
# networks*. Zhang et al. (2017), *Understanding deep learning requires rethinking generalization*, for shuffled
# labels. Goodfellow, Bengio & Courville (2016), *Deep Learning*, section 11.5, on debugging. Wasserman (2004), *All
# of Statistics*, section 6.3.
#
# This is the last notebook. The [playground](00_start_here.ipynb) goes on.
