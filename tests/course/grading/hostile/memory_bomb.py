"""Takes all the memory there is."""


def softmax(scores):
    kept = []
    while True:
        kept.append(np.ones(1 << 24))
