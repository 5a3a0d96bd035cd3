// ---- What the panel shows. `element`, `props`, `server` and `watch` are Gradio's: this component's part of the page,
// its value, the server's answers to the panel's own questions, and word of a new value.

let answer = null; // the newest, unpacked
let chosen = null; // the digit whose evidence is shown; null for the predicted one
let pinned = null; // the unit or logit chosen by click or key: {layer, index}
let pointed = null; // the one under the pointer, or with the focus
let typical = { layer: "h1", index: 0 }; // the one shown without a choice

const digit = () => chosen ?? answer.first;
const settled = () => pinned ?? typical;
const target = () => pointed ?? settled();

function point(to) {
  pointed = to;
  schedule();
}

function pin(to) {
  pinned = to;
  schedule();
}

function choose(d) {
  if (!answer) return;
  chosen = d === answer.first ? null : d;
  pin({ layer: "logits", index: d });
}

