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
  // The answer's other parts fit themselves to the number's length, too.
  (element.closest(".row") ?? element).style.setProperty("--count", Math.max(digits().length, 1));
  caption.textContent = several
    ? "What the network sees, 28 × 28 pixels each. Click one to explain it."
    : "What the network sees: 28 × 28 pixels";
}

watch("value", show);
show();
