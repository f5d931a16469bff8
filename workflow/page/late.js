// Part 6, dose and response of the norm, and part 7, the deep network. Both are drawn from tables.

const ARMS = {
  main: "as it is (part 2)",
  weight_decay: "other weight decay",
  held_norm: "norm held at first",
  orthogonal_gradient: "no step along weights",
  initial_norm: "scaled down later",
  fixed_norm: "norm held later",
  temperature: "… and softer loss",
  sham: "… and a restart",
  no_decay: "decay off later",
};
const SHAPES = ["▼", "●", "▲", "■", "◆"];

const stepOf = (row) => (row.status === "grokked" ? row.grokking_step : row.last_step);
function dotOf(row, x, y, shape, name) {
  const known = row.status === "grokked",
    step = stepOf(row);
  const said = `${ARMS[row.arm] ?? row.arm}, norm × ${row.norm_factor}, temperature ${row.temperature}, Adam’s ε ${row.epsilon}, decay ${row.weight_decay}, seed ${row.seed}: ${known ? `knew all at step ${grouped(step)}` : `${row.status}, ${grouped(step)} steps`}`;
  return `<text class="dot ${name} ${known ? "" : "open"}" x="${x.toFixed(1)}" y="${(y(step) + 4).toFixed(1)}" text-anchor="middle" data-tip="${said}">${shape}</text>`;
}

function prepareLateness() {
  const rows = ADD.doses;
  if (!rows.length) return;
  const held = rows.filter((row) => row.arm === "held_norm" && row.last_step);
  const temperatures = [...new Set(held.map((row) => row.temperature))].sort((a, b) => a - b);
  const shapeOf = (row) =>
    SHAPES[temperatures.length > 1 ? temperatures.indexOf(row.temperature) % SHAPES.length : 1];
  const steps = (own) => own.map((row) => row.grokking_step ?? row.last_step).filter(Boolean);
  if (held.length) {
    const factors = held.map((row) => row.norm_factor),
      x = linear(
        [Math.min(...factors) - 0.1, Math.max(...factors) + 0.1],
        [56, 620],
        [...new Set(factors)].sort((a, b) => a - b),
      );
    const epsilons = [...new Set(held.map((row) => row.epsilon))].sort((a, b) => b - a);
    const y = logarithmic([Math.min(...steps(held)) * 0.8, Math.max(...steps(held)) * 1.2], [220, 10]);
    const dots = held.map((row) => {
      const heat = temperatures.indexOf(row.temperature) - (temperatures.length - 1) / 2,
        epsilon = epsilons.indexOf(row.epsilon);
      return dotOf(row, x(row.norm_factor) + 9 * heat + 3 * epsilon, y, shapeOf(row), epsilon ? "w1" : "w0");
    });
    drawChart("late-dose", x, y, "norm that is held, of the initial one", "step", dots.join(""));
    $("late-legend").innerHTML =
      temperatures
        .map(
          (t, i) =>
            `<li>${SHAPES[temperatures.length > 1 ? i % SHAPES.length : 1]} scores divided by ${t}</li>`,
        )
        .join("") +
      epsilons.map((e, i) => `<li class="${i ? "w1" : "w0"}">Adam’s ε = ${e}</li>`).join("") +
      "<li>hollow: not within its steps</li>";
  }
  const arms = Object.keys(ARMS).filter((arm) => rows.some((row) => row.arm === arm));
  // of the main arm the network of part 2 alone: other networks have one too
  const plain = (row) =>
    row.arm === "held_norm"
      ? row.norm_factor === 1 && row.temperature === 1
      : row.arm !== "main" || row.entry === ADD.model;
  const own = rows.filter((row) => plain(row) && arms.includes(row.arm) && row.last_step);
  const height = 46 + 26 * arms.length,
    x = logarithmic([Math.min(...steps(own)) * 0.8, Math.max(...steps(own)) * 1.2], [226, 612]);
  $("late-arms").setAttribute("viewBox", `0 0 640 ${height}`);
  const place = (arm) => 18 + 26 * arms.indexOf(arm);
  const y = linear([0, 1], [height - 40, 8], []);
  const names = arms.map(
    (arm) => `<text class="tick" x="218" y="${place(arm) + 4}" text-anchor="end">${ARMS[arm]}</text>`,
  );
  const dots = own.map((row) => dotOf(row, x(stepOf(row)), () => place(row.arm), "●", "w0"));
  drawChart("late-arms", x, y, "step at which it knew all", "", names.join("") + dots.join(""));
}

