// The pen: pointers become strokes, buttons and keys take them back.
import { GRID } from "./sheet.js";

// Keys that are meant for a text, a dialog or the explanation are left alone.
const OTHERS = "input:not([type=radio]), textarea, [contenteditable], [role=dialog], #inside";

// begun() is called before a stroke is on the sheet, ended() after its end; on() listens to the document.
export function pen({ root, sheet, on, begun, ended, keep }) {
  const { canvas } = sheet;
  const widths = root.querySelector("fieldset");
  let pointer = null; // that of the stroke: a second finger is not the pen

  function place(event, { left, top, height } = canvas.getBoundingClientRect()) {
    return [(event.clientX - left) / height, (event.clientY - top) / height].map((at) => Math.round(at * GRID) / GRID);
  }

  function beginStroke(event) {
    if (pointer !== null || event.buttons !== 1) return;
    if (event.type === "pointerenter" && event.pointerType === "touch") return; // a swipe that began below the sheet
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    begun();
    sheet.stroke = { width: Number(widths.querySelector(":checked").value), points: place(event) };
    sheet.become([...sheet.items(), sheet.stroke]);
  }

  function endStroke() {
    const { stroke } = sheet;
    sheet.stroke = pointer = null;
    ended(stroke);
    keep();
  }

  canvas.addEventListener("pointerdown", beginStroke);
  canvas.addEventListener("pointerenter", beginStroke); // pressed beside the sheet, or before it was there

  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    if (!event.buttons) return endStroke(); // let go where the page could not see it
    const between = event.getCoalescedEvents?.() ?? [];
    const box = canvas.getBoundingClientRect();
    const { points } = sheet.stroke;
    for (const moved of between.length ? between : [event]) {
      const [x, y] = place(moved, box);
      const [lastX, lastY] = points.slice(-2);
      if (x !== lastX || y !== lastY) points.push(x, y);
    }
    sheet.change();
  });

  for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
    canvas.addEventListener(end, (event) => event.pointerId === pointer && endStroke());

  canvas.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press is a dot

  function clear() {
    if (sheet.stroke) endStroke();
    if (sheet.isBlank()) sheet.change(); // the answer on the page may be that of a drawing which is on its way
    else sheet.become([]);
    keep();
  }

  const { undo, redo } = sheet;
  for (const [name, act] of Object.entries({ undo, redo, clear })) root.querySelector(`.${name}`).addEventListener("click", act);

  on("keydown", (event) => {
    const shown = canvas.clientWidth > 0;
    if (!shown || event.defaultPrevented || event.target.closest?.(OTHERS)) return;
    const key = event.ctrlKey || event.metaKey ? `Control ${event.shiftKey ? "Shift " : ""}${event.key.toLowerCase()}` : event.key;
    const act = { "Control z": undo, "Control y": redo, "Control Shift z": redo, Escape: clear, Delete: clear }[key];
    if (!act) return;
    act();
    event.preventDefault();
  });

  widths.addEventListener("change", keep);
  return { endStroke: () => sheet.stroke && endStroke() };
}
