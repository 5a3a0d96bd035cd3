// ---- What arrives: arrays as base64 of float32 or float16, in an answer and in the weights

// Plain loops: this runs for every answer, and the callbacks of from() take ten times as long.
function bytes(data) {
  const text = atob(data);
  const array = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) array[i] = text.charCodeAt(i);
  return array;
}

const float32 = (data) => new Float32Array(bytes(data).buffer);

// Not every browser has Float16Array. sign · 2^(exponent − 15) · (1 + fraction / 1024)
function half(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
  return bits >> 15 ? -size : size;
}
let halves; // of every 16 bits, once

function float16(data) {
  halves ??= Float32Array.from({ length: 65536 }, (_, bits) => half(bits));
  const packed = new Uint16Array(bytes(data).buffer);
  const array = new Float32Array(packed.length);
  for (let i = 0; i < packed.length; i++) array[i] = halves[packed[i]];
  return array;
}

function unpackAnswer(value) {
  const { network, index, text } = value;
  const answer = { network, index, text, packed: value.x }; // x as the panel's own questions send it
  for (const name of ["x", "z1", "h1", "z2", "h2", "logits", "probabilities", "bias"]) answer[name] = float32(value[name]);
  for (const name of ["units1", "units2"]) answer[name] = float16(value[name]);
  // Only inked pixels have evidence: back to where they are.
  const inked = [...answer.x.keys()].filter((i) => answer.x[i] > 0);
  const evidence = float16(value.evidence);
  answer.evidence = DIGITS.map((digit) => {
    const pixels = new Float32Array(784);
    inked.forEach((at, i) => (pixels[at] = evidence[digit * inked.length + i]));
    return pixels;
  });
  [answer.first, answer.second] = [...DIGITS].sort((a, b) => answer.logits[b] - answer.logits[a]);
  return answer;
}

// ---- The layers, from where the chosen unit stands

// name -> the name of what it is computed of, of its weights and bias, and of its sum
const LAYERS = {
  h1: { input: "x", inputs: 784, units: 128, weights: "w1", bias: "b1", sum: "z1", formula: (u) => `x·W1[:, ${u}] + b1[${u}]` },
  h2: { input: "h1", inputs: 128, units: 256, weights: "w2", bias: "b2", sum: "z2", formula: (u) => `h1·W2[:, ${u}] + b2[${u}]` },
  logits: { input: "h2", inputs: 256, units: 10, weights: "w3", bias: "b3", sum: "logits", formula: (u) => `h2·W3[:, ${u}] + b3[${u}]` },
};

// The exact weights: one question for each network, when the panel is first open with an answer of it.
const networks = {}; // name -> {w1, b1, w2, b2, w3, b3}, or null while they are under way

function weightsOf(network) {
  if (networks[network] === undefined) {
    networks[network] = null;
    ask("panel_weights", { network }).then((reply) => {
      if (!reply) return delete networks[network];
      const decode = reply.type === "float16" ? float16 : float32;
      networks[network] = Object.fromEntries(["w1", "b1", "w2", "b2", "w3", "b3"].map((name) => [name, decode(reply[name])]));
      schedule();
    });
  }
  return networks[network];
}

// A question of the panel's own: the reply; undefined where the server refuses or cannot answer
const ask = (question, request) => server[question](request);

// The weights into unit `index` of a layer, (inputs,)
function incoming(net, { layer, index }) {
  const { inputs, units, weights } = LAYERS[layer];
  return Float32Array.from({ length: inputs }, (_, i) => net[weights][i * units + index]);
}
