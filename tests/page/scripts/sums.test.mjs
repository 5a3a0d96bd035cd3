// Displayed numbers: they round as people do, and displayed sums add up. Read back from the text, as a visitor reads.
import assert from "node:assert/strict";
import { test } from "node:test";
import { percent, plain, rest, signed } from "../../../mnist_mlp/page/format.js";
import { float16, float32, incoming, LAYERS } from "../../../mnist_mlp/page/panel/answer.js";
import { nameLines } from "../../../mnist_mlp/page/panel/epochs.js";
import { evidenceSum } from "../../../mnist_mlp/page/panel/evidence.js";
import { fed, feeding } from "../../../mnist_mlp/page/panel/lines.js";
import { story } from "../../../mnist_mlp/page/panel/stages.js";
import { sumLines } from "../../../mnist_mlp/page/panel/unit.js";
import { whyLines } from "../../../mnist_mlp/page/preview.js";

const number = (text) => Number(text.replace("−", "-").replace(/[()]/g, ""));
const cents = (text) => Math.round(100 * number(text));
let state = 7;
const random = (spread = 1) => spread * (2 * ((state = (state * 48271) % 2147483647) / 2147483647) - 1);
const randoms = (count, spread) => Float32Array.from({ length: count }, () => random(spread));

test("numbers, shares and signs", () => {
  assert.deepEqual([-1.005, -0.004, 0, 2.5].map((n) => plain(n)), ["−1.00", "0.00", "0.00", "2.50"]);
  assert.deepEqual([-0.5, 0, 0.5].map((n) => signed(n)), ["−0.50", "+0.00", "+0.50"]);
  assert.deepEqual([1, 0.99951, 0.5, 0.0004, 0].map(percent), [">99.9%", ">99.9%", "50.0%", "0%", "0%"]);
  for (let i = 0; i < 500; i++) {
    const parts = [random(9), random(9), random(9)];
    const total = parts.reduce((sum, part) => sum + part) + random(0.02);
    assert.equal(parts.reduce((sum, part) => sum + cents(plain(part)), cents(plain(rest(total, parts)))), cents(plain(total)));
  }
});

test("every float16 is what the language makes of its bits", () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((b) => ((b >> 10) & 31) < 31); // finite ones
  const text = Buffer.from(bits.buffer).toString("base64");
  assert.deepEqual(float16(text), Float32Array.from(new Float16Array(bits.buffer)));
  const some = randoms(50);
  assert.deepEqual(float32(Buffer.from(some.buffer).toString("base64")), some);
});

test("why a number is read so: rows and sentences add up", () => {
  for (let i = 0; i < 200; i++) {
    const line = (text) => {
      const terms = Array.from(text, (digit) => [digit, -Math.abs(random(3)), random(2)]);
      const of_text = terms.reduce((sum, [, a, b]) => sum + a + b, 0) + Math.abs(random(0.5));
      return { text, terms, of_text, of_all: of_text + Math.abs(random(0.8)) };
    };
    const sums = [line("42"), line("137")].slice(i % 2);
    const share = 0.5 + Math.abs(random(0.49));
    const [rows, sentences] = whyLines(sums.map(({ text }) => text).join("\n"), sums, share);
    for (const [, network, features, sum] of rows) assert.equal(cents(network) + cents(features), cents(sum));
    let [at, p] = [0, 1];
    for (const [i, { text }] of sums.entries()) {
      const way = rows.slice(at, (at += text.length)).reduce((sum, row) => sum + cents(row[3]), 0);
      const [told, ofText, ofAll] = sentences[2 * i].match(/−?\d+\.\d+/g);
      assert.equal(cents(told), way);
      const exp = Math.exp(number(ofText) - number(ofAll));
      assert.ok(sentences[2 * i + 1].endsWith(`= ${percent(exp)}.`), sentences.join(" "));
      p *= exp;
    }
    assert.ok(sentences.at(-1).includes(`= ${percent(p * share)}, as the label says`), sentences.at(-1));
  }
});

