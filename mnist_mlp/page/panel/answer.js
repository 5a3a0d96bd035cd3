// What arrives: arrays as base64 of float32 or float16, in an answer and in the weights.
import { DIGITS } from "./dom.js";

// name -> the name of what it is computed of, of its weights and bias, and of its sum
export const LAYERS = {
  h1: { input: "x", inputs: 784, units: 128, weights: "w1", bias: "b1", sum: "z1", formula: (u) => `x·W1[:, ${u}] + b1[${u}]` },
  h2: { input: "h1", inputs: 128, units: 256, weights: "w2", bias: "b2", sum: "z2", formula: (u) => `h1·W2[:, ${u}] + b2[${u}]` },
  logits: { input: "h2", inputs: 256, units: 10, weights: "w3", bias: "b3", sum: "logits", formula: (u) => `h2·W3[:, ${u}] + b3[${u}]` },
};

// Plain loops: this runs for every answer, and the callbacks of from() take ten times as long.
export function bytes(data) {
  const text = atob(data);
  const array = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) array[i] = text.charCodeAt(i);
  return array;
}

export const float32 = (data) => new Float32Array(bytes(data).buffer);

// Not every browser has Float16Array. sign · 2^(exponent − 15) · (1 + fraction / 1024)
function half(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
  return bits >> 15 ? -size : size;
}
let halves; // of every 16 bits, once

export function float16(data) {
  halves ??= Float32Array.from({ length: 65536 }, (_, bits) => half(bits));
  const packed = new Uint16Array(bytes(data).buffer);
  const array = new Float32Array(packed.length);
  for (let i = 0; i < packed.length; i++) array[i] = halves[packed[i]];
  return array;
}

export function unpackAnswer(value) {
  const { network, index, text, p, number, no_digit } = value;
  const answer = { network, index, text, p, number, no_digit, packed: value.x }; // x as the panel's questions send it
  answer.unit = value.unit ? { ...value.unit, weights: float16(value.unit.weights) } : null; // of the page's example
  for (const name of ["x", "z1", "h1", "z2", "h2", "logits", "probabilities", "bias"]) answer[name] = float32(value[name]);
  for (const name of ["h1_contributions", "h2_contributions"]) answer[name] = float16(value[name]);
  // Only inked pixels have evidence: back to where they are.
  const inked = [...answer.x.keys()].filter((i) => answer.x[i] > 0);
  const evidence = float16(value.evidence);
  answer.evidence = DIGITS.map((digit) => {
    const pixels = new Float32Array(784);
    inked.forEach((at, i) => (pixels[at] = evidence[digit * inked.length + i]));
    return pixels;
  });
  [answer.predicted, answer.second] = [...DIGITS].sort((a, b) => answer.logits[b] - answer.logits[a]);
  return answer;
}

// The weights into unit `index` of a layer, (inputs,)
export function incoming(net, { layer, index }) {
  if (!net) return null;
  const { inputs, units, weights } = LAYERS[layer];
  return Float32Array.from({ length: inputs }, (_, i) => net[weights][i * units + index]);
}

export const unpackWeights = (reply) => {
  const decode = reply.type === "float16" ? float16 : float32;
  return Object.fromEntries(["w1", "b1", "w2", "b2", "w3", "b3"].map((name) => [name, decode(reply[name])]));
};
