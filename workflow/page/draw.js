// Small things that every part draws with: SVG charts, maps of all sums, what the pointer says.

const $ = (id) => document.getElementById(id);
const grouped = (n) => Math.round(n).toLocaleString("en");
const percent = (share) => `${(100 * share).toFixed(share > 0.9995 && share < 1 ? 2 : 1)} %`;
const short = (v, digits = 3) =>
  v === null || !Number.isFinite(v) ? "–" : Number(v.toPrecision(digits)).toString();
const clamped = (v, least, most) => Math.max(least, Math.min(most, v));
// Place of the last of these steps that is no later, or of the first.
const lastBy = (step, steps) => Math.max(0, steps.findLastIndex((own) => own <= step));
const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// ---------- What is under the pointer: an element's data-tip, or what its `tell(x, y)` says.
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("aria-hidden", "true"); // the same is said in the text beside it
document.body.append(tip);
const tellers = new WeakMap();

// Where a pointer is in an SVG's viewBox, or in a canvas's pixels.
function place(element, event) {
  const box = element.getBoundingClientRect();
  const [w, h] = element.viewBox
    ? [element.viewBox.baseVal.width, element.viewBox.baseVal.height]
    : [element.width, element.height];
  return [((event.clientX - box.left) / box.width) * w, ((event.clientY - box.top) / box.height) * h];
}
function point(event) {
  const named = event.target.closest?.("[data-tip]"),
    told = event.target.closest?.(".tells");
  const text = named?.dataset.tip ?? (told && tellers.get(told)?.(...place(told, event)));
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, room))}px`;
  tip.style.top = `${event.clientY > 60 ? event.clientY - tip.offsetHeight - 10 : event.clientY + 18}px`;
}
// a finger does not hover: it says the same by a tap
for (const kind of ["pointermove", "pointerdown"]) document.addEventListener(kind, point);
function tells(element, say) {
  element.classList.add("tells");
  tellers.set(element, say);
}

// ---------- Charts. A scale knows its ticks; a chart is text of SVG in a viewBox.
function linear([a, b], range, ticks = [a, (a + b) / 2, b]) {
  const scale = (v) => range[0] + ((v - a) / (b - a || 1)) * (range[1] - range[0]);
  const back = (place) => a + ((place - range[0]) / (range[1] - range[0])) * (b - a);
  return Object.assign(scale, { back, range, ticks });
}
function logarithmic([a, b], range) {
  const inner = linear([Math.log10(a), Math.log10(b)], range);
  const scale = (v) => inner(Math.log10(clamped(v, a, b)));
  const powers = Array.from({ length: 12 }, (_, i) => 10 ** (i - 4)).filter((v) => v >= a && v <= b);
  const ticks = powers.length > 1 ? powers : [a, b];
  return Object.assign(scale, { back: (place) => 10 ** inner.back(place), range, ticks });
}
const tickText = (v) => (Math.abs(v) >= 1000 ? grouped(v) : String(Number(v.toPrecision(3))));

// The axes of a chart, and what stands between them.
function drawChart(id, x, y, xTitle, yTitle, content) {
  const { width, height } = $(id).viewBox.baseVal,
    left = x.range[0],
    base = y.range[0];
  $(id).innerHTML =

    x.ticks
      .map(
        (v) =>
          `<text class="tick" x="${x(v)}" y="${base + 16}" text-anchor="middle">${tickText(v)}</text><line class="grid" x1="${x(v)}" x2="${x(v)}" y1="8" y2="${base}"/>`,
      )
      .join("") +
    y.ticks
      .map(
        (v) =>
          `<text class="tick" x="${left - 6}" y="${y(v) + 4}" text-anchor="end">${tickText(v)}</text><line class="grid" x1="${left}" x2="${width - 8}" y1="${y(v)}" y2="${y(v)}"/>`,
      )
      .join("") +
    `<text class="axis" x="${(left + width) / 2}" y="${height - 5}" text-anchor="middle">${xTitle}</text>` +
    (yTitle
      ? `<text class="axis" x="12" y="${base / 2 + 4}" text-anchor="middle" transform="rotate(-90 12 ${base / 2})">${yTitle}</text>`
      : "") +
    content;
}
// Places in their order, moved until each is so far from the next.
function apart(places, gap) {
  const moved = [...places];
  for (let round = 0; round < 50; round++) {
    for (let i = 1; i < moved.length; i++) {
      const lack = gap - (moved[i] - moved[i - 1]);
      if (lack <= 0) continue;
      moved[i - 1] -= lack / 2;
      moved[i] += lack / 2;
    }
  }
  return moved;
}
const path = (points) =>
  points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
const line = (points, name) => `<path class="line ${name}" d="${path(points)}" />`;
// A line through values at 0, 1, …
const series = (values, x, y, name) => line(Array.from(values, (v, i) => [x(i), y(v)]), name);

// ---------- The numbers on a circle: coloured by where they belong, some of them named.
function circleOf(points, k, marked = {}) {
  const p = points.length,
    reach = 1.12 * Math.max(...points.map(([x, y]) => Math.hypot(x, y)), 1e-9);
  const at = ([x, y]) => [100 + (92 * x) / reach, 100 - (92 * y) / reach];
  const dots = points.map((point, t) => {
    const [x, y] = at(point),
      hue = (360 * ((k * t) % p)) / p;
    return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="2.6" fill="hsl(${hue.toFixed(0)} 60% 55%)" data-tip="the number ${t}"/>`;
  });
  const names = Object.entries(marked).map(([name, t]) => {
    const [x, y] = at(points[t]),
      out = Math.hypot(x - 100, y - 100) || 1;
    return (
      `<line class="hand" x1="100" y1="100" x2="${x}" y2="${y}"/><circle class="mark" cx="${x}" cy="${y}" r="5" data-tip="${name} = ${t}"/>` +
      `<text class="name" x="${x - ((x - 100) / out) * 14}" y="${y - ((y - 100) / out) * 14 + 4}" text-anchor="middle">${name}</text>`
    );
  });
  return dots.join("") + names.join("");
}

// ---------- A map of all p × p sums: a to the right, b upwards.
function drawMap(canvas, p, colour) {
  canvas.width = canvas.height = p;
  const dot = Math.max(1, Math.floor((canvas.closest(".panels") ? 260 : 400) / p)); // whole pixels, or stripes would appear that are not there
  canvas.style.width = `min(100%, ${dot * p}px)`;
  const context = canvas.getContext("2d"),
    image = context.createImageData(p, p);
  for (let a = 0; a < p; a++) {
    for (let b = 0; b < p; b++) {
      const [red, green, blue] = colour(a, b),
        at = 4 * ((p - 1 - b) * p + a);
      image.data[at] = red;
      image.data[at + 1] = green;
      image.data[at + 2] = blue;
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}
const sumAt = (p, x, y) => [x, p - y].map((v) => clamped(Math.floor(v), 0, p - 1)); // a, b
const rgb = (name) =>
  colourOf(name)
    .match(/[0-9a-f]{2}/gi)
    .map((part) => parseInt(part, 16));

// A picture on which a click chooses, and whose arrow keys move by one.
function chooses(element, { click, keys }) {
  element.addEventListener("click", (event) => click(...place(element, event)));
  element.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by) return;
    event.preventDefault();
    keys(...by);
  });
}
