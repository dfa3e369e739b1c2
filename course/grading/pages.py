"""Grades as pages for people: ``feedback.html`` for a student, ``written.html`` for those who mark by hand.

All that came from students is escaped, and the pages forbid themselves to load or run anything.
"""
from html import escape

from tinynet.files import atomic_write

from .submission import folder_name

PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; color: #222; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .3em .6em; vertical-align: top; border-bottom: 1px solid #ccc; }}
pre {{ background: #f4f4f4; margin: 0; padding: .6em; white-space: pre-wrap; overflow-wrap: anywhere; }}
.right {{ color: #060; }} .wrong {{ color: #a00; }} td.points {{ white-space: nowrap; }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


def write(out, assignment, results, marks):
    """Write ``feedback/STUDENT/ASSIGNMENT/feedback.html`` for every student, and ``written.html``.

    Parameters
    ----------
    out : Path
    assignment : contract.Assignment
    results : list of dict
        Of `one.grade_one`.
    marks : dict
        Of `marks.kept`.
    """
    for result in results:
        path = out / "feedback" / folder_name(result["student"]) / assignment.name / "feedback.html"
        _write(path, f"{assignment.name}: {result['student']}", _feedback(result, marks))
    if assignment.written:
        _write(out / "written.html", f"{assignment.name}: written answers", _written(assignment, results))


def _feedback(result, marks):
    """Return the body of a student's page: their own numbers, and never the ones they should have found."""
    given = [(question, marks.get((result["student"], question["task"]))) for question in result["written"]]
    points = [task["points"] for task in result["tasks"]] + [mark["points"] for _, mark in given if mark]
    most = [task["max"] for task in result["tasks"]] + [question["max"] for question, _ in given]
    waiting = any(mark is None and question["text"] for question, mark in given)
    body = [f"<p><strong>{sum(points):g} of {sum(most):g} points</strong>"
            f"{' so far: a written answer is not marked yet' * waiting}</p>", _list(result["notes"]),
            "<table><tr><th>Task</th><th>Part</th><th>Points</th><th>What we saw</th></tr>"]
    for task in result["tasks"]:
        for part in task["parts"]:
            seen = (f'<pre class="wrong">{escape(part["message"])}</pre>' if part["message"] else
                    '<span class="right">right</span>')
            body.append(f'<tr><td>{escape(task["task"])}</td><td>{escape(part["part"])}</td>'
                        f'<td class="points">{part["points"]:g} / {part["max"]:g}</td><td>{seen}</td></tr>')
    body.append("</table>")
    body += _facts(result)
    for question, mark in given:
        said = f"{mark['points']:g} of {question['max']:g} points" if mark else "not marked yet"
        said = said if question["text"] or mark else f"0 of {question['max']:g} points: not answered"
        comment = f"<p>{escape(mark['comment'])}</p>" if mark and mark["comment"] else ""
        body.append(f"<h2>{escape(question['task'])}</h2><p>{said}</p>{comment}"
                    f"<pre>{escape(question['text'])}</pre>")
    for task in result["tasks"]:
        if task["failed"] and not any(task["failed"] in part["message"] for part in task["parts"]):
            body.append(f"<h2>{escape(task['task'])}: lines of your cell that fail</h2><p>The rest of the cell was "
                        f"graded all the same.</p><pre>{escape(task['failed'])}</pre>")
        if task["printed"] and task["points"] < task["max"]:
            body.append(f"<h2>{escape(task['task'])}: what your program printed</h2>"
                        f"<pre>{escape(task['printed'])}</pre>")
    return "\n".join(body)


def _written(assignment, results):
    """Return the body of the page with every written answer, question by question."""
    body = ["<p>Put points into a copy of <code>marks.csv</code> and run the same command with "
            "<code>--marks</code>.</p>"]
    for number, question in enumerate(assignment.written):
        body.append(f"<h2>{escape(question.grade_id)}, {question.points:g} points</h2>")
        for result in results:
            text = result["written"][number]["text"]
            answer = f"<pre>{escape(text)}</pre>" if text else "<p>not answered</p>"
            body += [f"<h3>{escape(result['student'])}</h3>", *_facts(result), answer]
    return "\n".join(body)


def _facts(result):
    """Return what the records of a student's own work come to, a line for each task that has any."""
    return [f"<p>{escape(task['facts'])}</p>" for task in result["tasks"] if task["facts"]]


def _list(notes):
    return f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>" if notes else ""


def _write(path, title, body):
    with atomic_write(path) as file:
        file.write(PAGE.format(title=escape(title), body=body).encode("utf-8", "replace"))
