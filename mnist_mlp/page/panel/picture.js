// A picture: a canvas of one dot a value, under a grid in which one cell at a time exists.
import { write } from "../format.js";

export class Picture {
  // describe(i) is what a value's cell says; rest() what the line below says while none is pointed at
  constructor(state, name, columns, rows, label, describe, rest = () => "") {
    Object.assign(this, { state, columns, rows, describe, rest, pointed: null, onPoint() {}, onPick() {} });
    this.root = state.find(`[data-name=${name}]`);
    this.root.style.cssText = `aspect-ratio: ${columns} / ${rows}; --columns: ${columns}; --rows: ${rows}`;
    this.readout = this.root.parentElement.querySelector(".readout");
    this.canvas = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
    this.canvas.setAttribute("aria-hidden", "true");
    this.root.append(this.canvas);
    const attributes = { role: "grid", "aria-label": label, "aria-rowcount": rows, "aria-colcount": columns };
    for (const [key, text] of Object.entries(attributes)) this.root.setAttribute(key, text);
    this.mark(0);
    this.root.addEventListener("pointermove", (event) => this.point(this.under(event)));
    this.root.addEventListener("pointerleave", () => this.point(null));
    this.root.addEventListener("click", (event) => this.go(this.under(event)));
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("focusin", () => this.point(this.at));
    this.root.addEventListener("focusout", () => this.point(null));
    this.say();
  }

  under({ clientX, clientY }) {
    const box = this.root.getBoundingClientRect();
    const part = (offset, length, count) => Math.min(Math.max(Math.floor((offset / length) * count), 0), count - 1);
    return part(clientY - box.top, box.height, this.rows) * this.columns + part(clientX - box.left, box.width, this.columns);
  }

  key(event) {
    const { columns, rows, at } = this;
    const column = at % columns;
    const to = {
      ArrowLeft: Math.max(at - 1, at - column),
      ArrowRight: Math.min(at + 1, at - column + columns - 1),
      ArrowUp: at - columns,
      ArrowDown: at + columns,
      Home: event.ctrlKey ? 0 : at - column,
      End: event.ctrlKey ? columns * rows - 1 : at - column + columns - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to >= 0 && to < columns * rows) this.go(to);
  }

  point(i) {
    this.pointed = i;
    this.onPoint(i);
    this.say();
  }

  go(i) {
    this.mark(i);
    this.cell.focus({ preventScroll: true });
    this.onPick(i);
  }

  // A new cell each time, so that the focus moves and a screen reader speaks.
  mark(i) {
    this.at = i;
    const cell = document.createElement("div");
    cell.tabIndex = 0;
    cell.setAttribute("role", "gridcell");
    cell.setAttribute("aria-colindex", (i % this.columns) + 1);
    this.lay(cell, i);
    const line = document.createElement("div");
    line.setAttribute("role", "row");
    line.setAttribute("aria-rowindex", Math.floor(i / this.columns) + 1);
    line.append(cell);
    this.cell?.parentElement.remove();
    this.root.append(line);
    this.cell = cell;
  }

  lay(box, i) {
    box.style.left = `${(100 * (i % this.columns)) / this.columns}%`;
    box.style.top = `${(100 * Math.floor(i / this.columns)) / this.rows}%`;
    box.style.width = `${100 / this.columns}%`;
    box.style.height = `${100 / this.rows}%`;
  }

  say() {
    this.cell.setAttribute("aria-label", this.state.answer ? this.describe(this.at) : "nothing drawn");
    if (this.readout) write(this.readout, !this.state.answer ? "" : this.pointed === null ? this.rest() : this.describe(this.pointed));
  }

  // colour(i) is [red, green, blue, opacity]
  paint(colour) {
    this.image ??= this.canvas.getContext("2d").createImageData(this.columns, this.rows);
    for (let i = 0; i < this.columns * this.rows; i++) {
      const [red, green, blue, opacity] = colour(i);
      this.image.data[4 * i] = red;
      this.image.data[4 * i + 1] = green;
      this.image.data[4 * i + 2] = blue;
      this.image.data[4 * i + 3] = 255 * opacity;
    }
    this.canvas.getContext("2d").putImageData(this.image, 0, 0);
    this.say();
  }
}

// ---- Colours: ink, and blue for what adds, orange for what subtracts

let palette; // --ink, --for and --against of the style sheet, as [red, green, blue]

export function readPalette(element) {
  const style = getComputedStyle(element);
  const triple = (name) => style.getPropertyValue(name).trim().split(" ").map(Number);
  palette = { ink: triple("--ink"), plus: triple("--for"), minus: triple("--against") };
}

export const grey = (share) => [...palette.ink, share];

// value in -1..1, in two colours over ink in a light grey
export function twoColours(value, ink = 0) {
  const strength = Math.min(Math.abs(value), 1);
  const under = 0.16 * ink * (1 - strength);
  const hue = value < 0 ? palette.minus : palette.plus;
  const opacity = strength + under;
  return opacity ? [...hue.map((part, i) => (part * strength + palette.ink[i] * under) / opacity), opacity] : grey(0);
}

// Most contributions are small beside the largest: their root can be seen.
export const visible = (share) => Math.sign(share) * Math.abs(share) ** 0.6;
