// Shows the pixels of the newest answer, a picture in a data URL; nothing for null.
const image = Object.assign(new Image(), { alt: "What the network sees" });

function show() {
  if (props.value) image.src = props.value;
  element.querySelector("div").replaceChildren(...(props.value ? [image] : []));
}

watch("value", show);
show();
