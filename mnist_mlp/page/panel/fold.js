// A part that is folded away until it is asked for, and asks the server only while it is open.
import { write } from "../format.js";

export class Fold {
  // request() is what to ask, beside network and x; show(reply, asked) shows the reply, and asked is the answer that it
  // is about: meanwhile another one may have come
  constructor(state, name, question, request, show) {
    Object.assign(this, { state, question, request, show, asked: "", count: 0 });
    this.root = state.find(`.fold.${name}`);
    this.body = this.root.querySelector(".body");
    this.note = this.root.querySelector(".note");
    this.root.addEventListener("toggle", () => this.refresh());
  }

  // The drawing has changed: what is shown belongs to an earlier one.
  grow() {
    this.root.classList.toggle("stale", this.root.open && Boolean(this.asked) && this.asked !== this.key());
  }

  key() {
    return JSON.stringify({ network: this.state.answer.network, x: this.state.answer.packed, ...this.request() });
  }

  async refresh() {
    const about = this.state.answer;
    if (!this.root.open || !this.state.isOpen()) return;
    if (!about) return this.clear();
    const key = this.key();
    if (key === this.asked) return this.root.classList.remove("stale");
    const count = ++this.count;
    const reply = await this.state.ask(this.question, JSON.parse(key));
    if (count !== this.count || !this.state.answer) return; // a newer question is under way
    const failed = !reply || reply.busy;
    this.asked = failed ? "" : key;
    const missing = failed ? "The server could not answer. Close this part and open it to ask again." : (reply.missing ?? reply.refused);
    write(this.note, missing ?? "");
    this.body.hidden = Boolean(missing);
    if (!missing) this.show(reply, about);
    this.grow();
  }

  clear() {
    this.count++;
    this.asked = "";
    this.body.hidden = true;
    write(this.note, "Draw something first.");
  }
}
