// Part 2: a training, moved through by its accuracy curve.

const learn = { spectra: [], planes: [], step: [] }; // of each run; the step that is shown of each
const runLabel = (run) => (run.held ? "held norm" : run.weight_decay ? "weight decay" : "neither");

// The last step before the jump, where there is something to see; else the last.
function opening(run) {
  const { step, accuracy_validation: known } = run.history;
  const early = run.track.filter(
    (own) => (known[step.indexOf(own)] ?? 1) < 0.5 && own < (run.first_reached ?? 0),
  );
  return run.track.indexOf(early.at(-1) ?? run.track.at(-1));
}
const indexOf = (run, step) => lastBy(step, run.track);
const shownIndex = () => state.step ?? learn.step[state.run];
const measured = (run, index) => run.history.step.indexOf(run.track[index]);

// What is written on the curve: [step, words].
function notesOn({ memorised, first_reached: reached, last }) {
  const notes = [];
  if (memorised) notes.push([memorised, `Step ${grouped(memorised)}: it knows by heart what it was shown.`]);
  if (memorised && (reached ?? last) > 3 * memorised)
    notes.push([
      Math.sqrt(memorised * (reached ?? last)),
      "Then nothing seems to happen. Look at the circle and the norm.",
    ]);
  if (reached) notes.push([reached, `Step ${grouped(reached)}: it knows nearly all of the others.`]);
  else notes.push([last, `Step ${grouped(last)}: its training ends, and the others it does not know.`]);
  return notes;
}

let accuracyX, normX;
function drawCurves() {
  const run = ADD.runs[state.run],
    { step, accuracy_train, accuracy_validation, norm_squared } = run.history;
  const last = Math.max(...ADD.runs.map((own) => own.last)),
    others = ADD.runs.filter((own) => own !== run);
  accuracyX = logarithmic([1, last], [44, 620]);
  const y = linear([0, 1], [212, 22]);
  const curve = (values, x, scale, at = step) =>
    at.flatMap((s, i) => (values[i] === null ? [] : [[x(s), scale(values[i])]]));
  const beside = others
    .map((own) => line(curve(own.history.accuracy_validation, accuracyX, y, own.history.step), "beside"))
    .join("");
  const notes = notesOn(run);
  const content =
    beside +
    line(curve(accuracy_train, accuracyX, y), "train") +
    line(curve(accuracy_validation, accuracyX, y), "others") +
    notes
      .map(
        ([s], n) =>
          `<circle class="note-mark" cx="${accuracyX(s)}" cy="12" r="9"/><text class="note-number" x="${accuracyX(s)}" y="16" text-anchor="middle">${n + 1}</text>`,
      )
      .join("") +
    `<text class="label train" x="50" y="34">shown in training</text><text class="label others" x="50" y="52">never shown</text>${beside && `<text class="label beside" x="50" y="70">the same with ${runLabel(others[0])}</text>`}<line class="cursor" y1="16" y2="212"/>`;
  drawChart("learn-chart", accuracyX, y, "training step", "share right", content);
  $("learn-notes").innerHTML = notes
    .map(([s, words]) => `<li><button class="goto" data-step="${Math.round(s)}">${words}</button></li>`)
    .join("");
  const most = Math.max(...norm_squared.filter((v) => v !== null)) * 1.05;
  normX = logarithmic([1, last], [46, 284]);
  const normY = linear(
    [0, most],
    [160, 8],
    [0, Number((most / 2).toPrecision(1)), Number(most.toPrecision(1))].filter((v) => v <= most),
  );
  const norms = line(curve(norm_squared, normX, normY), "sum");
  const cursor = '<line class="cursor" y1="8" y2="160"/>';
  drawChart("learn-norms", normX, normY, "training step", "", norms + cursor);
  const say = (scale) => (px) => {
    const i = measured(run, indexOf(run, scale.back(px)));
    return `step ${grouped(step[i])}: shown ${percent(accuracy_train[i])}, others ${percent(accuracy_validation[i])}, norm ${grouped(norm_squared[i] ?? NaN)}`;
  };
  tells($("learn-chart"), say(accuracyX));
  tells($("learn-norms"), say(normX));
}

