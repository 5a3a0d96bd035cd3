// What puts a whole drawing on the sheet: an example, a reload, a link.

async function load(url, name) {
  const image = new Image();
  image.src = url;
  await image.decode();
  // The picture is dark on white; as a mark it is black on transparent.
  const sheet = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const context = sheet.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, sheet.width, sheet.height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    pixels.data[i + 3] = 255 - pixels.data[i];
    pixels.data[i] = pixels.data[i + 1] = pixels.data[i + 2] = 0;
  }
  context.putImageData(pixels, 0, 0);
  return { picture: url, image: sheet, name };
}

for (const { name, picture } of EXAMPLES) {
  const button = Object.assign(document.createElement("button"), { type: "button", title: `Example: ${name}` });
  button.setAttribute("aria-label", button.title);
  button.append(Object.assign(new Image(), { src: picture, alt: "" }));
  button.addEventListener("click", async () => {
    if (stroke) endStroke();
    become([await load(picture, name)]);
    keep();
  });
  root.querySelector(".examples").append(button);
}

// A page that is loaded anew, because the server was started again or the theme changed, has the same drawing and
// network.
const KEPT = `pad ${location.pathname}`;

function keep() {
  try {
    const kept = { marks: marks.map(({ image, ...mark }) => mark), network: network() };
    sessionStorage.setItem(KEPT, JSON.stringify(kept));
  } catch {} // storage is full or forbidden: only a reload would miss it
}

async function restore() {
  try {
    const kept = sessionStorage.getItem(KEPT);
    const { marks, network } = JSON.parse(kept);
    const restored = await Promise.all(marks.map((mark) => (mark.picture ? load(mark.picture, mark.name) : mark)));
    if (sessionStorage.getItem(KEPT) !== kept) return; // the visitor has drawn, cleared or chosen meanwhile
    if (isBlank() && restored.length) put(restored);
    select(network);
  } catch {}
}

// The choice of the network may come onto the page after the pad.
function select(name, tries = 100) {
  const input = document.querySelector(`#network input[value=${name}]`);
  if (input) input.checked || input.click();
  else if (tries) setTimeout(select, 50, name, tries - 1);
}

// ---- A link to this drawing

function greys(pixels) {
  const small = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const data = new ImageData(SIDE, SIDE);
  pixels.forEach((ink, i) => data.data.set([255 - 17 * ink, 255 - 17 * ink, 255 - 17 * ink, 255], 4 * i));
  small.getContext("2d").putImageData(data, 0, 0);
  return small.toDataURL();
}

async function fromLink({ name, pixels, ...mark }) {
  if (mark.points) return mark;
  const example = EXAMPLES.find((example) => example.name === name);
  if (!pixels && !example) throw new RangeError("no such example");
  return pixels ? load(greys(pixels)) : load(example.picture, name);
}

async function open() {
  const linked = fromFragment(location.hash);
  let opened;
  try {
    opened = await Promise.all(linked.marks.map(fromLink));
  } catch {
    return notify("This link holds no drawing.");
  }
  const address = location.hash;
  put(opened);
  history.replaceState(history.state, "", address); // which a change of the drawing has taken away
  chosen = linked.digit;
  select(linked.network);
  keep();
  changed();
}

async function copyLink() {
  if (isBlank()) return notify("There is no drawing yet.");
  const fragment = toFragment(marks, network(), chosen);
  if (!fragment) return notify("This drawing has too many strokes for a link.");
  history.replaceState(history.state, "", fragment);
  try {
    await navigator.clipboard.writeText(location.href);
    notify("Link copied.");
  } catch {
    notify("The link is in the address bar."); // the browser lets no page write to the clipboard
  }
}

function notify(text) {
  notice.textContent = text;
  setTimeout(() => notice.textContent === text && (notice.textContent = ""), 4000);
}

root.querySelector(".link").addEventListener("click", copyLink);
addEventListener("hashchange", () => element.isConnected && location.hash.startsWith("#drawing=") && open());

if (location.hash.startsWith("#drawing=")) open();
else restore();
