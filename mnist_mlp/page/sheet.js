// The sheet: what is drawn on it, and how it is painted. `element`, `props` and `server` are Gradio's: the component's
// part of the page, its value, and the functions in Python. EXAMPLES is a list of {name, picture}: data URLs.
const root = element.querySelector(".pad");
const canvas = root.querySelector("canvas");
const box = root.querySelector(".box");
const widths = root.querySelector("fieldset");
const notice = root.querySelector(".notice");

// What is drawn is a list of marks, in units of the sheet's height so that it can be painted at any size: a stroke
// {width, points: [x, y, x, y, …]}, or a picture {picture: data URL, image}, with its name if it is an example.
const WIDTH = 4 / 3; // of the sheet, whose height is 1
const GRID = 720; // points lie on a grid of so many lines, so that a link holds them exactly
const MOST_STEPS = 500; // that can be undone

let marks = [];
let stroke = null; // the stroke that is being drawn; it is in marks too
let steps = [marks]; // what was on the sheet after each step, from the first that can be undone
let step = 0; // which of them is on the sheet

const isBlank = () => !marks.length;

function become(next) {
  steps = [...steps.slice(0, step + 1), next].slice(-MOST_STEPS);
  step = steps.length - 1;
  marks = next;
  change();
}

// Puts a whole drawing on the sheet; what was there before comes back when all of its marks are undone.
function put(drawing) {
  const beginnings = drawing.map((_, i) => drawing.slice(0, i + 1));
  steps = [...steps.slice(0, step + 1), ...beginnings.slice(0, -1)];
  step = steps.length - 1;
  become(drawing);
}

function goTo(other) {
  if (stroke || !steps[other]) return;
  step = other;
  marks = steps[step];
  change();
  keep();
}

// Listens as long as this component is on the page.
function on(name, listener, options) {
  const heard = (event) =>
    element.isConnected ? listener(event) : document.removeEventListener(name, heard, options);
  document.addEventListener(name, heard, options);
}

// ---- Painting: black on transparent; on the page, the style makes it ink

function paint(context) {
  const { width, height } = context.canvas;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  context.scale(height, height);
  context.lineCap = context.lineJoin = "round";
  for (const mark of marks) {
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
let state = ""; // what the page says of the sheet

function repaint() {
  painted ||= requestAnimationFrame(() => {
    painted = 0;
    paint(canvas.getContext("2d"));
    const can = { undo: step > 0, redo: step < steps.length - 1, clear: !isBlank(), link: !isBlank() };
    if (state === (state = JSON.stringify(can))) return;
    root.classList.toggle("blank", isBlank());
    canvas.setAttribute("aria-label", isBlank() ? "Drawing pad, empty" : "Drawing pad, with a drawing");
    // Not `disabled`: the focus would be lost with the last step.
    for (const [name, possible] of Object.entries(can)) root.querySelector(`.${name}`).setAttribute("aria-disabled", !possible);
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
