"""Numbers of the labs of notebook 04b on depth and on the first weights."""

NUMBERS = {
    "depth_lab": lambda r: (r.measured.activations, r.measured.gradients, *r.factors),
    "signals_lab": lambda r: (*r.sizes, r.zeros),
    "starts_lab": lambda r: (r.trained[r.name].losses,),
}
