"""The page of `tinynet try` in a browser: real files in, what it shows, and nothing in the console."""
import base64
import json
from functools import partial

import numpy as np
import pytest
from PIL import Image

from tests.cli.test_sound import recording
from tests.serve.chromium import PROGRAM, Chromium
from tests.serve.conftest import serving
from tests.serve.test_answer import HTML, bomb, jpeg
from tinynet.samples import DrawnCats
from tinynet.serve import answer
from tinynet.transfer import load_run
from tinynet.transfer.explanation import TrainingPhotos

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium (chromium or google-chrome), in which the page is opened")


@pytest.fixture(scope="module")
def known(trained):
    classifier = load_run(trained)
    return partial(answer, classifier, TrainingPhotos(trained, classifier))


@pytest.fixture(scope="module")
def server(known):
    with serving(known, name="my <cats>", classes=["misty", "neither", "tigger"]) as server:
        yield server


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def page(browser, server):
    """The page, opened anew; in the end nothing was complained of, and nothing came from elsewhere."""
    browser.events.clear()
    browser.open(server.address)
    yield browser
    assert browser.faults() == []
    asked = [event["params"]["request"]["url"] for event in browser.events if event.get("method") == "Network.requestWillBeSent"]
    assert len(asked) >= 3 and all(url.startswith((server.address, "data:")) for url in asked)


def choose(page, path):
    """Give a file to the page's file input, as its dialog does."""
    found = page("Runtime.evaluate", expression="document.getElementById('file')")["result"]["objectId"]
    page("DOM.setFileInputFiles", objectId=found, files=[str(path)])


def answered(page, title):
    """Wait for the answer to a file; return the heading and the line below it."""
    page.until("!['', 'Looking …'].includes(document.querySelector('h2').textContent) && "
               f"document.querySelector('#said .kind').textContent == {json.dumps(title)}")
    return page.js("[...document.querySelectorAll('h2, .lead')].map((part) => part.textContent)")


def shown(page):
    """Return what the page shows below the answer: rows of the table, bars' widths, captions."""
    return page.js("""({
        rows: [...document.querySelectorAll('tbody tr')].map((row) => row.innerText.split(/\\s+/).slice(0, 2)),
        bars: [...document.querySelectorAll('.bar div')].map((bar) => bar.offsetWidth / bar.parentElement.clientWidth),
        captions: [...document.querySelectorAll('figcaption')].map((caption) => caption.innerText),
        notes: [...document.querySelectorAll('#notes p')].map((note) => note.textContent),
        visible: document.getElementById('found').checkVisibility()})""")


def percent(p):
    return f"{100 * p:.1f}%"


def test_a_chosen_photo_is_answered(page, known, photos):
    path = photos / "tigger" / "2.png"
    expected = known(path.read_bytes())
    assert not shown(page)["visible"]
    choose(page, path)
    assert answered(page, "2.png") == [expected["top"][0]["name"], percent(expected["top"][0]["p"])] and expected["known"]
    seen = shown(page)
    assert seen["visible"] and seen["rows"] == [[one["name"], percent(one["p"])] for one in expected["top"]]
    assert seen["bars"] == pytest.approx([one["p"] for one in expected["top"]], abs=0.02)
    assert seen["captions"] == ["what the network sees", f"what speaks for {expected['top'][0]['name']}"] + [
        f"{one['name']}\ndistance {one['distance']:.2f}" for one in expected["neighbours"]]
    assert page.js("Promise.all([...document.images].map((image) => image.decode())).then(() => [...document.images].every("
                   "(image) => image.naturalWidth > 100 && image.alt))") is True


def test_a_dropped_photo_is_answered_wherever_it_falls(page, photos):
    page.js("window.prevented = {}; for (const kind of ['dragover', 'drop']) addEventListener(kind, (event) => {"
            "prevented[kind] = event.defaultPrevented; })")
    data = {"items": [], "files": [str(photos / "misty" / "7.png")], "dragOperationsMask": 1}
    for kind in "dragEnter", "dragOver", "drop":
        page("Input.dispatchDragEvent", type=kind, x=5, y=450, data=data)
    assert answered(page, "7.png")[0] == "misty" and page.js("document.body.className") == ""
    assert page.js("prevented") == {"dragover": True, "drop": True}, "the browser does not leave the page for the photo"


