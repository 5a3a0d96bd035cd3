// The preview: a picture of each digit, in order, and why the whole is read so. Pointing at a picture shows its place on
// the pad; clicking it explains it.
import { hundredths, percent, plain, write } from "./format.js";

export default function preview({ element, props, watch }) {
  const strip = element.querySelector(".strip");
  const why = element.querySelector(".why");
  const tell = (name, detail) => element.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  const digits = () => props.value?.digits ?? [];

  function tile() {
    const button = document.createElement("button");
    button.type = "button";
    button.append(new Image());
    const number = () => [...strip.children].indexOf(button);
    for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => tell("preview:point", { box: digits()[number()]?.box }));
    for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => tell("preview:point", {}));
    button.addEventListener("click", () => tell("preview:choose", number()));
    return button;
  }

  function show() {
    const { chosen, heading = "", least, text } = props.value ?? {};
    const several = digits().length > 1;
    while (strip.children.length > digits().length) strip.lastChild.remove();
    while (strip.children.length < digits().length) strip.append(tile());
    digits().forEach(({ picture, digit }, i) => {
      const button = strip.children[i];
      const image = button.firstChild;
      if (image.src !== picture) image.src = picture;
      image.alt = `28 by 28 pixels, read as ${digit}`;
      button.disabled = !several;
      button.setAttribute("aria-pressed", several && i === chosen);
    });
    // The label fits its large reading to the number's length, too.
    const lines = heading.split("\n");
    const row = element.closest(".sheet-and-answer") ?? element;
    row.style.setProperty("--count", Math.max(digits().length, 1));
    row.style.setProperty("--longest", Math.max(...lines.map((line) => line.length), 1));
    row.style.setProperty("--lines", lines.length);
    const large = row.querySelector(".reading h2");
    if (large) large.title = text && text !== heading ? text : "";
    // Gradio makes each bar of its label a button, which does nothing here.
    for (const bar of row.querySelectorAll(".reading button")) bar.tabIndex = -1;
    const explained = chosen === least ? "the one it is least certain of is explained" : "the framed one is explained";
    write(
      element.querySelector("figcaption"),
      several ? `What the network sees, 28 × 28 pixels each; ${explained}. Click another.` : digits().length ? "What the network sees: 28 × 28 pixels" : "",
    );
  }

  function explain() {
    const { text, sums, number } = props.value ?? {};
    why.hidden = !sums;
    if (!sums) return;
    write(why.querySelector("b"), text ? text.replaceAll("\n", " ").slice(0, 40) : "?");
    if (!why.open) return;
    const [rows, sentences] = whyLines(text, sums, number);
    why.querySelector("tbody").replaceChildren(
      ...rows.map(([label, ...cells]) => {
        const row = document.createElement("tr");
        const head = Object.assign(document.createElement("th"), { scope: "row", textContent: label });
        row.append(head, ...cells.map((cell) => Object.assign(document.createElement("td"), { textContent: cell })));
        return row;
      }),
    );
    write(why.querySelector("p"), sentences.join(" "));
  }

  why.addEventListener("toggle", explain);
  watch("value", () => {
    show();
    explain();
  });
  show();
  explain();
}

// The rows of the table, and the sentences that lead from them to the label's probability: as displayed, all adds up.
export function whyLines(text, sums, number) {
  const rows = [];
  const sentences = [];
  let p = 1;
  for (const line of sums) {
    let way = 0;
    for (const [label, network, features] of line.terms) {
      const sum = (hundredths(network) + hundredths(features)) / 100;
      way += sum;
      rows.push([label, plain(network), plain(features), plain(sum)]);
    }
    const [ofText, ofAll] = [line.of_text, line.of_all].map((sum) => Number(sum.toFixed(4)));
    p *= Math.exp(ofText - ofAll);
    sentences.push(
      `The likeliest way adds up to ${plain(way)}; all ways that read ${line.text}, to ${plain(ofText, 4)}; all ways at all, to ${plain(ofAll, 4)}.`,
      `P = exp(${plain(ofText, 4)} − ${plain(ofAll, 4).replace("−", "(−")}${ofAll < 0 ? ")" : ""}) = ${percent(Math.exp(ofText - ofAll))}.`,
    );
  }
  const none = percent(1 - number);
  sentences.push(
    text
      ? `It is no number with ${none}: ${percent(p)} × (1 − ${none}) = ${percent(p * number)}, as the label says.`
      : `But with ${none} it is no number: more than the ${percent(p * number)} that are left for that one.`,
  );
  return [rows, sentences];
}
