// ---- How the network learned: its answer to this drawing after each of a dozen epochs

let learned = null; // the latest reply, unpacked
let epoch = null; // which snapshot is shown, null for the last
let playing = null; // the timer

const slider = find(".epochs input");
const play = find(".epochs button");
const SNAP = 600; // ms for each while it plays
const [WIDTH, HEIGHT] = [480, 150]; // of the chart, in its own units

const epochWeights = {
  h1: new Picture("epoch1", 28, 28, "The unit's weights at that epoch", (i) => epochWeight(i, pixel(i))),
  h2: new Picture("epoch2", across, down, "The unit's weights at that epoch", (i) => epochWeight(i, `h1[${i}]`)),
  logits: new Picture("epoch3", 16, 16, "The logit's weights at that epoch", (i) => epochWeight(i, `h2[${i}]`)),
};
const epochWeight = (i, name) => (learned ? `${name}: w ${plain(learned.weights[at() * learned.inputs + i] ?? 0, 3)}` : "");
const at = () => Math.min(epoch ?? Infinity, learned.epochs.length - 1);

const epochsFold = new Fold("epochs", "panel_epochs", () => ({ unit: `${settled().layer}[${settled().index}]` }), (reply, { first, second }) => {
  const weights = float16(reply.weights);
  const [, layer, index] = /(\w+)\[(\d+)\]/.exec(reply.unit);
  learned = { ...reply, target: { layer, index: Number(index) }, first, second, weights, inputs: weights.length / reply.epochs.length };
  learned.probabilities = float32(reply.probabilities);
  slider.max = reply.epochs.length - 1;
  drawChart();
  drawEpoch();
});

find(".epochs .then").innerHTML = DIGITS.map((d) => `<li><b>${d}</b>${BAR}</li>`).join("");
slider.addEventListener("input", () => {
  stop();
  epoch = Number(slider.value);
  drawEpoch();
});
play.addEventListener("click", () => (playing ? stop() : start()));

function start() {
  if (!learned) return;
  if (at() === learned.epochs.length - 1) epoch = -1;
  write(play, "Pause");
  const step = () => {
    epoch = at() + 1;
    drawEpoch();
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

// A line for each digit; the two that are ahead in the end stand out.
function drawChart() {
  const { epochs, probabilities, first, second } = learned;
  const order = DIGITS.filter((d) => d !== first && d !== second).concat(second, first);
  const lines = order.map((d) => {
    const points = epochs.map((_, i) => `${column(i).toFixed(1)},${(HEIGHT * (1 - probabilities[10 * i + d])).toFixed(1)}`);
    return `<polyline class="${d === first ? "first" : d === second ? "second" : ""}" points="${points.join(" ")}"/>`;
  });
  find(".chart svg").innerHTML = `${lines.join("")}<line class="now" y1="-6" y2="${HEIGHT + 6}"/>`;
  find(".ticks").innerHTML = epochs.map((number, i) => `<span style="left:${((100 * column(i)) / WIDTH).toFixed(2)}%">${number.toLocaleString("en")}</span>`).join("");
}

function drawEpoch() {
  if (!learned) return;
  const i = at();
  const { epochs, errors, images, probabilities, weights, inputs, target: unit } = learned;
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
    row.classList.toggle("first", d === read);
  });
  const scale = percentile(weights.subarray(-inputs));
  for (const [layer, picture] of Object.entries(epochWeights)) picture.root.hidden = layer !== unit.layer;
  epochWeights[unit.layer].paint((j) => twoColours(weights[i * inputs + j] / scale));
  write(find(".epochs .of"), `Weights of ${unit.layer}[${unit.index}] then`);
}