def test_a_pasted_photo_is_answered(page, photos):
    contents = base64.b64encode((photos / "misty" / "7.png").read_bytes()).decode()
    page.js(f"""(() => {{
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File([Uint8Array.from(atob('{contents}'), (c) => c.charCodeAt(0))], 'image.png'));
        document.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData }}));
        document.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: new DataTransfer() }}));
    }})()""")
    assert answered(page, "image.png")[0] == "misty"


def test_what_is_unlike_all_it_learned_from_is_said(page, known, tmp_path):
    (tmp_path / "noise.jpg").write_bytes(jpeg(np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)))
    best = known((tmp_path / "noise.jpg").read_bytes())["top"][0]
    choose(page, tmp_path / "noise.jpg")
    assert answered(page, "noise.jpg") == ["None of these?", "It is unlike all training photos. Of the classes, "
                                           f"“{best['name']}” fits best ({percent(best['p'])})."]


def test_a_photo_of_forty_megapixels_is_answered(page, tmp_path):
    Image.fromarray(DrawnCats().image(0)).resize((7300, 5500), Image.Resampling.NEAREST).save(tmp_path / "large.jpg", quality=95)
    choose(page, tmp_path / "large.jpg")
    assert answered(page, "large.jpg")[0] != "No answer" and shown(page)["visible"]


@pytest.mark.parametrize("name, contents, words", [
    ("page.jpg", HTML, "It is not a JPEG, PNG"), ("bomb.png", bomb(), "decompression bomb"), ("empty.png", b"", "It is empty"),
    ("IMG_1.HEIC", b"\0\0\0\x18ftypheic" + bytes(99), "It is not a JPEG, PNG"), ("large.bmp", bytes(64_000_001), "more than 64 MB"),
    ("<img src=x onerror=alert(1)>.jpg", HTML, "It is not")])
def test_a_bad_file_is_one_clear_line_and_takes_the_old_answer_away(page, photos, tmp_path, name, contents, words):
    choose(page, photos / "misty" / "7.png")
    answered(page, "7.png")
    (tmp_path / name).write_bytes(contents)
    choose(page, tmp_path / name)
    heading, line = answered(page, name)
    assert heading == "No answer" and words in line and line.endswith(".") and not shown(page)["visible"]


def test_a_sound_is_its_picture(page, tmp_path):
    (tmp_path / "word.wav").write_bytes(recording(0, True))
    choose(page, tmp_path / "word.wav")
    answered(page, "word.wav")
    assert shown(page)["visible"]


def test_of_two_at_once_the_last_is_shown(page, photos):
    """Also when the first one's answer comes after it."""
    page.js("""(() => {
        const real = fetch, shown = new Promise((go) => { window.go = go; });
        let asked = 0;
        window.done = 0;
        window.fetch = async (...arguments) => {
            const first = asked++ == 0;
            try {
                const reply = await real(...arguments);
                if (first) await shown;
                return reply;
            } finally { done++; }
        };
    })()""")
    choose(page, photos / "tigger" / "2.png")
    choose(page, photos / "misty" / "7.png")
    assert answered(page, "7.png")[0] == "misty"
    page.js("go()")
    page.until("done == 2")
    page.js("new Promise((later) => setTimeout(later, 300))")
    assert answered(page, "7.png")[0] == "misty" and shown(page)["rows"][0][0] == "misty"


def test_two_pages_at_once_are_both_answered(page, known, photos):
    files = [photos / "tigger" / "2.png", photos / "misty" / "7.png"]
    bodies = json.dumps([base64.b64encode(path.read_bytes()).decode() for path in files])
    found = page.js(f"""Promise.all({bodies}.map(async (text) => {{
        const body = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
        const reply = await fetch('answer', {{ method: 'POST', headers: {{ 'Content-Type': 'application/octet-stream' }}, body }});
        return (await reply.json()).top;
    }}))""")
    assert found == [known(path.read_bytes())["top"] for path in files]


