// ---- The ten training digits whose h2 is nearest to the drawing's

const nearestFold = new Fold("nearest", "panel_nearest", () => ({}), (reply) => {
  nearest = { ...reply, images: bytes(reply.images) };
  drawNearest();
});
let nearest = null; // the latest reply

find(".nearest ol").innerHTML = '<li><canvas width="28" height="28" aria-hidden="true"></canvas><b></b> <span></span></li>'.repeat(10);

function drawNearest() {
  if (!nearest) return;
  const { images, labels, similarities } = nearest;
  [...find(".nearest ol").children].forEach((item, n) => {
    const context = item.querySelector("canvas").getContext("2d");
    const image = context.createImageData(28, 28);
    for (let i = 0; i < 784; i++) image.data.set([...palette.ink, images[784 * n + i]], 4 * i);
    context.putImageData(image, 0, 0);
    write(item.querySelector("b"), labels[n]);
    write(item.querySelector("span"), similarities[n].toFixed(2));
    item.setAttribute("aria-label", `${a(labels[n])}, cosine ${similarities[n].toFixed(2)}`);
  });
}
