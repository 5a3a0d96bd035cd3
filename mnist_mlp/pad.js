const canvas = element.querySelector("canvas");
const ctx = canvas.getContext("2d", { willReadFrequently: true });
canvas.width = canvas.height = 224;
function clear() { ctx.fillStyle = "#fff"; ctx.fillRect(0, 0, 224, 224); }
clear();
ctx.lineWidth = 15; ctx.lineCap = ctx.lineJoin = "round";
let down = false, timer = null;
const at = (e) => { const r = canvas.getBoundingClientRect(); return [(e.clientX - r.left) / r.width * 224, (e.clientY - r.top) / r.height * 224]; };
function send() { timer ??= setTimeout(() => { timer = null; props.value = canvas.toDataURL(); }, 30); }
canvas.onpointerdown = (e) => { down = true; canvas.setPointerCapture(e.pointerId); ctx.beginPath(); ctx.moveTo(...at(e)); };
canvas.onpointermove = (e) => { if (!down) return; ctx.lineTo(...at(e)); ctx.stroke(); send(); };
canvas.onpointerup = () => { down = false; send(); };
element.querySelector(".clear").onclick = () => { clear(); props.value = ""; };
