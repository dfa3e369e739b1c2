"""Writes wherever it can: the grades, the checks, its own program, Python itself, the other students."""
import os
import sys

for path in ("@OUT@/grades.csv", "@OUT@/.state/honest.json", "@SUBMISSIONS@/honest/toy/toy.ipynb",
             "@ROOT@/tests/course/grading/toy/checks.py", "@CANARY@/owned", "/box/runner.py", "/box/job.json",
             "/library/numpy/__init__.py", "/library/tinynet/tensor.py", "/library/numpy.py", os.__file__,
             sys.executable, "/tmp/owned", "/owned", "/dev/owned", "/dev/shm/owned", "/etc/passwd", "/usr/lib/owned"):
    for act in (lambda: open(path, "w").write("owned"), lambda: os.remove(path), lambda: os.mkdir(path),
                lambda: os.rename(path, path + "x"), lambda: os.chmod(path, 0o777), lambda: os.symlink("/", path)):
        try:
            act()
            print("LOOT: wrote", path)
        except OSError:
            pass


def softmax(scores):
    return scores
