// Shows the workings of the newest answer: its value, as JSON. With the first value of one panel of the page come the
// weights for all of them: a network's name -> [W1, W2].
const valueNow = () => (props.value ? JSON.parse(props.value) : {});
globalThis.digitWeights = valueNow().weights ?? globalThis.digitWeights;

const DIGITS = [...Array(10).keys()];
const CALM = 500; // ms without a new answer, after which the panel may speak and choose a unit to show
const find = (selector) => element.querySelector(selector);
const details = find("details");
const wide = matchMedia("(min-width: 768px)").matches;

let answer = null; // the newest, unpacked
let chosen = null; // the digit whose evidence is shown; null for the predicted one
let pinned = null; // the hidden unit chosen by click or key: {layer, index}
let pointed = null; // the one under the pointer
let typical = { layer: "h1", index: 0 }; // the one shown without a choice

// ---- What arrives: arrays as int8 in base64, of which 127 are the scale

// Plain loops: this runs for every answer, and the callbacks of from() take ten times as long.
function bytes(data) {
  const text = atob(data);
  const array = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) array[i] = text.charCodeAt(i);
  return array;
}

function unpack({ scale, data }) {
  const whole = new Int8Array(bytes(data).buffer);
  const array = new Float32Array(whole.length);
  for (let i = 0; i < whole.length; i++) array[i] = (whole[i] * scale) / 127;
  return array;
}

function unpackAnswer(value) {
  const { network, logits, probabilities, bias } = value;
  const [x, h1, h2, units1, units2] = ["x", "h1", "h2", "units1", "units2"].map((name) => unpack(value[name]));
  // Evidence travels for the inked pixels only: back to where they are.
  const inked = [...x.keys()].filter((pixel) => x[pixel] > 0);
  const travelled = unpack(value.evidence);
  const evidence = DIGITS.map((digit) => {
    const pixels = new Float32Array(x.length);
    inked.forEach((pixel, i) => (pixels[pixel] = travelled[digit * inked.length + i]));
    return pixels;
  });
  const [first, second] = [...DIGITS].sort((a, b) => logits[b] - logits[a]);
  const says = { h1: units1, h2: units2 };
  return { network, x, h1, h2, logits, probabilities, bias, evidence, says, first, second };
}

// A unit's incoming weights: 4 bits each, 8 being zero and 15 the scale.
const layers = {}; // unpacked when first asked for
function weightsOf(network, { layer, index }) {
  const [at, fanIn] = layer === "h1" ? [0, 784] : [1, 128];
  const { scale, data } = digitWeights[network][at];
  const pairs = ((layers[network] ??= [])[at] ??= bytes(data)).subarray((index * fanIn) / 2, ((index + 1) * fanIn) / 2);
  const values = new Float32Array(fanIn);
  for (let i = 0; i < pairs.length; i++) {
    values[2 * i] = (((pairs[i] >> 4) - 8) * scale) / 7;
    values[2 * i + 1] = (((pairs[i] & 15) - 8) * scale) / 7;
  }
  return { scale, values };
}

// ---- Words and numbers

const signed = (number, places = 2) => `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(places)}`;
const plain = (number, places = 2) => signed(number, places).replace("+", "");
const added = (name, number) => `${number < 0 ? "−" : "+"} ${name} ${Math.abs(number).toFixed(2)}`;
const percent = (p) => (p > 0.9995 ? ">99.9%" : p < 0.0005 ? "0%" : `${(100 * p).toFixed(1)}%`);
const a = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;
const place = (i) => `row ${Math.floor(i / 28) + 1}, column ${(i % 28) + 1}`;
const bothSigns = (values) => [1, -1].map((sign) => values.reduce((sum, v) => sum + Math.max(sign * v, 0), 0).toFixed(1));

// Most texts are the same as in the frame before: those cost no layout.
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// ---- A picture: a canvas of one dot a value, under a grid in which one cell at a time exists

