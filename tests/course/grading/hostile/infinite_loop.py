"""Computes for ever, and does not listen to the signal that says so."""
import signal

for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass


def softmax(scores):
    while True:
        pass
