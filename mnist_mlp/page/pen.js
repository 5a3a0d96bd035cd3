// The pen: pointers become strokes, buttons and keys take them back.

let pointer = null; // that of the stroke: a second finger is not the pen

function place(event, { left, top, height } = canvas.getBoundingClientRect()) {
  return [(event.clientX - left) / height, (event.clientY - top) / height].map((at) => Math.round(at * GRID) / GRID);
}

function beginStroke(event) {
  if (pointer !== null || event.buttons !== 1) return;
  if (event.type === "pointerenter" && event.pointerType === "touch") return; // a swipe that began below the sheet
  pointer = event.pointerId;
  canvas.setPointerCapture(pointer);
  stroke = { width: Number(widths.querySelector(":checked").value), points: place(event) };
  retry();
  become([...marks, stroke]);
}

function endStroke() {
  const dot = stroke.points.length === 2;
  stroke = pointer = null;
  if (dot) changed();
  if (latest && onPage !== latest) display(latest);
  finished();
  keep();
}

canvas.addEventListener("pointerdown", beginStroke);
canvas.addEventListener("pointerenter", beginStroke); // pressed beside the sheet, or before it was there

canvas.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer) return;
  if (!event.buttons) return endStroke(); // let go where the page could not see it
  const between = event.getCoalescedEvents?.() ?? [];
  const box = canvas.getBoundingClientRect();
  for (const moved of between.length ? between : [event]) {
    const [x, y] = place(moved, box);
    const [lastX, lastY] = stroke.points.slice(-2);
    if (x !== lastX || y !== lastY) stroke.points.push(x, y);
  }
  change();
});

for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
  canvas.addEventListener(end, (event) => event.pointerId === pointer && endStroke());

canvas.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press is a dot

function clear() {
  if (stroke) endStroke();
  if (!isBlank()) become([]);
  keep();
}

const undo = () => goTo(step - 1);
const redo = () => goTo(step + 1);

for (const [name, act] of Object.entries({ undo, redo, clear })) root.querySelector(`.${name}`).addEventListener("click", act);

// Keys that are meant for a text, a dialog or the explanation are left alone.
const OTHERS = "input:not([type=radio]), textarea, [contenteditable], [role=dialog], #inside";
on("keydown", (event) => {
  const shown = canvas.clientWidth > 0;
  if (!shown || event.defaultPrevented || event.target.closest?.(OTHERS)) return;
  const key = event.ctrlKey || event.metaKey ? `Control ${event.shiftKey ? "Shift " : ""}${event.key.toLowerCase()}` : event.key;
  const act = { "Control z": undo, "Control y": redo, "Control Shift z": redo, Escape: clear, Delete: clear }[key];
  if (!act) return;
  act();
  event.preventDefault();
});
