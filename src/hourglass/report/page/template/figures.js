/* Figures: Plotly is unpacked when the page has opened, each figure is drawn when it comes into view. */
const figures = JSON.parse(one("#specifications").textContent);
let unpacked;
function unpack() {
  unpacked ??= (async () => {
    const bytes = Uint8Array.from(atob(one("#plotly-packed").textContent.trim()), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text(); // its hash stands in the page's content security policy
    document.head.append(script);
  })();
  return unpacked;
}

function colours() {
  const of = (selector, property) => getComputedStyle(one(selector))[property];
  return { text: of("body", "color"), muted: of(".kicker", "color"), line: of(".bar", "borderBottomColor"), card: of(".scroll, body", "backgroundColor") };
}

// The specification has what is drawn; colours of text and grid, and what is hidden, are added here
function specification(plot) {
  const { id } = plot.dataset;
  const { data, layout } = figures[id][plot.dataset.variant];
  const { text, muted, line, card } = colours();
  const themed = { ...layout, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true,
    font: { family: "system-ui, sans-serif", size: 12.5, color: text },
    hoverlabel: { bgcolor: card, bordercolor: line, font: { color: text }, namelength: 60 } };
  for (const axis of Object.keys(layout).filter((key) => /^[xy]axis/.test(key)))
    themed[axis] = { ...layout[axis], gridcolor: line, linecolor: muted, zerolinecolor: line, automargin: true };
  const visible = data.filter((trace) => trace.meta === null || shown.has(trace.meta));
  return [visible, themed, { displaylogo: false, responsive: true, displayModeBar: false }];
}

function draw(plot) {
  return unpack().then(
    () => Plotly.react(plot, ...specification(plot)).then(() => { plot.dataset.drawn = "yes"; }),
    (error) => { plot.textContent = `This browser cannot unpack the figures (${error.message}); the numbers are in the tables.`; });
}
const redraw = () => all(".plot[data-drawn]").forEach(draw);
onShownChange.push(redraw);
onThemeChange.push(redraw);

all("[data-figure]").forEach((control) => control.addEventListener("change", () => {
  const plot = one(`#plot-${control.dataset.figure}`);
  plot.dataset.variant = control.value;
  draw(plot);
}));

const watcher = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
  watcher.unobserve(entry.target);
  draw(entry.target);
}), { rootMargin: "300px" });
all(".plot").forEach((plot) => watcher.observe(plot));
// All others when nothing else is to be done, so that whoever prints finds them drawn
function drawRest() {
  const plot = one(".plot:not([data-drawn])");
  if (plot) draw(plot).then(() => plot.dataset.drawn && setTimeout(drawRest, 50));
}
addEventListener("load", () => setTimeout(drawRest, 200));

// Paper: all figures, in light, as wide as a page; of those that cannot be drawn yet the numbers
let before, opened = [];
addEventListener("beforeprint", () => {
  before = root.dataset.theme;
  root.dataset.theme = "light";
  if (!window.Plotly) {
    opened = all(".plot:not([data-drawn]) ~ details.numbers:not([open])");
    opened.forEach((numbers) => (numbers.open = true));
  } else all(".plot").forEach((plot) => {
    const [data, layout, config] = specification(plot);
    Plotly.react(plot, data, { ...layout, autosize: false, width: 680 }, { ...config, responsive: false });
    plot.dataset.drawn = "yes";
  });
});
addEventListener("afterprint", () => {
  opened.forEach((numbers) => (numbers.open = false));
  opened = [];
  before === undefined ? delete root.dataset.theme : (root.dataset.theme = before);
  redraw();
});
