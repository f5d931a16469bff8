// Part 8: networks that read points, and four ways to go on from the same points.

const prompt = { X: [], y: [], networks: [] };
const toX = linear([-3, 3], [44, 626], [-3, -2, -1, 0, 1, 2, 3]),
  toY = linear([-4, 4], [306, 10], [-4, -2, 0, 2, 4]);
const D = PROMPTS?.d;
const onLine = (x) => [x, ...Array(D - 1).fill(0)];
const nameOfNetwork = ({ model, architecture: own }) =>
  `${own.n_layers === 1 ? "one layer" : `${own.n_layers} layers`}, ${own.attention}${own.n_heads > 1 ? `, ${own.n_heads} heads` : ""}${own.skips ? "" : ", no skip connections"} (${model})`;

function networkOf(index) {
  const { network, architecture } = PROMPTS.networks[index];
  prompt.networks[index] ??= unpack(network).then((tensors) => new Regression(tensors, architecture));
  return prompt.networks[index];
}

// ω and scale of the best smoother, of the side that the network is on; null if the study has none.
function smootherOf(network) {
  const side = network.side(D),
    best = PROMPTS.smoother;
  return best && [side * best.omega, side * best.scale];
}

// The same points for the same draw; those that were dragged lie where they were put.
function points() {
  const draw = normals(state.draw),
    slope = 1.1 * draw(),
    found = [];
  for (let i = 0; i < PROMPTS.k_max; i++) {
    const x = clamped(draw(), -2.8, 2.8);
    found.push(state.moved[i] ?? [x, clamped(slope * x + 0.5 * draw(), -3.8, 3.8)]);
  }
  return found.slice(0, state.k);
}

const pointAt = (i) => $("prompt-canvas").querySelector(`[data-point="${i}"]`);

async function drawPrompt() {
  const model = state.model,
    network = await networkOf(model);
  if (model !== state.model) return;
  const own = points(),
    X = own.map(([x]) => onLine(x)),
    y = own.map(([, value]) => value);
  const grid = Array.from({ length: 49 }, (_, i) => -3 + i / 8);
  const { predictions, pattern } = network.predict(X, y, [...grid, state.x].map(onLine));
  const gd = gradientStep(X, y, PROMPTS.step_size)[0],
    ols = leastSquares(X, y)[0],
    smooth = smootherOf(network);
  const kernel = (x) => smooth && smoother(X, y, onLine(x), ...smooth);
  const at = predictions.at(-1);
  const answers = { layer: at, gd: gd * state.x, ols: ols * state.x, smoother: kernel(state.x) };
  for (const [name, value] of Object.entries(answers))
    $(`prompt-${name}`).textContent = value === null ? "not in this study" : value.toFixed(3);
  $("prompt-x").textContent = state.x.toFixed(2);
  $("prompt-kk").textContent = state.k;
  $("prompt-k").value = state.k;
  $("prompt-model").value = model;
  const notes = [];
  if (own.every(([x]) => Math.abs(x) < 1e-6))
    notes.push("All points stand at x = 0: they say nothing about the slope. Drag one aside.");
  if (PROMPTS.networks[model].architecture.embedded)
    notes.push(
      "This network never met points in one dimension, and here its answer can be far off. Judge it by the fresh prompts below.",
    );
  $("prompt-note").hidden = !notes.length;
  $("prompt-note").textContent = notes.join(" ");
  const curve = (name, f) =>
    line(
      grid.map((x, i) => [toX(x), clamped(toY(f(x, i)), -900, 1200)]),
      name,
    );
  const weights = PROMPTS.networks[model].architecture.attention === "softmax" ? pattern : null,
    most = weights && Math.max(...weights);
  const focused = document.activeElement,
    held = focused?.dataset?.point;
  const drawn =
    '<clipPath id="prompt-clip"><rect x="44" y="10" width="582" height="296"/></clipPath><g clip-path="url(#prompt-clip)">' +
    curve("ols", (x) => ols * x) +
    curve("net", (_, i) => predictions[i]) + // wide: what lies on it is seen on it
    (smooth ? curve("ks", kernel) : "") +
    curve("gd", (x) => gd * x) +
    "</g>" +
    `<g id="prompt-test" tabindex="0" role="slider" aria-label="x of the question" aria-valuemin="-3" aria-valuemax="3" aria-valuenow="${state.x}"><line class="cursor" x1="${toX(state.x)}" x2="${toX(state.x)}" y1="10" y2="306"/><circle class="handle net" cx="${toX(state.x)}" cy="${clamped(toY(at), 10, 306)}" r="6"/></g>` +
    own
      .map(
        ([x, value], i) =>
          `<circle class="point" tabindex="${i === Number(held ?? 0) ? 0 : -1}" role="slider" data-point="${i}" cx="${toX(x)}" cy="${toY(value)}" r="${weights ? 3 + 9 * (weights[i] / most) : 6}" aria-label="point ${i + 1}" aria-valuenow="${value.toFixed(2)}" aria-valuetext="x ${x.toFixed(2)}, y ${value.toFixed(2)}" data-tip="x ${x.toFixed(2)}, y ${value.toFixed(2)}${weights ? `, attention ${percent(weights[i])}` : ""}"/>`,
      )
      .join("");
  drawChart("prompt-canvas", toX, toY, "x", "y", drawn);
  if (held) pointAt(held)?.focus();
  else if (focused?.id === "prompt-test") $("prompt-test").focus();
}

