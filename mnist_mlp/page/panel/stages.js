// ---- The forward pass: x, h1, h2, logits and probabilities

const wide = matchMedia("(min-width: 768px)").matches;
// 128 units: upright beside the others on a wide screen, lying on a narrow one
const [across, down] = wide ? [8, 16] : [16, 8];

const valueOf = ({ layer, index }) => `${layer}[${index}] = ${plain(answer[layer][index])}`;

const stages = {
  x: new Picture("x", 28, 28, "x, the drawing", (i) => `${pixel(i)} = ${answer.x[i].toFixed(2)}`, () => "784 pixels"),
  h1: new Picture("h1", across, down, "h1, the first hidden layer", (index) => valueOf({ layer: "h1", index }), () => "128 units"),
  h2: new Picture("h2", 16, 16, "h2, the second hidden layer", (index) => valueOf({ layer: "h2", index }), () => "256 units"),
};

const marks = ["h1", "h2"].map((layer) => {
  const mark = Object.assign(document.createElement("span"), { className: "mark", hidden: true });
  stages[layer].root.append(mark);
  return [layer, mark];
});
for (const layer of ["h1", "h2"]) {
  stages[layer].onPoint = (index) => point(index === null ? null : { layer, index });
  stages[layer].onPick = (index) => pin({ layer, index });
}

find(".digits").innerHTML = DIGITS.map(
  (d) => `<div role="radio" aria-label="${d}" aria-checked="false" tabindex="${d ? -1 : 0}"><b>${d}</b>${BAR}${BAR}</div>`,
).join("");
const rows = [...find(".digits").children];

rows.forEach((row, d) => {
  row.addEventListener("click", () => choose(d));
  for (const event of ["pointerenter", "focus"]) row.addEventListener(event, () => point({ layer: "logits", index: d }));
  for (const event of ["pointerleave", "blur"]) row.addEventListener(event, () => point(null));
});
find(".digits").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step || !answer) return;
  event.preventDefault();
  const d = (digit() + step + 10) % 10;
  choose(d);
  rows[d].focus();
});

function drawStages() {
  const { x, h1, h2, logits, probabilities, network } = answer;
  const [most1, most2] = [largest(h1), largest(h2)];
  stages.x.paint((i) => grey(x[i]));
  stages.h1.paint((i) => grey(h1[i] / most1));
  stages.h2.paint((i) => grey(h2[i] / most2));
  findAll(".f").forEach((f) => write(f, network));
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
  const { layer, index } = target();
  for (const [name, mark] of marks) {
    mark.hidden = name !== layer;
    if (name === layer) stages[name].lay(mark, index);
  }
}
