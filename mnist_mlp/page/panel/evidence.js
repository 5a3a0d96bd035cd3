// Each pixel's contribution to the logit of the chosen digit.
import { a, largest, pixel, plain, rest, signed, write } from "../format.js";
import { setLegend } from "./dom.js";
import { Picture, grey, twoColours, visible } from "./picture.js";

export function evidence(state) {
  const { find } = state;
  const contribution = (i) => `${pixel(i)}: ${signed(state.answer.evidence[state.digit()][i])}`;
  const sum = () => evidenceSum(state.answer.logits[state.digit()], state.answer.bias[state.digit()]);
  const picture = new Picture(state, "evidence", 28, 28, "Evidence", contribution, sum);

  function draw() {
    const d = state.digit();
    const values = state.answer.evidence[d];
    const most = Math.max(...state.answer.evidence.map(largest));
    const [logit, bias] = [state.answer.logits[d], state.answer.bias[d]];
    const minus = values.reduce((sum, value) => sum - Math.min(value, 0), 0);
    const plus = rest(logit, [bias, -minus]); // so that all adds up as displayed
    const how = state.answer.network === "relu" ? "x times the gradient" : "integrated gradients";
    write(find(".evidence h3"), `Evidence for ${a(d)}`);
    write(
      find(".evidence .about"),
      `Blue ink raises its logit, by ${plain(plus)} in all; orange ink lowers it, by ${plain(minus)} (${how}).`,
    );
    setLegend(find(".explained .evidence"), plain(-most), signed(most));
    picture.paint((i) => twoColours(visible(values[i] / most), state.answer.x[i]));
  }

  function clear() {
    picture.paint(() => grey(0));
    write(find(".evidence h3"), "Evidence");
  }

  return { draw, clear };
}

// "logit 2.35 = 2.45 + bias (−0.10)", which adds up as displayed.
export function evidenceSum(logit, bias) {
  const shown = bias < 0 && plain(bias) !== "0.00" ? `(${plain(bias)})` : plain(bias);
  return `logit ${plain(logit)} = ${plain(rest(logit, [bias]))} + bias ${shown}`;
}
