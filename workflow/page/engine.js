// All sums are answered beside the page, in a worker of its own, so that it never stands still.
// Where a browser lets none start, the page does it itself.

const WORK = `
const networks = {};
onmessage = ({ data: { id, name, tensors, off, place } }) => {
  if (tensors) networks[name] = new Addition(tensors);
  else postMessage({ id, result: answerAll(networks[name], off, place) });
};`;

class Engine {
  constructor(source) {
    this.networks = {}; // name → tensors
    this.known = {}; // what has been answered
    this.asked = {}; // what is being answered
    this.queue = []; // what is asked; of each slot only the latest
    this.busy = null;
    try {
      this.worker = new Worker(URL.createObjectURL(new Blob([source, WORK], { type: "text/javascript" })));
      this.worker.onmessage = ({ data }) => this.done(data.result);
      this.worker.onerror = () => {
        if (!this.worker) return;
        if (this.busy) this.queue.unshift(this.busy); // asked, and never answered
        this.worker = this.busy = null;
        this.next();
      };
    } catch {
      this.worker = null;
    }
    this.sent = new Set();
  }

  add(name, tensors) {
    this.networks[name] = tensors;
  }

  // {answers, right, loss, part} of a network without frequencies; null if another question of the
  // same slot came before it was begun.
  ask(slot, name, off, place) {
    const key = `${name} ${off.length ? place : ""} ${off}`;
    if (this.known[key]) return Promise.resolve(this.known[key]);
    if (this.asked[key]) return this.asked[key];
    for (const own of this.queue.filter((own) => own.slot === slot)) {
      delete this.asked[own.key];
      own.resolve(null);
    }
    this.queue = this.queue.filter((own) => own.slot !== slot);
    this.asked[key] = new Promise((resolve) => this.queue.push({ slot, name, off, place, key, resolve }));
    this.next();
    return this.asked[key];
  }

  next() {
    if (this.busy || !this.queue.length) return;
    const own = (this.busy = this.queue.shift());
    if (!this.worker) {
      const compute = () => this.done(answerAll(new Addition(this.networks[own.name]), own.off, own.place));
      return setTimeout(compute, 20);
    }
    if (!this.sent.has(own.name))
      this.worker.postMessage({ name: own.name, tensors: this.networks[own.name] });
    this.sent.add(own.name);
    this.worker.postMessage({ off: own.off, place: own.place, name: own.name });
  }

  done(result) {
    const own = this.busy;
    this.busy = null;
    this.known[own.key] = result;
    delete this.asked[own.key];
    own.resolve(result);
    this.next();
  }
}
