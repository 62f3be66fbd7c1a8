import numpy as np

LEARNING_RATE = 0.1


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def sigmoid_derivative(s):
    return s * (1.0 - s)


def train(inputs, expected, hidden_weights, hidden_bias, output_weights, output_bias):
    # forward
    hidden = sigmoid(np.dot(inputs, hidden_weights) + hidden_bias)
    predicted = sigmoid(np.dot(hidden, output_weights) + output_bias)

    # backward
    error = predicted - expected
    d_predicted = 2 * error * sigmoid_derivative(predicted) / len(inputs)
    error_hidden = d_predicted.dot(output_weights.T)
    d_hidden = error_hidden * sigmoid_derivative(hidden)

    output_weights = output_weights - LEARNING_RATE * hidden.T.dot(d_predicted)
    output_bias = output_bias + LEARNING_RATE * np.sum(d_predicted, axis=0)
    hidden_weights = hidden_weights - LEARNING_RATE * inputs.T.dot(d_hidden)
    hidden_bias = hidden_bias - LEARNING_RATE * np.sum(d_hidden, axis=0)
    return hidden_weights, hidden_bias, output_weights, output_bias
