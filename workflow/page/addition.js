// Addition: one softmax layer that reads "a b =" and answers at "=".
// Only "=" asks, so what a number brings through a head is a table: its score, and its value carried
// on to the neurons (toNeurons) and to the logits (toLogits). An answer is then 3 sums a head.
class Addition {
  constructor(tensors) {
    const of = (name) => tensors[name].data;
    const [, d] = tensors["embed.W_E"].shape,
      p = tensors["unembed.W_U"].shape[1];
    const [heads, , dHead] = tensors["blocks.0.attn.W_Q"].shape,
      m = tensors["blocks.0.mlp.b_in"].shape[0];
    Object.assign(this, { tensors, p, d, heads, m, W_E: of("embed.W_E") });
    const [W_Q, W_K, W_V, W_O] = ["Q", "K", "V", "O"].map((letter) => of(`blocks.0.attn.W_${letter}`));
    const W_in = of("blocks.0.mlp.W_in"),
      W_out = of("blocks.0.mlp.W_out"),
      W_U = of("unembed.W_U");
    const b_out = of("blocks.0.mlp.b_out"),
      W_pos = of("pos_embed.W_pos");
    const token = (t, position) =>
      Float64Array.from({ length: d }, (_, j) => this.W_E[t * d + j] + W_pos[position * d + j]);

    this.W_L = new Float64Array((m + 1) * p); // neurons to logits, and a last one of zeros
    for (let i = 0; i < m; i++) this.W_L.set(product(W_out.subarray(i * d, (i + 1) * d), W_U, p), i * p);
    const equals = token(p, 2);
    this.neurons0 = addProduct(equals, W_in, Float64Array.from(of("blocks.0.mlp.b_in")));
    this.logits0 = product(
      equals.map((v, j) => v + b_out[j]),
      W_U,
      p,
    );
    // rows: a = 0 … p − 1 at the first place, b at the second, then "="
    const rows = [0, 1].flatMap((position) => Array.from({ length: p }, (_, t) => token(t, position)));
    rows.push(equals);
    const R = (this.R = rows.length);
    this.score = new Float64Array(heads * R);
    this.toNeurons = new Float64Array(heads * R * m);
    this.toLogits = new Float64Array(heads * R * p);
    for (let h = 0; h < heads; h++) {
      const from = h * d * dHead,
        query = product(equals, W_Q, dHead, from);
      rows.forEach((x, r) => {
        const key = product(x, W_K, dHead, from);
        this.score[h * R + r] = dot(key, query) / Math.sqrt(dHead);
        const brought = product(product(x, W_V, dHead, from), W_O, d, from);
        this.toNeurons.set(product(brought, W_in, m), (h * R + r) * m);
        this.toLogits.set(product(brought, W_U, p), (h * R + r) * p);
      });
    }
    this.neurons = new Float64Array(m + 1); // of the last answer
    this.on = new Int32Array(m + 4);
  }

  // Attention of "=" to a, b and "=", for each head.
  attention(a, b) {
    const rows = [a, this.p + b, 2 * this.p];
    return Array.from({ length: this.heads }, (_, h) => softmax(rows.map((r) => this.score[h * this.R + r])));
  }

  logits(a, b, out = new Float64Array(this.p)) {
    const { p, m, R, neurons, W_L } = this,
      rows = [a, p + b, 2 * p];
    neurons.set(this.neurons0);
    out.set(this.logits0);
    const { toNeurons, toLogits } = this;
    this.attention(a, b).forEach(([u, v, w], h) => {
      const [r, s, t] = rows.map((row) => (h * R + row) * m),
        [x, y, z] = rows.map((row) => (h * R + row) * p);
      for (let i = 0; i < m; i++)
        neurons[i] += u * toNeurons[r + i] + v * toNeurons[s + i] + w * toNeurons[t + i];
      for (let c = 0; c < p; c++) out[c] += u * toLogits[x + c] + v * toLogits[y + c] + w * toLogits[z + c];
    });
    const on = this.on; // the neurons that are on, four at a time: half the time
    let n = 0;
    for (let i = 0; i < m; i++) {
      if (neurons[i] > 0) on[n++] = i;
      else neurons[i] = 0;
    }
    while (n % 4) on[n++] = m; // a neuron that is always off
    for (let i = 0; i < n; i += 4) {
      const [r, s, t, u] = [on[i] * p, on[i + 1] * p, on[i + 2] * p, on[i + 3] * p];
      const [v, w, x, y] = [neurons[on[i]], neurons[on[i + 1]], neurons[on[i + 2]], neurons[on[i + 3]]];
      for (let c = 0; c < p; c++) out[c] += v * W_L[r + c] + w * W_L[s + c] + x * W_L[t + c] + y * W_L[u + c];
    }
    return out;
  }

