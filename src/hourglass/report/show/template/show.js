const slider = document.querySelector("#time");
const stages = [...document.querySelectorAll("[data-at]")];
function show() {
  for (const stage of stages) stage.hidden = stage.dataset.at !== slider.value;
  const { when } = stages.find((stage) => !stage.hidden).dataset;
  document.querySelector("#when").textContent = when;
  slider.setAttribute("aria-valuetext", when);
}
slider.addEventListener("input", show);
show(); // a page that is read again keeps where its slider was
