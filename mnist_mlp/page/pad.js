// The pad. `element`, `props`, `trigger` and `watch` are Gradio's: the component's own part of the page, its
// value, and word of a value that comes from Python. A value is a picture in a data URL, '' while nothing is drawn.
// EXAMPLES is a name -> such a picture.
const root = element.querySelector(".pad");
const canvas = root.querySelector("canvas");
const notice = root.querySelector(".notice");
const widths = root.querySelector("fieldset");

// What is drawn is a list of marks, in units of the sheet's side so that it can be painted at any size:
// a stroke {width, points: [x, y, x, y, …]}, a picture {picture: data URL, image}, or {} where it was cleared.
// A picture and a clearing hide what came before, and keep it for undo.
let marks = [];
let stroke = null; // the stroke that is being drawn; it is in marks too
let pointer = null; // its pointer: a second finger is not the pen

const visible = () => marks.slice(Math.max(0, marks.findLastIndex((mark) => !mark.points)));
const isBlank = () => !visible().some((mark) => mark.points || mark.picture);

// ---- Painting: black on transparent; on the page, the style makes it ink

function paint(context) {
  const side = context.canvas.width;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, side, side);
  context.scale(side, side);
  context.lineCap = context.lineJoin = "round";
  for (const mark of visible()) {
    if (mark.image) context.drawImage(mark.image, 0, 0, 1, 1);
    if (mark.points) paintStroke(context, mark);
  }
}

function paintStroke(context, { width, points }) {
  context.lineWidth = width;
  context.beginPath();
  if (points.length === 2) {
    context.arc(points[0], points[1], width / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  // Through the middles between points, with the points as handles: a smooth line through a shaky hand's places.
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
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  if (side && canvas.width !== side) canvas.width = canvas.height = side;
  repaint();
}

new ResizeObserver(resize).observe(canvas); // tells of the first size, too
addEventListener("resize", resize); // a window that moves to a sharper screen

// ---- Sending: the newest drawing, when the last answer has come

const copy = document.createElement("canvas");
const copyContext = copy.getContext("2d", { willReadFrequently: true });
const SIDES = [224, 160, 112, 80]; // of what is sent: the largest that stays small
const SMALL = 5000; // characters

function picture() {
  if (isBlank()) return "";
  let url;
  for (const side of SIDES) {
    copy.width = copy.height = side;
    paint(copyContext);
    copyContext.globalCompositeOperation = "destination-over";
    copyContext.fillStyle = "#fff";
    copyContext.fillRect(0, 0, 1, 1);
    url = copy.toDataURL();
    if (url.length < SMALL) break;
  }
  return url;
}

let changed = false;
let since = 0; // when the picture was sent that has no answer yet; 0 if there is none
let pauses = 0; // made since the last answer, because the server failed
let heard = false; // whether this page tells of answers at all

function change() {
  changed = true;
  repaint();
  send();
}

function send() {
  if (!changed || since || stroke?.points.length === 2) return; // not yet the mere beginning of a stroke
  changed = false;
  const value = picture();
  if (value === props.value) return;
  since = performance.now();
  props.value = value; // Gradio takes it from here
}

function again() {
  if (since) return;
  since = performance.now();
  trigger("change");
}

function on(name, listener) {
  const heardHere = (event) => (element.isConnected ? listener(event) : document.removeEventListener(name, heardHere));
  document.addEventListener(name, heardHere);
}

on("pad:answered", () => {
  heard = true;
  since = pauses = 0;
  say("");
  send();
});

on("pad:failed", () => {
  heard = true;
  since = 0;
  say("The server could not answer. Your drawing is kept, and asked about again.");
  if (changed) send();
  else setTimeout(again, Math.min(2000 * 2 ** pauses++, 15000)); // a stroke's many failures are one pause
});

const PATIENCE = 2000; // milliseconds
const UNTOLD = 4000; // after so many, a page that has never told of an answer is one that doesn't

const watchman = setInterval(() => {
  if (!element.isConnected) clearInterval(watchman);
  else if (!heard && since && performance.now() - since > UNTOLD) (since = 0), send();
  else if (heard && since && performance.now() - since > PATIENCE)
    say("The server takes its time. You can go on drawing; the answer will follow.");
}, 500);

function say(text) {
  if (notice.textContent !== text) notice.textContent = text;
}

// ---- Drawing

function place(event, { left, top, width, height } = canvas.getBoundingClientRect()) {
  return [(event.clientX - left) / width, (event.clientY - top) / height].map((at) => Math.round(at * 1e4) / 1e4);
}

function add(mark) {
  // One clearing can be undone; what was hidden before it is let go.
  marks = mark.points ? [...marks, mark] : [...visible(), mark];
  change();
}

function endStroke() {
  stroke = pointer = null;
  send();
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

on("keydown", (event) => {
  const shown = canvas.clientWidth > 0;
  const busy = event.target.closest?.("input:not([type=radio]), textarea, [contenteditable], [role=dialog]");
  if (!shown || busy || event.defaultPrevented) return;
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") undo();
  else if (event.key === "Escape" || event.key === "Delete") clear();
  else return;
  event.preventDefault();
});

// ---- Pictures: examples, values from Python, and what was kept

async function load(url) {
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
  return { picture: url, image: sheet };
}

async function show(url) {
  if (stroke) endStroke();
  if (url) add(await load(url));
  else if (!isBlank()) add({});
  keep();
}

for (const [name, src] of Object.entries(EXAMPLES)) {
  const button = Object.assign(document.createElement("button"), { type: "button", title: `Example: ${name}` });
  button.setAttribute("aria-label", button.title);
  button.append(Object.assign(new Image(), { src, alt: "" }));
  button.addEventListener("click", () => show(src));
  root.querySelector(".examples").append(button);
}

watch("value", () => show(props.value));

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
    const restored = await Promise.all(kept.map((mark) => (mark.picture ? load(mark.picture) : mark)));
    if (!marks.length && restored.length) (marks = restored), change();
  } catch {}
}

if (props.value) show(props.value);
else restore();
