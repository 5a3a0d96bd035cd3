// A drawing in the fragment of an address: #drawing=…&network=relu&digit=1. Whoever opens it may have been given
// anything, so what is read from one is checked, and is null where it is no drawing.
import { GRID } from "./sheet.js";

const LONGEST = 8000; // characters: some 3,000 points
const PENS = [0.045, 0.07, 0.1, 0.03, 0.05]; // with those of older links
const [EXAMPLE, PIXELS] = [100, 101]; // beside the index of a pen, what an item begins with
const MOST_POINTS = 4000;
export const SIDE = 28; // a picture that is no example travels as 28×28 pixels of 16 greys

const toBase64 = (bytes) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const fromBase64 = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

// Points that a line between others passes within `tolerance` are left out (Ramer, Douglas and Peucker).
export function simplify(points, tolerance) {
  if (points.length < 3 || !tolerance) return points;
  const [[x0, y0], [x1, y1]] = [points[0], points.at(-1)];
  const length = Math.hypot(x1 - x0, y1 - y0);
  const away = ([x, y]) =>
    length ? Math.abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length : Math.hypot(x - x0, y - y0);
  const distances = points.map(away);
  const far = distances.reduce((most, distance) => Math.max(most, distance), 0);
  const farthest = distances.indexOf(far);
  if (far <= tolerance || farthest === 0) return [points[0], points.at(-1)];
  return [
    ...simplify(points.slice(0, farthest + 1), tolerance).slice(0, -1),
    ...simplify(points.slice(farthest), tolerance),
  ];
}

// The first point takes two bytes a number, each other one a byte: the way from the one before. FAR says that the way
// is longer, and that a point follows as the first does.
const FAR = -128;

function strokeToBytes({ width, points }, tolerance) {
  let pairs = [];
  for (let i = 0; i < points.length; i += 2) pairs.push([points[i], points[i + 1]].map((at) => Math.round(at * GRID)));
  pairs = simplify(pairs, tolerance);
  const exact = ([x, y]) => [x >> 8, x, y >> 8, y];
  const bytes = [PENS.indexOf(width), (pairs.length - 1) >> 8, pairs.length - 1, ...exact(pairs[0])];
  for (let i = 1; i < pairs.length; i++) {
    const way = [pairs[i][0] - pairs[i - 1][0], pairs[i][1] - pairs[i - 1][1]];
    bytes.push(...(way.every((step) => Math.abs(step) <= 127) ? way : [FAR, ...exact(pairs[i])]));
  }
  return bytes.map((number) => number & 255);
}

function pictureToBytes({ name, greys }) {
  if (name) return [EXAMPLE, name.length, ...Array.from(name, (letter) => letter.charCodeAt(0))];
  return [PIXELS, ...Array.from({ length: greys.length / 2 }, (_, i) => (greys[2 * i] << 4) | greys[2 * i + 1])];
}

// The fragment for what is drawn, as exact as its length allows; null for more strokes than fit. A picture among the
// items is {name} or {greys: 784 numbers in 0..15}.
export function toFragment(items, network, digit) {
  const most = items.reduce((sum, { points = [] }) => sum + points.length / 2, 0);
  for (let tolerance = most > 50 * MOST_POINTS ? 8 : 0; tolerance < 64; tolerance = 2 * tolerance || 1) {
    const bytes = items.flatMap((item) => (item.points ? strokeToBytes(item, tolerance) : pictureToBytes(item)));
    if (bytes.length > LONGEST) continue;
    const fragment = `#drawing=${toBase64(bytes)}&network=${network}${digit === null ? "" : `&digit=${digit}`}`;
    if (fragment.length <= LONGEST) return fragment;
  }
  return null;
}

// {network, digit, items} of a fragment; a picture is {name} or {greys}.
export function fromFragment(fragment) {
  if (fragment.length > 2 * LONGEST) return null;
  const parts = new URLSearchParams(fragment.slice(1)); // of which others may have added some
  const [drawing, network, digit] = ["drawing", "network", "digit"].map((name) => parts.get(name));
  if (!/^[\w-]+$/.test(drawing) || !/^(relu|sigmoid)$/.test(network) || !/^\d{1,3}$/.test(digit ?? "0")) return null;
  try {
    return { network, digit: digit === null ? null : Number(digit), items: itemsFrom(fromBase64(drawing)) };
  } catch {
    return null;
  }
}

function itemsFrom(bytes) {
  let at = 0;
  const next = () => {
    if (at >= bytes.length) throw new RangeError("the drawing is cut off");
    return bytes[at++];
  };
  const signed = (number, bits) => (number << (32 - bits)) >> (32 - bits);
  const items = [];
  let points = 0;
  while (at < bytes.length) {
    const kind = next();
    if (kind < PENS.length) {
      const count = (next() << 8) | next();
      if ((points += count + 1) > MOST_POINTS) throw new RangeError("too many points");
      const position = () => signed((next() << 8) | next(), 16);
      let [x, y] = [position(), position()];
      const stroke = [x / GRID, y / GRID];
      for (let i = 0; i < count; i++) {
        const step = signed(next(), 8);
        [x, y] = step === FAR ? [position(), position()] : [x + step, y + signed(next(), 8)];
        stroke.push(x / GRID, y / GRID);
      }
      items.push({ width: PENS[kind], points: stroke });
    } else if (kind === EXAMPLE) {
      items.push({ name: String.fromCharCode(...Array.from({ length: next() }, next)) });
    } else if (kind === PIXELS) {
      items.push({ greys: Array.from({ length: (SIDE * SIDE) / 2 }, next).flatMap((byte) => [byte >> 4, byte & 15]) });
    } else throw new RangeError("no such item");
  }
  return items;
}
