// ---- Numbers in words, and the elements that hold them

const DIGITS = [...Array(10).keys()];
const find = (selector) => element.querySelector(selector);
const findAll = (selector) => [...element.querySelectorAll(selector)];

// Most texts are the same as in the frame before: those cost no layout.
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const MINUS = "−";
const plain = (number, places = 2) => {
  const text = Math.abs(number).toFixed(places);
  return number < 0 && Number(text) ? MINUS + text : text;
};
const signed = (number, places = 2) => (plain(number, places).startsWith(MINUS) ? "" : "+") + plain(number, places);
const added = (name, number) => `${signed(number)[0]} ${name} ${signed(number).slice(1)}`; // "+ bias 0.31"
const percent = (p) => (p > 0.9995 ? ">99.9%" : p < 0.0005 ? "0%" : `${(100 * p).toFixed(1)}%`);
const a = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;
const pixel = (i) => `x[${Math.floor(i / 28)}, ${i % 28}]`;

// Rounded numbers do not add up by themselves. Here all are whole hundredths, and what rounding leaves goes into
// the rest: total = sum of parts + rest, as displayed.
const hundredths = (number) => Math.round(100 * number.toFixed(2)); // halves as `plain` rounds them
const rest = (total, parts) => (hundredths(total) - parts.reduce((sum, part) => sum + hundredths(part), 0)) / 100;

// Of the contributions in an array: what those above zero and those below it add up to
const bothSigns = (values) => [1, -1].map((sign) => values.reduce((sum, v) => sum + Math.max(sign * v, 0), 0));
const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
