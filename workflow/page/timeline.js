// What both explorers share: charts whose data change, a slider with a button that moves it.

const page = JSON.parse(document.getElementById("page-data").textContent);
const PLAY_MS = 140; // between two steps
const find = (root, role) => root.querySelector(`[data-role="${role}"]`);
const inWords = (step) => step.toLocaleString("en");

// All charts of an explorer: name → {data(set, rows), signal(key, value), scale(channel), draw()}.
async function drawCharts(root) {
  const charts = {};
  for (const element of root.querySelectorAll("[data-chart]")) {
    const name = element.dataset.chart;
    const options = { mode: "vega-lite", renderer: "svg", actions: false, tooltip: { theme: "light" } };
    const { view } = await vegaEmbed(element, page.charts[name], options);
    charts[name] = {
      element,
      data: (set, rows) => view.data(set, rows),
      signal: (key, value) => view.signal(key, value),
      scale: (channel) => view.scale(channel),
      draw: () => view.runAsync(),
    };
  }
  return charts;
}

function fillOptions(select, names) {
  const before = select.value;
  select.replaceChildren(...names.map((name, index) => new Option(name, index)));
  if ([...select.options].some((option) => option.value === before)) select.value = before;
  select.disabled = names.length < 2;
}

// A slider over the steps of a network; show(index) is called whenever it points elsewhere.
function timeline(root, show) {
  const slider = root.querySelector("input[type=range]");
  const button = find(root, "play");
  const output = find(root, "step");
  let steps = [];
  let timer = null;

  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.setAttribute("aria-pressed", "false");
    button.firstChild.textContent = "▶ ";
    button.lastElementChild.textContent = "Play";
  };
  const point = () => {
    const step = steps.length ? inWords(steps[slider.valueAsNumber]) : "none";
    output.textContent = step;
    slider.setAttribute("aria-valuetext", `step ${step}`);
    show(slider.valueAsNumber);
  };
  const advance = () => {
    if (slider.valueAsNumber >= steps.length - 1) return stop();
    slider.value = slider.valueAsNumber + 1;
    point();
  };
  button.addEventListener("click", () => {
    if (timer) return stop();
    if (slider.valueAsNumber >= steps.length - 1) slider.value = 0;
    button.setAttribute("aria-pressed", "true");
    button.firstChild.textContent = "⏸ ";
    button.lastElementChild.textContent = "Pause";
    timer = setInterval(advance, PLAY_MS);
    point();
  });
  slider.addEventListener("input", () => {
    stop();
    point();
  });
  return {
    // Another network: stay at the same step as nearly as it was measured, at first at the last.
    over(newSteps) {
      const step = steps[slider.valueAsNumber];
      const atEnd = slider.valueAsNumber >= steps.length - 1;
      steps = newSteps;
      slider.max = Math.max(steps.length - 1, 0);
      slider.disabled = button.disabled = steps.length < 2;
      const later = steps.findIndex((other) => other >= step);
      slider.value = atEnd || later < 0 ? slider.max : later;
      point();
    },
  };
}
