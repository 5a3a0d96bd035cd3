// ---- The smallest change that makes the network read another digit

let changed = null; // the latest reply: {digit, before, after, …}
let wanted = null; // the digit chosen; null for the one that is second

const changedBy = (i) => changed.after[i] - changed.before[i];
const changePictures = {
  before: new Picture("before", 28, 28, "The drawing", (i) => (changed ? `${pixel(i)} = ${changed.before[i].toFixed(2)}` : "")),
  change: new Picture("change", 28, 28, "The change", (i) => (changed ? `${pixel(i)}: ${signed(changedBy(i))}` : "")),
  after: new Picture("after", 28, 28, "The result", (i) => (changed ? `${pixel(i)} = ${changed.after[i].toFixed(2)}` : "")),
};

const changeFold = new Fold("change", "panel_change", () => ({ digit: wanted ?? answer.second }), (reply, { x, first, probabilities }) => {
  changed = { ...reply, before: x, read: first, certainty: probabilities[first], after: float32(reply.pixels) };
  drawChange();
});

const select = find(".change select");
select.innerHTML = DIGITS.map((d) => `<option value="${d}">${a(d)}</option>`).join("");
select.addEventListener("change", () => {
  wanted = Number(select.value);
  changeFold.refresh();
});

function drawChange() {
  if (!changed) return;
  const { before, after, digit, read, certainty, probabilities, pixels_changed, grey_levels, l2 } = changed;
  select.value = digit;
  const difference = before.map((_, i) => changedBy(i));
  const most = largest(difference);
  changePictures.before.paint((i) => grey(before[i]));
  changePictures.change.paint((i) => twoColours(difference[i] / most, before[i]));
  changePictures.after.paint((i) => grey(after[i]));
  const same = digit === read;
  const share = percent(pixels_changed / 784);
  write(find(".change .figure"), same ? "Nothing to change" : `${percent(grey_levels / 255)} of black, on ${share} of the pixels`);
  write(
    find(".change .outcome"),
    same
      ? `It is read as ${a(digit)} as it is.`
      : `On average; in all, L2 ${l2.toFixed(2)}. It was ${a(read)}, ${percent(certainty)}, and is ${a(digit)}, ${percent(probabilities[digit])}.`,
  );
}
