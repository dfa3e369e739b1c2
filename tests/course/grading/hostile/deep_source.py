"""Is so deeply nested that it crashes what parses it."""
x = @DEEP@1


def softmax(scores):
    return scores
