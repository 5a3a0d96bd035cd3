// The unit or the logit that is pointed at, tapped or reached by key: its weights and its sum.
import { hundredths, largest, percent, percentile, pixel, plain, rest, signed, write } from "../format.js";
import { LAYERS } from "./answer.js";
import { BAR, DIGITS, setBar, setLegend } from "./dom.js";
import { Picture, grey, twoColours } from "./picture.js";

const TERMS = 7; // the largest, each on a line of its own

export function unit(state, across, down) {
  const { find } = state;
  const section = find(".explained .unit");
  const described = (layer, name) => (i) => {
    const into = state.target().layer === layer ? state.into(state.target()) : null;
    return into ? `${name(i)} × w ${plain(into.weights[i], 3)}` : "";
  };
  const pictures = {
    h1: new Picture(state, "w1", 28, 28, "Weights from x", described("h1", pixel)),
    h2: new Picture(state, "w2", across, down, "Weights from h1", described("h2", (i) => `h1[${i}]`)),
    logits: new Picture(state, "w3", 16, 16, "Weights from h2", described("logits", (i) => `h2[${i}]`)),
  };
  find(".sum").innerHTML = "<li><code></code> <span></span> <span></span></li>".repeat(TERMS + 4);
  find(".contributions").innerHTML = DIGITS.map((d) => `<li><b>${d}</b>${BAR}</li>`).join("");

  function draw() {
    const { layer, index } = state.target();
    const into = state.into(state.target());
    const { input, formula, sum } = LAYERS[layer];
    const typical = !state.pinned && !state.pointed;
    write(find(".unit h3 b"), layer === "logits" ? "Logit" : "Hidden unit");
    write(find(".unit h3 code"), `${layer}[${index}] = ${plain(state.answer[layer][index])}`);
    write(find(".unit .formula"), `${sum}[${index}] = ${formula(index)}`);
    write(
      find(".unit .about"),
      (typical ? `Of the first layer, the unit that does most for the ${state.answer.predicted}. ` : "") +
        `Left, its weights: where ${input} is large, blue ones raise its sum and orange ones lower it. ` +
        (layer === "logits" ? "Right, the exponentials that softmax divides by their sum." : "Right, what it adds to each logit."),
    );
    const focused = Object.values(pictures).some(({ root }) => root.contains(document.activeElement));
    for (const [name, picture] of Object.entries(pictures)) picture.root.hidden = name !== layer;
    const shown = pictures[layer];
    if (focused && !shown.root.contains(document.activeElement)) shown.cell.focus({ preventScroll: true }); // quick keys
    const scale = into ? percentile(into.weights) : 1;
    shown.paint((i) => (into ? twoColours(into.weights[i] / scale) : grey(0)));
    setLegend(section, into ? plain(-scale) : "", into ? signed(scale) : "");
    drawSum(into);
    if (layer === "logits") drawExponentials(index);
    else drawContributions(layer, index);
  }

  function drawSum(into) {
    const lines = into ? sumLines(state.answer, into, state.target(), TERMS) : [];
    [...find(".sum").children].forEach((row, i) => {
      const line = lines[i] ?? ["", "", ""];
      [...row.children].forEach((part, j) => write(part, line[j]));
      row.hidden = !lines[i];
      row.classList.toggle("total", i >= lines.length - 2);
    });
  }

  function drawContributions(layer, index) {
    const values = state.answer[`${layer}_contributions`];
    const most = largest(values);
    [...find(".contributions").children].forEach((row, d) => {
      const share = values[d * LAYERS[layer].units + index];
      setBar(row, 0, share / most, signed(share));
    });
    find(".contributions").classList.remove("positive");
    write(find(".unit .quotient"), "");
  }

  // As in the code: the largest logit is subtracted before exp.
  function drawExponentials(index) {
    const most = Math.max(...state.answer.logits);
    const e = [...state.answer.logits].map((logit) => Math.round(1e6 * Math.exp(logit - most)) / 1e6);
    const sum = e.reduce((sum, part) => sum + part, 0);
    [...find(".contributions").children].forEach((row, d) => setBar(row, 0, e[d], e[d].toFixed(6)));
    find(".contributions").classList.add("positive");
    write(find(".unit .quotient"), `e = exp(logits − ${plain(most)}); e[${index}] / Σe = ${e[index].toFixed(6)} / ${sum.toFixed(6)}`);
  }

  function clear() {
    for (const picture of Object.values(pictures)) picture.paint(() => grey(0));
    write(find(".unit h3 b"), "Hidden unit");
    write(find(".unit h3 code"), "");
  }

  return { draw, clear };
}

// The sum of a unit as it is displayed: each line [name, factors, number]. The numbers down to the total add up to it.
export function sumLines(answer, { weights, bias }, { layer, index }, most) {
  const { input, bias: biasName, sum } = LAYERS[layer];
  const name = layer === "h1" ? pixel : (i) => `${input}[${i}]`;
  const inputs = answer[input];
  const terms = [];
  for (let i = 0; i < inputs.length; i++) if (inputs[i]) terms.push([i, inputs[i] * weights[i]]);
  terms.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  // A term is the product of its factors as they are displayed, so that this can be checked too.
  const shown = terms.slice(0, most).map(([i]) => {
    const [value, weight] = [inputs[i], weights[i]].map((factor) => Number(factor.toFixed(3)));
    return [name(i), `${plain(value, 3)} × w ${plain(weight, 3)} =`, hundredths(value * weight) / 100];
  });
  const total = answer[sum][index];
  const others = Math.max(terms.length - most, 0);
  const remaining = rest(total, [bias, ...shown.map(([, , number]) => number)]);
  const lines = shown.map(([name, factors, number]) => [name, factors, signed(number)]);
  if (others) lines.push(["", `and ${others} more:`, signed(remaining)]);
  else if (remaining) lines.push(["", "rounding:", signed(remaining)]);
  lines.push([`${biasName}[${index}]`, "", signed(bias)], [`${sum}[${index}]`, "=", plain(total)]);
  if (layer === "logits") lines.push([`probabilities[${index}]`, "= softmax(logits)", percent(answer.probabilities[index])]);
  else lines.push([`${layer}[${index}]`, `= ${answer.network}(${plain(total)}) =`, plain(answer[layer][index])]);
  return lines;
}
