"""Grading that cannot be fooled: answers run in a sandbox on inputs drawn here, and are compared here.

``python -m course grade`` is the command (`grade`). An assignment is a solution notebook with a ``checks.py``
beside it (`contract`). A submission is read as data (`submission`), its answers are run one task at a time in
a process that holds nothing worth stealing (`sandbox`, `seccomp`, `library`, `runner`), what comes back is
read as plain numbers (`wire`) and compared with what the solution returned in a process of its own
(`compare`). Reports: `report`, `pages`.
"""
