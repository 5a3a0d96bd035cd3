// The sheet: what is drawn on it, and how it is painted. What is drawn is a list of items, in units of the sheet's height
// so that it can be painted at any size: a stroke {width, points: [x, y, x, y, …]}, or a picture {picture: data URL,
// image}, with its name if it is an example.

export const WIDTH = 4 / 3; // of the sheet, whose height is 1
export const GRID = 720; // points lie on a grid of so many lines, so that a link holds them exactly
const MOST_STEPS = 500; // that can be undone

// change() is called whenever something else is on the sheet, keep() when that was not the pen.
export function makeSheet({ root, change, keep }) {
  const canvas = root.querySelector("canvas");
  let items = [];
  let steps = [items]; // what was on the sheet after each step, from the first that can be undone
  let step = 0; // which of them is on the sheet

  const isBlank = () => !items.length;

  function become(next) {
    steps = [...steps.slice(0, step + 1), next].slice(-MOST_STEPS);
    step = steps.length - 1;
    items = next;
    self.change();
  }

  // Puts a whole drawing on the sheet; what was there before comes back when all of its items are undone.
  function put(drawing) {
    const beginnings = drawing.map((_, i) => drawing.slice(0, i + 1));
    steps = [...steps.slice(0, step + 1), ...beginnings.slice(0, -1)];
    step = steps.length - 1;
    become(drawing);
  }

  function goTo(other) {
    if (self.stroke || !steps[other]) return;
    step = other;
    items = steps[step];
    self.change();
    keep();
  }

  let painted = 0; // the animation frame that is asked for
  let state = ""; // what the page says of the sheet

  function repaint() {
    painted ||= requestAnimationFrame(() => {
      painted = 0;
      paint(canvas.getContext("2d"), items);
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

  const self = {
    canvas,
    stroke: null, // the one that is being drawn; it is among the items, too
    items: () => items,
    isBlank,
    become,
    put,
    undo: () => goTo(step - 1),
    redo: () => goTo(step + 1),
    change() {
      repaint();
      change();
    },
    // Puts a drawing there as if nothing had been drawn before.
    begin(drawing) {
      items = drawing;
      steps = [[]];
      step = 0;
      repaint();
    },
  };
  return self;
}

// ---- Painting: black on transparent; on the page, the style makes it ink

export function paint(context, items) {
  const { width, height } = context.canvas;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  context.scale(height, height);
  context.lineCap = context.lineJoin = "round";
  for (const item of items) {
    if (item.image) paintImage(context, item.image);
    if (item.points) paintStroke(context, item);
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
