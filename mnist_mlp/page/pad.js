// The pad. `element`, `props` and `server` are Gradio's: the component's part of the page, its value, and the
// functions in Python. The value is the newest answer, as JSON. EXAMPLES is a list of {name, picture}: data URLs.
const root = element.querySelector(".pad");
const canvas = root.querySelector("canvas");
const notice = root.querySelector(".notice");
const box = root.querySelector(".box");
const widths = root.querySelector("fieldset");

// What is drawn is a list of marks, in units of the sheet's height so that it can be painted at any size:
// a stroke {width, points: [x, y, x, y, …]}, a picture {picture: data URL, image}, with its name if it is an
// example, or {} where it was cleared.
// A picture and a clearing hide what came before, and keep it for undo.
const WIDTH = 4 / 3; // of the sheet, whose height is 1
let marks = [];
let stroke = null; // the stroke that is being drawn; it is in marks too
let pointer = null; // its pointer: a second finger is not the pen
let chosen = null; // which digit of the number is explained; null for the least certain one

const visible = () => marks.slice(Math.max(0, marks.findLastIndex((mark) => !mark.points)));
const isBlank = () => !visible().some((mark) => mark.points || mark.picture);

// ---- Painting: black on transparent; on the page, the style makes it ink

function paint(context) {
  const { width, height } = context.canvas;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  context.scale(height, height);
  context.lineCap = context.lineJoin = "round";
  for (const mark of visible()) {
    if (mark.image) paintImage(context, mark.image);
    if (mark.points) paintStroke(context, mark);
  }
}

function paintImage(context, image) {
  const scale = Math.min(WIDTH / image.width, 1 / image.height);
  const [width, height] = [scale * image.width, scale * image.height];
  context.drawImage(image, (WIDTH - width) / 2, (1 - height) / 2, width, height);
}

