// Parts 1, 3, 4 and 5: the network that adds, as the state says: of a step, without frequencies.

const P = ADD?.p;
const engine = ADD && new Engine($("core").textContent);
const loaded = {}; // name → promise of an Addition with all its frequencies
let whole = null, net = null; // the network that answers, before and after frequencies are taken away
let all = null; // how it answers all sums: {answers, right, loss, part}; null while that is computed
let keys = []; // key frequencies of the trained network: of the weights from neurons to logits
const waveClass = (k) => (keys.includes(k) ? `w${keys.indexOf(k) % 8}` : "w-other");

// The snapshot that was last taken at a step, or the first; null if the study kept none.
function snapshotAt(run, index) {
  const own = ADD.runs[run], step = own.track[index];
  if (!own.snapshots.length) return null;
  return Math.max(0, own.snapshots.findLastIndex((snapshot) => snapshot.step <= step));
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
  const i = index === null ? null : snapshotAt(run, index), packed = i !== null && ADD.runs[run].snapshots[i].network;
  return packed ? [`run ${run} snapshot ${i}`, () => load(`run ${run} snapshot ${i}`, packed)] : ["trained", trainedNetwork];
}
const chosen = () => networkAt(state.run, state.step);

// The chosen network answers single sums at once; all of them when the worker is done.
async function choose() {
  const [name, get] = chosen(), network = await get();
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
  const logits = net.logits(a, b), s = (a + b) % P;
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
  const inputs = [$("add-a"), $("add-b")], wrong = inputs.filter((input) => !pairIsValid(input));
  inputs.forEach((input) => input.setAttribute("aria-invalid", wrong.includes(input)));
  if (!wrong.length) return set({ a: Number(inputs[0].value), b: Number(inputs[1].value) }), answer();
  const names = wrong.map((input) => input.id.slice(-1)).join(" and ");
  $("add-answer").textContent = "–";
  $("add-why").textContent = `Type a whole number from 0 to ${P - 1} for ${names}.`;
  $("add-why").className = "note";
}
function answer() {
  if (!net) return;
  const { a, b } = state, logits = logitsOf(a, b), right = (a + b) % P, seen = trainedOn(a, b);
  if (!logits) return ($("add-answer").textContent = "…");
  const said = largest(logits);
  $("add-answer").textContent = said;
  $("add-answer").className = said === right ? "right" : "wrong";
  const met = seen === null ? "" : seen ? " It was trained on this sum." : " It never saw this sum in training.";
  $("add-why").className = "";
  $("add-why").textContent = (said === right ? "Right." : `Wrong: it is ${right}.`) + met;
}
function moved() {
  for (const key of ["a", "b"]) {
    for (const id of [`add-${key}`, `clock-${key}`, `inside-${key}`]) if (document.activeElement !== $(id) || id !== `add-${key}`) $(id).value = state[key];
    $(`add-${key}`).setAttribute("aria-invalid", false);
  }
  answer();
}
function mapColours() {
  const [right, wrong, seen] = ["--map-right", "--map-wrong", "--map-seen"].map(rgb), { a, b } = state;
  const cross = rgb("--ink"), show = $("add-trained").checked;
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
      const n = Array.from({ length: P * P }, (_, r) => trainedOn(Math.floor(r / P), r % P)).filter(Boolean).length;
      $("shown-share").textContent = `shown ${grouped(n)} of the ${grouped(P * P)} sums`;
      answer();
    });
  } else $("add-trained").disabled = true;
  for (const key of ["a", "b"]) {
    $(`add-${key}`).addEventListener("input", typed);
    for (const id of [`clock-${key}`, `inside-${key}`]) $(id).addEventListener("input", () => set({ [key]: Number($(id).value) }));
  }
  for (const id of ["add-map", "break-map"]) {
    const step = (v, by) => (v + by + P) % P;
    chooses($(id), {
      click: (x, y) => { const [a, b] = sumAt(P, x, y); set({ a, b }); },
      keys: (x, y) => set({ a: step(state.a, x), b: step(state.b, y) }),
    });
    tells($(id), (x, y) => {
      const [a, b] = sumAt(P, x, y), said = all?.answers[a * P + b];
      return `${a} + ${b}${all ? ` → ${said}${said === (a + b) % P ? "" : `, right would be ${(a + b) % P}`}` : ""}${trainedOn(a, b) ? " (trained on)" : ""}`;
    });
  }
  $("add-random").addEventListener("click", () => set({ a: Math.floor(Math.random() * P), b: Math.floor(Math.random() * P) }));
  $("add-trained").addEventListener("change", maps);
  on(["a", "b", "net", "all"], moved);
  on(["a", "b", "net", "all"], maps);
  on(["net", "all"], counts);
  on(["run", "step", "off", "place"], choose);
  on(["run", "step", "off", "place", "net"], () => {
    const parts = [];
    if (state.step !== null) parts.push(networkInWords(state.run, state.step));
    if (state.off.length) parts.push(`${state.off.length > 4 ? `${state.off.length} frequencies` : `frequency ${state.off.join(", ")}`} taken out of its ${state.place === "embedding" ? "embedding" : "scores"}`);
    $("now").hidden = !parts.length;
    $("now-what").textContent = `Answering now: ${parts.join("; ")}.`;
  });
  $("now-back").addEventListener("click", () => set({ step: null, off: [] }));
}
function networkInWords(run, index) {
  const i = snapshotAt(run, index);
  return i === null ? "the trained network (no earlier one was kept)" : `the network of step ${grouped(ADD.runs[run].snapshots[i].step)}`;
}

