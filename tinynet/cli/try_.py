"""``tinynet try``: a page where a classifier can be shown photos."""
import threading
import webbrowser
from functools import partial
from pathlib import Path

from ..errors import InputError
from ..transfer import load_run
from ..transfer.explanation import TrainingPhotos
from .arguments import number, say


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("try", help="open a page on this computer where you show a classifier of your own photos",
                                 description="Starts a page that this computer's browser alone can open: drop a photo, paste one, "
                                             "or use the camera. Nothing leaves the computer, and nothing is written to the disk.")
    parser.add_argument("folder", metavar="RUN", help="the folder of a run of `tinynet transfer`")
    parser.add_argument("--port", type=number(int, 0, "a whole number, 0 to 65535", below=65536), default=0, metavar="N",
                        help="where the page is (default: any free port)")
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    parser.set_defaults(run=run)


def run(arguments):
    """Serve the page until Ctrl-C."""
    classifier = load_run(arguments.folder)
    photos = TrainingPhotos(arguments.folder, classifier)
    say([f"The training photos are not shown: {photos.missing}"] if photos.missing else [])

    from ..serve import Server, answer                      # not above: matplotlib takes a second
    name = Path(arguments.folder).resolve().name
    try:
        server = Server(partial(answer, classifier, photos), name, classifier.classes, arguments.port)
    except OSError as error:
        raise InputError(f"--port {arguments.port}: {error.strerror or error}; choose another, or leave the option out") from None
    with server:
        try:
            print(f"page: {server.address} (Ctrl-C stops it)", flush=True)
            if arguments.open:                              # some browsers return only when they are closed
                threading.Thread(target=webbrowser.open, args=(server.address,), daemon=True).start()
            server.serve_forever()
        except KeyboardInterrupt:
            print("\nstopped")
    return 0
