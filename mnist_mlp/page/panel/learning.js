// What the network would learn from this drawing: a few steps of gradient descent, and their price.
import { a, largest, percent, pixel, plain, signed, write } from "../format.js";
import { float32 } from "./answer.js";
import { BAR, DIGITS, setBar } from "./dom.js";
import { Fold } from "./fold.js";
import { Picture, twoColours } from "./picture.js";

export function learning(state, across, down) {
  const { find } = state;
  const select = find(".learning select");
  const slider = find(".learning input");
  let reply = null; // the latest
  let wanted = null; // what the drawing should have been; null for the predicted digit

  const rate = () => Number((10 ** Number(slider.value)).toPrecision(2));
  const slope = (name) => (i) => (reply ? `dW for ${name(i)}: ${signed(reply.weights[i] ?? 0, 4)}` : "");
  const pictures = {
    h1: new Picture(state, "learn1", 28, 28, "Gradient at the unit's weights", slope(pixel)),
    h2: new Picture(state, "learn2", across, down, "Gradient at the unit's weights", slope((i) => `h1[${i}]`)),
    logits: new Picture(state, "learn3", 16, 16, "Gradient at the logit's weights", slope((i) => `h2[${i}]`)),
  };
  const asked = () => ({
    digit: wanted ?? state.answer.predicted,
    rate: rate(),
    unit: `${state.settled().layer}[${state.settled().index}]`,
  });
  const fold = new Fold(state, "learning", "panel_learning", asked, (found) => {
    const [, layer, index] = /(\w+)\[(\d+)\]/.exec(found.unit);
    reply = { ...found, layer, index, weights: float32(found.gradient) };
    draw();
  });

  select.innerHTML = DIGITS.map((d) => `<option value="${d}">${a(d)}</option>`).join("");
  find(".learning .gradient").innerHTML = DIGITS.map((d) => `<li><b>${d}</b>${BAR}</li>`).join("");
  select.addEventListener("change", () => {
    wanted = Number(select.value);
    fold.refresh();
  });
  slider.addEventListener("input", () => {
    write(find(".learning output"), rate());
    fold.refresh();
  });

  function draw() {
    if (!reply) return;
    const { digit, loss, dlogits, steps, losses, probabilities, kept, lost, layer, index, weights } = reply;
    select.value = digit;
    write(find(".learning output"), rate());
    const p = probabilities[0][digit];
    write(find(".learning .figure"), `loss = −log ${percent(p)} = ${plain(loss)}`);
    [...find(".learning .gradient").children].forEach((row, d) => {
      setBar(row, 0, dlogits[d], signed(dlogits[d], 3));
      row.classList.toggle("predicted", d === digit);
    });
    write(find(".learning .of"), `dW of ${layer}[${index}], by which a step moves its weights the other way`);
    for (const [name, picture] of Object.entries(pictures)) picture.root.hidden = name !== layer;
    const most = largest(weights);
    pictures[layer].paint((i) => twoColours(weights[i] / most));
    find(".learning tbody").replaceChildren(
      ...steps.map((step, i) => {
        const read = probabilities[i].indexOf(Math.max(...probabilities[i]));
        const row = document.createElement("tr");
        for (const text of [step, percent(probabilities[i][digit]), plain(losses[i]), `${read}, ${percent(probabilities[i][read])}`])
          row.append(Object.assign(document.createElement("td"), { textContent: text }));
        return row;
      }),
    );
    write(
      find(".learning .outcome"),
      `The price: of ${kept} training digits, ${lost === 0 ? "none that was read rightly is" : `${lost} that ${lost === 1 ? "was" : "were"} read rightly ${lost === 1 ? "is" : "are"}`} read wrongly after ${steps.at(-1)} steps.`,
    );
  }

  return { fold, draw, forget: () => (wanted = null) };
}
