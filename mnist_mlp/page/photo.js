// Gradio's editor says nothing while a picture is on its way, nor of a file that is no picture. Its file input, its bin
// and what is pasted or dropped are watched here. NO_ANSWER is the answer to an empty editor.
const PATIENCE = 15000; // milliseconds until the server counts as away
const UNANSWERED = 4000; // milliseconds until the editor is asked of our own accord
const SETTLED = 100; // milliseconds until the editor is asked again for a picture that it did not have
const FORMATS = "PNG, JPEG, WebP, GIF or BMP";
const READING = "Reading the picture …";
const AWAY = "The server does not answer. Try again in a moment.";
let removed = false; // whether the picture was removed after the newest upload
let reading = false; // whether the answer to the newest upload has not come
let wrong = null; // what is said of a file that is no picture; not "", which a sure answer says
let waiting; // a timer
let asking; // another
let fileAt = -Infinity; // when a file was last seen here

function stop() {
  clearTimeout(waiting);
  clearTimeout(asking);
  reading = false;
}

const tab = () => element.closest("[role=tabpanel]");
const inEditor = (event) => tab()?.contains(event.target) && event.target.closest?.(".editor");
const say = (hint) => (props.value = JSON.stringify({ ...NO_ANSWER, hint }));

function on(name, listener) {
  const heard = (event) => (element.isConnected ? listener(event) : document.removeEventListener(name, heard, true));
  document.addEventListener(name, heard, true);
}

function expectAnswer() {
  stop();
  removed = false;
  reading = true;
  say(READING);
  asking = setTimeout(trigger, UNANSWERED, "input");
  waiting = setTimeout(() => {
    stop();
    say(AWAY);
  }, PATIENCE);
}

async function begin(file) {
  if (!file) return;
  fileAt = performance.now();
  expectAnswer();
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
// From the clipboard or the camera, by the editor's buttons. It tells of a file that was seen here more than once.
on("editor:upload", () => performance.now() - fileAt > UNANSWERED && expectAnswer());
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
