const details = element.querySelector("details");
details.open = matchMedia("(min-width: 768px)").matches;
watch("value", () => {
  element.querySelector(".status").textContent = props.value ? props.value.network : "";
});
