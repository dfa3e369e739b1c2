"""Returns 100 MB of numbers, several times."""


def softmax(scores):
    return np.broadcast_to(0.5, (100, 1 << 17))
