// Asks what the drawing is, and shows one answer at a time: label, hint, tiles and panel change together.
import { WIDTH, paint } from "./sheet.js";
import { transport } from "./transport.js";

const PLAIN = [168, 144, 120]; // heights of the picture of a few strokes: the largest that stays small
const DENSE = [240, 168, 120]; // of many strokes, which need the room: the largest that is allowed
const MANY = 14; // strokes
const [SMALL, LARGEST] = [4300, 40000]; // characters of the data URL

// While the pen moves, half a digit looks like another one: an answer that reads something else is shown when it has
// read the same for STEADY, or when the pen rests.
const STEADY = 400; // milliseconds
const REST = 250; // milliseconds without another answer

// ask(request) asks the server, show(answer) shows an answer, say(text) a notice about the server. network() and
// explain() are what else is asked with: the network's name, and whether the panel is open.
export function asking({ sheet, ask, show, say, network, explain }) {
  const copy = document.createElement("canvas");
  const context = copy.getContext("2d", { willReadFrequently: true });
  let chosen = null; // which digit of the number is explained; null for the least certain one
  let latest; // answer
  let onPage; // the answer on the page
  let read; // by the latest answers
  let since = 0; // when they began to read that
  let resting; // a timer

  function picture() {
    if (sheet.isBlank()) return "";
    const dense = sheet.items().length >= MANY;
    let url;
    for (const height of dense ? DENSE : PLAIN) {
      copy.height = height;
      copy.width = height * WIDTH;
      paint(context, sheet.items());
      context.globalCompositeOperation = "destination-over";
      context.fillStyle = "#fff";
      context.fillRect(0, 0, WIDTH, 1);
      url = copy.toDataURL();
      if (url.length < (dense ? LARGEST : SMALL)) break;
    }
    return url;
  }

  function display(answer, settled = !sheet.stroke) {
    const now = performance.now();
    if (answer.label.label !== read) since = now;
    read = answer.label.label;
    clearTimeout(resting);
    const same = onPage && answer.label.label === onPage.label.label;
    if (settled || same || !onPage?.preview || now - since >= STEADY) {
      onPage = settled ? answer : { ...answer, hint: "" };
      show(onPage);
    }
    if (!settled) resting = setTimeout(display, REST, answer, true);
  }

  const { changed, finished, retry } = transport({
    ask,
    next: () => ({ picture: picture(), network: network(), index: chosen, explain: explain() }),
    show: (answer) => display((latest = answer)),
    say,
  });

  return {
    changed,
    retry,
    chosen: () => chosen,
    choose(index) {
      chosen = index;
    },
    // After the end of a stroke, whose answer may have come already.
    settle() {
      if (latest && onPage !== latest) display(latest);
      finished();
    },
  };
}
