// What puts a whole drawing on the sheet: an example, a training digit, a reload, a link.
import { SIDE, fromFragment, toFragment } from "./link.js";

// select(network) chooses a network, width() and setWidth() the pen's; asked about it is what asking.js gives.
export function keeping({ root, examples, sheet, endStroke, asked, network, select, notify }) {
  const widths = root.querySelector("fieldset");
  const width = () => widths.querySelector(":checked").value;

  for (const { name, picture } of examples) {
    const button = Object.assign(document.createElement("button"), { type: "button", title: `Example: ${name}` });
    button.setAttribute("aria-label", button.title);
    button.append(Object.assign(new Image(), { src: picture, alt: "" }));
    button.addEventListener("click", () => put(picture, name));
    root.querySelector(".examples").append(button);
  }

  async function put(picture, name) {
    endStroke();
    const item = await load(picture, name);
    sheet.become([item]);
    keep();
  }

  // A page that is loaded anew, because the server was started again or the theme changed, has the same drawing, network
  // and pen.
  const KEPT = `pad ${location.pathname}`;

  function keep() {
    try {
      const items = sheet.items().map(({ image, ...item }) => item);
      sessionStorage.setItem(KEPT, JSON.stringify({ items, network: network(), width: width() }));
    } catch {} // storage is full or forbidden: only a reload would miss it
  }

  async function restore() {
    try {
      const kept = sessionStorage.getItem(KEPT);
      const { items, network, width } = JSON.parse(kept);
      const restored = await Promise.all(items.map((item) => (item.picture ? load(item.picture, item.name) : item)));
      if (sessionStorage.getItem(KEPT) !== kept) return; // the visitor has drawn, cleared or chosen meanwhile
      const pen = widths.querySelector(`[value="${Number(width)}"]`);
      if (pen) pen.checked = true;
      if (restored.length) sheet.put(restored);
      else sheet.begin([]);
      select(network);
      return true;
    } catch {
      return false;
    }
  }

  async function fromLink({ name, greys, ...item }) {
    if (item.points) return item;
    const example = examples.find((example) => example.name === name);
    if (!greys && !example) throw new RangeError("no such example");
    return greys ? load(toPicture(greys)) : load(example.picture, name);
  }

  async function open() {
    const linked = fromFragment(location.hash);
    let opened;
    try {
      opened = await Promise.all(linked.items.map(fromLink));
    } catch {
      return notify("This link holds no drawing.");
    }
    const address = location.hash;
    sheet.put(opened);
    history.replaceState(history.state, "", address); // which a change of the drawing has taken away
    asked.choose(linked.digit);
    select(linked.network);
    keep();
    asked.changed();
  }

  async function copyLink() {
    if (sheet.isBlank()) return notify("There is no drawing yet.");
    let fragment = null;
    try {
      fragment = toFragment(sheet.items().map(forLink), network(), asked.chosen());
    } catch {} // so many points that the browser's stack is full
    if (!fragment) return notify("This drawing has too many strokes for a link.");
    history.replaceState(history.state, "", fragment);
    try {
      await navigator.clipboard.writeText(location.href);
      notify("Link copied.");
    } catch {
      notify("The link is in the address bar."); // the browser lets no page write to the clipboard
    }
  }

  root.querySelector(".link").addEventListener("click", copyLink);
  return { keep, open, restore, put };
}

// A picture, which is dark on white, as an item: black on transparent.
export async function load(picture, name) {
  const image = new Image();
  image.src = picture;
  await image.decode();
  const sheet = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const context = sheet.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, sheet.width, sheet.height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    pixels.data[i + 3] = 255 - pixels.data[i];
    pixels.data[i] = pixels.data[i + 1] = pixels.data[i + 2] = 0;
  }
  context.putImageData(pixels, 0, 0);
  return { picture, image: sheet, name };
}

// 784 greys in 0..15 as a picture.
function toPicture(greys) {
  const small = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const data = new ImageData(SIDE, SIDE);
  greys.forEach((ink, i) => data.data.set([255 - 17 * ink, 255 - 17 * ink, 255 - 17 * ink, 255], 4 * i));
  small.getContext("2d").putImageData(data, 0, 0);
  return small.toDataURL();
}

// An item as a link holds it.
function forLink({ image, name, ...item }) {
  if (!image) return item;
  if (name) return { name };
  const small = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const context = small.getContext("2d");
  context.drawImage(image, 0, 0, SIDE, SIDE);
  const ink = context.getImageData(0, 0, SIDE, SIDE).data.filter((_, i) => i % 4 === 3);
  return { greys: Array.from(ink, (alpha) => alpha >> 4) };
}
