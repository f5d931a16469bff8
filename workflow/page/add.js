// Parts 1 and 5: the network that adds, as the state says: of a step, without frequencies.

const P = ADD?.p;
const frequencies = Array.from({ length: ((P ?? 1) - 1) / 2 }, (_, i) => i + 1);
const engine = ADD && new Engine($("core").textContent);
const loaded = {}; // name → promise of an Addition with all its frequencies
let whole = null,
  net = null; // the network that answers, before and after frequencies are taken away
let all = null; // how it answers all sums: {answers, right, loss, part}; null while that is computed
let keys = []; // key frequencies of the trained network: of the weights from neurons to logits
const waveClass = (k) => (keys.includes(k) ? `w${keys.indexOf(k) % 8}` : "w-other");

// The snapshot that was last taken at a step, or the first; null if the study kept none.
function snapshotAt(run, index) {
  const own = ADD.runs[run],
    step = own.track[index];
  const steps = own.snapshots.map((snapshot) => snapshot.step);
  return steps.length ? lastBy(step, steps) : null;
}
function load(name, packed) {
  loaded[name] ??= unpack(packed).then((tensors) => {
    engine.add(name, tensors);
    return new Addition(tensors);
  });
  return loaded[name];
}
const trainedNetwork = () => load("trained", ADD.network);
// Name of the network of a step of a training, and what loads it.
function networkAt(run, index) {
  const i = index === null ? null : snapshotAt(run, index),
    packed = i !== null && ADD.runs[run].snapshots[i].network;
  return packed
    ? [`run ${run} snapshot ${i}`, () => load(`run ${run} snapshot ${i}`, packed)]
    : ["trained", trainedNetwork];
}
const chosen = () => networkAt(state.run, state.step);

// The chosen network answers single sums at once; all of them when the worker is done.
async function choose() {
  const [name, get] = chosen(),
    network = await get();
  if (chosen()[0] !== name) return; // another one was chosen meanwhile
  whole = network;
  net = state.place === "embedding" ? whole.without(state.off) : whole;
  all = null;
  announce("net");
  const found = await engine.ask("chosen", name, state.off, state.place);
  if (!found || chosen()[0] !== name) return;
  all = found;
  announce("all");
}

// Logits of one sum; null as long as what is taken out of the scores is not known.
function logitsOf(a, b) {
  const logits = net.logits(a, b),
    s = (a + b) % P;
  if (state.place === "embedding" || !state.off.length) return logits;
  return all && logits.map((v, c) => v - all.part[s * P + c]);
}

// ---------- Part 1
let trainedOn = () => null; // whether a pair was trained on
function pairIsValid(input) {
  const value = input.value.trim();
  return /^\d+$/.test(value) && Number(value) < P;
}
function typed() {
  const inputs = [$("add-a"), $("add-b")],
    wrong = inputs.filter((input) => !pairIsValid(input));
  inputs.forEach((input) => input.setAttribute("aria-invalid", wrong.includes(input)));
  if (!wrong.length) return (set({ a: Number(inputs[0].value), b: Number(inputs[1].value) }), answer());
  const names = wrong.map((input) => input.id.slice(-1)).join(" and ");
  $("add-answer").textContent = "–";
  $("add-why").textContent = `Type a whole number from 0 to ${P - 1} for ${names}.`;
  $("add-why").className = "note";
}
function answer() {
  if (!net || ![$("add-a"), $("add-b")].every(pairIsValid)) return; // what is typed is told first
  const { a, b } = state,
    logits = logitsOf(a, b),
    right = (a + b) % P,
    seen = trainedOn(a, b);
  if (!logits) return ($("add-answer").textContent = "…");
  const said = largest(logits);
  $("add-answer").textContent = said;
  $("add-answer").className = said === right ? "right" : "wrong";
  const met =
    seen === null ? "" : seen ? " It was trained on this sum." : " It never saw this sum in training.";
  $("add-why").className = "";
  $("add-why").textContent = (said === right ? "Right." : `Wrong: it is ${right}.`) + met;
}
function moved() {
  for (const key of ["a", "b"]) {
    for (const id of [`add-${key}`, `clock-${key}`, `inside-${key}`])
      if (document.activeElement !== $(id) || id !== `add-${key}`) $(id).value = state[key];
    $(`add-${key}`).setAttribute("aria-invalid", false);
  }
  answer();
}
function mapColours() {
  const [right, wrong, seen] = ["--map-right", "--map-wrong", "--map-seen"].map(rgb),
    { a, b } = state;
  const cross = rgb("--ink"),
    show = $("add-trained").checked;
  return (marksTrained) => (x, y) => {
    if (x === a && y === b) return cross;
    if (all && all.answers[x * P + y] !== (x + y) % P) return wrong;
    return marksTrained && show && trainedOn(x, y) ? seen : right;
  };
}
function maps() {
  const colour = mapColours();
  drawMap($("add-map"), P, colour(true));
  drawMap($("break-map"), P, colour(false));
}
function counts() {
  $("add-busy").textContent = all ? "" : "(asking it all of them …)";
  for (const id of ["add-right", "break-right"]) $(id).textContent = all ? grouped(all.right) : "…";
  $("break-loss").textContent = all ? short(all.loss) : "…";
}
function prepareAnswers() {
  if (ADD.trained) {
    inflate(ADD.trained).then((buffer) => {
      const bits = new Uint8Array(buffer);
      trainedOn = (a, b) => Boolean((bits[(a * P + b) >> 3] >> ((a * P + b) & 7)) & 1);
      const n = total(Array.from({ length: P * P }, (_, r) => trainedOn(Math.floor(r / P), r % P)));
      $("shown-share").textContent = `shown ${grouped(n)} of the ${grouped(P * P)} sums`;
      answer();
    });
  } else $("add-trained").disabled = true;
  for (const key of ["a", "b"]) {
    $(`add-${key}`).addEventListener("input", typed);
    for (const id of [`clock-${key}`, `inside-${key}`])
      $(id).addEventListener("input", () => set({ [key]: Number($(id).value) }));
  }
  for (const id of ["add-map", "break-map"]) {
    const step = (v, by) => (v + by + P) % P;
    const pick = ([a, b]) => set({ a, b });
    chooses($(id), {
      click: (x, y) => pick(sumAt(P, x, y)),
      keys: (x, y) => pick([step(state.a, x), step(state.b, y)]),
    });
    tells($(id), (x, y) => {
      const [a, b] = sumAt(P, x, y),
        said = all?.answers[a * P + b];
      return `${a} + ${b}${all ? ` → ${said}${said === (a + b) % P ? "" : `, right would be ${(a + b) % P}`}` : ""}${trainedOn(a, b) ? " (trained on)" : ""}`;
    });
  }
  $("add-random").addEventListener("click", () =>
    set({ a: Math.floor(Math.random() * P), b: Math.floor(Math.random() * P) }),
  );
  $("add-trained").addEventListener("change", maps);
  on(["a", "b"], moved);
  on(["net", "all"], answer);
  onFrame(["a", "b", "net", "all"], maps);
  on(["net", "all"], counts);
  on(["run", "step", "off", "place"], choose);
  on(["run", "step", "off", "place", "net"], () => {
    const parts = [],
      { off, place } = state;
    if (state.step !== null) parts.push(networkInWords(state.run, state.step));
    const which = off.length > 4 ? `${off.length} frequencies` : `frequency ${off.join(", ")}`;
    if (off.length) parts.push(`${which} taken out of its ${place === "embedding" ? "embedding" : "scores"}`);
    $("now").hidden = !parts.length;
    $("now-what").textContent = `Answering now: ${parts.join("; ")}.`;
  });
  $("now-back").addEventListener("click", () => set({ step: null, off: [] }));
}
function networkInWords(run, index) {
  const i = snapshotAt(run, index);
  return i === null
    ? "the trained network (no earlier one was kept)"
    : `the network of step ${grouped(ADD.runs[run].snapshots[i].step)}`;
}

