// Parts 3 and 4: a clock by hand, and the same in the weights of the network that answers.

// ---------- Part 3
const clockOrder = () => [...keys, ...frequencies.filter((k) => !keys.includes(k))];
function drawClock() {
  const k = state.clock,
    { a, b } = state,
    s = (a + b) % P;
  const turn = (2 * Math.PI) / P,
    ring = Array.from({ length: P }, (_, t) => [Math.sin(turn * k * t), Math.cos(turn * k * t)]);
  $("clock").innerHTML = circleOf(ring, k, { a, b, "a+b": s });
  $("clock-k").value = k;
  $("clock-waves").value = state.waves;
  const used = state.waves === 1 ? [k] : clockOrder().slice(0, state.waves);
  $("clock-which").textContent = `${state.waves}: k = ${used.join(", ")}`;
  const score = (c) => used.reduce((sum, f) => sum + Math.cos(turn * f * (s - c)), 0) / used.length;
  const scores = Array.from({ length: P }, (_, c) => score(c));
  const x = linear([0, P - 1], [40, 620], [0, s, P - 1]),
    y = linear([-1, 1], [138, 10]);
  const mark = `<circle class="mark" cx="${x(s)}" cy="${y(1)}" r="5" data-tip="a + b = ${s}"/>`;
  drawChart("clock-scores", x, y, "answer c", "score", series(scores, x, y, "sum") + mark);
  tells($("clock-scores"), (px) => {
    const c = within(x.back(px), 0, P - 1);
    return `answer ${c}: ${short(scores[c])}`;
  });
  const next = scores.map((v, c) => (c === s ? -2 : v)),
    rival = largest(next);
  $("clock-margin").textContent =
    `The right answer, ${s}, leads the next, ${rival}, by ${short(1 - next[rival], 2)} of the score of 1.`;
}
function prepareClock() {
  const options = [...new Set([1, ...clockOrder()])];
  $("clock-k").replaceChildren(
    ...options.map((k) => new Option(keys.includes(k) ? `${k} (the network has it)` : k, k)),
  );
  $("clock-k").addEventListener("change", () => set({ clock: Number($("clock-k").value) }));
  $("clock-waves").addEventListener("input", () => set({ waves: Number($("clock-waves").value) }));
  onFrame(["a", "b", "clock", "waves"], drawClock);
}

// ---------- Part 4
let planes = {},
  neuronMap = null,
  loudest = 0; // the neuron that writes most of the slowest key
