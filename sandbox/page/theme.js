// Light or dark: as the system says, until somebody presses the button.

const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set();
let chosen = recall();

function recall() {
  try { return localStorage.getItem("theme") || ""; } catch { return ""; }
}

export function theme() {
  return chosen || (system.matches ? "dark" : "light");
}

export function toggleTheme() {
  chosen = theme() === "dark" ? "light" : "dark";
  try { localStorage.setItem("theme", chosen); } catch { /* private window: it isn't kept */ }
  apply();
}

// Calls `listener` whenever the theme changes; returns the way to stop it.
export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function apply() {
  document.documentElement.dataset.theme = theme();
  document.querySelector("meta[name=color-scheme]").content = theme();
  for (const listener of listeners) listener(theme());
}

system.addEventListener("change", apply);
apply();