// ---------- Part 3
function clockOrder() {
  const others = Array.from({ length: (P - 1) / 2 }, (_, i) => i + 1).filter((k) => !keys.includes(k));
  return [...keys, ...others];
}
function drawClock() {
  const k = state.clock, { a, b } = state, s = (a + b) % P;
  const ring = Array.from({ length: P }, (_, t) => [Math.sin((2 * Math.PI * k * t) / P), Math.cos((2 * Math.PI * k * t) / P)]);
  $("clock").innerHTML = circleOf(ring, k, { a, b, "a+b": s });
  $("clock-k").value = k;
  $("clock-waves").value = state.waves;
  const used = state.waves === 1 ? [k] : clockOrder().slice(0, state.waves);
  $("clock-which").textContent = `${state.waves}: k = ${used.join(", ")}`;
  const score = (c, of = used) => of.reduce((sum, f) => sum + Math.cos((2 * Math.PI * f * (s - c)) / P), 0) / of.length;
  const scores = Array.from({ length: P }, (_, c) => score(c));
  const x = linear([0, P - 1], [40, 620], [0, s, P - 1]), y = linear([-1, 1], [138, 10]);
  $("clock-scores").innerHTML =
    axes(x, y, { width: 640, height: 170, left: 40, bottom: 32, xTitle: "answer c", yTitle: "score" }) +
    line(scores.map((v, c) => [x(c), y(v)]), "sum") + `<circle class="mark" cx="${x(s)}" cy="${y(1)}" r="5" data-tip="a + b = ${s}"/>`;
  tells($("clock-scores"), (px) => { const c = within(x.back(px), 0, P - 1); return `answer ${c}: ${short(scores[c])}`; });
  const next = scores.map((v, c) => (c === s ? -2 : v)), rival = largest(next);
  $("clock-margin").textContent = `The right answer, ${s}, leads the next, ${rival}, by ${short(1 - next[rival], 2)} of the score of 1.`;
}
function prepareClock() {
  const options = [...new Set([1, ...clockOrder()])];
  $("clock-k").replaceChildren(...options.map((k) => new Option(keys.includes(k) ? `${k} (the network has it)` : k, k)));
  $("clock-k").addEventListener("change", () => set({ clock: Number($("clock-k").value) }));
  $("clock-waves").addEventListener("input", () => set({ waves: Number($("clock-waves").value) }));
  on(["a", "b", "clock", "waves"], drawClock);
}

