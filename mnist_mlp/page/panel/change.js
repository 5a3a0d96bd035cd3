// The smallest change that makes the network read another digit.
import { a, largest, percent, pixel, signed, write } from "../format.js";
import { float32 } from "./answer.js";
import { DIGITS } from "./dom.js";
import { Fold } from "./fold.js";
import { Picture, grey, twoColours } from "./picture.js";

export function change(state) {
  const { find } = state;
  let changed = null; // the latest reply: {digit, before, after, …}
  let wanted = null; // the digit chosen; null for the one that is second

  const by = (i) => changed.after[i] - changed.before[i];
  const told = (text) => (i) => (changed ? text(i) : "");
  const pictures = {
    before: new Picture(state, "before", 28, 28, "The drawing", told((i) => `${pixel(i)} = ${changed.before[i].toFixed(2)}`)),
    change: new Picture(state, "change", 28, 28, "The change", told((i) => `${pixel(i)}: ${signed(by(i))}`)),
    after: new Picture(state, "after", 28, 28, "The result", told((i) => `${pixel(i)} = ${changed.after[i].toFixed(2)}`)),
  };

  const fold = new Fold(state, "change", "panel_change", () => ({ digit: wanted ?? state.answer.second }), (reply, { x, predicted, probabilities }) => {
    changed = { ...reply, before: x, read: predicted, certainty: probabilities[predicted], after: float32(reply.pixels) };
    draw();
  });

  const select = find(".change select");
  select.innerHTML = DIGITS.map((d) => `<option value="${d}">${a(d)}</option>`).join("");
  select.addEventListener("change", () => {
    wanted = Number(select.value);
    fold.refresh();
  });

  function draw() {
    if (!changed) return;
    const { before, after, digit, read, certainty, probabilities, pixels_changed, grey_levels, l2 } = changed;
    select.value = digit;
    const difference = before.map((_, i) => by(i));
    const most = largest(difference);
    pictures.before.paint((i) => grey(before[i]));
    pictures.change.paint((i) => twoColours(difference[i] / most, before[i]));
    pictures.after.paint((i) => grey(after[i]));
    const same = digit === read;
    const share = percent(pixels_changed / 784);
    write(find(".change .figure"), same ? "Nothing to change" : `${percent(grey_levels / 255)} of black, on ${share} of the pixels`);
    write(
      find(".change .outcome"),
      same
        ? `It is read as ${a(digit)} as it is.`
        : `On average; in all, L2 ${l2.toFixed(2)}. It was ${a(read)}, ${percent(certainty)}, and is ${a(digit)}, ${percent(probabilities[digit])}.`,
    );
    find(".change .faint").hidden = same;
  }

  return { fold, draw, forget: () => (wanted = null) };
}
