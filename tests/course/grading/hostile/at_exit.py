"""Goes on when all is over: at exit and in finalizers."""
import atexit
import os


class Late:
    def __del__(self):
        while True:
            pass


late = Late()
atexit.register(lambda: os.write(1, b"\xff" * 1_000_000))


def softmax(scores):
    return scores