// ---------- Part 4
let planes = {}, neuronMap = null, loudest = 0; // the neuron that writes most of the slowest key
function drawInside() {
  if (!net) return;
  const { a, b } = state, s = (a + b) % P;
  $("inside-sum").textContent = `a + b is ${s}`;
  $("inside-circles").innerHTML = keys.map((k) => `<figure><figcaption class="${waveClass(k)}">frequency ${k}</figcaption><svg viewBox="0 0 200 200" role="img" aria-label="The numbers in the plane of frequency ${k}; ${a}, ${b} and ${s} are marked">${circleOf(planes[k], k, { a, b, "a+b": s })}</svg></figure>`).join("");
  const names = [`a = ${a}`, `b = ${b}`, "“=”"];
  $("inside-attention").innerHTML = net.attention(a, b).map((weights, h) => {
    let from = 62;
    const bars = weights.map((w, j) => {
      const width = 570 * w, bar = `<rect class="place${j}" x="${from.toFixed(1)}" y="${4 + 23 * h}" width="${width.toFixed(1)}" height="18" data-tip="head ${h + 1} attends to ${names[j]}: ${percent(w)}"/>` + (width > 40 ? `<text class="inbar" x="${from + width / 2}" y="${17 + 23 * h}" text-anchor="middle">${["a", "b", "="][j]}</text>` : "");
      from += width;
      return bar;
    });
    return `<text class="tick" x="56" y="${17 + 23 * h}" text-anchor="end">head ${h + 1}</text>${bars.join("")}`;
  }).join("");
  drawLogits();
}
function drawLogits() {
  const { a, b } = state, s = (a + b) % P, raw = logitsOf(a, b);
  if (!raw) return;
  const mean = raw.reduce((sum, v) => sum + v, 0) / P, logits = Array.from(raw, (v) => v - mean);
  const each = keys.map((k) => {
    const wave = Array.from({ length: P }, (_, c) => Math.cos((2 * Math.PI * k * (s - c)) / P));
    const height = (2 / P) * wave.reduce((sum, v, c) => sum + v * logits[c], 0);
    return wave.map((v) => height * v);
  });
  const sum = logits.map((_, c) => each.reduce((total, wave) => total + wave[c], 0));
  const square = (values) => values.reduce((total, v) => total + v * v, 0);
  const share = 1 - square(logits.map((v, c) => v - sum[c])) / square(logits);
  $("waves-share").textContent = percent(share);
  // a strip for each wave, all of which peak at a + b, and below them their sum over the scores
  const strip = 40, top = 4 + strip * keys.length, height = top + 170, x = linear([0, P - 1], [46, 620], [0, s, P - 1]);
  const amplitude = Math.max(...each.map((wave) => Math.max(...wave.map(Math.abs))), 1e-9);
  const y = linear([Math.min(...logits, ...sum), Math.max(...logits, ...sum)], [top + 130, top + 8]);
  y.ticks = [0];
  $("inside-logits").setAttribute("viewBox", `0 0 640 ${height}`);
  $("inside-logits").innerHTML =
    axes(x, y, { width: 640, height, left: 46, bottom: 38, xTitle: "answer c", yTitle: "" }) +
    `<line class="cursor" x1="${x(s)}" x2="${x(s)}" y1="4" y2="${top + 130}"/>` +
    each.map((wave, i) => `<text class="label ${waveClass(keys[i])}" x="40" y="${strip * i + 26}" text-anchor="end">${keys[i]}</text>` + line(wave.map((v, c) => [x(c), strip * (i + 0.5) + 2 - (v / amplitude) * 0.42 * strip]), waveClass(keys[i]))).join("") +
    logits.map((v, c) => `<rect class="bar" x="${(x(c) - 1.8).toFixed(1)}" width="3.6" y="${Math.min(y(v), y(0)).toFixed(1)}" height="${Math.abs(y(v) - y(0)).toFixed(1)}"/>`).join("") +
    line(sum.map((v, c) => [x(c), y(v)]), "sum");
  tells($("inside-logits"), (px) => { const c = within(x.back(px), 0, P - 1); return `answer ${c}: score ${short(raw[c])}, waves ${short(sum[c])}`; });
}
function drawNeuron() {
  if (!net) return;
  const i = Math.min(state.neuron ?? loudest, net.m - 1), activity = (neuronMap = net.neuron(i));
  const top = Math.max(...activity), [low, high] = [rgb("--map-off"), rgb("--map-on")];
  drawMap($("inside-map"), P, (a, b) => low.map((v, c) => v + (top ? activity[a * P + b] / top : 0) * (high[c] - v)));
  const shares = spectrum(net.W_L.subarray(i * P, (i + 1) * P), P, 1), k = largest(shares) + 1;
  $("inside-neuron").value = i;
  $("inside-what").textContent = top ? `number ${i}: on for ${percent(activity.filter((v) => v > 0).length / (P * P))} of the sums; what it writes to the scores is ${percent(shares[k - 1])} frequency ${k}` : `number ${i}: never on`;
}
function prepareInside() {
  $("inside-neuron").addEventListener("input", () => set({ neuron: Number($("inside-neuron").value) }));
  tells($("inside-map"), (x, y) => { const [a, b] = sumAt(P, x, y); return neuronMap && `${a} + ${b}: ${short(neuronMap[a * P + b])}`; });
  on(["net"], () => {
    planes = Object.fromEntries(keys.map((k) => [k, plane(whole.W_E, P, whole.d, k)]));
    $("inside-neuron").max = net.m - 1;
  });
  on(["a", "b", "net"], drawInside);
  on(["all"], drawLogits);
  on(["neuron", "net"], drawNeuron);
}

