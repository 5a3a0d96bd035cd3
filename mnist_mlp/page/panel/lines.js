// Lines from the unit that is pointed at or chosen to what feeds it most, and to what it feeds.
import { largest } from "../format.js";
import { LAYERS, incoming } from "./answer.js";

const LINES = 8; // on either side
const SVG = "http://www.w3.org/2000/svg";

// `pictures` and `rows` are those of the stages.
export function lines(state, { pictures, rows }) {
  const svg = state.find(".lines");

  // The middle of a value in the stages, in pixels of the drawing's own coordinates
  function spot(layer, i) {
    const origin = svg.getBoundingClientRect();
    if (layer === "logits") {
      const box = rows[i].getBoundingClientRect();
      return [box.left + 4 - origin.left, box.top + box.height / 2 - origin.top];
    }
    const { root, columns, rows: down } = pictures[layer];
    const box = root.getBoundingClientRect();
    const x = box.left + ((i % columns) + 0.5) * (box.width / columns);
    const y = box.top + (Math.floor(i / columns) + 0.5) * (box.height / down);
    return [x - origin.left, y - origin.top];
  }

  function draw() {
    const from = state.pointed ?? state.pinned;
    const net = from && state.weights();
    const shown = net && from && getComputedStyle(svg).display !== "none";
    svg.parentElement.classList.toggle("linked", Boolean(shown));
    if (!shown) return svg.replaceChildren();
    const { layer, index } = from;
    const [here, before, after] = [spot(layer, index), LAYERS[layer].input, { h1: "h2", h2: "logits" }[layer]];
    const ends = [
      ...feeding(state.answer, net, from).map(([i, term]) => [spot(before, i), here, term]),
      ...fed(state.answer, net, from).map(([i, term]) => [here, spot(after, i), term]),
    ];
    const most = largest(ends.map(([, , term]) => term));
    svg.replaceChildren(
      ...ends.map(([[x1, y1], [x2, y2], term]) => {
        const path = document.createElementNS(SVG, "path");
        const bend = (x2 - x1) / 2;
        path.setAttribute("d", `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`);
        path.setAttribute("stroke-width", (0.75 + 3.25 * (Math.abs(term) / most)).toFixed(2));
        path.classList.toggle("minus", term < 0);
        return path;
      }),
    );
  }

  return { draw };
}

// [value's index, its term] of the largest terms
const strongest = (terms) => terms.filter(([, term]) => term).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, LINES);

// What feeds a unit most: inputs times weights.
export function feeding(answer, net, { layer, index }) {
  const { input } = LAYERS[layer];
  return strongest([...incoming(net, { layer, index })].map((weight, i) => [i, weight * answer[input][i]]));
}

// To units that the unit's output switches on or off it adds its value times a weight.
export function fed(answer, net, { layer, index }) {
  const next = { h1: "h2", h2: "logits" }[layer];
  if (!next) return [];
  const { weights, units } = LAYERS[next];
  const value = answer[layer][index];
  const active = (i) => next === "logits" || answer[next][i] > 0;
  return strongest(Array.from({ length: units }, (_, i) => [i, active(i) ? value * net[weights][index * units + i] : 0]));
}
