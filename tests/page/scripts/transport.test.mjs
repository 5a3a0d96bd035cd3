// Asking the server: which answer is shown, what is asked again, and what the visitor is told, on a clock of our own.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { transport } from "../../../mnist_mlp/page/transport.js";

let now; // milliseconds
performance.now = () => now;

let asked; // the drawing of each request, and how it is answered: {drawing, answer}
let shown; // each answer that was shown
let said; // each notice
let drawing; // the newest
let pad;

beforeEach(() => {
  mock.timers.reset(); // those of the test before
  mock.timers.enable({ apis: ["setTimeout"] });
  [now, asked, shown, said, drawing] = [0, [], [], [], 0];
  pad = transport({
    ask: (request) => new Promise((answer) => asked.push({ drawing: request, answer })),
    next: () => drawing,
    show: (answer) => shown.push(answer.text),
    say: (text) => said.at(-1) !== text && said.push(text),
  });
});

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function pass(milliseconds, step = 1) {
  for (let end = now + milliseconds; now < end; ) {
    now += step;
    mock.timers.tick(step);
    await settled();
  }
}

async function draw(milliseconds) {
  for (let end = now + milliseconds; now < end; ) {
    drawing++;
    pad.changed();
    await pass(8, 8);
  }
}

async function answer(number, reply = { text: `${asked[number].drawing}` }) {
  asked[number].answer(reply);
  await settled();
}

test("requests overlap, four at most, and the last drawing is always asked about", async () => {
  await draw(400);
  assert.equal(asked.length, 4);
  await answer(0);
  await pass(200);
  assert.equal(asked.length, 5);
  assert.equal(asked.at(-1).drawing, drawing);
});

test("an answer that is older than the one shown is dropped", async () => {
  await draw(200);
  await answer(2);
  await answer(0);
  await answer(3);
  assert.deepEqual(shown, [`${asked[2].drawing}`, `${asked[3].drawing}`]);
});

test("the end of a stroke does not wait for its turn", async () => {
  await draw(8);
  drawing = "end";
  pad.changed();
  assert.equal(asked.length, 1);
  pad.finished();
  assert.equal(asked.at(-1).drawing, "end");
});

test("a busy server is asked again about the newest drawing", async () => {
  await draw(8);
  await answer(0, { busy: true });
  await pass(300);
  assert.equal(asked.length, 2);
  assert.deepEqual(said, []);
});

test("a refusal is said, and not asked again", async () => {
  await draw(8);
  await answer(0, { refused: "Expected a PNG; got 3." });
  await pass(20_000, 100);
  assert.equal(asked.length, 1);
  assert.match(said.at(-1), /Expected a PNG; got 3\./);
});

test("while the server fails, attempts come half a second apart and then ever later; a good answer ends it", async () => {
  await draw(8);
  const times = [];
  for (let attempt = 0; attempt < 6; attempt++) {
    await answer(attempt, null);
    const failed = now;
    while (asked.length === attempt + 1) await pass(50, 50);
    times.push(now - failed);
  }
  assert.match(said.at(-1), /kept/);
  for (const [i, time] of times.entries()) assert.ok(Math.abs(time - Math.min(500 * 2 ** i, 15_000)) < 300, `${times}`);
  await answer(6);
  assert.equal(said.at(-1), "");
  assert.equal(shown.length, 1);
});

test("when the connection is back, the next attempt does not wait", async () => {
  await draw(8);
  for (let attempt = 0; attempt < 4; attempt++) {
    await answer(attempt, null);
    while (attempt < 3 && asked.length === attempt + 1) await pass(100, 100);
  }
  pad.retry();
  assert.equal(asked.length, 5);
});

test("a slow server is said to be slow after two seconds, and a request without an answer counts as failed", async () => {
  await draw(8);
  await pass(1900, 10);
  assert.deepEqual(said, []);
  await pass(300, 10);
  assert.match(said.at(-1), /takes its time/);
  await pass(15_000, 100);
  assert.match(said.at(-1), /could not answer/);
});
