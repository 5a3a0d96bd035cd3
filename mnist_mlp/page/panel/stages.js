// The forward pass: x, h1, h2, logits and probabilities, and the line that leads to the label's probability.
import { largest, percent, pixel, plain, write } from "../format.js";
import { BAR, DIGITS, setBar } from "./dom.js";
import { Picture, grey } from "./picture.js";

export function stages(state, across, down) {
  const { find, findAll } = state;
  const valueOf = (layer, index) => `${layer}[${index}] = ${plain(state.answer[layer][index])}`;
  const pictures = {
    x: new Picture(state, "x", 28, 28, "x, the drawing", (i) => `${pixel(i)} = ${state.answer.x[i].toFixed(2)}`, () => "784 pixels"),
    h1: new Picture(state, "h1", across, down, "h1, the first hidden layer", (i) => valueOf("h1", i), () => "128 units"),
    h2: new Picture(state, "h2", 16, 16, "h2, the second hidden layer", (i) => valueOf("h2", i), () => "256 units"),
  };

  const frames = ["h1", "h2"].map((layer) => {
    const frame = Object.assign(document.createElement("span"), { className: "frame", hidden: true });
    pictures[layer].root.append(frame);
    return [layer, frame];
  });
  for (const layer of ["h1", "h2"]) {
    pictures[layer].onPoint = (index) => state.point(index === null ? null : { layer, index });
    pictures[layer].onPick = (index) => state.pin({ layer, index });
  }

  find(".digits").innerHTML = DIGITS.map((d) => `<div role="radio" aria-label="${d}" aria-checked="false" tabindex="${d ? -1 : 0}"><b>${d}</b>${BAR}${BAR}</div>`).join("");
  const rows = [...find(".digits").children];
  const none = find(".none");

  rows.forEach((row, d) => {
    row.addEventListener("click", () => state.choose(d));
    for (const event of ["pointerenter", "focus"]) row.addEventListener(event, () => state.point({ layer: "logits", index: d }));
    for (const event of ["pointerleave", "blur"]) row.addEventListener(event, () => state.point(null));
  });
  find(".digits").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step || !state.answer) return;
    event.preventDefault();
    const d = (state.digit() + step + 10) % 10;
    state.choose(d);
    rows[d].focus();
  });

  function draw() {
    const { x, h1, h2, logits, probabilities, network, predicted, no_digit } = state.answer;
    const [most1, most2] = [largest(h1), largest(h2)];
    pictures.x.paint((i) => grey(x[i]));
    pictures.h1.paint((i) => grey(h1[i] / most1));
    pictures.h2.paint((i) => grey(h2[i] / most2));
    findAll(".f").forEach((f) => write(f, network));
    const most = largest(logits);
    rows.forEach((row, d) => {
      const [logit, probability] = [plain(logits[d]), percent(probabilities[d])];
      setBar(row, 0, logits[d] / most, logit);
      setBar(row, 1, probabilities[d], probability);
      row.setAttribute("aria-label", `${d}: logit ${logit}, probability ${probability}`);
      row.setAttribute("aria-checked", d === state.digit());
      row.tabIndex = d === state.digit() ? 0 : -1;
      row.classList.toggle("predicted", d === predicted);
    });
    write(none.querySelector(".number"), "0");
    none.querySelector(".bar i").style.transform = `scaleX(${no_digit.toFixed(3)})`;
    write(none.querySelectorAll(".number")[1], percent(no_digit));
    write(find(".story"), story(state.answer));
    const { layer, index } = state.target();
    for (const [name, frame] of frames) {
      frame.hidden = name !== layer;
      if (name === layer) pictures[name].lay(frame, index);
    }
  }

  function clear() {
    for (const picture of Object.values(pictures)) picture.paint(() => grey(0));
    for (const [, frame] of frames) frame.hidden = true;
    write(find(".story"), "");
    rows.forEach((row, d) => {
      row.setAttribute("aria-label", d);
      row.setAttribute("aria-checked", false);
      row.tabIndex = d ? -1 : 0;
      row.classList.remove("predicted");
    });
  }

  return { pictures, rows, draw, clear };
}

// How the label's probability follows from the panel's, with its numbers: as displayed, the products agree.
export function story({ text, p, number, probabilities, predicted }) {
  const shown = (share) => Number((100 * share).toFixed(1));
  const [sum, none] = [shown(p), shown(1 - number)];
  const all = `${sum}% × (1 − ${none}%) = ${((sum * (100 - none)) / 100).toFixed(1)}%`;
  const by = "the sum over all ways to cut the ink (Why, above)";
  if (text !== String(predicted)) return `To the label: ${by} gives ${text.replaceAll("\n", " ").slice(0, 24)} ${sum}%; it is no number with ${none}%: ${all}.`;
  return `To the label: of the ten digits, ${predicted} has ${shown(probabilities[predicted])}%; ${by} makes it ${sum}%; it is no number with ${none}%: ${all}.`;
}
