// Asks what the drawing is, and shows one answer at a time: label, hint, tiles and panel change together.

const PLAIN = [168, 144, 120]; // heights of the picture of a few strokes: the largest that stays small
const DENSE = [240, 168, 120]; // of many strokes, which need the room: the largest that is allowed
const MANY = 14; // strokes
const [SMALL, LARGEST] = [4300, 40000]; // characters of the data URL

const copy = document.createElement("canvas");
const copyContext = copy.getContext("2d", { willReadFrequently: true });

function picture() {
  if (isBlank()) return "";
  const dense = marks.length >= MANY;
  let url;
  for (const height of dense ? DENSE : PLAIN) {
    copy.height = height;
    copy.width = height * WIDTH;
    paint(copyContext);
    copyContext.globalCompositeOperation = "destination-over";
    copyContext.fillStyle = "#fff";
    copyContext.fillRect(0, 0, WIDTH, 1);
    url = copy.toDataURL();
    if (url.length < (dense ? LARGEST : SMALL)) break;
  }
  return url;
}

const panel = () => document.querySelector("#inside details.panel");
const network = () => document.querySelector("#network input:checked")?.value ?? "relu";

let chosen = null; // which digit of the number is explained; null for the least certain one
let told = ""; // the notice about the server

const { changed, finished, retry } = transport({
  ask: server.answer,
  next: () => ({ picture: picture(), network: network(), index: chosen, explain: Boolean(panel()?.open) }),
  show: (answer) => display((latest = answer)),
  say(text) {
    if (text === told) return;
    if (text || notice.textContent === told) notice.textContent = text; // an answer leaves another notice alone
    told = text;
    root.closest(".sheet-and-answer")?.classList.toggle("old-answer", Boolean(text)); // what stands beside belongs to an earlier drawing
  },
});
addEventListener("online", () => element.isConnected && retry());

// While the pen moves, half a digit looks like another one: an answer that reads something else is shown when it has
// read the same for STEADY, or when the pen rests.
const STEADY = 400; // milliseconds
const REST = 250; // milliseconds without another answer
let latest; // answer
let onPage; // the answer on the page
let read; // by the latest answers
let since = 0; // when they began to read that
let resting; // a timer

function display(answer, settled = !stroke) {
  const now = performance.now();
  if (answer.label.label !== read) since = now;
  read = answer.label.label;
  clearTimeout(resting);
  const same = onPage && answer.label.label === onPage.label.label;
  if (settled || same || !onPage?.preview || now - since >= STEADY) {
    onPage = settled ? answer : { ...answer, hint: "" };
    props.value = JSON.stringify(onPage); // Gradio hands it on to the other components
  }
  if (!settled) resting = setTimeout(display, REST, answer, true);
}

function change() {
  if (isBlank()) {
    chosen = null;
    box.hidden = true;
  }
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search); // another drawing
  repaint();
  if (stroke?.points.length !== 2) changed(); // not yet for the mere beginning of a stroke
}

const askAgain = () => isBlank() || changed();
on("change", (event) => event.target.closest("#network") && (keep(), askAgain()));
on("toggle", (event) => event.target === panel() && event.target.open && askAgain(), { capture: true });

// The preview tells which digit is pointed at and which is chosen.
const ours = (event) => event.target.closest("#preview");
on("preview:point", (event) => {
  const at = ours(event) && event.detail.box;
  box.hidden = !at;
  if (!at) return;
  const [left, top, right, bottom] = at.map((share) => `${100 * share}%`);
  Object.assign(box.style, { left, top, width: `calc(${right} - ${left})`, height: `calc(${bottom} - ${top})` });
});
on("preview:choose", (event) => {
  if (!ours(event)) return;
  chosen = event.detail;
  changed();
});
