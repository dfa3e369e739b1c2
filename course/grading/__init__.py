"""Grading that cannot be fooled: answers run in a sandbox on inputs drawn here, and are compared here.

``python -m course grade`` is the command (`grade`). An assignment is a solution notebook with a ``checks.py``
beside it (`contract`). A submission is found and read as data (`submission`, `written`), and graded task by task
(`one`): each answer runs in a process that holds nothing worth stealing (`process`, `sandbox`, `seccomp`), what
comes back is read as plain numbers (`wire`) and compared with what the solution returned in a process of its own
(`compare`). Marks by hand are in `marks`; what is written out, in `tables` and `pages`.
"""
