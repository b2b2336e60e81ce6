"""For each module of labs: the numbers of a result that `lab.code()` must compute, too, as `result`."""