async function prepareDeep() {
  const deep = ADD.deep;
  if (!deep) return;
  const { W_E } = await unpack(deep.embedding),
    d = W_E.shape[1],
    shares = spectrum(W_E.data, P, d),
    own = keysOf(shares);
  const options = own.length ? own : [largest(shares) + 1];
  $("deep-key").replaceChildren(...options.map((k) => new Option(k, k)));
  $("deep-key").addEventListener("change", () => set({ deepKey: Number($("deep-key").value) }));
  drawSpectrum("deep-spectrum", shares, Math.max(...shares), own);
  on(["deepKey"], () => {
    const k = options.includes(state.deepKey) ? state.deepKey : options[0];
    $("deep-key").value = k;
    $("deep-circle").innerHTML = circleOf(plane(W_E.data, P, d, k), k);
  });
  if (deep.stream.length) prepareLayers(deep);
}

function prepareLayers(deep) {
  const of = (quantity, position) =>
    deep.stream.filter((row) => row.quantity === quantity && row.position === position);
  const taken = deep.stream.filter((row) => row.quantity === "sum_taken" && row.value !== null);
  const carrier = taken.length
    ? taken.reduce((best, row) => (row.value > best.value ? row : best)).position
    : "=";
  const x = linear(
      [0, deep.n_layers],
      [40, 292],
      Array.from({ length: deep.n_layers + 1 }, (_, i) => i),
    ),
    y = linear([0, 1], [160, 10]);
  const sharesAt = (position) =>
    of("share_sum", position)
      .sort((a, b) => a.layer - b.layer)
      .map((row) => [x(row.layer), y(row.value ?? 0)]);
  $("deep-where").textContent = `at “${carrier}”, from where most of its answer is read`;
  const draw = () => {
    const layer = state.layer || deep.n_layers - 1;
    $("deep-layer").value = layer;
    $("deep-at").textContent = `${layer} of ${deep.n_layers}`;
    const lines = line(sharesAt("="), "train") + line(sharesAt("b"), "others");
    const names =
      '<text class="label train" x="48" y="22">at “=”</text><text class="label others" x="48" y="38">at b</text>';
    const cursor = `<line class="cursor" x1="${x(layer)}" x2="${x(layer)}" y1="10" y2="160"/>`;
    drawChart("deep-shares", x, y, "after layer", "", lines + names + cursor);
    const shares = Array.from(
      { length: (P - 1) / 2 },
      (_, i) =>
        of("spectrum", carrier).find((row) => row.layer === layer && row.frequency === i + 1)?.value ?? 0,
    );
    drawSpectrum("deep-sum", shares, Math.max(...shares, 1e-9), keysOf(shares));
    const told = deep.exchange.filter((row) => row.layer === layer && row.moved !== null);
    const whole = told
      .filter((row) => row.exchanged === "sum")
      .map(
        (row) => `at “${row.position}”, ${percent(row.moved)} of the answers follow the other prompt’s a + b`,
      );
    const counted = told
      .filter((row) => row.exchanged === "keys" && row.n_frequencies)
      .map((row) => `${row.n_frequencies}: ${percent(row.moved)}`);
    whole.push(
      ...told
        .filter((row) => row.exchanged === "keys everywhere")
        .map((row) => `its key frequencies at both, ${percent(row.moved)}`),
    );
    $("deep-exchange").textContent = whole.length
      ? `Exchanged after layer ${layer}: ${whole.join("; ")}.${counted.length ? ` With only its strongest frequencies at “${carrier}”, ${counted.join(", ")}.` : ""}`
      : "";
  };
  tells($("deep-shares"), (px) => {
    const layer = within(x.back(px), 0, deep.n_layers);
    return (
      ["=", "b"]
        .map(
          (position) =>
            `at “${position}” ${percent(of("share_sum", position).find((row) => row.layer === layer)?.value ?? 0)}`,
        )
        .join(", ") + ` after layer ${layer}`
    );
  });
  $("deep-shares").addEventListener("click", (event) =>
    set({ layer: within(x.back(place($("deep-shares"), event)[0]), 1, deep.n_layers) }),
  );
  $("deep-layer").addEventListener("input", () => set({ layer: Number($("deep-layer").value) }));
  on(["layer"], draw);
}