function drawStep() {
  const run = ADD.runs[state.run],
    index = shownIndex(),
    i = measured(run, index),
    step = run.track[index];
  $("learn-step").max = run.track.length - 1;
  $("learn-step").value = index;
  $("learn-step").setAttribute("aria-valuetext", `step ${grouped(step)}`);
  $("learn-at").textContent = grouped(step);
  const { accuracy_train, accuracy_validation, norm_squared } = run.history;
  $("learn-train").textContent = percent(accuracy_train[i]);
  $("learn-accuracy").textContent = percent(accuracy_validation[i]);
  $("learn-norm").textContent = norm_squared[i] === null ? "–" : grouped(norm_squared[i]);
  for (const [id, x] of Object.entries({ "learn-chart": accuracyX, "learn-norms": normX }))
    for (const end of ["x1", "x2"]) $(id).querySelector(".cursor").setAttribute(end, x(step));
  drawCircleAndSpectrum(run, step);
  drawSnapshot(run, index);
}

// As they were at the last checkpoint before, which is said where it is not this step's own.
function drawCircleAndSpectrum(run, step) {
  const spectra = learn.spectra[state.run],
    planes = learn.planes[state.run],
    index = lastBy(step, run.steps),
    n = (P - 1) / 2;
  $("learn-kept").textContent =
    spectra && run.steps[index] !== step ? `, at step ${grouped(run.steps[index])}` : "";
  if (!spectra) return;
  drawSpectrum(
    "learn-spectrum",
    Array.from(spectra.subarray(index * n, (index + 1) * n), (v) => v / 65535),
    Math.max(...spectra) / 65535,
    Object.keys(planes).map(Number),
  );
  const k = $("learn-key").value;
  if (!planes[k]) return;
  const unit = run.planes[k].units[index],
    from = 2 * P * index;
  const points = Array.from({ length: P }, (_, t) => [
    planes[k][from + 2 * t] * unit,
    planes[k][from + 2 * t + 1] * unit,
  ]);
  $("learn-circle").innerHTML = circleOf(points, Number(k));
}

function drawSpectrum(id, shares, top, marked) {
  const n = shares.length,
    x = linear([0.5, n + 0.5], [40, 292], [1, n]),
    y = linear([0, top], [160, 22], [0, Number(top.toPrecision(2))]);
  const heights = Array.from(shares, (share) => y(Math.min(share, top)));
  const bars = heights.map(
    (height, i) =>
      `<rect class="wave-bar ${marked.includes(i + 1) ? waveClass(i + 1) : ""}" x="${(x(i + 1) - 1.6).toFixed(1)}" width="3.2" y="${height.toFixed(1)}" height="${Math.max(0, 160 - height).toFixed(1)}" data-tip="frequency ${i + 1}: ${percent(shares[i])}"/>`,
  );
  const names = apart(marked.map(x), 17).map(
    (at, i) =>
      `<text class="tick" x="${at.toFixed(1)}" y="${heights[marked[i] - 1] - 4}" text-anchor="middle">${marked[i]}</text>`,
  );
  drawChart(id, x, y, "frequency k", "", bars.join("") + names.join(""));
}

async function drawSnapshot(run, index) {
  const i = snapshotAt(state.run, index),
    here = [state.run, index],
    canvas = $("learn-map");
  const [name, get] = networkAt(state.run, index),
    network = await get();
  const words =
    i === null
      ? "All sums, answered by the trained network: the study kept no earlier one"
      : `All sums, answered by the network of step ${grouped(run.snapshots[i].step)}, the nearest that was kept`;
  $("learn-network").textContent = words;
  const found = network && (await engine.ask("learn", name, [], "embedding"));
  if (!found || here[0] !== state.run || here[1] !== shownIndex()) return;
  const [right, wrong] = ["--map-right", "--map-wrong"].map(rgb);
  drawMap(canvas, P, (a, b) => (found.answers[a * P + b] === (a + b) % P ? right : wrong));
  tells(canvas, (x, y) => {
    const [a, b] = sumAt(P, x, y);
    return `${a} + ${b} → ${found.answers[a * P + b]}`;
  });
  canvas.setAttribute("aria-label", `${grouped(found.right)} of all sums are right`);
  $("learn-network").textContent = `${words}: ${grouped(found.right)} right`;
}

