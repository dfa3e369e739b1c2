"""Does nothing for ever, with every signal ignored."""
import signal
import time

signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))


def softmax(scores):
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            pass
