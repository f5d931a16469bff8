// Track A: risk by context length at one step, beside the laws of the network.

async function explorerA(root, networks) {
  const charts = await drawCharts(root);
  const choice = find(root, "network");
  const byContext = charts.risk_by_context;
  const overTraining = charts.risk_over_training;
  let network = networks[0];

  // risk is stored by step, then context length, then seed
  const risksAt = (index) => {
    const { lengths, seeds, risk } = network;
    return lengths.flatMap((k, row) =>
      seeds.map((seed, column) => ({
        k, seed, risk: risk[(index * lengths.length + row) * seeds.length + column],
      })),
    );
  };
  const show = (index) => {
    byContext.data("risks", network.steps.length ? risksAt(index) : []);
    overTraining.data("now", network.steps.length ? [{ step: network.steps[index] }] : []);
    byContext.draw();
    overTraining.draw();
  };
  const nameLengths = () => {
    const colour = overTraining.scale("color");
    const items = network.lengths.map((k) => {
      const item = document.createElement("li");
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      swatch.style.background = colour(k);
      item.append(swatch, `k = ${k}`);
      return item;
    });
    find(root, "lengths").replaceChildren(...items);
  };
  const line = timeline(root, show);

  const choose = () => {
    network = networks[choice.value];
    const { k, ...laws } = network.laws;
    const rows = Object.entries(laws).flatMap(([law, risks]) =>
      k.map((length, index) => ({ law, k: length, risk: risks[index] })),
    );
    for (const item of root.querySelectorAll("[data-law]")) item.hidden = !(item.dataset.law in laws);
    root.style.setProperty("--own", network.colour);
    byContext.signal("colour", network.colour);
    byContext.signal("k_min", Math.min(...k));
    byContext.signal("k_max", Math.max(...k));
    byContext.data("laws", rows);
    byContext.data("ends", network.end.k.map((length, i) => ({ k: length, risk: network.end.risk[i] })));
    overTraining.signal("last", network.steps.at(-1) ?? 10);
    overTraining.signal("lengths", network.lengths);
    overTraining.data("curves", network.steps.flatMap((step, index) =>
      risksAt(index).map((row) => ({ step, ...row })),
    ));
    overTraining.draw().then(nameLengths);
    const n = network.seeds.length;
    const diverged = network.diverged.length ? `, ${network.diverged.length} diverged` : "";
    find(root, "seeds").textContent = n ? `${n} ${n > 1 ? "seeds" : "seed"}${diverged}` : "all seeds diverged";
    line.over(network.steps);
  };
  choice.addEventListener("change", choose);
  choose();
}
