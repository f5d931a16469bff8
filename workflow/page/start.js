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
  for (const [keys, react] of listeners) if (!keys.every(later)) react(Object.keys(state));
}

// What goes wrong anywhere is said at the head of the page, and in the console.
addEventListener("unhandledrejection", ({ reason }) => {
  $("broken").textContent = `Something does not work in this browser: ${reason.message}`;
  $("broken").hidden = false;
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => announce("net"));
addEventListener("hashchange", () => {
  if (/^#(part-\d|main)?$/.test(location.hash)) return;
  set(sound({ ...JSON.parse(FIRST), ...readAddress(location.hash) }));
});
requestAnimationFrame(() =>
  setTimeout(() => start().then(() => (document.documentElement.dataset.drawn = "yes"))),
);
