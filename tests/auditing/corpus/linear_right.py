def gradient_descent_step(X, y, w, b, learning_rate):
    """Everything in plain Python: X is a list of rows, y and w are lists."""
    n = len(X)
    dw = [0.0 for _ in w]
    db = 0.0
    for row, target in zip(X, y):
        prediction = sum(wi * xi for wi, xi in zip(w, row)) + b
        error = prediction - target
        for j in range(len(w)):
            dw[j] += 2 * error * row[j] / n
        db += 2 * error / n
    w = [wi - learning_rate * d for wi, d in zip(w, dw)]
    b = b - learning_rate * db
    return w, b
