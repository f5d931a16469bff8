// Track B: one addition network through its training.

const LOSSES = ["loss_train", "loss_validation", "restricted", "excluded"];
const ACCURACIES = ["accuracy_train", "accuracy_validation"];
const MATRICES = { W_E: "W_E, the embedding", W_L: "W_L, neurons to logits", logits: "the logits" };
const LABELS_ABREAST = 11; // names of frequencies that fit beside each other
const STATUS = { censored: "has not grokked within its budget", diverged: "diverged" };

function decode(text, Numbers) {
  return new Numbers(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

// Where the names of frequencies stand, so far apart that they can be read: frequency → place.
function apart(frequencies, distance) {
  const places = {};
  let next = -Infinity;
  for (const k of [...frequencies].sort((a, b) => a - b)) {
    places[k] = Math.max(k, next);
    next = places[k] + distance;
  }
  return places;
}

async function explorerB(root, networks) {
  const charts = await drawCharts(root);
  const [choice, seedChoice, matrixChoice, keyChoice] = ["network", "seed", "matrix", "key"].map((role) =>
    find(root, role),
  );
  const overTime = [charts.accuracy, charts.loss, charts.norm];
  let network, seed, matrix, shares, circle, points;

  const keys = () => Object.keys(seed.circles).map(Number);
  const rounded = (value, digits) => (value === null ? "–" : Number(value).toPrecision(digits));

  const measured = (index) => {
    const { history, steps } = seed;
    const at = history.step.indexOf(steps[index]);
    return (name) => (name in history ? history[name][at] : seed[name][index]);
  };
  const showSpectrum = (index) => {
    if (!matrix) return charts.spectrum.data("bars", []);
    const n = matrix.n_frequencies;
    const own = Array.from(shares.subarray(index * n, (index + 1) * n));
    const places = apart(keys(), n / LABELS_ABREAST);
    charts.spectrum.data("bars", own.map((share, at) => ({
      frequency: at + 1, share: share / 65535, key: keys().includes(at + 1), place: places[at + 1] ?? 0,
    })));
  };
  const showCircle = (index) => {
    if (!circle) return;
    const { p, units } = circle;
    const k = Number(keyChoice.selectedOptions[0].text);
    const rows = Array.from({ length: p }, (_, number) => {
      const at = 2 * (index * p + number);
      const turn = ((k * number) % p) / p;
      return { number, x: points[at] * units[index], y: points[at + 1] * units[index], turn };
    });
    const radius = rows.reduce((sum, { x, y }) => sum + Math.hypot(x, y), 0) / p;
    const ring = Array.from({ length: 73 }, (_, order) => {
      const angle = (order * Math.PI) / 36;
      return { order, x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
    });
    charts.circle.data("points", rows);
    charts.circle.data("ring", ring);
    const [r2, cv, fve] = ["angle_r_squared", "radius_cv", "fve"].map((name) => circle[name][index]);
    find(root, "circle").textContent =
      `R² of the angle ${rounded(r2, 3)}, radius varies by ${rounded(100 * cv, 2)} %, ` +
      `${rounded(100 * fve, 2)} % of W_E`;
  };
  const show = (index) => {
    const now = seed.steps.length ? [{ step: seed.steps[index] }] : [];
    for (const chart of overTime) chart.data("now", now);
    if (now.length) {
      const at = measured(index);
      const text = (name) => rounded(at(name), 3);
      find(root, "accuracy").textContent = `train ${text(ACCURACIES[0])}, validation ${text(ACCURACIES[1])}`;
      find(root, "loss").textContent = `train ${text(LOSSES[0])}, validation ${text(LOSSES[1])}`;
      find(root, "norm").textContent = Math.round(at("norm_squared")).toLocaleString("en");
      showSpectrum(index);
      showCircle(index);
    }
    return Promise.all(Object.values(charts).map((chart) => chart.draw()));
  };
  const line = timeline(root, show);

  const chooseKey = () => {
    const key = keyChoice.selectedOptions[0]?.text;
    circle = key ? seed.circles[key] : null;
    points = circle && decode(circle.points, Int8Array);
    charts.circle.element.hidden = !circle;
    const none = find(root, "no-circle");
    none.hidden = Boolean(circle);
    if (!circle) {
      none.textContent = "This network ends without key frequencies: there is no circle to draw.";
      find(root, "circle").textContent = "";
      return;
    }
    const largest = Math.max(...circle.units) * 127;
    charts.circle.signal("reach", 1.08 * largest);
  };
  const chooseMatrix = () => {
    matrix = Object.values(seed.spectra)[matrixChoice.value];
    shares = matrix && decode(matrix.shares, Uint16Array);
    charts.spectrum.signal("last", matrix?.n_frequencies ?? 1);
    charts.spectrum.signal("top", matrix?.top || 1);
    charts.spectrum.signal("colour", network.colour);
  };
  const rows = (names, steps, of) =>
    names.flatMap((series) => steps.map((step, index) => ({ series, step, value: of[series][index] })));

  const chooseSeed = () => {
    seed = network.seeds[seedChoice.value];
    const { history, steps, grokking_step: grokked, first_reached_step: reached } = seed;
    charts.accuracy.data("curves", rows(ACCURACIES, history.step, history));
    charts.norm.data("curves", rows(["norm_squared"], history.step, history));
    charts.loss.data("curves", [
      ...rows(LOSSES.slice(0, 2), history.step, history),
      ...rows(LOSSES.slice(2), steps, seed),
    ].filter(({ value }) => value !== null));
    for (const chart of overTime) {
      chart.data("marks", grokked === null ? [] : [{ step: reached }, { step: grokked }]);
      chart.signal("last", Math.max(seed.last_step, 10));
    }
    const largest = (values) => Math.max(...values.filter(Number.isFinite), 1);
    charts.norm.signal("top", 1.05 * largest(history.norm_squared));
    charts.loss.signal("top", 1.5 * largest(LOSSES.flatMap((name) => history[name] ?? seed[name])));
    const kept = reached < grokked ? `, after spikes for good at step ${inWords(grokked)}` : "";
    const words =
      grokked === null ? STATUS[seed.status] : `groks at step ${inWords(reached)}${kept}`;
    find(root, "status").textContent =
      `Seed ${seed.seed} ${words}; ${steps.length} of ${seed.n_checkpoints} checkpoints here.`;
    fillOptions(matrixChoice, Object.keys(seed.spectra).map((name) => MATRICES[name] ?? name));
    fillOptions(keyChoice, keys().map(String));
    chooseMatrix();
    chooseKey();
    line.over(steps);
  };
  const chooseNetwork = () => {
    network = networks[choice.value];
    fillOptions(seedChoice, network.seeds.map((own) => own.seed));
    chooseSeed();
  };
  const again = (change) => () => {
    change();
    root.querySelector("input[type=range]").dispatchEvent(new Event("input"));
  };
  choice.addEventListener("change", chooseNetwork);
  seedChoice.addEventListener("change", chooseSeed);
  matrixChoice.addEventListener("change", again(chooseMatrix));
  keyChoice.addEventListener("change", again(chooseKey));
  chooseNetwork();
}
