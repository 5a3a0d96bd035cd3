// The panel, put together: what is shown, and when; once a frame at most, and only while it is open.
import { a, percent, plain, rest, write } from "../format.js";
import { unpackAnswer } from "./answer.js";
import { change } from "./change.js";
import { epochs } from "./epochs.js";
import { evidence } from "./evidence.js";
import { learning } from "./learning.js";
import { lines } from "./lines.js";
import { nearest } from "./nearest.js";
import { readPalette } from "./picture.js";
import { stages } from "./stages.js";
import { makeState } from "./state.js";
import { unit } from "./unit.js";

const CALM = 500; // ms without a new answer, after which the panel may speak and choose a unit to show

// OPENED: whether it is open at first, on a wide screen.
export default function panel({ element, props, server, watch, OPENED }) {
  const wide = matchMedia("(min-width: 768px)").matches;
  // 128 units: upright beside the others on a wide screen, lying on a narrow one
  const shape = wide ? [8, 16] : [16, 8];
  let stale = true; // an answer has come that is not unpacked yet
  let due = false;
  let coloured = false; // whether the palette is read
  let calm;

  function schedule() {
    if (due || !details.open) return;
    due = true;
    requestAnimationFrame(draw);
  }

  const state = makeState({ element, server, schedule });
  const { find, findAll } = state;
  const details = find("details.panel");
  const say = (text) => write(find("[role=status]"), text);
  const stage = stages(state, ...shape);
  const views = [stage, unit(state, ...shape), evidence(state), lines(state, stage)];
  const parts = [change(state), epochs(state, ...shape), nearest(state), learning(state, ...shape)];
  const folds = parts.map(({ fold }) => fold);

  function draw() {
    due = false;
    const shown = state.answer;
    if (stale) {
      state.answer = props.value ? unpackAnswer(JSON.parse(props.value)) : null;
      stale = false;
      if (!shown && state.answer) state.typical = strongestUnit(state.answer);
      if (shown && state.answer && shown.index !== state.answer.index) {
        state.chosen = null; // another digit of the number
        for (const part of parts) part.forget?.();
      }
    }
    if (!shown && !state.answer) return; // as the page opens: nothing to style and paint before the pad is ready
    if (!coloured) readPalette(find(".stages"));
    coloured = true;
    if (!state.answer) return clear();
    for (const view of views) view.draw();
    const { text, index } = state.answer;
    write(find(".which"), text.length > 1 ? `digit ${index + 1} of ${text.replaceAll("\n", " ").slice(0, 30)}` : "");
    for (const fold of folds) fold.grow();
    clearTimeout(calm);
    calm = setTimeout(settle, CALM);
  }

  // While the pen moves, the panel shows the same unit and says nothing.
  function settle() {
    if (!state.answer) return;
    state.typical = strongestUnit(state.answer);
    if (!state.pinned && !state.pointed) for (const view of views.slice(0, 2)) view.draw();
    for (const fold of folds) fold.refresh();
    const { predicted, second, probabilities, logits, bias } = state.answer;
    const d = state.digit();
    say(
      `Read as ${a(predicted)}, ${percent(probabilities[predicted])}; next ${a(second)}, ${percent(probabilities[second])}. ` +
        `Evidence for ${a(d)}: ${plain(rest(logits[d], [bias[d]]))}, and with the bias of ${plain(bias[d])} a logit of ${plain(logits[d])}.`,
    );
  }

  function clear() {
    [state.chosen, state.pinned, state.pointed] = [null, null, null];
    for (const view of views) (view.clear ?? view.draw)();
    findAll(".number, .legend span, .explained .about, .formula, .quotient, .sum li > *").forEach((text) => write(text, ""));
    findAll(".bar i").forEach((bar) => (bar.style.transform = "scaleX(0)"));
    say("");
    write(find(".which"), "");
    for (const fold of folds) fold.refresh();
  }

  details.open = wide && OPENED;
  details.addEventListener("toggle", schedule);
  // A page that is loaded anew has the same parts open.
  const OPEN = `open ${location.pathname}`;
  const opening = [details, ...folds.map(({ root }) => root)];
  try {
    JSON.parse(sessionStorage.getItem(OPEN))?.forEach((open, i) => (opening[i].open = open));
  } catch {} // storage is forbidden
  for (const part of opening)
    part.addEventListener("toggle", () => {
      try {
        sessionStorage.setItem(OPEN, JSON.stringify(opening.map(({ open }) => open)));
      } catch {}
    });
  // Escape in here closes nothing and clears no drawing.
  element.addEventListener("keydown", (event) => event.key === "Escape" && event.preventDefault());
  watch("value", () => {
    stale = true;
    schedule();
  });
  new ResizeObserver(() => state.answer && schedule()).observe(find(".stages"));
  new MutationObserver(() => {
    coloured = false;
    if (!state.answer) return;
    readPalette(find(".stages"));
    for (const part of parts) part.draw();
    schedule();
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  schedule();
}

// The unit of the first layer that adds most to the logit of the digit read
function strongestUnit({ h1_contributions, predicted }) {
  const added = h1_contributions.subarray(128 * predicted, 128 * (predicted + 1));
  return { layer: "h1", index: added.indexOf(Math.max(...added)) };
}
