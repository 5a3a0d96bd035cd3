// A drawing in the fragment of an address: #drawing=…&network=relu&digit=1. Whoever opens it may have been given
// anything, so what is read from one is checked, and is null where it is no drawing.

const LONGEST = 2000; // characters of an address
const GRID = 720; // positions are whole numbers of 1/720 of the sheet's height
const PENS = [0.045, 0.07, 0.1];
const [EXAMPLE, PIXELS] = [100, 101]; // beside the index of a pen, what a mark begins with
const SIDE = 28; // a picture that is no example travels as 28×28 pixels of 16 greys
const MOST_POINTS = 4000;

const toBase64 = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const fromBase64 = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

// Points that a line between others passes within `tolerance` are left out (Ramer, Douglas and Peucker).
function simplify(points, tolerance) {
  if (points.length < 3 || !tolerance) return points;
  const [[x0, y0], [x1, y1]] = [points[0], points.at(-1)];
  const length = Math.hypot(x1 - x0, y1 - y0);
  const away = ([x, y]) =>
    length ? Math.abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length : Math.hypot(x - x0, y - y0);
  const distances = points.map(away);
  const farthest = distances.indexOf(Math.max(...distances));
  if (distances[farthest] <= tolerance || farthest === 0) return [points[0], points.at(-1)];
  return [
    ...simplify(points.slice(0, farthest + 1), tolerance).slice(0, -1),
    ...simplify(points.slice(farthest), tolerance),
  ];
}

// The first point takes two bytes a number, each other one a byte: the way from the one before.
function strokeToBytes({ width, points }, tolerance) {
  let pairs = [];
  for (let i = 0; i < points.length; i += 2) pairs.push([points[i], points[i + 1]].map((at) => Math.round(at * GRID)));
  pairs = simplify(pairs, tolerance);
  const steps = [];
  let [x, y] = pairs[0];
  const start = [x >> 8, x, y >> 8, y];
  for (const [toX, toY] of pairs.slice(1)) {
    const parts = Math.ceil(Math.max(Math.abs(toX - x), Math.abs(toY - y)) / 127);
    const [fromX, fromY] = [x, y];
    for (let part = 1; part <= parts; part++) {
      const next = [fromX + Math.round(((toX - fromX) * part) / parts), fromY + Math.round(((toY - fromY) * part) / parts)];
      steps.push(next[0] - x, next[1] - y);
      [x, y] = next;
    }
  }
  const count = steps.length / 2;
  return [PENS.indexOf(width), count >> 8, count, ...start, ...steps].map((number) => number & 255);
}

function pictureToBytes({ image, name }) {
  if (name) return [EXAMPLE, name.length, ...[...name].map((letter) => letter.charCodeAt(0))];
  const small = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const context = small.getContext("2d");
  context.drawImage(image, 0, 0, SIDE, SIDE);
  const ink = context.getImageData(0, 0, SIDE, SIDE).data.filter((_, i) => i % 4 === 3);
  return [PIXELS, ...Array.from({ length: ink.length / 2 }, (_, i) => (ink[2 * i] & 240) | (ink[2 * i + 1] >> 4))];
}

// The fragment for what is drawn, as exact as its length allows; null for more strokes than fit.
function toFragment(marks, network, digit, room) {
  for (let tolerance = 0; tolerance < 64; tolerance = 2 * tolerance || 1) {
    const bytes = marks.flatMap((mark) => (mark.points ? strokeToBytes(mark, tolerance) : mark.image ? pictureToBytes(mark) : []));
    const fragment = `#drawing=${toBase64(bytes)}&network=${network}${digit === null ? "" : `&digit=${digit}`}`;
    if (fragment.length <= room) return fragment;
  }
  return null;
}

// {network, digit, marks}; a picture is {name} or {pixels: 784 numbers in 0..15}.
function fromFragment(fragment) {
  const match = /^#drawing=([\w-]{1,2000})&network=(relu|sigmoid)(?:&digit=(\d{1,3}))?$/.exec(fragment);
  if (!match || fragment.length > LONGEST) return null;
  try {
    const marks = marksFrom(fromBase64(match[1]));
    return { network: match[2], digit: match[3] === undefined ? null : Number(match[3]), marks };
  } catch {
    return null;
  }
}

function marksFrom(bytes) {
  let at = 0;
  const next = () => {
    if (at >= bytes.length) throw new RangeError("the drawing is cut off");
    return bytes[at++];
  };
  const signed = (number, bits) => (number << (32 - bits)) >> (32 - bits);
  const marks = [];
  let points = 0;
  while (at < bytes.length) {
    const kind = next();
    if (kind < PENS.length) {
      const count = (next() << 8) | next();
      if ((points += count + 1) > MOST_POINTS) throw new RangeError("too many points");
      let x = signed((next() << 8) | next(), 16);
      let y = signed((next() << 8) | next(), 16);
      const stroke = [x / GRID, y / GRID];
      for (let i = 0; i < count; i++) {
        x += signed(next(), 8);
        y += signed(next(), 8);
        stroke.push(x / GRID, y / GRID);
      }
      marks.push({ width: PENS[kind], points: stroke });
    } else if (kind === EXAMPLE) {
      marks.push({ name: String.fromCharCode(...Array.from({ length: next() }, next)) });
    } else if (kind === PIXELS) {
      marks.push({ pixels: Array.from({ length: (SIDE * SIDE) / 2 }, next).flatMap((byte) => [byte >> 4, byte & 15]) });
    } else throw new RangeError("no such mark");
  }
  return marks;
}
