"""The exercises and prediction questions of notebook 04b on the first weights."""

import numpy as np

from dlhelpers.exercises.checking import Exercise, Mistake, Question

# He's weights ---------------------------------------------------------------------------------------

he_weights = Exercise(
    name="he_weights",
    statement="""Return first weights for a ReLU layer, of the mean 0 and the variance of He. G has the
        shape of W, (n_out, n_in), and holds standard normal numbers.""",
    reference=lambda G: G * np.sqrt(2 / G.shape[1]),
    cases=[
        {"G": np.array([[1.0, -2.0, 0.5, 1.0], [0.0, 1.0, -1.0, 2.0]])},
        {"G": np.array([[0.5, 1.0], [-1.0, 0.2], [2.0, -0.4]])},
        {"G": np.array([[1.0, -1.0, 0.3, 0.7, -0.2, 1.5, -0.6, 0.1]])},
    ],
    mistakes=[
        Mistake(
            lambda G: G * 2 / G.shape[1],
            "2 / n_in is the variance. You multiplied by it, so it is the standard deviation now. Which step "
            "leads from one to the other?",
        ),
        Mistake(
            lambda G: G * np.sqrt(2 / G.shape[0]),
            "you took the number of outputs. The sum in z runs over the inputs; where do they stand in the "
            "shape (n_out, n_in)?",
        ),
        Mistake(
            lambda G: G * np.sqrt(1 / G.shape[1]),
            "this is the variance 1 / n_in, for tanh. ReLU cuts off half of the mean square; what makes "
            "up for it?",
        ),
        Mistake(
            lambda G: G * np.sqrt(2 / sum(G.shape)),
            "this is Glorot's variance, 2 / (n_in + n_out). It is a compromise between the way up and "
            "the way down, and it does not know of ReLU.",
        ),
        Mistake(
            lambda G: G * np.sqrt(2) / G.shape[1],
            "the root goes over the whole fraction: n_in stands under it, too.",
        ),
        Mistake(
            lambda G: G * 2 / np.sqrt(G.shape[1]),
            "the root goes over the whole fraction: the 2 stands under it, too.",
        ),
        Mistake(
            lambda G: G * np.sqrt(G.shape[1] / 2),
            "you divided where you should multiply. The more inputs there are, the smaller each weight "
            "must be.",
        ),
        Mistake(
            lambda G: G * np.sqrt(2 / G.size),
            "G.size is the number of all weights. A unit sums over its own inputs only.",
        ),
        Mistake(
            lambda G: G * np.sqrt(6 / G.shape[1]),
            "sqrt(6 / n_in) is the limit of uniform numbers with this variance. G is normal: it needs the "
            "standard deviation.",
        ),
        Mistake(
            lambda G: np.full(G.shape, G[0, 0] * np.sqrt(2 / G.shape[1])),
            "all weights are one number, as with np.random.randn() without a shape. Then all units of "
            "the layer compute the same.",
        ),
    ],
    hint="""If the numbers in G have the standard deviation 1, those in s * G have the standard deviation s.
        Which s has the square 2 / n_in? G.shape is (n_out, n_in).""",
    solution="""
        def he_weights(G):
            n_out, n_in = G.shape
            return G * np.sqrt(2 / n_in)
    """,
    why="""z is a sum of n_in terms, so Var[z] = n_in Var[w] E[a²]. ReLU leaves half of the mean square of
        z. With n_in Var[w] = 2 the two cancel, and the signal neither grows nor shrinks from layer to
        layer.""",
)

# How a mean square grows ----------------------------------------------------------------------------

relu_growth = Exercise(
    name="relu_growth",
    statement="""Return the factor by which the mean square of the activations, E[a²], changes over this many
        ReLU layers of n units each. The weights have the mean 0 and this variance.""",
    reference=lambda n, variance, layers: (n * variance / 2) ** layers,
    cases=[
        {"n": 10, "variance": 0.1, "layers": 2},
        {"n": 4, "variance": 1.5, "layers": 3},
        {"n": 50, "variance": 0.06, "layers": 5},
    ],
    mistakes=[
        Mistake(
            lambda n, variance, layers: (n * variance) ** layers,
            "this is right for linear layers. What does ReLU do to the half of the z that is negative?",
        ),
        Mistake(
            lambda n, variance, layers: (n * variance) ** layers / 2,
            "ReLU takes half in each layer, not once.",
        ),
        Mistake(
            lambda n, variance, layers: (n * variance / 2) ** (layers / 2),
            "this is the factor of the size, the root of the mean square. You were asked for the mean "
            "square.",
        ),
        Mistake(
            lambda n, variance, layers: (n * variance / np.sqrt(2)) ** layers,
            "ReLU divides the size by √2, and the mean square by 2.",
        ),
        Mistake(
            lambda n, variance, layers: (n * variance / 4) ** layers,
            "half of the z become 0, but the other half keep their square: the mean square is halved, not "
            "divided by 4.",
        ),
        Mistake(
            lambda n, variance, layers: (variance / 2) ** layers,
            "n is missing: z is a sum of n terms, and their variances add up.",
        ),
        Mistake(
            lambda n, variance, layers: layers * n * variance / 2,
            "each layer multiplies what the layer before it has left. So the factors are multiplied, not "
            "added.",
        ),
        Mistake(
            lambda n, variance, layers: n * variance / 2,
            "this is the factor of one layer.",
        ),
        Mistake(
            lambda n, variance, layers: (n * np.sqrt(variance) / 2) ** layers,
            "you took the standard deviation of the weights. Equation (6) has their variance.",
        ),
        Mistake(
            lambda n, variance, layers: (n * variance**2 / 2) ** layers,
            "the variance is given already; you squared it once more.",
        ),
    ],
    hint="""For one layer: Var[z] = n Var[w] E[a²]. z is as often positive as negative, so ReLU keeps half
        of its mean square. Then each layer multiplies by the same number.""",
    solution="""
        def relu_growth(n, variance, layers):
            one_layer = n * variance / 2
            return one_layer**layers
    """,
    why="""Each layer multiplies E[a²] by n Var[w] / 2. Only a factor of 1 stays near 1 in the end, and that
        is the variance 2/n. A factor of 0.5 leaves 10^-15 of the mean square after 50 layers.""",
)

