// What the reader has chosen. It stands in the address, so that a link shows the same.

const STUDY = JSON.parse($("study-data").textContent);
const ADD = STUDY.addition, PROMPTS = STUDY.prompts;
const state = {
  a: 57, b: 94, // the sum
  run: 0, step: null, // whose training; null: the trained network, else an index into its steps
  off: [], place: "embedding", // frequencies that are taken away, and where
  waves: 1, clock: 0, neuron: null, // part 3 and 4
  layer: 0, deepKey: 0, // part 7
  model: 0, k: 8, draw: 1, moved: {}, x: 1, // part 8: moved: {point: [x, y]}; x of the test point
};
const FIRST = JSON.stringify(state);
const listeners = [];

// Call `react` when one of these keys changes.
const on = (keys, react) => listeners.push([keys, react]);

function set(changes) {
  const changed = Object.keys(changes).filter((key) => JSON.stringify(state[key]) !== JSON.stringify(changes[key]));
  if (!changed.length) return;
  Object.assign(state, changes);
  for (const [keys, react] of listeners) if (keys.some((key) => changed.includes(key))) react(changed);
  clearTimeout(set.later);
  set.later = setTimeout(writeAddress, 250);
}

function writeAddress() {
  const first = JSON.parse(FIRST), words = new URLSearchParams();
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
    } catch { /* a part of the page, #part-3, or a mistyped link: the first view is shown */ }
  }
  return found;
}

const within = (value, least, most) => Math.max(least, Math.min(most, Math.round(value)));