class Picture {
  constructor(name, columns, rows, label, describe, rest = () => "") {
    Object.assign(this, { columns, rows, describe, rest, pointed: null, onPoint() {}, onPick() {} });
    this.root = find(`[data-name=${name}]`);
    this.root.style.cssText = `aspect-ratio: ${columns} / ${rows}; --columns: ${columns}; --rows: ${rows}`;
    this.readout = this.root.closest("section").querySelector(".readout");
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
    this.cell.setAttribute("aria-label", answer ? this.describe(this.at) : "nothing drawn");
    write(this.readout, !answer ? "" : this.pointed === null ? this.rest() : this.describe(this.pointed));
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

let palette; // --ink, --for and --against of the style sheet, as [red, green, blue]
function readPalette() {
  const style = getComputedStyle(find(".stages"));
  const triple = (name) => style.getPropertyValue(name).trim().split(" ").map(Number);
  palette = { ink: triple("--ink"), plus: triple("--for"), minus: triple("--against") };
}

const grey = (share) => [...palette.ink, share];

// value in -1..1, in two colours over ink in a light grey
function twoColours(value, ink = 0) {
  const strength = Math.min(Math.abs(value), 1);
  const under = 0.16 * ink * (1 - strength);
  const hue = value < 0 ? palette.minus : palette.plus;
  const opacity = strength + under;
  return opacity ? [...hue.map((part, i) => (part * strength + palette.ink[i] * under) / opacity), opacity] : grey(0);
}

// Most evidence is small beside the largest: its root can be seen.
const visible = (share) => Math.sign(share) * Math.abs(share) ** 0.6;

const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);

// ---- The parts

const digit = () => chosen ?? answer.first;
const unit = () => pointed ?? pinned ?? typical;
const nameOf = ({ layer, index }) => `${layer}[${index}] = ${plain(answer[layer][index])}`;
const lead = (pixel) => answer.evidence[answer.first][pixel] - answer.evidence[answer.second][pixel];
const incoming = (i) => weightsOf(answer.network, unit()).values[i];

// 128 units: upright beside the others on a wide screen, lying on a narrow one
const [across, down] = wide ? [8, 16] : [16, 8];
const pictures = {
  x: new Picture("x", 28, 28, "The drawing", (i) => `${place(i)}: ${answer.x[i].toFixed(2)}`, () => "784 pixels"),
  h1: new Picture("h1", across, down, "First hidden layer", (index) => nameOf({ layer: "h1", index }), () => "128 units"),
  h2: new Picture("h2", 16, 16, "Second hidden layer", (index) => nameOf({ layer: "h2", index }), () => "256 units"),
  weights: new Picture("weights", 28, 28, "Incoming weights", (i) => `${place(i)}: ${signed(incoming(i))}`),
  weights2: new Picture("weights2", across, down, "Incoming weights", (i) => `from h1[${i}]: ${signed(incoming(i))}`),
  evidence: new Picture("evidence", 28, 28, "Evidence", (i) => `${place(i)}: ${signed(answer.evidence[digit()][i])}`, () => {
    const [logit, bias] = [answer.logits[digit()], answer.bias[digit()]];
    return `logit ${plain(logit)} = ink ${plain(logit - bias)} ${added("bias", bias)}`;
  }),
  mind: new Picture("mind", 28, 28, "Difference of evidence", (i) => `${place(i)}: ${signed(lead(i))}`, () => {
    const { first, second, logits, bias } = answer;
    const [ahead, biased] = [logits[first] - logits[second], bias[first] - bias[second]];
    return `lead ${plain(ahead)} = ink ${plain(ahead - biased)} ${added("bias", biased)}`;
  }),
};
const marks = ["h1", "h2"].map((layer) => {
  const mark = Object.assign(document.createElement("span"), { className: "mark", hidden: true });
  pictures[layer].root.append(mark);
  return [layer, mark];
});
for (const layer of ["h1", "h2"]) {
  pictures[layer].onPoint = (index) => {
    pointed = index === null ? null : { layer, index };
    schedule();
  };
  pictures[layer].onPick = (index) => (pinned = { layer, index });
}

const bar = '<span class="bar"><i></i></span><span class="number"></span>';
find(".digits").innerHTML = DIGITS.map(
  (d) => `<div role="radio" aria-label="${d}" aria-checked="false" tabindex="${d ? -1 : 0}"><b>${d}</b>${bar}${bar}</div>`,
).join("");
find(".says").innerHTML = DIGITS.map((d) => `<li><b>${d}</b>${bar}</li>`).join("");
const rows = [...find(".digits").children];

function choose(d) {
  if (!answer) return;
  chosen = d === answer.first ? null : d;
  schedule();
}
rows.forEach((row, d) => row.addEventListener("click", () => choose(d)));
find(".digits").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step || !answer) return;
  event.preventDefault();
  const d = (digit() + step + 10) % 10;
  choose(d);
  rows[d].focus();
});

// share is in -1..1: the bar grows from its middle where it can have either sign, from its left where not
function setBar(row, i, share, text) {
  const bar = row.querySelectorAll("i")[i];
  bar.style.transform = `scaleX(${share.toFixed(3)})`;
  bar.classList.toggle("minus", share < 0);
  write(row.querySelectorAll(".number")[i], text);
}

function setLegend(section, left, right) {
  const [start, end] = element.querySelectorAll(`.${section} .legend span`);
  write(start, left);
  write(end, right);
}

function drawStages() {
  const { x, h1, h2, logits, probabilities, network } = answer;
  const [most1, most2] = [largest(h1), largest(h2)];
  pictures.x.paint((i) => grey(x[i]));
  pictures.h1.paint((i) => grey(h1[i] / most1));
  pictures.h2.paint((i) => grey(h2[i] / most2));
  element.querySelectorAll(".f").forEach((f) => write(f, network));
  const most = largest(logits);
  rows.forEach((row, d) => {
    const [logit, probability] = [plain(logits[d]), percent(probabilities[d])];
    setBar(row, 0, logits[d] / most, logit);
    setBar(row, 1, probabilities[d], probability);
    row.setAttribute("aria-label", `${d}: logit ${logit}, probability ${probability}`);
    row.setAttribute("aria-checked", d === digit());
    row.tabIndex = d === digit() ? 0 : -1;
    row.classList.toggle("first", d === answer.first);
  });
}