  // One neuron over all pairs, b running fastest.
  neuron(i) {
    const { p, m, R } = this,
      out = new Float64Array(p * p);
    for (let a = 0; a < p; a++) {
      for (let b = 0; b < p; b++) {
        const rows = [a, p + b, 2 * p];
        let v = this.neurons0[i];
        this.attention(a, b).forEach((weights, h) =>
          weights.forEach((w, j) => (v += w * this.toNeurons[(h * R + rows[j]) * m + i])),
        );
        out[a * p + b] = Math.max(0, v);
      }
    }
    return out;
  }

  // Logits of all pairs [a, b, c].
  all() {
    const p = this.p,
      L = new Float64Array(p ** 3);
    for (let r = 0; r < p * p; r++) this.logits(Math.floor(r / p), r % p, L.subarray(r * p, (r + 1) * p));
    return L;
  }

  // The same network whose embedding of the numbers lacks these frequencies: each is at its mean.
  without(frequencies) {
    if (!frequencies.length) return this;
    const { p, d } = this,
      W = Float64Array.from(this.W_E);
    for (const wave of waves(p, frequencies)) {
      const part = product(wave, this.W_E, d);
      for (let t = 0; t < p; t++) for (let j = 0; j < d; j++) W[t * d + j] -= wave[t] * part[j];
    }
    return new Addition({
      ...this.tensors,
      "embed.W_E": { shape: this.tensors["embed.W_E"].shape, data: W },
    });
  }
}

// Orthonormal cosine and sine over Z_p of each frequency.
function waves(p, frequencies) {
  const wave = (k, f) =>
    Float64Array.from({ length: p }, (_, t) => Math.sqrt(2 / p) * f((2 * Math.PI * ((k * t) % p)) / p));
  return frequencies.flatMap((k) => [wave(k, Math.cos), wave(k, Math.sin)]);
}

// Share of every frequency 1 … (p − 1)/2 in rows [p, d], without their mean.
function spectrum(rows, p, d) {
  const square = (values) => dot(values, values);
  const power = Array.from({ length: (p - 1) / 2 }, (_, i) =>
    total(waves(p, [i + 1]).map((wave) => square(product(wave, rows, d)))),
  );
  const whole = total(power);
  return power.map((v) => v / whole);
}
// Key frequencies have three times the share of a flat spectrum, or more.
const keysOf = (shares) => shares.flatMap((share, i) => (share >= 3 / shares.length ? [i + 1] : []));

function transposed(rows, n, d) {
  const out = new Float64Array(n * d);
  for (let t = 0; t < n; t++) for (let j = 0; j < d; j++) out[j * n + t] = rows[t * d + j];
  return out;
}

// The numbers in the plane that cosine and sine of a frequency span in an embedding: [[x, y]].
function plane(rows, p, d, k) {
  const basis = [];
  for (const wave of waves(p, [k])) {
    const v = product(wave, rows, d);
    for (const u of basis) {
      const along = dot(v, u);
      for (let j = 0; j < d; j++) v[j] -= along * u[j];
    }
    const norm = Math.hypot(...v);
    basis.push(v.map((x) => x / norm));
  }
  const points = Array.from({ length: p }, (_, t) =>
    basis.map((u) => dot(u, rows.subarray(t * d, (t + 1) * d))),
  );
  const centre = [0, 1].map((i) => total(points.map((point) => point[i])) / p);
  return points.map((point) => point.map((x, i) => x - centre[i]));
}

// What frequencies of a + b put into the logits [a, b, c]: a row for each sum, the same for its pairs.
function partOfSum(L, p, frequencies) {
  const means = new Float64Array(p * p),
    part = new Float64Array(p * p);
  for (let r = 0; r < p * p; r++) {
    const s = (Math.floor(r / p) + (r % p)) % p;
    for (let c = 0; c < p; c++) means[s * p + c] += L[r * p + c] / p;
  }
  for (const wave of waves(p, frequencies)) {
    const along = product(wave, means, p);
    for (let s = 0; s < p; s++) for (let c = 0; c < p; c++) part[s * p + c] += wave[s] * along[c];
  }
  return part;
}

// All answers, how many are right, and the mean loss (nats), without a part of each sum's logits.
function judge(L, p, part = null) {
  const answers = new Int16Array(p * p),
    l = new Float64Array(p);
  let right = 0,
    loss = 0;
  for (let r = 0; r < p * p; r++) {
    const s = (Math.floor(r / p) + (r % p)) % p;
    for (let c = 0; c < p; c++) l[c] = L[r * p + c] - (part ? part[s * p + c] : 0);
    const best = largest(l);
    let sum = 0;
    for (let c = 0; c < p; c++) sum += Math.exp(l[c] - l[best]);
    loss += (l[best] + Math.log(sum) - l[s]) / (p * p);
    answers[r] = best;
    right += best === s;
  }
  return { answers, right, loss };
}

// How a network answers all sums without frequencies: in its embedding, or in its logits' a + b.
function answerAll(network, frequencies, place) {
  const p = network.p;
  if (place === "embedding") return { ...judge(network.without(frequencies).all(), p), part: null };
  const L = network.all(),
    part = partOfSum(L, p, frequencies);
  return { ...judge(L, p, part), part };
}
