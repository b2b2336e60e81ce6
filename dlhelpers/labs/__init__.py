"""Labs: one live figure with its controls, made from a computation, views and a caption."""
