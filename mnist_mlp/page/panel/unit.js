// ---- The unit or the logit that is pointed at, tapped or reached by key: its weights and its sum

const TERMS = 7; // the largest, each on a line of its own

const inward = (i) => incoming(networks[answer.network], target())[i];
const described = (layer, name) => (i) => (networks[answer.network] && target().layer === layer ? `${name(i)} × w ${plain(inward(i), 3)}` : "");
const weightPictures = {
  h1: new Picture("w1", 28, 28, "Weights from x", described("h1", pixel)),
  h2: new Picture("w2", across, down, "Weights from h1", described("h2", (i) => `h1[${i}]`)),
  logits: new Picture("w3", 16, 16, "Weights from h2", described("logits", (i) => `h2[${i}]`)),
};

find(".sum").innerHTML = "<li><code></code> <span></span> <span></span></li>".repeat(TERMS + 4);
find(".contributions").innerHTML = DIGITS.map((d) => `<li><b>${d}</b>${BAR}</li>`).join("");

// The sum of a unit as it is displayed: each line [name, factors, number]. The numbers down to the total add up to it.
function sumLines(net, { layer, index }) {
  const { input, bias, sum, weights, units } = LAYERS[layer];
  const name = layer === "h1" ? pixel : (i) => `${input}[${i}]`;
  const inputs = answer[input];
  const terms = [];
  for (let i = 0; i < inputs.length; i++) if (inputs[i]) terms.push([i, inputs[i] * net[weights][i * units + index]]);
  terms.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  // A term is the product of its factors as they are displayed, so that this can be checked too.
  const shown = terms.slice(0, TERMS).map(([i]) => {
    const [value, weight] = [inputs[i], net[weights][i * units + index]].map((factor) => Number(factor.toFixed(3)));
    return [name(i), `${plain(value, 3)} × w ${plain(weight, 3)} =`, hundredths(value * weight) / 100];
  });
  const [total, constant] = [answer[sum][index], net[bias][index]];
  const others = Math.max(terms.length - TERMS, 0);
  const remaining = rest(total, [constant, ...shown.map(([, , number]) => number)]);
  const lines = shown.map(([name, factors, number]) => [name, factors, signed(number)]);
  if (others) lines.push(["", `and ${others} more:`, signed(remaining)]);
  else if (remaining) lines.push(["", "rounding:", signed(remaining)]);
  lines.push([`${bias}[${index}]`, "", signed(constant)], [`${sum}[${index}]`, "=", plain(total)]);
  if (layer === "logits") lines.push([`probabilities[${index}]`, "= softmax(logits)", percent(answer.probabilities[index])]);
  else lines.push([`${layer}[${index}]`, `= ${answer.network}(${plain(total)}) =`, plain(answer[layer][index])]);
  return lines;
}

function drawSum(net) {
  const lines = net ? sumLines(net, target()) : [];
  [...find(".sum").children].forEach((row, i) => {
    const line = lines[i] ?? ["", "", ""];
    [...row.children].forEach((part, j) => write(part, line[j]));
    row.hidden = !lines[i];
    row.classList.toggle("total", i >= lines.length - 2);
  });
}

function drawUnit() {
  const { layer, index } = target();
  const net = weightsOf(answer.network);
  const { input, formula, sum } = LAYERS[layer];
  write(find(".unit h3 b"), layer === "logits" ? "Logit" : "Hidden unit");
  write(find(".unit h3 code"), valueOf(target()));
  write(find(".unit .formula"), `${sum}[${index}] = ${formula(index)}`);
  write(
    find(".unit .about"),
    `Left, its weights: where ${input} is large, blue ones raise its sum and orange ones lower it. ` +
      (layer === "logits" ? "Right, the exponentials that softmax divides by their sum." : "Right, what it adds to each logit."),
  );
  const focused = Object.values(weightPictures).some(({ root }) => root.contains(document.activeElement));
  for (const [name, picture] of Object.entries(weightPictures)) picture.root.hidden = name !== layer;
  const shown = weightPictures[layer];
  if (focused && !shown.root.contains(document.activeElement)) shown.cell.focus({ preventScroll: true }); // quick keys
  const values = net && incoming(net, target());
  const scale = net ? percentile(values) : 1;
  shown.paint((i) => (net ? twoColours(values[i] / scale) : grey(0)));
  setLegend("unit", net ? plain(-scale) : "", net ? signed(scale) : "");
  drawSum(net);
  if (layer === "logits") drawExponentials(index);
  else drawContributions(layer, index);
}

// Few weights are far larger than the others: the colours reach from 0 to what 99 % of them lie below.
const percentile = (values) => Math.max(values.map(Math.abs).sort()[Math.floor(0.99 * values.length)], 1e-6);

function drawContributions(layer, index) {
  const [values, size] = layer === "h1" ? [answer.units1, 128] : [answer.units2, 256];
  const most = largest(values);
  [...find(".contributions").children].forEach((row, d) => {
    const share = values[d * size + index];
    setBar(row, 0, share / most, signed(share));
  });
  find(".contributions").classList.remove("positive");
  write(find(".unit .quotient"), "");
}

// As in the code: the largest logit is subtracted before exp.
function drawExponentials(index) {
  const most = Math.max(...answer.logits);
  const e = [...answer.logits].map((logit) => Math.round(1e6 * Math.exp(logit - most)) / 1e6);
  const sum = e.reduce((sum, part) => sum + part, 0);
  [...find(".contributions").children].forEach((row, d) => setBar(row, 0, e[d], e[d].toFixed(6)));
  find(".contributions").classList.add("positive");
  write(find(".unit .quotient"), `e = exp(logits − ${plain(most)}); e[${index}] / Σe = ${e[index].toFixed(6)} / ${sum.toFixed(6)}`);
}
