// Ctrl+V on the open tab puts a picture there: Gradio's own part takes it by a button alone.
export default function paste({ element, props, trigger }) {
  async function pasted(event) {
    if (!element.isConnected) return document.removeEventListener("paste", pasted);
    const file = event.clipboardData?.files[0];
    if (!file || !element.closest("[role=tabpanel]").clientWidth) return;
    event.preventDefault();
    const form = new FormData();
    form.append("files", file);
    const reply = await fetch("gradio_api/upload", { method: "POST", body: form }).catch(() => null);
    const answer = await reply?.json().catch(() => null);
    if (reply?.ok) {
      const [path] = answer;
      const url = new URL(`gradio_api/file=${path}`, location.href).href;
      tell({ file: { path, url, orig_name: file.name, meta: { _type: "gradio.FileData" } } });
    } else tell({ file: null, hint: answer?.detail ?? "The server could not take this picture. Try again in a moment." });
  }

  function tell({ file, hint = "" }) {
    props.value = JSON.stringify([file, hint]);
    trigger("input");
  }

  document.addEventListener("paste", pasted);
}
