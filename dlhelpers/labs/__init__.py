"""Labs: one folder a topic, one file a lab, from its computation to the call that wires it."""
