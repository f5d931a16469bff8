// What the reader has chosen. It stands in the address, so that a link shows the same.

const STUDY = JSON.parse($("study-data").textContent);
const ADD = STUDY.addition,
  PROMPTS = STUDY.prompts;
// The steps that the slider of a training moves over: its checkpoints and what the text names, or else
// all where it was measured.
for (const run of ADD?.runs ?? []) {
  const named = [run.memorised, run.first_reached].filter((step) => run.history.step.includes(step));
  const kept = [...new Set([...run.steps, ...named])].sort((a, b) => a - b);
  run.track = run.steps.length ? kept : run.history.step;
}
const state = {
  a: 57,
  b: 94, // the sum
  run: 0,
  step: null, // whose training; null: the trained network, else an index into its steps
  off: [],
  place: "embedding", // frequencies that are taken away, and where
  waves: 1,
  clock: 1,
  neuron: null, // part 3 and 4
  layer: 0,
  deepKey: 0, // part 7
  model: 0,
  k: 8,
  draw: 1,
  moved: {},
  x: 1, // part 8: moved: {point: [x, y]}; x of the test point
};
const FIRST = JSON.stringify(state);
const listeners = [];

// Call `react` when one of these keys changes.
const on = (keys, react) => listeners.push([keys, react]);

// Pictures wait for the next frame, so that an answer never waits for them, and are drawn once in it.
function onFrame(keys, draw) {
  let frame = null;
  on(keys, () => {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      draw();
    });
  });
}

// … or when something that is no choice, but takes time, has come.
function announce(key) {
  for (const [keys, react] of listeners) if (keys.includes(key)) react([key]);
}

function set(changes) {
  const changed = Object.keys(changes).filter(
    (key) => JSON.stringify(state[key]) !== JSON.stringify(changes[key]),
  );
  if (!changed.length) return;
  Object.assign(state, changes);
  for (const [keys, react] of listeners) if (keys.some((key) => changed.includes(key))) react(changed);
  clearTimeout(set.later);
  set.later = setTimeout(writeAddress, 250);
}

function writeAddress() {
  const first = JSON.parse(FIRST),
    words = new URLSearchParams();
  for (const key of Object.keys(first)) {
    const text = JSON.stringify(state[key]);
    if (text !== JSON.stringify(first[key])) words.set(key, text);
  }
  try {
    history.replaceState(null, "", words.size ? `#${words}` : location.pathname + location.search);
  } catch {
    $("address-note").hidden = false;
  }
}

// What an address says, of the kind that the state has; anything else in it is left out.
function readAddress(text) {
  const found = {};
  for (const [key, value] of new URLSearchParams(text.replace(/^#/, ""))) {
    try {
      const own = JSON.parse(value);
      const same = typeof own === typeof state[key] || key === "step" || key === "neuron";
      if (key in state && same && Array.isArray(own) === Array.isArray(state[key])) found[key] = own;
    } catch {
      /* a part of the page, #part-3, or a mistyped link: the first view is shown */
    }
  }
  return found;
}

const within = (value, least, most) => clamped(Math.round(value), least, most);

// The state with everything in its range, whatever a link said.
function sound(read) {
  const own = { ...state, ...read };
  const whole = (key, least, most) =>
    (own[key] = Number.isFinite(own[key]) ? within(own[key], least, most) : state[key]);
  if (ADD) {
    for (const key of ["a", "b"]) whole(key, 0, ADD.p - 1);
    whole("run", 0, Math.max(0, ADD.runs.length - 1));
    const steps = ADD.runs[own.run]?.track.length ?? 0;
    own.step = own.step === null || !steps ? null : within(Number(own.step) || 0, 0, steps - 1);
    own.off = own.off.filter((k) => Number.isInteger(k) && k > 0 && k <= (ADD.p - 1) / 2);
    if (!["embedding", "logits"].includes(own.place)) own.place = "embedding";
    whole("waves", 1, 8);
    whole("clock", 1, (ADD.p - 1) / 2);
    whole("layer", 0, ADD.deep?.n_layers ?? 0);
    whole("deepKey", 0, (ADD.p - 1) / 2);
    if (own.neuron !== null) whole("neuron", 0, 1e6);
  }
  if (PROMPTS) {
    whole("model", 0, PROMPTS.networks.length - 1);
    whole("k", 2, PROMPTS.k_max);
    whole("draw", 1, 1e9);
    own.x = Number.isFinite(own.x) ? clamped(own.x, -3, 3) : state.x;
    const pairs = Object.entries(own.moved ?? {}).filter(
      ([, at]) => Array.isArray(at) && at.length === 2 && at.every(Number.isFinite),
    );
    own.moved = Object.fromEntries(pairs);
  }
  return own;
}
