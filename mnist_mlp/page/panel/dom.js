// Bars, legends, and what else the panel's views write into its elements.
import { write } from "../format.js";

export const DIGITS = [...Array(10).keys()];
export const BAR = '<span class="bar"><i></i></span><span class="number"></span>';

// share is in -1..1: the bar grows from its middle where it can have either sign, from its left where not
export function setBar(row, i, share, text) {
  const bar = row.querySelectorAll("i")[i];
  bar.style.transform = `scaleX(${share.toFixed(3)})`;
  bar.classList.toggle("minus", share < 0);
  write(row.querySelectorAll(".number")[i], text);
}

export function setLegend(section, left, right) {
  const [start, end] = section.querySelectorAll(".legend span");
  write(start, left);
  write(end, right);
}