function drawUnit() {
  const { layer, index } = unit();
  const size = answer[layer].length;
  const says = answer.says[layer];
  const most = largest(says);
  const { scale, values } = weightsOf(answer.network, unit());
  const [shown, other] = layer === "h1" ? [pictures.weights, pictures.weights2] : [pictures.weights2, pictures.weights];
  const focused = other.root.contains(document.activeElement);
  [shown.root.hidden, other.root.hidden] = [false, true];
  if (focused) shown.cell.focus({ preventScroll: true }); // quick keys have come here before the change
  shown.paint((i) => twoColours(values[i] / scale));
  const from = layer === "h1" ? "x" : "h1";
  write(find(".unit h3 code"), nameOf(unit()));
  write(find(".unit .about"), `Its incoming weights, one for each value of ${from}, and what it says to each digit.`);
  setLegend("unit", plain(-scale), signed(scale));
  [...find(".says").children].forEach((row, d) => {
    const said = says[d * size + index];
    setBar(row, 0, said / most, signed(said));
  });
  for (const [name, mark] of marks) {
    mark.hidden = name !== layer;
    if (name === layer) pictures[name].lay(mark, index);
  }
}

function drawEvidence() {
  const d = digit();
  const values = answer.evidence[d];
  const most = Math.max(...answer.evidence.map(largest));
  const [plus, minus] = bothSigns(values);
  const how = answer.network === "relu" ? ": pixel × effective weight" : ", by integrated gradients";
  write(find(".evidence h3"), `Evidence for ${a(d)}`);
  write(find(".evidence .about"), `Ink that argues for it, and against${how}.`);
  setLegend("evidence", `${minus} against`, `${plus} for`);
  pictures.evidence.paint((i) => twoColours(visible(values[i] / most), answer.x[i]));
}

function drawMind() {
  const { first, second } = answer;
  const values = answer.x.map((_, i) => lead(i));
  const most = largest(values);
  const [plus, minus] = bothSigns(values);
  write(find(".mind .about"), `Evidence for ${a(first)}, less that for ${a(second)}.`);
  setLegend("mind", `${minus} for ${second}`, `${plus} for ${first}`);
  pictures.mind.paint((i) => twoColours(visible(values[i] / most), answer.x[i]));
}

function clear() {
  [chosen, pinned, pointed] = [null, null, null];
  for (const picture of Object.values(pictures)) picture.paint(() => grey(0));
  for (const [, mark] of marks) mark.hidden = true;
  element.querySelectorAll(".number, .legend span, .about").forEach((text) => (text.textContent = ""));
  element.querySelectorAll(".bar i").forEach((bar) => (bar.style.transform = "scaleX(0)"));
  write(find(".unit code"), "");
  write(find(".evidence h3"), "Evidence");
  rows.forEach((row, d) => {
    row.setAttribute("aria-label", d);
    row.setAttribute("aria-checked", false);
    row.tabIndex = d ? -1 : 0;
    row.classList.remove("first");
  });
}

// ---- When: once a frame at most, and only while the panel is open

let stale = true; // an answer has come that is not unpacked yet
let due = false;
let calm;

function schedule() {
  if (due || !details.open) return;
  due = true;
  requestAnimationFrame(draw);
}

function draw() {
  due = false;
  const shown = answer;
  if (stale) {
    const value = valueNow();
    answer = value.network ? unpackAnswer(value) : null;
    stale = false;
    if (!shown && answer) typical = spokesman();
  }
  if (!shown && !answer) return; // as the page opens: nothing to style and paint before the pad is ready
  palette ?? readPalette();
  if (!answer) return clear();
  drawStages();
  drawUnit();
  drawEvidence();
  drawMind();
  clearTimeout(calm);
  calm = setTimeout(settle, CALM);
}

// The unit that says most for the digit read
function spokesman() {
  const said = answer.says.h1.subarray(128 * answer.first, 128 * (answer.first + 1));
  return { layer: "h1", index: said.indexOf(Math.max(...said)) };
}

// While the pen moves, the panel shows the same unit and says nothing.
function settle() {
  if (!answer) return;
  typical = spokesman();
  if (!pinned && !pointed) drawUnit();
  const { first, second, probabilities, logits, bias } = answer;
  const d = digit();
  find("[role=status]").textContent =
    `Read as ${a(first)}, ${percent(probabilities[first])}; next ${a(second)}, ${percent(probabilities[second])}. ` +
    `Evidence for ${a(d)}: ${plain(logits[d] - bias[d])}, and with the bias of ${plain(bias[d])} a logit of ${plain(logits[d])}.`;
}

details.open = wide;
details.addEventListener("toggle", schedule);
watch("value", () => {
  stale = true;
  schedule();
});
new MutationObserver(() => {
  palette = undefined;
  schedule();
}).observe(document.body, { attributes: true, attributeFilter: ["class"] });
schedule();
