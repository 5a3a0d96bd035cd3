// How the network learned: its answer to this drawing after each of a dozen epochs.
import { a, percent, percentile, pixel, plain, write } from "../format.js";
import { float16, float32 } from "./answer.js";
import { BAR, DIGITS, setBar } from "./dom.js";
import { Fold } from "./fold.js";
import { Picture, twoColours } from "./picture.js";

const SNAP = 600; // ms for each while it plays
const [WIDTH, HEIGHT] = [480, 150]; // of the chart, in its own units
const APART = 11; // of the chart's units, at least, between two digits beside their lines

export function epochs(state, across, down) {
  const { find } = state;
  const slider = find(".epochs input");
  const play = find(".epochs button");
  let learned = null; // the latest reply, unpacked
  let epoch = null; // which snapshot is shown, null for the last
  let playing = null; // the timer

  const at = () => Math.min(epoch ?? Infinity, learned.epochs.length - 1);
  const weight = (i, name) => (learned ? `${name}: w ${plain(learned.weights[at() * learned.inputs + i] ?? 0, 3)}` : "");
  const pictures = {
    h1: new Picture(state, "epoch1", 28, 28, "The unit's weights at that epoch", (i) => weight(i, pixel(i))),
    h2: new Picture(state, "epoch2", across, down, "The unit's weights at that epoch", (i) => weight(i, `h1[${i}]`)),
    logits: new Picture(state, "epoch3", 16, 16, "The logit's weights at that epoch", (i) => weight(i, `h2[${i}]`)),
  };

  const unit = () => ({ unit: `${state.settled().layer}[${state.settled().index}]` });
  const fold = new Fold(state, "epochs", "panel_epochs", unit, (reply, { predicted, second }) => {
    const weights = float16(reply.weights);
    const [, layer, index] = /(\w+)\[(\d+)\]/.exec(reply.unit);
    learned = { ...reply, target: { layer, index: Number(index) }, predicted, second, weights, inputs: weights.length / reply.epochs.length };
    learned.probabilities = float32(reply.probabilities);
    slider.max = reply.epochs.length - 1;
    drawChart();
    draw();
  });

  find(".epochs .then").innerHTML = DIGITS.map((d) => `<li><b>${d}</b>${BAR}</li>`).join("");
  slider.addEventListener("input", () => {
    stop();
    epoch = Number(slider.value);
    draw();
  });
  play.addEventListener("click", () => (playing ? stop() : start()));

  function start() {
    if (!learned) return;
    if (at() === learned.epochs.length - 1) epoch = -1;
    write(play, "Pause");
    const step = () => {
      epoch = at() + 1;
      draw();
      if (at() === learned.epochs.length - 1) stop();
    };
    playing = setInterval(step, SNAP);
    step();
  }

  function stop() {
    clearInterval(playing);
    playing = null;
    write(play, "Play");
  }

  const column = (i) => (learned.epochs.length > 1 ? (i / (learned.epochs.length - 1)) * WIDTH : WIDTH);

  // A line for each digit; the two that are ahead in the end stand out, and bear their digits.
  function drawChart() {
    const { epochs, probabilities, predicted, second } = learned;
    const order = DIGITS.filter((d) => d !== predicted && d !== second).concat(second, predicted);
    const high = (i, d) => HEIGHT * (1 - probabilities[10 * i + d]);
    const kind = (d) => (d === predicted ? "predicted" : d === second ? "second" : "");
    const lines = order.map((d) => {
      const points = epochs.map((_, i) => `${column(i).toFixed(1)},${high(i, d).toFixed(1)}`);
      return `<polyline class="${kind(d)}" points="${points.join(" ")}"/>`;
    });
    find(".chart svg").innerHTML = `${lines.join("")}<line class="now" y1="-6" y2="${HEIGHT + 6}"/>`;
    find(".ticks").innerHTML = epochs.map((number, i) => `<span style="left:${((100 * column(i)) / WIDTH).toFixed(2)}%">${number.toLocaleString("en")}</span>`).join("");
    find(".names").innerHTML = nameLines(probabilities, epochs.length, [predicted, second])
      .map(([d, i, y]) => `<span class="${kind(d)}" style="left:${((100 * column(i)) / WIDTH).toFixed(2)}%;top:${y.toFixed(1)}px">${d}</span>`)
      .join("");
  }

  function draw() {
    if (!learned) return;
    const i = at();
    const { epochs, errors, images, probabilities, weights, inputs, target } = learned;
    const p = probabilities.subarray(10 * i, 10 * i + 10);
    const read = p.indexOf(Math.max(...p));
    const when = `After ${epochs[i].toLocaleString("en")} ${epochs[i] === 1 ? "epoch" : "epochs"}`;
    const wrong = `${errors[i].toLocaleString("en")} of ${images.toLocaleString("en")} validation images misread`;
    slider.value = i;
    slider.setAttribute("aria-valuetext", `${when}: ${DIGITS.map((d) => `${d} ${percent(p[d])}`).join(", ")}; ${wrong}`);
    write(find(".epochs .outcome"), `${when}: ${a(read)}, ${percent(p[read])}; ${wrong}.`);
    find(".chart .now").setAttribute("transform", `translate(${column(i)})`);
    [...find(".epochs .then").children].forEach((row, d) => {
      setBar(row, 0, p[d], percent(p[d]));
      row.classList.toggle("predicted", d === read);
    });
    const scale = percentile(weights.subarray(-inputs));
    for (const [layer, picture] of Object.entries(pictures)) picture.root.hidden = layer !== target.layer;
    pictures[target.layer].paint((j) => twoColours(weights[i * inputs + j] / scale));
    write(find(".epochs .of"), `Weights of ${target.layer}[${target.index}] then`);
  }

  return { fold, draw };
}

// Where lines bear their digits: [digit, snapshot, height] of each whose probability is ever notable, at its highest
// place that is not taken; those of `ahead` at the end.
export function nameLines(probabilities, count, ahead) {
  const placed = [];
  const free = (i, y) => placed.every(([, j, at]) => Math.abs(i - j) > 0.5 || Math.abs(y - at) >= APART);
  for (const d of [...ahead, ...DIGITS.filter((d) => !ahead.includes(d))]) {
    const p = (i) => probabilities[10 * i + d];
    const order = [...Array(count).keys()].sort((i, j) => p(j) - p(i));
    const places = d === ahead[0] ? [count - 1] : order.filter((i) => p(i) >= 0.08);
    const i = places.find((i) => free(i, HEIGHT * (1 - p(i))));
    if (i !== undefined) placed.push([d, i, HEIGHT * (1 - p(i))]);
  }
  return placed;
}