test("the panel's probability leads to the label's, with its numbers", () => {
  for (let i = 0; i < 200; i++) {
    const [p, share] = [Math.abs(random()), Math.abs(random())];
    const told = story({ text: "7", p, number: share, probabilities: { 7: p }, predicted: 7 });
    const [sum, none, product] = told.match(/([\d.]+)% × \(1 − ([\d.]+)%\) = ([\d.]+)%/).slice(1).map(Number);
    assert.ok(Math.abs((sum * (100 - none)) / 100 - product) <= 0.05 + 1e-9, told);
    assert.ok(Math.abs(sum - 100 * p) < 0.06 && Math.abs(none - 100 * (1 - share)) < 0.06, told);
  }
});

test("evidence and bias are the logit, as displayed", () => {
  for (let i = 0; i < 200; i++) {
    const [logit, evidence, bias] = evidenceSum(random(12), random(2)).match(/−?\d+\.\d+/g);
    assert.equal(cents(evidence) + cents(bias), cents(logit));
  }
  assert.equal(evidenceSum(2.35, -0.1), "logit 2.35 = 2.45 + bias (−0.10)");
});

function network() {
  const net = { w1: randoms(784 * 128, 0.2), b1: randoms(128), w2: randoms(128 * 256, 0.3), b2: randoms(256), w3: randoms(2560), b3: randoms(10) };
  const x = randoms(784).map((value) => Math.max(value - 0.5, 0));
  const answer = { network: "relu", x };
  for (const [layer, { input, units, weights, bias, sum }] of Object.entries(LAYERS)) {
    answer[sum] = net[bias].map((b, unit) => answer[input].reduce((total, value, i) => total + value * net[weights][i * units + unit], b));
    if (layer !== "logits") answer[layer] = answer[sum].map((z) => Math.max(z, 0));
  }
  answer.probabilities = answer.logits.map((_, d) => 1 / answer.logits.reduce((total, other) => total + Math.exp(other - answer.logits[d]), 0));
  return { net, answer };
}

test("a unit's sum adds up as displayed, and each term is its factors' product", () => {
  const { net, answer } = network();
  for (const [layer, index] of [["h1", 3], ["h1", 127], ["h2", 0], ["h2", 255], ["logits", 9]]) {
    const into = { weights: incoming(net, { layer, index }), bias: net[LAYERS[layer].bias][index] };
    const lines = sumLines(answer, into, { layer, index }, 7);
    const terms = lines.slice(0, -2);
    assert.equal(terms.reduce((sum, line) => sum + cents(line[2]), 0), cents(lines.at(-2)[2]));
    assert.equal(cents(lines.at(-2)[2]), cents(plain(answer[LAYERS[layer].sum][index])));
    for (const [, factors, product] of terms.slice(0, 7)) {
      const [value, weight] = factors.match(/−?\d+\.\d+/g).map(number);
      assert.ok(Math.abs(value * weight - number(product)) <= 0.0051, factors);
    }
  }
});

test("lines lead from the largest terms, and to what the unit feeds", () => {
  const { net, answer } = network();
  for (const [i, term] of feeding(answer, net, { layer: "h2", index: 5 })) assert.ok(Math.abs(answer.h1[i] * net.w2[i * 256 + 5] - term) < 1e-5);
  const terms = [...incoming(net, { layer: "h2", index: 5 })].map((w, i) => Math.abs(w * answer.h1[i])).sort((a, b) => b - a);
  assert.deepEqual(feeding(answer, net, { layer: "h2", index: 5 }).map(([, term]) => Math.abs(term)), terms.slice(0, 8));
  assert.ok(fed(answer, net, { layer: "h1", index: 2 }).every(([unit]) => answer.h2[unit] > 0));
  assert.deepEqual(fed(answer, net, { layer: "logits", index: 2 }), []);
});

test("the learning chart's lines bear their digits, apart from each other, at their own heights", () => {
  for (let i = 0; i < 100; i++) {
    const probabilities = randoms(130).map(Math.abs);
    const names = nameLines(probabilities, 13, [4, 1]);
    assert.equal(names[0][0], 4);
    assert.equal(names[0][1], 12); // the digit read is named at the end of its line
    for (const [d, at, y] of names) {
      assert.ok(Math.abs(y - 150 * (1 - probabilities[10 * at + d])) < 1e-3);
      assert.ok(names.every(([other, there, height]) => other === d || there !== at || Math.abs(height - y) >= 10), `${names}`);
    }
  }
});
