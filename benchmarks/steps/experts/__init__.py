"""Training steps in NumPy as an expert writes them by hand, a file for each network.

Each file has `expert(params, batch)`, which makes every buffer for arrays of these shapes and
returns the step: a function of the batch, by name, and of the rate, which changes `params` in place
by plain gradient descent and returns the loss. What is common to all of them:

- the rate is folded into the first cotangent, so that what is subtracted needs no pass of its own;
- maps run in place, chains of them in blocks that stay in the cache;
- intermediates have the layout that their products read without a copy;
- nothing derived from the batch is kept from one step to the next.
"""
