// Gradio's editor says nothing while a picture is on its way, nor of a file that is no picture. Its file input, its bin
// and what is pasted or dropped are watched here. NO_ANSWER is the answer to an empty editor.
const PATIENCE = 15000; // milliseconds until the server counts as away
const SETTLED = 100; // milliseconds until the editor is asked again for a picture that it did not have
const FORMATS = "PNG, JPEG, WebP, GIF or BMP";
const READING = "Reading the picture …";
const AWAY = "The server does not answer. Try again in a moment.";
let removed = false; // whether the picture was removed after the newest upload
let reading = false; // whether the answer to the newest upload has not come
let wrong = ""; // what is said of a file that is no picture
let waiting; // a timer

function stop() {
  clearTimeout(waiting);
  reading = false;
}

const tab = () => element.closest("[role=tabpanel]");
const inEditor = (event) => tab()?.contains(event.target) && event.target.closest?.(".editor");
const say = (hint) => (props.value = JSON.stringify({ ...NO_ANSWER, hint }));

function on(name, listener) {
  const heard = (event) => (element.isConnected ? listener(event) : document.removeEventListener(name, heard, true));
  document.addEventListener(name, heard, true);
}

async function begin(file) {
  if (!file) return;
  stop();
  removed = false;
  reading = true;
  say(READING);
  waiting = setTimeout(() => {
    stop();
    say(AWAY);
  }, PATIENCE);
  try {
    (await createImageBitmap(file)).close();
  } catch {
    stop();
    say((wrong = `${file.name || "This file"} cannot be read as a picture: ${FORMATS} is expected.`));
  }
}

on("change", (event) => event.target.type === "file" && inEditor(event) && begin(event.target.files[0]));
on("drop", (event) => inEditor(event) && begin(event.dataTransfer?.files[0]));
on("paste", (event) => tab()?.clientWidth && begin([...(event.clipboardData?.files ?? [])][0]));
on("pointerdown", (event) => inEditor(event) && event.target.closest("canvas") && (removed = false)); // drawn anew
on("click", (event) => {
  if (!inEditor(event) || !event.target.closest("button[aria-label*='lear'], button[title*='lear']")) return;
  removed = true;
  stop();
  say(NO_ANSWER.hint);
});

watch("value", () => {
  const answer = JSON.parse(props.value ?? "null");
  // The editor mostly sends what it held before the upload: that answer is not the picture's.
  if (reading && answer?.hint === NO_ANSWER.hint) {
    say(READING);
    return setTimeout(() => reading && trigger("input"), SETTLED);
  }
  if (!answer || [READING, AWAY].includes(answer.hint) || answer.hint === wrong) return;
  stop();
  if (removed && answer.hint !== NO_ANSWER.hint) say(NO_ANSWER.hint);
});