function paintStroke(context, { width, points }) {
  context.lineWidth = width;
  context.beginPath();
  if (points.length === 2) {
    context.arc(points[0], points[1], width / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  // Through the midpoints, with the points as control points: a smooth line for a shaky hand.
  context.moveTo(points[0], points[1]);
  for (let i = 2; i < points.length - 2; i += 2) {
    const [x, y, nextX, nextY] = points.slice(i, i + 4);
    context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  context.lineTo(...points.slice(-2));
  context.stroke();
}

let painted = 0; // the animation frame that is asked for
let blank; // what the page says of the sheet

function repaint() {
  painted ||= requestAnimationFrame(() => {
    painted = 0;
    paint(canvas.getContext("2d"));
    if (blank === isBlank()) return;
    blank = isBlank();
    root.classList.toggle("blank", blank);
    canvas.setAttribute("aria-label", blank ? "Drawing pad, empty" : "Drawing pad, with a drawing");
  });
}

function resize() {
  const height = Math.round(canvas.clientHeight * devicePixelRatio);
  if (height && canvas.height !== height) {
    canvas.height = height;
    canvas.width = Math.round(height * WIDTH);
  }
  repaint();
}

new ResizeObserver(resize).observe(canvas); // tells of the first size, too
addEventListener("resize", resize); // a window that moves to a sharper screen

// ---- Asking: the newest drawing as a picture, in the largest size that stays small

const copy = document.createElement("canvas");
const copyContext = copy.getContext("2d", { willReadFrequently: true });
const HEIGHTS = [168, 144, 120, 96, 72, 48];
const SMALL = 4000; // characters of the data URL; with the headers, a request stays under 5 kB

function picture() {
  if (isBlank()) return "";
  let url;
  for (const height of HEIGHTS) {
    copy.height = height;
    copy.width = height * WIDTH;
    paint(copyContext);
    copyContext.globalCompositeOperation = "destination-over";
    copyContext.fillStyle = "#fff";
    copyContext.fillRect(0, 0, WIDTH, 1);
    url = copy.toDataURL();
    if (url.length < SMALL) break;
  }
  return url;
}

const panel = () => document.querySelector("#inside details.panel");
const network = () => document.querySelector("#network input:checked")?.value ?? "relu";

let told = ""; // the notice about the server

const { changed, finished } = transport({
  ask: server.answer,
  next: () => ({ picture: picture(), network: network(), index: chosen, explain: Boolean(panel()?.open) }),
  show: (answer) => display((latest = answer)),
  say(text) {
    if (text === told) return;
    if (text || notice.textContent === told) notice.textContent = text; // an answer leaves another notice alone
    told = text;
  },
});

// While the pen moves, half a digit looks like another one: the label changes after STEADY answers that read the same,
// and when the pen rests.
const STEADY = 4;
const REST = 150; // milliseconds without another answer
let latest; // answer
let label; // on the page
let read; // by the latest answers
let times = 0; // how many of them in a row
let resting; // a timer

function display(answer, settled = !stroke) {
  times = answer.label.label === read ? times + 1 : 1;
  read = answer.label.label;
  if (settled || !label?.confidences || read === label.label || times >= STEADY) label = answer.label;
  clearTimeout(resting);
  if (label !== answer.label) resting = setTimeout(display, REST, answer, true);
  props.value = JSON.stringify({ ...answer, label }); // Gradio hands it on to the other components
}

function change() {
  if (isBlank()) chosen = null;
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search); // another drawing
  repaint();
  if (stroke?.points.length !== 2) changed(); // not yet for the mere beginning of a stroke
}

// Listens as long as this component is on the page.
function on(name, listener, options) {
  const heard = (event) =>
    element.isConnected ? listener(event) : document.removeEventListener(name, heard, options);
  document.addEventListener(name, heard, options);
}

const askAgain = () => isBlank() || changed();
on("change", (event) => event.target.closest("#network") && askAgain());
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

// ---- Drawing

function place(event, { left, top, height } = canvas.getBoundingClientRect()) {
  return [(event.clientX - left) / height, (event.clientY - top) / height].map((at) => Math.round(at * 1e4) / 1e4);
}

function add(mark) {
  // One clearing can be undone; what was hidden before it is let go.
  marks = mark.points ? [...marks, mark] : [...visible(), mark];
  change();
}

function endStroke() {
  const dot = stroke.points.length === 2;
  stroke = pointer = null;
  if (dot) changed();
  if (latest && label !== latest.label) display(latest);
  finished();
  keep();
}

function beginStroke(event) {
  if (pointer !== null || event.buttons !== 1) return;
  pointer = event.pointerId;
  canvas.setPointerCapture(pointer);
  stroke = { width: Number(widths.querySelector(":checked").value), points: place(event) };
  add(stroke);
}

canvas.addEventListener("pointerdown", beginStroke);
canvas.addEventListener("pointerenter", beginStroke); // pressed beside the sheet, or before it was there

canvas.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer) return;
  if (!event.buttons) return endStroke(); // let go where the page could not see it
  const between = event.getCoalescedEvents?.() ?? [];
  const box = canvas.getBoundingClientRect();
  for (const step of between.length ? between : [event]) {
    const [x, y] = place(step, box);
    const [lastX, lastY] = stroke.points.slice(-2);
    if (x !== lastX || y !== lastY) stroke.points.push(x, y);
  }
  change();
});

for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
  canvas.addEventListener(end, (event) => event.pointerId === pointer && endStroke());

canvas.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press is a dot

function clear() {
  if (stroke) endStroke();
  if (!isBlank()) add({});
  keep();
}

function undo() {
  if (stroke) return;
  marks.pop();
  change();
  keep();
}

root.querySelector(".undo").addEventListener("click", undo);
root.querySelector(".clear").addEventListener("click", clear);

// Keys that are meant for a text, a dialog or the explanation are left alone.
const OTHERS = "input:not([type=radio]), textarea, [contenteditable], [role=dialog], #inside";
on("keydown", (event) => {
  const shown = canvas.clientWidth > 0;
  if (!shown || event.defaultPrevented || event.target.closest?.(OTHERS)) return;
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") undo();
  else if (event.key === "Escape" || event.key === "Delete") clear();
  else return;
  event.preventDefault();
});

