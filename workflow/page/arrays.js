// Arrays, and the trained networks in them: plain typed arrays, no library. Weights have the names and
// shapes of TransformerLens; all sums are in double precision. With addition.js and regression.js this
// runs in the page, in its worker and in node.

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

// {tensors: [[name, shape, scale]], data} → {name: {shape, data}}. With a scale: int8; else float32,
// the bytes of equal weight side by side.
async function unpack(packed) {
  const bytes = new Uint8Array(await inflate(packed.data)),
    tensors = {};
  let at = 0;
  for (const [name, shape, scale] of packed.tensors) {
    const n = shape.reduce((product, size) => product * size, 1),
      data = new Float64Array(n);
    if (scale === null) {
      const own = new Uint8Array(4 * n);
      for (let i = 0; i < 4 * n; i++) own[i] = bytes[at + (i % 4) * n + (i >> 2)];
      data.set(new Float32Array(own.buffer));
      at += 4 * n;
    } else {
      data.set(new Int8Array(bytes.buffer, at, n));
      for (let i = 0; i < n; i++) data[i] *= scale;
      at += n;
    }
    tensors[name] = { shape, data };
  }
  return tensors;
}

// out[j] += Σ_i x[i] W[i, j], of a matrix that begins at `from` and has out.length columns
function addProduct(x, W, out, from = 0) {
  const columns = out.length;
  for (let i = 0; i < x.length; i++) {
    const xi = x[i],
      row = from + i * columns;
    if (xi !== 0) for (let j = 0; j < columns; j++) out[j] += xi * W[row + j];
  }
  return out;
}
const product = (x, W, columns, from = 0) => addProduct(x, W, new Float64Array(columns), from);

function softmax(scores) {
  const top = Math.max(...scores),
    raised = scores.map((s) => Math.exp(s - top));
  const whole = total(raised);
  return raised.map((v) => v / whole);
}

const largest = (values) => values.reduce((best, v, i) => (v > values[best] ? i : best), 0);

const dot = (x, w) => x.reduce((sum, v, j) => sum + v * w[j], 0);
const total = (values) => values.reduce((sum, v) => sum + v, 0);

// Gaussian elimination; a direction in which the matrix has nothing gets 0.
function solve(matrix, right) {
  const n = right.length,
    A = matrix.map((row, i) => [...row, right[i]]);
  const least = 1e-10 * Math.max(...A.map((row, i) => Math.abs(row[i])), 1e-300),
    dead = [];
  for (let i = 0; i < n; i++) {
    let top = i;
    for (let r = i + 1; r < n; r++) if (Math.abs(A[r][i]) > Math.abs(A[top][i])) top = r;
    [A[i], A[top]] = [A[top], A[i]];
    dead[i] = Math.abs(A[i][i]) < least;
    if (dead[i]) continue;
    for (let r = i + 1; r < n; r++) {
      const factor = A[r][i] / A[i][i];
      for (let c = i; c <= n; c++) A[r][c] -= factor * A[i][c];
    }
  }
  const x = Array(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    if (!dead[i]) x[i] = (A[i][n] - x.reduce((sum, v, j) => (j > i ? sum + A[i][j] * v : sum), 0)) / A[i][i];
  }
  return x;
}

// Normal numbers, the same for the same seed (mulberry32 and Box–Muller).
function normals(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
