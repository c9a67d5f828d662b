/* Pictures: the slider between input and reconstruction, the zoom, and one image large. */
const root = document.documentElement;
all("input.cut").forEach((slider) => slider.addEventListener("input", () => {
  root.style.setProperty("--cut", `${slider.value}%`);
  all("input.cut").forEach((other) => (other.value = slider.value));
}));
one("#zoom")?.addEventListener("input", (event) => {
  root.style.setProperty("--pixel", event.target.value);
  one("#zoom-value").textContent = `${event.target.value}×`;
});

// Training: the same images after each epoch that was drawn, and at the end with the best weights
const frames = JSON.parse(one("#frames").textContent);
const training = one("#training");
function showEpoch() {
  const epochs = training.dataset.epochs.split(" ").map(Number);
  const epoch = epochs[training.value]; // none at the end
  const words = epoch === undefined ? "trained" : epoch === 0 ? "untrained" : `epoch ${epoch}`;
  one("#training-value").textContent = words;
  training.setAttribute("aria-valuetext", words);
  all('[data-choice="set"][data-value="same"] tr[data-config]').forEach((row) => {
    const of = frames[row.dataset.config] ?? [];
    const [output, error] = [one(".output img", row), one(".error img", row)];
    const captions = [...one(".names", row).children];
    row.trained ??= { output: output.src, error: error.src, mse: captions.map((caption) => caption.dataset.mse) };
    const frame = epoch === undefined ? undefined : of.findLast((drawn) => drawn.epoch <= epoch);
    const { output: made, error: off, mse } = frame ?? row.trained;
    [output.src, error.src] = [made, off];
    captions.forEach((caption, i) => {
      caption.textContent = caption.dataset.mse = mse[i];
      caption.title = caption.title.replace(/MSE .*/, `MSE ${mse[i]}`);
      if (caption.ariaLabel) caption.ariaLabel = caption.title;
    });
    one(".at", row).textContent = epoch === undefined ? "" : frame ? `, ${frame.epoch ? `epoch ${frame.epoch}` : "untrained"}` : ", trained";
  });
}
training?.addEventListener("input", showEpoch);
if (training?.value !== training?.max) showEpoch(); // a browser that kept where it stood
all("input[name=role]").forEach((radio) => radio.addEventListener("change", () => (one("#pictures").dataset.show = radio.value)));

const dialog = one("#large");
let place = null; // { row, tile }: a row with pictures and the number of one of its images

function tileOf(strip, over, tile) {
  const { n, width, height } = strip.dataset;
  const box = document.createElement("div");
  box.className = "tile";
  box.role = "img";
  box.style.cssText = `--n:${n};--width:${width};--height:${height}`;
  box.style.backgroundImage = `url(${one("img", strip).src})`;
  box.style.backgroundPosition = `${n > 1 ? (100 * tile) / (n - 1) : 0}% 0`;
  box.ariaLabel = `${one("img", strip).alt.split(",")[0]}, enlarged`;
  if (over) {
    const layer = document.createElement("div");
    layer.className = "over";
    layer.style.backgroundImage = getComputedStyle(over).backgroundImage;
    box.append(layer);
  }
  return box;
}

function enlarge() {
  const { row, tile } = place;
  const own = row.closest("table").dataset.set !== "same"; // then each configuration has images of its own
  const rows = own ? [row] : [...row.closest("tbody").rows].filter((other) => !other.hidden && one(".tiles", other));
  const { width, height } = one(".tiles", row).dataset;
  const side = Math.max(1, Math.floor(Math.min(own ? 420 : 250, innerWidth * 0.42) / Math.max(width, height)));
  const body = one(".big", dialog);
  body.style.setProperty("--side", side);
  body.replaceChildren(...rows.map((other) => {
    const figure = document.createElement("figure");
    const pair = document.createElement("div");
    pair.className = "pair";
    pair.append(...all(".tiles", other).map((strip) => tileOf(strip, one(".over", strip), tile)));
    const caption = document.createElement("figcaption");
    const mse = one(".names", other)?.children[tile]?.dataset.mse;
    caption.textContent = one("th", other).innerText.split("\n")[0] + (mse ? ` · MSE ${mse}` : "");
    figure.append(pair, caption);
    return figure;
  }));
  const names = (one(".names", row) ?? one(".names", row.closest("table"))).children;
  one("h3", dialog).textContent = `Test image ${names[tile].dataset.index}, ${side}× each pixel`;
}

function open(row, tile) {
  place = { row, tile };
  enlarge();
  dialog.showModal();
}
function step(by) {
  const n = Number(one(".tiles", place.row).dataset.n);
  place.tile = (place.tile + by + n) % n;
  enlarge();
}
all("button[data-tile]").forEach((button) => button.addEventListener("click", () => {
  const row = button.closest("tr").querySelector(".tiles") ? button.closest("tr") : one("tbody tr", button.closest("table"));
  open(row, Number(button.dataset.tile));
}));
all(".tiles").forEach((strip) => strip.addEventListener("click", (event) => {
  const area = strip.getBoundingClientRect();
  open(strip.closest("tr"), Math.floor(((event.clientX - area.left) / area.width) * strip.dataset.n));
}));
if (dialog) {
  all("button[data-step]", dialog).forEach((button) => button.addEventListener("click", () => step(Number(button.dataset.step))));
  one("button.close", dialog).addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.target.type !== "range" && (event.key === "ArrowRight" || event.key === "ArrowLeft")) step(event.key === "ArrowRight" ? 1 : -1);
  });
}
