// ---- What is shown, and when: once a frame at most, and only while the panel is open

const CALM = 500; // ms without a new answer, after which the panel may speak and choose a unit to show
const details = find("details.panel");
let stale = true; // an answer has come that is not unpacked yet
let due = false;
let calm;

const folds = [changeFold, epochsFold, nearestFold];

function say(text) {
  write(find("[role=status]"), text);
}

function schedule() {
  if (due || !details.open) return;
  due = true;
  requestAnimationFrame(draw);
}

function draw() {
  due = false;
  const shown = answer;
  if (stale) {
    answer = props.value ? unpackAnswer(JSON.parse(props.value)) : null;
    stale = false;
    if (!shown && answer) typical = strongestUnit();
    if (shown && answer && shown.index !== answer.index) chosen = wanted = null; // another digit of the number
  }
  if (!shown && !answer) return; // as the page opens: nothing to style and paint before the pad is ready
  palette ?? readPalette();
  if (!answer) return clear();
  drawStages();
  drawUnit();
  drawEvidence();
  drawLines();
  write(find(".which"), answer.text.length > 1 ? `digit ${answer.index + 1} of ${answer.text}` : "");
  for (const fold of folds) fold.grow();
  clearTimeout(calm);
  calm = setTimeout(settle, CALM);
}

// The unit of the first layer that adds most to the logit of the digit read
function strongestUnit() {
  const added = answer.units1.subarray(128 * answer.first, 128 * (answer.first + 1));
  return { layer: "h1", index: added.indexOf(Math.max(...added)) };
}

// While the pen moves, the panel shows the same unit and says nothing.
function settle() {
  if (!answer) return;
  typical = strongestUnit();
  if (!pinned && !pointed) drawStages(), drawUnit();
  for (const fold of folds) fold.refresh();
  const { first, second, probabilities, logits, bias } = answer;
  const d = digit();
  say(
    `Read as ${a(first)}, ${percent(probabilities[first])}; next ${a(second)}, ${percent(probabilities[second])}. ` +
      `Evidence for ${a(d)}: ${plain(rest(logits[d], [bias[d]]))}, and with the bias of ${plain(bias[d])} a logit of ${plain(logits[d])}.`,
  );
}

function clear() {
  [chosen, pinned, pointed] = [null, null, null];
  for (const picture of [...Object.values(stages), ...Object.values(weightPictures), evidencePicture]) picture.paint(() => grey(0));
  for (const [, mark] of marks) mark.hidden = true;
  findAll(".number, .legend span, .explained .about, .formula, .quotient, .sum li > *").forEach((text) => write(text, ""));
  findAll(".bar i").forEach((bar) => (bar.style.transform = "scaleX(0)"));
  write(find(".unit h3 b"), "Hidden unit");
  write(find(".unit h3 code"), "");
  write(find(".evidence h3"), "Evidence");
  say("");
  write(find(".which"), "");
  drawLines();
  for (const fold of folds) fold.refresh();
  rows.forEach((row, d) => {
    row.setAttribute("aria-label", d);
    row.setAttribute("aria-checked", false);
    row.tabIndex = d ? -1 : 0;
    row.classList.remove("first");
  });
}

details.open = wide && OPENED;
details.addEventListener("toggle", schedule);
// A page that is loaded anew has the same parts open.
const OPEN = `open ${location.pathname} ${OPENED}`;
const parts = [details, ...folds.map(({ root }) => root)];
try {
  JSON.parse(sessionStorage.getItem(OPEN))?.forEach((open, i) => (parts[i].open = open));
} catch {} // storage is forbidden
for (const part of parts)
  part.addEventListener("toggle", () => {
    try {
      sessionStorage.setItem(OPEN, JSON.stringify(parts.map(({ open }) => open)));
    } catch {}
  });
// Escape in here closes nothing and clears no drawing.
element.addEventListener("keydown", (event) => event.key === "Escape" && event.preventDefault());
watch("value", () => {
  stale = true;
  schedule();
});
new MutationObserver(() => {
  palette = undefined;
  if (!answer) return;
  readPalette();
  for (const redraw of [drawChange, drawEpoch, drawNearest]) redraw();
  schedule();
}).observe(document.body, { attributes: true, attributeFilter: ["class"] });
schedule();
