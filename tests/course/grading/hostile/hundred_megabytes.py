"""Prints 100 MB."""
import os
import sys


def softmax(scores):
    for _ in range(100):
        sys.stdout.write("x" * (1 << 20))
        os.write(2, b"y" * (1 << 20))
    return scores
