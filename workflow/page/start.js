// The page begins: with what its address says, and in the order in which it is read.

async function start() {
  if (document.documentElement.className === "old") return;
  Object.assign(state, sound(readAddress(location.hash)));
  if (ADD) {
    await prepareAddition();
    await prepareLearning();
    prepareLateness();
    await prepareDeep();
  }
  preparePrompts();
  const later = (key) => key === "net" || key === "all"; // they are announced
  for (const [keys, react] of listeners)
    if (!keys.every(later)) Promise.resolve(react(Object.keys(state))).catch(failed);
}

function failed(error) {
  $("broken").textContent = `The networks could not be started in this browser: ${error.message}`;
  $("broken").hidden = false;
  throw error;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => announce("net"));
addEventListener("hashchange", () => {
  if (/^#(part-\d|main)?$/.test(location.hash)) return;
  set(sound({ ...JSON.parse(FIRST), ...readAddress(location.hash) }));
});
requestAnimationFrame(() =>
  setTimeout(() =>
    start()
      .then(() => (document.documentElement.dataset.drawn = "yes"))
      .catch(failed),
  ),
);
