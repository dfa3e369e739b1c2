"""Returns what every comparison with is false, or true."""


def softmax(scores):
    return np.where(scores > 0, np.nan, np.inf)
