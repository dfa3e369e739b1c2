"""How a student's answers are found and run: the same code for ``course check`` and ``course grade``.

A notebook is read as data (`cells`). For one task its cells are put in order (`arrange`) and run in a process of
their own (`runner`, within `limits`) as Jupyter would run them (`session`), with what the grader has to import
(`library`) and with stand-ins for what only shows something (`standins`). `asgraded` is how the check does it.
Students get all of this, so that they see before handing in what grading will see.
"""