# Questions ------------------------------------------------------------------------------------------

slightly_more = Question(
    text="""50 linear layers, and random weights with the gain g = 1: the signal keeps its size. You make all
        weights 19% larger. How large is the signal in layer 50, compared to layer 1?""",
    options=(
        "About 1.2 times as large.",
        "About 60 times as large: 1.2 times 50.",
        "About 5,000 times as large.",
    ),
    answer="c",
    feedback=(
        "By how much does each layer change the signal? Drag the green line to 1.19, and look at layer 50.",
        "Are the layers added, or does each one multiply? Drag the green line to 1.19, and look at layer 50.",
        "Each layer multiplies by about 1.19, and 1.19 to the power of 49 is about 5,000.",
    ),
)

halves = Question(
    text="""50 linear layers of 64 units; every weight is 0.5. What happens to a signal of positive
        numbers?""",
    options=(
        "Each layer halves it: 0.5 to the power of 50 is about 10^-15.",
        "It keeps its size: half of the weights' sum goes up, half is lost.",
        "Each layer makes it 32 times as large.",
        "Each layer makes it 4 times as large: 0.5 times the root of 64.",
    ),
    answer="c",
    feedback=(
        """How many numbers does a unit add up? Press both buttons with 0.5, and compare.""",
        """All weights have the same sign. What is the sum of 64 equal numbers, each times 0.5?""",
        "A unit adds up 64 numbers, each times 0.5: that is 32 times their mean.",
        """The root of 64 belongs to random signs, where much cancels. Which signs do these weights have?""",
    ),
)

relu_depth = Question(
    text="""Random weights with the variance 1/n keep the size of a signal in linear layers. Now put ReLU
        into each of 50 layers, with the same weights. How large are the activations of the last layer,
        compared to those of the first?""",
    options=(
        "As large: ReLU does not change positive numbers.",
        "About half as large: half of the units are off.",
        "About 10^-15 times: ReLU halves the size in each layer.",
        "About 10^-8 times.",
    ),
    answer="d",
    feedback=(
        """And what does it do to the others? Press *ReLU at g = 1*, and look at the slope of the purple
            line.""",
        """In one layer, or in each? Press *ReLU at g = 1*, and look at the slope of the purple line.""",
        """Half of what, of the size or of its square? Press *ReLU at g = 1*, and read the factor a layer.""",
        """ReLU halves the mean square. The size is its root, so each layer multiplies it by 1/√2, about 0.71.
        0.71 to the power of 49 is about 4 times 10^-8.""",
    ),
)

which_flat = Question(
    text="""A network has 8 hidden ReLU layers of 32 units. With which first weights are the activations of
        the last layer about as large as those of the first?""",
    options=(
        "Weights of σ = 1: a large signal cannot get lost.",
        "Weights of the variance 1/n.",
        "Weights of the variance 2/n.",
    ),
    answer="c",
    feedback=(
        "Its gain is √32 = 5.7. Press *large, 1*, and look at the purple line.",
        "That is right for linear layers. What does ReLU take away? Look at the purple line.",
        "Twice the variance makes up for the half that ReLU cuts off. Press *He, ReLU*.",
    ),
)

twice_the_start = Question(
    text="""A network with 8 hidden ReLU layers learns digits for 100 steps. Each start gets the learning rate
        that suits it best. What does a higher rate do for weights of σ = 0.01?""",
    options=(
        "It makes up for the small weights: at its best rate this start comes as far as the others.",
        "Nothing: at no rate does it leave the loss of guessing.",
        "It helps a little: it comes half as far.",
    ),
    answer="b",
    feedback=(
        "How large is the gradient of layer 1, next to that of layer 8? Press *small, 0.01*, and look right.",
        """Signal and gradient are lost in each layer, each time by another factor. One rate cannot serve
            them all.""",
        "Press *small, 0.01*, and look at the right panel: which of the rates would you take?",
    ),
)

stuck = Question(
    text="""Your network has 20 hidden ReLU layers; its weights have the variance 1/n. After 500 steps the
        loss is still that of guessing, at every learning rate that you tried. Layer 1 has activations of
        size 0.7, layer 20 of 0.001. What do you change first?""",
    options=(
        "A far higher learning rate: the gradients are small.",
        "The variance of the first weights: 2/n.",
        "The activation: the sigmoid does not cut off anything.",
        "More training: it is only slow.",
    ),
    answer="b",
    feedback=(
        "You tried all rates. Is there one that suits the first and the last layer?",
        """The factor 0.001 / 0.7 over 19 layers is 0.71 a layer: exactly what ReLU takes. Var = 2/n gives
            it back. With many more layers, batch normalization (notebook 08) keeps the sizes during
            training, too.""",
        "How large is its slope at most? Choose sigmoid in the lab of the layers, and look at the gradients.",
        """It may be. But what would you have to wait for? The size of 0.001 tells you the factor a layer; a
        change of one line makes it 1.""",
    ),
)
