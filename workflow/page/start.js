// The explorers are drawn after the first view of the page.

const EXPLORERS = { linear_regression: explorerA, modular_addition: explorerB };

async function start() {
  for (const [task, networks] of Object.entries(page.networks)) {
    await EXPLORERS[task](document.getElementById(`${task}-explorer`), networks);
  }
  document.documentElement.dataset.drawn = "yes";
  performance.mark("explorers-drawn");
}
requestAnimationFrame(() => setTimeout(start, 0));
