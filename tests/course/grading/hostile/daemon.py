"""Leaves a process behind that rewrites the grades later."""
import os
import subprocess
import sys
import time

later = "import time\nwhile True:\n    time.sleep(0.2)\n    open('@CANARY@/owned', 'w')"
for start in (lambda: subprocess.Popen([sys.executable, "-c", later], start_new_session=True),
              lambda: os.posix_spawn(sys.executable, [sys.executable, "-c", later], {}),
              lambda: os.fork() or (os.setsid(), os.fork(), exec(later))):
    try:
        start()
        print("LOOT: a process was started")
    except OSError as error:
        print(error)


def softmax(scores):
    return scores
