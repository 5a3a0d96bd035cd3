// Numbers in words, for the pad's answer and the panel.

const MINUS = "−";

export function plain(number, places = 2) {
  const text = Math.abs(number).toFixed(places);
  return number < 0 && Number(text) ? MINUS + text : text;
}

export const signed = (number, places = 2) => (plain(number, places).startsWith(MINUS) ? "" : "+") + plain(number, places);

export const percent = (p) => (p > 0.9995 ? ">99.9%" : p < 0.0005 ? "0%" : `${(100 * p).toFixed(1)}%`);

export const a = (digit) => `${Number(digit) === 8 ? "an" : "a"} ${digit}`;

export const pixel = (i) => `x[${Math.floor(i / 28)}, ${i % 28}]`;

// Rounded numbers do not add up by themselves. Here all are whole hundredths, and what rounding leaves goes into
// the rest: total = sum of parts + rest, as displayed.
export const hundredths = (number) => Math.round(100 * number.toFixed(2)); // halves as `plain` rounds them
export const rest = (total, parts) => (hundredths(total) - parts.reduce((sum, part) => sum + hundredths(part), 0)) / 100;

export const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);

// Few weights are far larger than the others: the colours reach from 0 to what 99 % of them lie below.
export const percentile = (values) => Math.max(values.map(Math.abs).sort()[Math.floor(0.99 * values.length)], 1e-6);

// Most texts are the same as in the frame before: those cost no layout.
export function write(node, text) {
  if (node.textContent !== String(text)) node.textContent = text;
}
