// The page's window: full screen, and a shortcut on the phone's home screen. Both are offered where Telegram has them.

const SINCE = "8.0";

// `full` turns full screen on and off, `home` adds the shortcut; `say` gives the words of the page.
export function offerWindow(app, { full, home }, say) {
  if (!app.isVersionAtLeast?.(SINCE)) return;
  if (app.requestFullscreen && app.exitFullscreen) {
    const show = () => {
      full.textContent = say(app.isFullscreen ? "full_screen_off" : "full_screen");
      full.setAttribute("aria-pressed", String(Boolean(app.isFullscreen)));
      document.documentElement.classList.toggle("full", Boolean(app.isFullscreen));
    };
    full.hidden = false;
    full.addEventListener("click", () => (app.isFullscreen ? app.exitFullscreen() : app.requestFullscreen()));
    app.onEvent?.("fullscreenChanged", show);
    app.onEvent?.("fullscreenFailed", ({ error } = {}) => { if (error !== "ALREADY_FULLSCREEN") full.hidden = true; });
    show();
  }
  if (app.addToHomeScreen && app.checkHomeScreenStatus) {
    home.addEventListener("click", () => app.addToHomeScreen());
    app.onEvent?.("homeScreenAdded", () => { home.hidden = true; });
    app.checkHomeScreenStatus((status) => { home.hidden = !["missed", "unknown"].includes(status); });
  }
}
