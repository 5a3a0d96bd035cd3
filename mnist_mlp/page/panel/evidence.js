// ---- Each pixel's contribution to the logit of the chosen digit

const evidencePicture = new Picture("evidence", 28, 28, "Evidence", (i) => `${pixel(i)}: ${signed(answer.evidence[digit()][i])}`, () => {
  const [logit, bias] = [answer.logits[digit()], answer.bias[digit()]];
  return `logit ${plain(logit)} = ${plain(rest(logit, [bias]))} ${added("bias", bias)}`;
});

function drawEvidence() {
  const d = digit();
  const values = answer.evidence[d];
  const most = Math.max(...answer.evidence.map(largest));
  const [, minus] = bothSigns(values);
  const plus = rest(answer.logits[d], [answer.bias[d], -minus]); // so that the legend adds up with the line below it
  const how = answer.network === "relu" ? "x times the gradient" : "integrated gradients";
  write(find(".evidence h3"), `Evidence for ${a(d)}`);
  write(find(".evidence .about"), `Ink that raises its logit is blue, ink that lowers it orange (${how}).`);
  setLegend("evidence", `${plain(-minus)}`, `${signed(plus)}`);
  evidencePicture.paint((i) => twoColours(visible(values[i] / most), answer.x[i]));
}
