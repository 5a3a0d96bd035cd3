// Gradio's editor says nothing while a picture is on its way, nor of a file that is no picture. Its file input, its bin
// and what is pasted or dropped are watched here. NO_ANSWER is the answer to an empty editor.
const PATIENCE = 15000; // milliseconds until the server counts as away
const FORMATS = "PNG, JPEG, WebP, GIF or BMP";
let removed = false; // whether the picture was removed after the newest upload
let waiting; // a timer

const tab = () => element.closest("[role=tabpanel]");
const inEditor = (event) => tab()?.contains(event.target) && event.target.closest?.(".editor");
const say = (hint) => (props.value = JSON.stringify({ ...NO_ANSWER, hint }));

function on(name, listener) {
  const heard = (event) => (element.isConnected ? listener(event) : document.removeEventListener(name, heard, true));
  document.addEventListener(name, heard, true);
}

async function begin(file) {
  if (!file) return;
  removed = false;
  clearTimeout(waiting);
  say("Reading the picture …");
  waiting = setTimeout(say, PATIENCE, "The server does not answer. Try again in a moment.");
  try {
    (await createImageBitmap(file)).close();
  } catch {
    clearTimeout(waiting);
    say(`${file.name || "This file"} cannot be read as a picture: ${FORMATS} is expected.`);
  }
}

on("change", (event) => event.target.type === "file" && inEditor(event) && begin(event.target.files[0]));
on("drop", (event) => inEditor(event) && begin(event.dataTransfer?.files[0]));
on("paste", (event) => tab()?.clientWidth && begin([...(event.clipboardData?.files ?? [])][0]));
on("click", (event) => {
  if (!inEditor(event) || !event.target.closest("button[aria-label*='lear'], button[title*='lear']")) return;
  removed = true;
  clearTimeout(waiting);
  say(NO_ANSWER.hint);
});

watch("value", () => {
  const answer = JSON.parse(props.value ?? "null");
  if (!answer?.preview) return; // one of the above
  clearTimeout(waiting);
  if (removed) say(NO_ANSWER.hint);
});
