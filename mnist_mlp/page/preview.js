// A picture of each digit, in order. Pointing at one shows its place on the pad; clicking it explains it.
const strip = element.querySelector(".strip");
const caption = element.querySelector("figcaption");
const tell = (name, detail) => element.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));

function tile() {
  const button = document.createElement("button");
  button.type = "button";
  button.append(new Image());
  const point = () => tell("preview:point", { box: digits()[[...strip.children].indexOf(button)]?.box });
  for (const event of ["pointerenter", "focus"]) button.addEventListener(event, point);
  for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => tell("preview:point", {}));
  button.addEventListener("click", () => tell("preview:choose", [...strip.children].indexOf(button)));
  return button;
}

const digits = () => props.value?.digits ?? [];

function show() {
  const several = digits().length > 1;
  while (strip.children.length > digits().length) strip.lastChild.remove();
  while (strip.children.length < digits().length) strip.append(tile());
  digits().forEach(({ picture, digit }, i) => {
    const button = strip.children[i];
    const image = button.firstChild;
    if (image.src !== picture) image.src = picture;
    image.alt = `28 by 28 pixels, read as ${digit}`;
    button.disabled = !several;
    button.setAttribute("aria-pressed", several && i === props.value.chosen);
  });
  // The label fits its large reading to the number's length, too.
  const lines = (props.value?.text ?? "").split("\n");
  const row = element.closest(".sheet-and-answer") ?? element;
  row.style.setProperty("--count", Math.max(digits().length, 1));
  row.style.setProperty("--longest", Math.max(...lines.map((line) => line.length), 1));
  row.style.setProperty("--lines", lines.length);
  // Gradio makes each bar of its label a button, which does nothing here.
  for (const bar of row.querySelectorAll(".reading button")) bar.tabIndex = -1;
  caption.textContent = several
    ? "What the network sees, 28 × 28 pixels each. Click one to explain it."
    : "What the network sees: 28 × 28 pixels";
}

// ---- Why the number is read so: the sum over the ways through its lattice

const why = element.querySelector(".why");
const figure = (number, places = 2) => number.toFixed(places).replace("-", "−");
const percent = (p) => `${(100 * p).toFixed(1)}%`;

function explain() {
  const { text, sums } = props.value ?? {};
  why.hidden = !text;
  if (!text) return;
  why.querySelector("b").textContent = text.replaceAll("\n", " ");
  if (!why.open) return;
  const rows = sums.lines.flatMap(({ terms }) => terms);
  why.querySelector("tbody").innerHTML = rows
    .map(([label, network, features]) => `<tr><th scope="row">${label}</th><td>${figure(network)}</td><td>${figure(features)}</td><td>${figure(network + features)}</td></tr>`)
    .join("");
  const told = sums.lines.map(({ text, terms, of_text, of_all }) => {
    const best = terms.reduce((sum, [, network, features]) => sum + network + features, 0);
    return `The likeliest way adds up to ${figure(best)}. All ways that read ${text}: ${figure(of_text)}; all ways: ${figure(of_all)}; the exponential of the difference is ${percent(Math.exp(of_text - of_all))}.`;
  });
  why.querySelector("p").textContent = `${told.join(" ")} Times ${percent(sums.number)}, that it is a number at all.`;
}
why.addEventListener("toggle", explain);

watch("value", () => {
  show();
  explain();
});
show();
