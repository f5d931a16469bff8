// Regression: a prompt of k pairs (x, y); every token attends to these k alone.
class Regression {
  constructor(tensors, architecture) {
    Object.assign(this, { tensors, ...architecture });
  }

  normalised(x, name) {
    if (!this.layer_norm) return x;
    const n = x.length,
      mean = total(x) / n;
    const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n,
      scale = 1 / Math.sqrt(variance + 1e-5);
    const w = this.tensors[`${name}.w`].data,
      b = this.tensors[`${name}.b`].data;
    return x.map((v, j) => (v - mean) * scale * w[j] + b[j]);
  }

  // ŷ for every query, and the first layer's attention of the last one to the k pairs (mean of heads).
  predict(X, y, queries) {
    const k = X.length,
      T = this.tensors,
      flag = this.embedded ? 1 : 0;
    const token = (x, target, mark) => Float64Array.from([...x, target, ...(flag ? [mark] : [])]);
    let stream = [
      ...X.map((x, i) => token(x, y[i] * this.y_scale, 0)),
      ...queries.map((x) => token(x, 0, 1)),
    ];
    if (flag) stream = stream.map((x) => product(x, T["embed.W_E"].data, this.d_model));
    let pattern = null;
    for (let layer = 0; layer < this.n_layers; layer++) {
      const name = `blocks.${layer}`,
        last = layer === this.n_layers - 1;
      const normed = stream.map((x) => this.normalised(x, `${name}.ln1`));
      const context = normed.slice(0, k),
        start = last ? k : 0; // only queries are read in the end
      const added = normed.slice(start).map(() => new Float64Array(this.d_model));
      for (let h = 0; h < this.n_heads; h++) {
        const from = h * this.d_model * this.d_head;
        const project = (x, letter) => product(x, T[`${name}.attn.W_${letter}`].data, this.d_head, from);
        const keys = context.map((x) => project(x, "K")),
          values = context.map((x) => project(x, "V"));
        normed.slice(start).forEach((x, i) => {
          const query = project(x, "Q");
          const scores = keys.map((key) => dot(key, query) / Math.sqrt(this.d_head));
          const weights =
            this.attention === "softmax" ? softmax(scores) : scores.map((s) => s / (k + this.zero_tokens));
          const mixed = new Float64Array(this.d_head);
          values.forEach((value, j) => {
            for (let e = 0; e < mixed.length; e++) mixed[e] += weights[j] * value[e];
          });
          addProduct(mixed, T[`${name}.attn.W_O`].data, added[i], from);
          if (layer === 0 && i === added.length - 1) {
            pattern = weights.map((w, j) => w / this.n_heads + (pattern ? pattern[j] : 0));
          }
        });
      }
      stream = stream.slice(start).map((x, i) => this.throughMlp(this.passed(x, added[i]), name));
    }
    const read = (x) =>
      this.embedded ? product(this.normalised(x, "ln_final"), T["unembed.W_U"].data, 1)[0] : -x[x.length - 1];
    return { predictions: stream.slice(-queries.length).map((x) => read(x) / this.y_scale), pattern };
  }

  // −1 if a head has learned exp(−ω x · x_i) and reads its mean with a minus: the mirror image of the
  // best smoother, and as good, for x and −x are as probable. Which of the two it is is chance.
  side(d) {
    if (this.attention !== "softmax" || this.n_layers * this.n_heads > 1 || this.embedded) return 1;
    const [Q, K] = ["Q", "K"].map((letter) => this.tensors[`blocks.0.attn.W_${letter}`].data);
    let trace = 0; // of W_Q W_Kᵀ on x
    for (let i = 0; i < d * this.d_head; i++) trace += Q[i] * K[i];
    return trace < 0 ? -1 : 1;
  }

  throughMlp(x, name) {
    if (!this.d_mlp) return x;
    const of = (key) => this.tensors[`${name}.mlp.${key}`].data;
    const hidden = addProduct(this.normalised(x, `${name}.ln2`), of("W_in"), Float64Array.from(of("b_in")));
    const out = addProduct(
      hidden.map((v) => Math.max(0, v)),
      of("W_out"),
      Float64Array.from(of("b_out")),
    );
    return this.passed(x, out);
  }

  // What a layer hands on: the stream and what it adds, or that alone.
  passed(x, added) {
    return this.skips ? x.map((v, j) => v + added[j]) : added;
  }
}

// The weights after one step of gradient descent from 0, of this size.
function gradientStep(X, y, size) {
  return X[0].map((_, j) => (size / X.length) * X.reduce((sum, x, i) => sum + x[j] * y[i], 0));
}

// Least squares; of several solutions the shortest, so that it holds for fewer points than d.
function leastSquares(X, y) {
  const k = X.length,
    d = X[0].length,
    wide = k < d;
  const gram = wide
    ? X.map((x) => X.map((z) => dot(x, z)))
    : X[0].map((_, i) => X[0].map((_, j) => X.reduce((sum, x) => sum + x[i] * x[j], 0)));
  const right = wide ? y : X[0].map((_, j) => X.reduce((sum, x, i) => sum + x[j] * y[i], 0));
  const found = solve(gram, right);
  return wide ? X[0].map((_, j) => X.reduce((sum, x, i) => sum + x[j] * found[i], 0)) : found;
}

// Nadaraya and Watson: the mean of the y, weighted by exp(ω x · x_i).
function smoother(X, y, x, omega, scale) {
  return scale * dot(softmax(X.map((z) => omega * dot(z, x))), y);
}
