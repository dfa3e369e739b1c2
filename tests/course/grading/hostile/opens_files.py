"""Opens files and pipes until there are none left."""
import os


def softmax(scores):
    kept = []
    while True:
        kept.append(os.pipe())
