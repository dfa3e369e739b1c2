"""Finding an answer in words, wherever in the notebook it stands. Nobody loses points to a cell in the wrong place."""
PLACEHOLDER = "YOUR ANSWER HERE"


def find(cells, assignment, grade_id):
    """Find the answer to a written question.

    Parameters
    ----------
    cells : list of cells.Cell
        The student's.
    assignment : list of cells.Cell
        The solution's: what it says besides the answers is not the student's own.
    grade_id : str
        The question's.

    Returns
    -------
    text : str
        Empty if there is no answer.
    note : str
        Where the answer was, unless it was in its place.
    """
    known = {_bare(cell.source) for cell in assignment if cell.kind in ("given", "check", "other")} | {""}
    own = [cell.grade_id in (None, grade_id) and _bare(cell.source) not in known for cell in cells]
    places = [place for place, cell in enumerate(cells) if cell.grade_id == grade_id]
    in_place = [place for place in places if own[place]]
    if in_place:
        odd = any(cells[place].code for place in in_place)
        return _join(cells, in_place), f"{grade_id}: the answer stands in a code cell; read all the same" if odd else ""
    if below := _below(cells, own, places or _question(cells, assignment, grade_id)):
        return _join(cells, below), f"{grade_id}: the answer stands in a cell below its own; read all the same"
    elsewhere = [place for place, cell in enumerate(cells) if own[place] and not cell.code]
    note = f"{grade_id}: nothing in its place; shown is all text of the student's own, look whether it is an answer"
    return _join(cells, elsewhere), note if elsewhere else ""


def _bare(source):
    """Return what a cell says besides the placeholder, whatever its line ends and spaces."""
    return " ".join(source.replace(PLACEHOLDER, " ").split())


def _below(cells, own, anchors):
    """Return the places of the student's own cells after an anchor, up to the next cell of the assignment."""
    found = []
    for anchor in anchors:
        for place in range(anchor + 1, len(cells)):
            if not own[place] and _bare(cells[place].source):
                break
            found += [place] * own[place]
    return found


def _question(cells, assignment, grade_id):
    """Return the place of the cell above the answer's, which asks the question; none if it is gone too."""
    at = next(place for place, cell in enumerate(assignment) if cell.grade_id == grade_id)
    asks = _bare(assignment[at - 1].source) if at else None
    return [place for place, cell in enumerate(cells) if _bare(cell.source) == asks]


def _join(cells, places):
    texts = dict.fromkeys(cells[place].source.replace(PLACEHOLDER, "").strip() for place in places)
    return "\n\n".join(filter(None, texts))
