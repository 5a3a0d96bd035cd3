// The ten training digits whose h2 is nearest to the drawing's; one that is clicked is put on the pad.
import { a, write } from "../format.js";
import { bytes } from "./answer.js";
import { Fold } from "./fold.js";
import { grey } from "./picture.js";

export function nearest(state) {
  const { find, element } = state;
  let found = null; // the latest reply

  const fold = new Fold(state, "nearest", "panel_nearest", () => ({}), (reply) => {
    found = { ...reply, images: bytes(reply.images) };
    draw();
  });

  find(".nearest ol").innerHTML =
    '<li><button type="button"><canvas width="28" height="28" aria-hidden="true"></canvas></button><b></b> <span></span></li>'.repeat(10);
  const items = [...find(".nearest ol").children];
  items.forEach((item, n) =>
    item.querySelector("button").addEventListener("click", () => {
      if (found) element.dispatchEvent(new CustomEvent("panel:draw", { detail: enlarged(found.images.subarray(784 * n, 784 * n + 784)), bubbles: true }));
    }),
  );

  function draw() {
    if (!found) return;
    const { images, labels, similarities } = found;
    items.forEach((item, n) => {
      const context = item.querySelector("canvas").getContext("2d");
      const image = context.createImageData(28, 28);
      for (let i = 0; i < 784; i++) image.data.set([...grey(0).slice(0, 3), images[784 * n + i]], 4 * i);
      context.putImageData(image, 0, 0);
      write(item.querySelector("b"), labels[n]);
      write(item.querySelector("span"), similarities[n].toFixed(2));
      item.querySelector("button").setAttribute("aria-label", `${a(labels[n])}, cosine ${similarities[n].toFixed(2)}: draw it on the pad`);
    });
  }

  return { fold, draw };
}

// 784 bytes of ink as a picture, dark on white, with margins as on a sheet, its strokes as smooth as a pen's.
function enlarged(ink) {
  const [small, large] = [28, 168].map((side) => Object.assign(document.createElement("canvas"), { width: side, height: side }));
  const image = small.getContext("2d").createImageData(28, 28);
  ink.forEach((level, i) => image.data.set([255 - level, 255 - level, 255 - level, 255], 4 * i));
  small.getContext("2d").putImageData(image, 0, 0);
  const context = large.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, 168, 168);
  const pixels = context.getImageData(0, 0, 168, 168);
  for (let i = 0; i < pixels.data.length; i += 4) {
    const level = Math.min(Math.max((pixels.data[i] - 128) * 3 + 128, 0), 255); // sharp edges
    pixels.data.set([level, level, level], i);
  }
  context.putImageData(pixels, 0, 0);
  return large.toDataURL();
}
