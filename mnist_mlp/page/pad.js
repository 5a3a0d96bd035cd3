// The pad, put together. `element`, `props` and `server` are Gradio's: the component's part of the page, its value, and
// the functions in Python. EXAMPLES is a list of {name, picture}; the page opens with the one that is named FIRST, whose
// answer is mostly there as the value.
import { asking } from "./asking.js";
import { keeping, load } from "./keeping.js";
import { pen } from "./pen.js";
import { makeSheet } from "./sheet.js";

export default function pad({ element, props, server, trigger, EXAMPLES, FIRST }) {
  const root = element.querySelector(".pad");
  const box = root.querySelector(".box");
  const notice = root.querySelector(".notice");
  let isExample = true; // whether what is on the sheet is the page's, and nothing of the visitor's
  let told = ""; // the notice about the server

  // Listens as long as this component is on the page.
  function on(name, listener, options) {
    const heard = (event) =>
      element.isConnected ? listener(event) : document.removeEventListener(name, heard, options);
    document.addEventListener(name, heard, options);
  }

  const panel = () => document.querySelector("#inside details.panel");
  const network = () => document.querySelector("#network input:checked")?.value ?? "relu";

  // The choice of the network may come onto the page after the pad.
  function select(name, tries = 100) {
    const input = document.querySelector(`#network input[value=${name}]`);
    if (input?.checked) return;
    if (input) input.click();
    else if (tries) setTimeout(select, 50, name, tries - 1);
  }

  function notify(text) {
    notice.textContent = text;
    setTimeout(() => notice.textContent === text && (notice.textContent = ""), 4000);
  }

  function setExample(is) {
    isExample = is;
    root.classList.toggle("example", is);
  }

  function changed() {
    setExample(false);
    if (sheet.isBlank()) asked.choose(null);
    box.hidden = true;
    if (location.hash) history.replaceState(history.state, "", location.pathname + location.search); // another drawing
    if (sheet.stroke?.points.length !== 2) asked.changed(); // not yet for the mere beginning of a stroke
  }

  const keep = () => kept.keep();
  const sheet = makeSheet({ root, change: changed, keep });
  const asked = asking({
    sheet,
    network,
    ask: server.answer,
    explain: () => Boolean(panel()?.open),
    show: (answer) => (props.value = JSON.stringify(answer)), // Gradio hands it on to the other components
    say(text) {
      if (text === told) return;
      if (text || notice.textContent === told) notice.textContent = text; // an answer leaves another notice alone
      told = text;
      root.closest(".sheet-and-answer")?.classList.toggle("old-answer", Boolean(text)); // beside: an earlier drawing's
    },
  });
  const { endStroke } = pen({
    root,
    sheet,
    on,
    keep,
    begun() {
      asked.retry();
      if (isExample) sheet.begin([]);
    },
    ended(stroke) {
      if (stroke.points.length === 2) asked.changed();
      asked.settle();
    },
  });
  const kept = keeping({ root, examples: EXAMPLES, sheet, endStroke, asked, network, select, notify });

  addEventListener("online", () => element.isConnected && asked.retry());
  on("change", (event) => {
    if (!event.target.closest("#network")) return;
    if (!isExample) keep();
    if (!sheet.isBlank()) asked.changed();
  });
  // As the page opens, the panel may do so after the example, whose answer explains it.
  const explained = () => isExample && props.value && JSON.parse(props.value).panel;
  const toAsk = (event) => event.target === panel() && event.target.open && !sheet.isBlank() && !explained();
  on("toggle", (event) => toAsk(event) && asked.changed(), { capture: true });

  // The preview tells which digit is pointed at and which is chosen, the panel which training digit to put on the sheet.
  const ours = (event) => event.target.closest("#preview");
  on("preview:point", (event) => {
    const at = ours(event) && event.detail.box;
    box.hidden = !at;
    if (!at) return;
    const [left, top, right, bottom] = at.map((share) => `${100 * share}%`);
    Object.assign(box.style, { left, top, width: `calc(${right} - ${left})`, height: `calc(${bottom} - ${top})` });
  });
  on("preview:choose", (event) => {
    if (!ours(event)) return;
    asked.choose(event.detail);
    asked.changed();
  });
  on("panel:draw", (event) => root.clientWidth && kept.put(event.detail));
  addEventListener("hashchange", () => element.isConnected && location.hash.startsWith("#drawing=") && kept.open());

  async function begin() {
    if (location.hash.startsWith("#drawing=")) return kept.open();
    const example = EXAMPLES.find(({ name }) => name === FIRST);
    const item = example && (await load(example.picture, example.name));
    if (!(await kept.restore()) && item && sheet.isBlank() && isExample) {
      setExample(true);
      sheet.begin([item]);
      if (props.value) trigger("change"); // hands the answer to the panel
      else asked.changed();
    }
  }
  begin();
}
