"""Crashes Python."""
import ctypes


def softmax(scores):
    ctypes.string_at(8)