def test_all_of_it_works_with_the_keyboard_and_has_names(page, photos):
    page("Page.setInterceptFileChooserDialog", enabled=True)
    page.key("Tab", 9)
    assert page.js("document.activeElement.textContent") == "Choose a file"
    page.key("Enter", 13, "\r")
    page.until("document.activeElement.id == 'choose'")
    opened = [event["params"] for event in page.events if event.get("method") == "Page.fileChooserOpened"]
    assert len(opened) == 1
    page("DOM.setFileInputFiles", backendNodeId=opened[0]["backendNodeId"], files=[str(photos / "misty" / "7.png")])
    page("Page.setInterceptFileChooserDialog", enabled=False)
    answered(page, "7.png")
    tree = page("Accessibility.getFullAXTree")["nodes"]
    named = {(node["role"]["value"], node.get("name", {}).get("value")) for node in tree if not node["ignored"]}
    assert {("button", "Choose a file"), ("button", "Use the camera"), ("main", ""), ("region", "Your photo"),
            ("image", "heat map: what speaks for misty"), ("rowheader", "misty"), ("columnheader", "probability")} <= named
    assert [node for node in tree if node["role"]["value"] == "status" and any(
        one["name"] == "live" and one["value"]["value"] == "polite" for one in node["properties"])]
    assert not [role for role, name in named if role in ("button", "image", "heading") and not name]


def test_the_camera_opens_is_taken_and_closes(page):
    page.key("Tab", 9)
    page.key("Tab", 9)
    assert page.js("document.activeElement.textContent") == "Use the camera"
    page.key("Enter", 13, "\r")
    page.until("document.querySelector('video').videoWidth > 0 && document.activeElement.textContent == 'Take the photo'")
    assert page.js("[document.getElementById('camera').ariaExpanded, document.getElementById('camera').textContent]") == [
        "true", "Close the camera"]
    page.js("window.track = document.querySelector('video').srcObject.getTracks()[0]")
    page.key("Enter", 13, "\r")
    assert answered(page, "camera.jpg")[0] != "No answer" and shown(page)["visible"]
    page.js("document.getElementById('camera').click()")
    assert page.js("[track.readyState, document.getElementById('viewfinder').checkVisibility(),"
                   "document.getElementById('camera').ariaExpanded]") == ["ended", False, "false"]


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_a_desk_by_day_and_night(page, photos, width, scheme):
    page("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500)
    page("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert page.js(fits)
    choose(page, photos / "misty" / "7.png")
    answered(page, "7.png")
    assert page.js(fits) and page.js("innerWidth") == width
    dark = page.js("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 28)"
    assert dark == (scheme == "dark")
    page("Emulation.clearDeviceMetricsOverride")
    page("Emulation.setEmulatedMedia", features=[])


def test_no_other_site_can_ask(browser):
    """A page from elsewhere that knows the address can neither read what is there nor have a file answered."""
    asked = []
    with serving(lambda contents: asked.append(contents) or {}) as server:
        browser.open("data:text/html,elsewhere")
        kind = "headers: {'Content-Type': 'application/octet-stream'}"
        for name, options in (("", "{}"), ("answer", f"{{method: 'POST', body: 'x', {kind}}}")):
            assert browser.js(f"fetch('{server.address}{name}', {options}).then(() => 'came', () => 'refused')") == "refused"
        browser.js(f"fetch('{server.address}answer', {{method: 'POST', mode: 'no-cors', body: 'x'}}).catch(() => 'refused')")
        browser.js(f"new Promise((end) => Object.assign(new Image(), {{src: '{server.address}', onerror: end}}))")
        assert asked == []
        browser.open(server.address)
        browser.js(f"fetch('answer', {{method: 'POST', body: 'x', {kind}}})")
        assert asked == [b"x"], "its own page can"


def test_a_server_that_has_stopped_is_said(browser, known, photos):
    with serving(known) as server:
        browser.open(server.address)
    choose(browser, photos / "misty" / "7.png")
    assert answered(browser, "7.png") == ["No answer", "No reply came. Does “tinynet try” still run?"]


def test_it_looks_like_the_report(root):
    """The same colours, the same letters."""
    frame = (root / "tinynet" / "report" / "frame.html").read_text(encoding="utf-8")
    style = (root / "tinynet" / "serve" / "page.css").read_text(encoding="utf-8")
    for first, last in (":root {", "\n* {"), ("body {", "}"):
        shared = frame[frame.index(first):]
        assert shared[:shared.index(last)] in style
