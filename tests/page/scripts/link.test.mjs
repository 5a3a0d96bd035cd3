// A link to a drawing: what is written into one is read from it, and nothing else is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromFragment, simplify, toFragment } from "../../../mnist_mlp/page/link.js";
import { GRID, WIDTH } from "../../../mnist_mlp/page/sheet.js";

const onGrid = (share) => Math.round(share * GRID) / GRID;

// A stroke of a shaky hand, on the grid; the seed makes it the same each time.
function scribble(points, seed = 1) {
  let state = seed;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return { width: 0.05, points: Array.from({ length: points }, () => [onGrid(WIDTH * random()), onGrid(random())]).flat() };
}

// How far a point is from a line through points [[x, y], …].
function distance([x, y], line) {
  const each = line.slice(1).map(([x1, y1], i) => {
    const [x0, y0] = line[i];
    const [dx, dy] = [x1 - x0, y1 - y0];
    const along = Math.min(Math.max(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1), 0), 1);
    return Math.hypot(x - x0 - along * dx, y - y0 - along * dy);
  });
  return Math.min(...each);
}

test("a drawing comes back exactly, with its network and digit", () => {
  const items = [scribble(1), scribble(40, 2), { name: "1000007" }, { greys: Array.from({ length: 784 }, (_, i) => i % 16) }];
  for (const width of [0.03, 0.05, 0.07]) {
    const fragment = toFragment([{ ...items[0], width }, ...items.slice(1)], "sigmoid", 3);
    assert.match(fragment, /^#[\w&=-]+$/);
    assert.deepEqual(fromFragment(fragment), { network: "sigmoid", digit: 3, items: [{ ...items[0], width }, ...items.slice(1)] });
  }
  assert.equal(fromFragment(toFragment(items, "relu", null)).digit, null);
});

test("points that are far apart, or off the sheet, are exact, too", () => {
  const stroke = { width: 0.07, points: [-0.5, 1.5, 1.25, -0.25, 1.25, 0.75, 0, 0].map(onGrid) };
  assert.deepEqual(fromFragment(toFragment([stroke], "relu", null)).items, [stroke]);
});

test("a long drawing is simplified no further than it must be", () => {
  const turns = Array.from({ length: 6000 }, (_, i) => [0.6 + 0.4 * Math.cos(i / 70) + i / 2e5, 0.5 + 0.4 * Math.sin(i / 90)]);
  const long = { width: 0.05, points: turns.flat().map(onGrid) };
  const fragment = toFragment([long], "relu", null);
  assert.ok(fragment.length <= 8000);
  const kept = fromFragment(fragment).items[0].points;
  assert.ok(kept.length > 1000 && kept.length < long.points.length, `${kept.length} numbers`);
});

test("simplified, no point is further from the line than the tolerance", () => {
  const points = Array.from({ length: 200 }, (_, i) => [i, 40 * Math.sin(i / 9)]);
  for (const tolerance of [0.5, 2, 8]) {
    const kept = simplify(points, tolerance);
    assert.ok(kept.length < points.length);
    assert.ok(points.every((point) => distance(point, kept) <= tolerance + 1e-9));
  }
});

test("more strokes than fit give no link", () => {
  assert.equal(toFragment(Array.from({ length: 4000 }, (_, i) => scribble(2, i + 1)), "relu", null), null);
});

test("what is no drawing is null", () => {
  const good = toFragment([scribble(5)], "relu", null);
  const [drawing] = good.match(/(?<=drawing=)[\w-]+/);
  const bad = [
    "", "#", "#drawing=", "#drawing=!!&network=relu", good.replace("relu", "vgg"), `${good}&digit=1000`, `${good}&digit=-1`,
    good.replace(drawing, drawing.slice(0, -4)), good.replace(drawing, "_____"), `#${"x".repeat(20000)}`,
  ];
  for (const fragment of bad) assert.equal(fromFragment(fragment), null, fragment.slice(0, 60));
  assert.ok(fromFragment(`${good}&utm_source=mail`), "what others add to an address does no harm");
});