const PLAY_MS = 160;
function preparePlaying() {
  const button = $("learn-play"),
    slider = $("learn-step");
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.setAttribute("aria-pressed", "false");
    button.textContent = "▶ Play";
  };
  const last = () => ADD.runs[state.run].track.length - 1;
  const go = () => (shownIndex() >= last() ? stop() : set({ step: shownIndex() + 1 }));
  button.addEventListener("click", () => {
    if (timer) return stop();
    if (shownIndex() >= last()) set({ step: 0 });
    button.setAttribute("aria-pressed", "true");
    button.textContent = "⏸ Pause";
    timer = setInterval(go, matchMedia("(prefers-reduced-motion: reduce)").matches ? 5 * PLAY_MS : PLAY_MS);
  });
  slider.addEventListener("input", () => {
    stop();
    set({ step: Number(slider.value) });
  });
  const toStep = (step) => {
    stop();
    set({ step: indexOf(ADD.runs[state.run], step) });
  };
  for (const [id, scale] of Object.entries({ "learn-chart": () => accuracyX, "learn-norms": () => normX }))
    $(id).addEventListener("click", (event) => toStep(scale().back(place($(id), event)[0])));
  document.addEventListener("click", (event) => {
    const own = event.target.closest(".goto");
    if (!own) return;
    if (!own.closest("#learn-notes")) set({ run: 0 });
    toStep(Number(own.dataset.step));
  });
}

async function prepareLearning() {
  if (!ADD.runs.length) return;
  for (const [i, run] of ADD.runs.entries()) {
    learn.step[i] = opening(run);
    learn.spectra[i] = run.spectra && new Uint16Array(await inflate(run.spectra));
    learn.planes[i] = {};
    for (const k of Object.keys(run.planes))
      learn.planes[i][k] = new Int8Array(await inflate(run.planes[k].points));
  }
  $("learn-runs").insertAdjacentHTML(
    "beforeend",
    ADD.runs
      .map((run, i) => `<label><input type="radio" name="run" value="${i}"> ${runLabel(run)}</label>`)
      .join(""),
  );
  const radios = [...document.querySelectorAll("[name=run]")];
  radios.forEach((own) => own.addEventListener("change", () => set({ run: Number(own.value), step: null })));
  const other = ADD.runs[0].held ? "weight decay" : "a held norm";
  const chooseRun = () => {
    const run = ADD.runs[state.run],
      found = Object.keys(run.planes);
    radios.forEach((own, i) => (own.checked = i === state.run));
    $("learn-key").replaceChildren(
      ...(found.length ? found.map((k) => new Option(k, k)) : [new Option("none", "")]),
    );
    const missing = [];
    if (ADD.runs.length < 2) missing.push(`This study has no training with ${other} to compare with.`);
    if (!run.spectra)
      missing.push("Of this training only the curves were kept: there are no circles to draw on its way.");
    else if (!found.length)
      missing.push("This network ends without key frequencies: there is no circle to draw.");
    if (run.snapshots.every((own) => !own.network))
      missing.push("The study kept none of its earlier weights: part 1 answers with those of its end.");
    $("learn-missing").textContent = missing.join(" ");
    $("learn-missing").hidden = !missing.length;
    for (const id of ["learn-circle", "learn-spectrum"]) $(id).replaceChildren();
    drawCurves();
  };
  $("learn-key").addEventListener("change", drawStep);
  preparePlaying();
  on(["run"], chooseRun);
  onFrame(["run", "step"], drawStep);
  chooseRun();
}
