"""Raises an error with a message of 50 MB and a page's worth of HTML."""


def softmax(scores):
    raise ValueError("<script>alert(1)</script>" * 2_000_000)