// 300 fresh prompts in all dimensions: the network's answer beside each rival's.
async function drawScatter() {
  const asked = () => [state.model, state.k, state.draw].join(),
    mine = asked(),
    model = state.model,
    network = await networkOf(model),
    k = Math.max(state.k, PROMPTS.k_min),
    smooth = smootherOf(network),
    draw = normals(7919 * state.draw + k);
  const rows = [],
    vector = () => Array.from({ length: D }, draw);
  const deep =
    PROMPTS.networks[model].architecture.n_layers > 1 && PROMPTS.networks[model].architecture.d_model > 20;
  const n = deep ? 100 : 300; // a deep network takes its time
  for (let i = 0; i < n; i++) {
    const w = vector(),
      X = Array.from({ length: k }, vector),
      y = X.map((x) => dot(x, w)),
      x = vector();
    if (i % 25 === 24) await new Promise((done) => setTimeout(done)); // let the page breathe
    if (asked() !== mine) return;
    rows.push([
      network.predict(X, y, [x]).predictions[0],
      dot(gradientStep(X, y, PROMPTS.step_size), x),
      dot(leastSquares(X, y), x),
      smooth && smoother(X, y, x, ...smooth),
    ]);
  }
  const found = [
    { name: "one gradient step", colour: "gd", i: 1 },
    { name: "least squares", colour: "ols", i: 2 },
    { name: "kernel smoother", colour: "ks", i: 3 },
  ].filter(({ i }) => rows[0][i] !== null);
  const squares = (f) => total(rows.map((row) => f(row) ** 2));
  const distance = (i) => Math.sqrt(squares((row) => row[0] - row[i]) / squares((row) => row[0]));
  $("prompt-scatter").innerHTML = found
    .map(({ name, colour, i }, column) => {
      const left = 8 + 212 * column,
        x = linear([-8, 8], [left, left + 200]),
        y = linear([-8, 8], [230, 30]);
      return (
        `<text class="label ${colour}" x="${left}" y="18">${name}</text><rect class="frame" x="${left}" y="30" width="200" height="200"/><line class="grid" x1="${left}" y1="230" x2="${left + 200}" y2="30"/>` +
        rows
          .map(
            (row) =>
              `<circle class="spot ${colour}" cx="${x(clamped(row[i], -8, 8)).toFixed(1)}" cy="${y(clamped(row[0], -8, 8)).toFixed(1)}" r="2"/>`,
          )
          .join("")
      );
    })
    .join("");
  const nearest = found.map((own) => ({ ...own, far: distance(own.i) })).sort((a, b) => a.far - b.far);
  $("prompt-distances").textContent =
    `${n} prompts of ${k} points. Root mean square distance of the network’s answers, of their own size: ${nearest.map(({ name, far }) => `${name} ${percent(far)}`).join(", ")}.`;
}

function preparePrompts() {
  if (!PROMPTS) return;
  $("prompt-model").replaceChildren(...PROMPTS.networks.map((own, i) => new Option(nameOfNetwork(own), i)));
  $("prompt-model").addEventListener("change", () => set({ model: Number($("prompt-model").value) }));
  $("prompt-k").addEventListener("input", () => set({ k: Number($("prompt-k").value) }));
  $("prompt-new").addEventListener("click", () => set({ draw: state.draw + 1, moved: {} }));
  const canvas = $("prompt-canvas");
  const cents = (v, most) => Math.round(100 * clamped(v, -most, most)) / 100;
  const move = (i, x, y) => set({ moved: { ...state.moved, [i]: [cents(x, 3), cents(y, 4)] } });
  const moveTest = (x) => set({ x: cents(x, 3) });
  let held = null; // the point that is dragged, or "test"
  canvas.addEventListener("pointerdown", (event) => {
    const [px, py] = place(canvas, event);
    const gaps = points()
      .map(([x, y], i) => [Math.hypot(toX(x) - px, toY(y) - py), i])
      .sort(([a], [b]) => a - b);
    const reach = event.pointerType === "mouse" ? Infinity : 40;
    if (Math.abs(toX(state.x) - px) < 8 && gaps[0][0] > 12) held = "test";
    else if (gaps[0][0] < reach) held = gaps[0][1];
    else return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    (held === "test" ? $("prompt-test") : pointAt(held)).focus();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (held === null) return;
    const [px, py] = place(canvas, event);
    if (held === "test") moveTest(toX.back(px));
    else move(held, toX.back(px), toY.back(py));
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => (held = null));
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[
        event.key
      ],
      own = event.target;
    const turn = { PageUp: -1, PageDown: 1 }[event.key];
    if (!(by || turn) || !own.closest("[data-point], #prompt-test")) return;
    event.preventDefault();
    if (turn) return pointAt((Number(own.dataset.point ?? 0) + turn + state.k) % state.k).focus();
    if (own.id === "prompt-test") return moveTest(state.x + by[0] + by[1]);
    const [x, y] = points()[own.dataset.point];
    move(own.dataset.point, x + by[0], y + by[1]);
  });
  onFrame(["model", "k", "draw", "moved", "x"], drawPrompt);
  let later = null;
  on(["model", "k", "draw"], () => {
    clearTimeout(later);
    $("prompt-scatter").replaceChildren(); // what stands there is about other prompts or networks
    $("prompt-distances").textContent = "Asking it fresh prompts …";
    later = setTimeout(drawScatter, 150);
  });
}
