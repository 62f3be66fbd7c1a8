"""Three inputs, four hidden units, one output, trained on the exclusive or of the first two.

The third input is always 1 and stands for the bias. The loss is the sum of (y - output)², and
what is added is minus its gradient: the difference stands the other way round.
"""

import numpy as np

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)
Y = np.array([[0], [1], [1], [0]], dtype=float)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Network:
    def __init__(self):
        rng = np.random.default_rng(1)
        self.W1 = rng.uniform(size=(3, 4))
        self.W2 = rng.uniform(size=(4, 1))

    def step(self, x, y):
        hidden = sigmoid(x @ self.W1)
        output = sigmoid(hidden @ self.W2)

        d_output = 2 * (y - output) * output * (1 - output)
        d_hidden = d_output @ self.W2.T * hidden * (1 - hidden)

        self.W2 += hidden.T @ d_output
        self.W1 += x.T @ d_hidden
        return float(np.sum((y - output) ** 2))


if __name__ == "__main__":
    network = Network()
    for step in range(1501):
        loss = network.step(X, Y)
        if step % 500 == 0:
            print(step, round(loss, 4))
