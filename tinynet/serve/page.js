// A file goes to the server as it is; the answer comes back as JSON. Text from outside is set as text, never as HTML.
const MOST_CLASSES = 10;
const at = (id) => document.getElementById(id);
const megabytes = Number(document.querySelector("main").dataset.megabytes);
let asking = new AbortController();

function element(tag, content = [], attributes = {}) {
  const made = document.createElement(tag);
  made.append(...[content].flat());
  return Object.assign(made, attributes);
}

function tile(picture, description, caption) {
  return element("figure", [element("img", [], { src: picture, alt: description }), element("figcaption", caption)]);
}

const percent = (share) => `${(100 * share).toFixed(1)}%`;

function row({ name, p }) {
  const filled = element("div");
  filled.style.width = percent(p);
  return element("tr", [element("th", name, { scope: "row" }), element("td", percent(p)),
    element("td", element("div", filled, { className: "bar" }))]);
}

// The live region: a screen reader reads all of it out when it changes.
function say(title, heading, lead) {
  const [kind, head, line] = at("said").children;
  [kind.textContent, head.textContent, line.textContent] = [title, heading, lead];
}

async function ask(file) {
  asking.abort();                                   // only the last photo's answer is of interest
  const { signal } = asking = new AbortController();
  at("found").hidden = true;
  say(file.name, "Looking …", "");
  const refuse = (line) => signal.aborted || say(file.name, "No answer", line);
  if (file.size > megabytes * 1e6) {
    return refuse(`It has more than ${megabytes} MB; choose a smaller copy.`);
  }
  let body, found;
  try {
    body = await file.arrayBuffer();
  } catch {
    return refuse("The browser cannot read it. Is it a folder?");
  }
  try {
    const headers = { "Content-Type": "application/octet-stream" };
    const reply = await fetch("answer", { method: "POST", headers, body, signal });
    found = reply.ok ? await reply.json() : { problem: await reply.text() };
  } catch {
    return refuse("No reply came. Does “tinynet try” still run?");
  }
  if (found.problem) refuse(found.problem);
  else show(file.name, found);
}

function show(title, { top, known, seen, heat, neighbours, notes }) {
  const { name, p } = top[0];
  if (known) say(title, name, percent(p));
  else say(title, "None of these?", `It is unlike all training photos. Of the classes, “${name}” fits best (${percent(p)}).`);
  const views = [tile(seen, "what the network sees of it", "what the network sees")];
  if (heat) views.push(tile(heat, `heat map: what speaks for ${name}`, ["what speaks for ", element("strong", name)]));
  else notes.push(`Nothing in it speaks for ${name}.`);
  at("views").replaceChildren(...views);
  at("notes").replaceChildren(...notes.map((line) => element("p", line)));
  at("classes").replaceChildren(...top.slice(0, MOST_CLASSES).map(row));
  at("near").hidden = !neighbours.length;
  at("neighbours").replaceChildren(...neighbours.map(({ name, distance, picture }) =>
    tile(picture, `a training photo of ${name}`, [element("strong", name), element("br"), `distance ${distance.toFixed(2)}`])));
  at("found").hidden = false;
  at("said").scrollIntoView({ block: "nearest" });
}

function take(files) {
  if (files.length) ask(files[0]);
}

// Choose, drop, paste
at("choose").onclick = () => at("file").click();
at("file").onchange = ({ target }) => {
  take([...target.files]);
  target.value = "";                                // so that the same file can be chosen again
};
document.ondragover = (event) => {
  event.preventDefault();                           // the browser would leave the page for the photo
  document.body.classList.add("over");
};
document.ondragleave = () => document.body.classList.remove("over");
document.ondrop = (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  take(event.dataTransfer.files);
};
document.onpaste = ({ clipboardData }) => take(clipboardData.files);

// Camera: browsers allow it on this computer's own address
const video = at("video");
at("camera").hidden = !navigator.mediaDevices;
at("camera").onclick = async () => {
  if (video.srcObject) return closeCamera();
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    return say("camera", "No camera", `The browser gives none: ${error.message}.`);
  }
  opened(true);
  at("shoot").focus();
};
at("shoot").onclick = () => {
  if (!video.videoWidth) return;                    // no picture has come yet
  const canvas = element("canvas", [], { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => ask(new File([blob], "camera.jpg")), "image/jpeg", 0.95);
};

function closeCamera() {
  video.srcObject.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
  opened(false);
}

function opened(open) {
  at("viewfinder").hidden = !open;
  at("camera").textContent = open ? "Close the camera" : "Use the camera";
  at("camera").ariaExpanded = String(open);
}
