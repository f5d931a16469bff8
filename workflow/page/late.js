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
  const values = (key) => [...new Set(held.map((row) => row[key]))].sort((a, b) => a - b);
  const temperatures = values("temperature");
  const shapeOf = (t) => SHAPES[temperatures.length > 1 ? temperatures.indexOf(t) % SHAPES.length : 1];
  const steps = (own) => own.map((row) => row.grokking_step ?? row.last_step).filter(Boolean);
  if (held.length) {
    const factors = values("norm_factor"),
      x = linear([factors[0] - 0.1, factors.at(-1) + 0.1], [56, 620], factors);
    const epsilons = values("epsilon").reverse();
    const y = logarithmic([Math.min(...steps(held)) * 0.8, Math.max(...steps(held)) * 1.2], [220, 10]);
    const dots = held.map((row) => {
      const heat = temperatures.indexOf(row.temperature) - (temperatures.length - 1) / 2,
        epsilon = epsilons.indexOf(row.epsilon);
      const at = x(row.norm_factor) + 9 * heat + 3 * epsilon;
      return dotOf(row, at, y, shapeOf(row.temperature), epsilon ? "w1" : "w0");
    });
    drawChart("late-dose", x, y, "norm that is held, of the initial one", "step", dots.join(""));
    $("late-legend").innerHTML =
      temperatures.map((t) => `<li>${shapeOf(t)} scores divided by ${t}</li>`).join("") +
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
  const x = linear([0, deep.n_layers], [40, 292], [...Array(deep.n_layers + 1).keys()]),
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
    const here = of("spectrum", carrier).filter((row) => row.layer === layer);
    const shares = frequencies.map((k) => here.find((row) => row.frequency === k)?.value ?? 0);
    drawSpectrum("deep-sum", shares, Math.max(...shares, 1e-9), keysOf(shares));
    const told = (exchanged, words) =>
      deep.exchange
        .filter((row) => row.exchanged === exchanged && row.layer === layer && row.moved !== null)
        .map((row) => words(row, percent(row.moved)));
    const whole = [
      ...told("sum", (row, n) => `at “${row.position}”, ${n} of the answers follow the other prompt’s a + b`),
      ...told("keys everywhere", (_, n) => `its key frequencies at both, ${n}`),
    ];
    const counted = told("keys", ({ n_frequencies: n }, share) => n && `${n}: ${share}`).filter(Boolean);
    $("deep-exchange").textContent = whole.length
      ? `Exchanged after layer ${layer}: ${whole.join("; ")}.${counted.length ? ` With only its strongest frequencies at “${carrier}”, ${counted.join(", ")}.` : ""}`
      : "";
  };
  tells($("deep-shares"), (px) => {
    const layer = within(x.back(px), 0, deep.n_layers);
    const share = (at) => percent(of("share_sum", at).find((row) => row.layer === layer)?.value ?? 0);
    return `at “=” ${share("=")}, at “b” ${share("b")} after layer ${layer}`;
  });
  $("deep-shares").addEventListener("click", (event) =>
    set({ layer: within(x.back(place($("deep-shares"), event)[0]), 1, deep.n_layers) }),
  );
  $("deep-layer").addEventListener("input", () => set({ layer: Number($("deep-layer").value) }));
  on(["layer"], draw);
}
