"""Returns everything that is not an array of numbers, one after another."""
kinds = iter([np.array([[1 + 2j]]), np.zeros(2, [("a", float)]), np.array([object()])])


def softmax(scores):
    return next(kinds)