// ---------- Part 5
function prepareBreaking() {
  const box = $("break-waves"),
    labels = frequencies.map(
      (k) =>
        `<label class="${waveClass(k)}"><input type="checkbox" checked data-frequency="${k}" tabindex="${k === 1 ? 0 : -1}">${k}</label>`,
    );
  box.insertAdjacentHTML("beforeend", labels.join(""));
  const switches = [...box.querySelectorAll("input")];
  box.addEventListener("change", () =>
    set({ off: switches.filter((own) => !own.checked).map((own) => Number(own.dataset.frequency)) }),
  );
  box.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next =
      switches[(switches.indexOf(document.activeElement) + by + switches.length) % switches.length];
    switches.forEach((own) => (own.tabIndex = own === next ? 0 : -1));
    next.focus();
  });
  $("break-only").textContent = `Only the keys: ${keysEmbedded.join(", ") || "none"}`;
  const sets = { none: [], others: frequencies.filter((k) => !keysEmbedded.includes(k)), keys: keysEmbedded };
  for (const button of document.querySelectorAll("[data-off]"))
    button.addEventListener("click", () => set({ off: sets[button.dataset.off] }));
  for (const radio of document.querySelectorAll("[name=place]"))
    radio.addEventListener("change", () => set({ place: radio.value }));
  on(["off", "place", "net"], () => {
    switches.forEach((own) => (own.checked = !state.off.includes(Number(own.dataset.frequency))));
    for (const radio of document.querySelectorAll("[name=place]"))
      radio.checked = radio.value === state.place;
    const none = state.off.length === frequencies.length;
    $("break-note").hidden = !none;
    if (none)
      $("break-note").textContent =
        state.place === "embedding"
          ? "All frequencies are off: now every number looks the same to the network, so it gives one answer to all sums. Tick some."
          : "All frequencies are off: the scores no longer depend on a + b. Tick some.";
  });
  on(["all"], async () => {
    const found = await engine.ask("whole", chosen()[0], [], "embedding");
    if (found) $("break-whole").textContent = `${grouped(found.right)} right, loss ${short(found.loss)}`;
  });
}
let keysEmbedded = []; // the keys that its embedding has: those of its logits, and perhaps their doubles

async function prepareAddition() {
  const trained = await trainedNetwork();
  keys = keysOf(spectrum(transposed(trained.W_L, trained.m, P), P, trained.m));
  keysEmbedded = keysOf(spectrum(trained.W_E, P, trained.d));
  const writes = Array.from({ length: trained.m }, (_, i) =>
    Math.hypot(...trained.W_L.subarray(i * P, (i + 1) * P)),
  );
  const slow = (i) =>
    !keys.length || largest(spectrum(trained.W_L.subarray(i * P, (i + 1) * P), P, 1)) + 1 === keys[0];
  loudest = largest(writes.map((v, i) => (slow(i) ? v : 0)));
  prepareAnswers();
  prepareClock();
  prepareInside();
  prepareBreaking();
}
