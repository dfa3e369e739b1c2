"""Puts markup into the feedback, and control characters into the reports."""


def softmax(scores):
    print("</pre><script>alert(document.cookie)</script>\x00\x1b[2J\ud800".encode("utf-8", "replace").decode())
    raise ValueError("</pre><img src=x onerror=alert(1)>\x00\x08]]>\uffff")
