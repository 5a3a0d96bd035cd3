// The hint: a sentence that a screen reader says when it changes.
export default function hint({ element, props, watch }) {
  const show = () => (element.querySelector("p").textContent = props.value ?? "");
  watch("value", show);
  show();
}