function drawInside() {
  if (!net) return;
  const { a, b } = state,
    s = (a + b) % P;
  $("inside-sum").textContent = `a + b is ${s}`;
  $("inside-circles").innerHTML = keys
    .map(
      (k) =>
        `<figure><figcaption class="${waveClass(k)}">frequency ${k}</figcaption><svg viewBox="0 0 200 200" role="img" aria-label="The numbers in the plane of frequency ${k}; ${a}, ${b} and ${s} are marked">${circleOf(planes[k], k, { a, b, "a+b": s })}</svg></figure>`,
    )
    .join("");
  const names = [`a = ${a}`, `b = ${b}`, "“=”"];
  $("inside-attention").setAttribute("viewBox", `0 0 640 ${4 + 23 * net.heads}`);
  $("inside-attention").innerHTML = net
    .attention(a, b)
    .map((weights, h) => {
      let from = 76;
      const bars = weights.map((w, j) => {
        const width = 556 * w,
          bar =
            `<rect class="place${j}" x="${from.toFixed(1)}" y="${4 + 23 * h}" width="${width.toFixed(1)}" height="18" data-tip="head ${h + 1} attends to ${names[j]}: ${percent(w)}"/>` +
            (width > 40
              ? `<text class="inbar" x="${from + width / 2}" y="${17 + 23 * h}" text-anchor="middle">${["a", "b", "="][j]}</text>`
              : "");
        from += width;
        return bar;
      });
      return `<text class="tick" x="70" y="${17 + 23 * h}" text-anchor="end">head ${h + 1}</text>${bars.join("")}`;
    })
    .join("");
  drawLogits();
}
function drawLogits() {
  const { a, b } = state,
    s = (a + b) % P,
    raw = logitsOf(a, b);
  if (!raw) return;
  const mean = raw.reduce((sum, v) => sum + v, 0) / P,
    logits = Array.from(raw, (v) => v - mean);
  const each = keys.map((k) => {
    const wave = Array.from({ length: P }, (_, c) => Math.cos((2 * Math.PI * k * (s - c)) / P));
    const height = (2 / P) * dot(wave, logits);
    return wave.map((v) => height * v);
  });
  const sum = logits.map((_, c) => total(each.map((wave) => wave[c]))),
    rest = logits.map((v, c) => v - sum[c]);
  const share = 1 - dot(rest, rest) / dot(logits, logits);
  $("waves-share").textContent = percent(share);
  // a strip for each wave, all of which peak at a + b, and below them their sum over the scores
  const strip = 40,
    top = 4 + strip * keys.length,
    height = top + 170,
    x = linear([0, P - 1], [46, 620], [0, s, P - 1]);
  const amplitude = Math.max(...each.map((wave) => Math.max(...wave.map(Math.abs))), 1e-9);
  const y = linear([Math.min(...logits, ...sum), Math.max(...logits, ...sum)], [top + 132, top + 8], [0]);
  $("inside-logits").setAttribute("viewBox", `0 0 640 ${height}`);
  const content =
    `<line class="cursor" x1="${x(s)}" x2="${x(s)}" y1="4" y2="${top + 130}"/>` +
    each
      .map(
        (wave, i) =>
          `<text class="label ${waveClass(keys[i])}" x="40" y="${strip * i + 26}" text-anchor="end">${keys[i]}</text>` +
          series(wave, x, (v) => strip * (i + 0.5) + 2 - (v / amplitude) * 0.42 * strip, waveClass(keys[i])),
      )
      .join("") +
    logits
      .map(
        (v, c) =>
          `<rect class="bar" x="${(x(c) - 1.8).toFixed(1)}" width="3.6" y="${Math.min(y(v), y(0)).toFixed(1)}" height="${Math.abs(y(v) - y(0)).toFixed(1)}"/>`,
      )
      .join("") +
    series(sum, x, y, "sum");
  drawChart("inside-logits", x, y, "answer c", "", content);
  tells($("inside-logits"), (px) => {
    const c = within(x.back(px), 0, P - 1);
    return `answer ${c}: score ${short(raw[c])}, waves ${short(sum[c])}`;
  });
}
function drawNeuron() {
  if (!net) return;
  const i = Math.min(state.neuron ?? loudest, net.m - 1),
    activity = (neuronMap = net.neuron(i));
  const top = Math.max(...activity),
    [low, high] = [rgb("--map-off"), rgb("--map-on")];
  drawMap($("inside-map"), P, (a, b) =>
    low.map((v, c) => v + (top ? activity[a * P + b] / top : 0) * (high[c] - v)),
  );
  const shares = spectrum(net.W_L.subarray(i * P, (i + 1) * P), P, 1),
    k = largest(shares) + 1;
  $("inside-neuron").value = i;
  $("inside-what").textContent = top
    ? `number ${i}: on for ${percent(activity.filter((v) => v > 0).length / (P * P))} of the sums; what it writes to the scores is ${percent(shares[k - 1])} frequency ${k}`
    : `number ${i}: never on`;
}
function prepareInside() {
  $("inside-neuron").addEventListener("input", () => set({ neuron: Number($("inside-neuron").value) }));
  tells($("inside-map"), (x, y) => {
    const [a, b] = sumAt(P, x, y);
    return neuronMap && `${a} + ${b}: ${short(neuronMap[a * P + b])}`;
  });
  on(["net"], () => {
    planes = Object.fromEntries(keys.map((k) => [k, plane(whole.W_E, P, whole.d, k)]));
    $("inside-neuron").max = net.m - 1;
  });
  onFrame(["a", "b", "net"], drawInside);
  onFrame(["all"], drawLogits);
  onFrame(["neuron", "net"], drawNeuron);
}
