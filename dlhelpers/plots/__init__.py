"""Pictures: views that are made once on an Axes and updated in place."""