// ---------- Part 5
function prepareBreaking() {
  const every = Array.from({ length: (P - 1) / 2 }, (_, i) => i + 1), box = $("break-waves");
  box.insertAdjacentHTML("beforeend", every.map((k) => `<label class="${waveClass(k)}"><input type="checkbox" checked data-frequency="${k}" tabindex="${k === 1 ? 0 : -1}">${k}</label>`).join(""));
  const switches = [...box.querySelectorAll("input")];
  box.addEventListener("change", () => set({ off: switches.filter((own) => !own.checked).map((own) => Number(own.dataset.frequency)) }));
  box.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = switches[(switches.indexOf(document.activeElement) + by + switches.length) % switches.length];
    switches.forEach((own) => (own.tabIndex = own === next ? 0 : -1));
    next.focus();
  });
  $("break-only").textContent = `Only the keys: ${keysEmbedded.join(", ") || "none"}`;
  const sets = { none: [], others: every.filter((k) => !keysEmbedded.includes(k)), keys: keysEmbedded };
  for (const button of document.querySelectorAll("[data-off]")) button.addEventListener("click", () => set({ off: sets[button.dataset.off] }));
  for (const radio of document.querySelectorAll("[name=place]")) radio.addEventListener("change", () => set({ place: radio.value }));
  on(["off", "place", "net"], () => {
    switches.forEach((own) => (own.checked = !state.off.includes(Number(own.dataset.frequency))));
    for (const radio of document.querySelectorAll("[name=place]")) radio.checked = radio.value === state.place;
    const none = state.off.length === every.length;
    $("break-note").hidden = !none;
    if (none) $("break-note").textContent = state.place === "embedding" ? "All frequencies are off: now every number looks the same to the network, so it gives one answer to all sums. Tick some." : "All frequencies are off: the scores no longer depend on a + b. Tick some.";
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
  const writes = Array.from({ length: trained.m }, (_, i) => Math.hypot(...trained.W_L.subarray(i * P, (i + 1) * P)));
  const slow = (i) => !keys.length || largest(spectrum(trained.W_L.subarray(i * P, (i + 1) * P), P, 1)) + 1 === keys[0];
  loudest = largest(writes.map((v, i) => (slow(i) ? v : 0)));
  prepareAnswers();
  prepareClock();
  prepareInside();
  prepareBreaking();
}