// ---- Pictures: examples, what the explanation puts here, and what was kept

async function load(url, name) {
  const image = new Image();
  image.src = url;
  await image.decode();
  // The picture is dark on white; as a mark it is black on transparent.
  const sheet = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const context = sheet.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, sheet.width, sheet.height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    pixels.data[i + 3] = 255 - pixels.data[i];
    pixels.data[i] = pixels.data[i + 1] = pixels.data[i + 2] = 0;
  }
  context.putImageData(pixels, 0, 0);
  return { picture: url, image: sheet, name };
}

async function show(url, name) {
  if (stroke) endStroke();
  add(await load(url, name));
  keep();
}

on("pad:show", ({ detail }) => show(detail)); // a data URL, dark on white

for (const { name, picture } of EXAMPLES) {
  const button = Object.assign(document.createElement("button"), { type: "button", title: `Example: ${name}` });
  button.setAttribute("aria-label", button.title);
  button.append(Object.assign(new Image(), { src: picture, alt: "" }));
  button.addEventListener("click", () => show(picture, name));
  root.querySelector(".examples").append(button);
}

// A page that is loaded anew, because the server was started again or the theme changed, has the same drawing.
const KEPT = `pad ${location.pathname}`;

function keep() {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(visible().map(({ image, ...mark }) => mark)));
  } catch {} // storage is full or forbidden: only a reload would miss it
}

async function restore() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
    const restored = await Promise.all(kept.map((mark) => (mark.picture ? load(mark.picture, mark.name) : mark)));
    if (!marks.length && restored.length) (marks = restored), change();
  } catch {}
}

// ---- A link to this drawing

function greys(pixels) {
  const small = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const data = new ImageData(SIDE, SIDE);
  pixels.forEach((ink, i) => data.data.set([255 - 17 * ink, 255 - 17 * ink, 255 - 17 * ink, 255], 4 * i));
  small.getContext("2d").putImageData(data, 0, 0);
  return small.toDataURL();
}

async function fromLink({ name, pixels, ...mark }) {
  if (mark.points) return mark;
  const example = EXAMPLES.find((example) => example.name === name);
  if (!pixels && !example) throw new RangeError("no such example");
  return pixels ? load(greys(pixels)) : load(example.picture, name);
}

async function open() {
  const linked = fromFragment(location.hash);
  try {
    const opened = await Promise.all(linked.marks.map(fromLink));
    marks = opened;
    chosen = linked.digit;
  } catch {
    return notify("This link holds no drawing.");
  }
  repaint();
  keep();
  select(linked.network);
  changed();
}

// The choice of the network may come onto the page after the pad.
function select(name, tries = 100) {
  const input = document.querySelector(`#network input[value=${name}]`);
  if (input) input.click();
  else if (tries) setTimeout(select, 50, name, tries - 1);
}

async function copyLink() {
  if (isBlank()) return notify("There is no drawing yet.");
  const address = location.href.slice(0, location.href.length - location.hash.length);
  const fragment = toFragment(visible(), network(), chosen, LONGEST - address.length);
  if (!fragment) return notify("This drawing has too many strokes for a link.");
  history.replaceState(history.state, "", fragment);
  try {
    await navigator.clipboard.writeText(location.href);
    notify("Link copied.");
  } catch {
    notify("The link is in the address bar."); // the browser lets no page write to the clipboard
  }
}

function notify(text) {
  notice.textContent = text;
  setTimeout(() => notice.textContent === text && (notice.textContent = ""), 4000);
}

root.querySelector(".link").addEventListener("click", copyLink);
addEventListener("hashchange", () => element.isConnected && location.hash.startsWith("#drawing=") && open());

if (location.hash.startsWith("#drawing=")) open();
else restore();
