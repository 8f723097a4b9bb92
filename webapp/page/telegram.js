// Telegram's side of the page: its script, init data, colours, and closing. Everything of it may be missing.

const WAIT_MS = 15000;

// Resolves to Telegram's WebApp object; rejects where its script can't be had.
export function telegram() {
  const known = window.Telegram?.WebApp;
  if (known) return Promise.resolve(known);
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const timer = setTimeout(() => reject(new Error("slow")), WAIT_MS);
    script.src = document.querySelector("meta[name=telegram-script]").content;
    script.addEventListener("error", () => reject(new Error("missing")));
    script.addEventListener("load", () => {
      clearTimeout(timer);
      const app = window.Telegram?.WebApp;
      if (app) resolve(app);
      else reject(new Error("empty"));
    });
    document.head.append(script);
  });
}

// Light or dark, as Telegram is; the colours themselves are its --tg-theme-… variables.
export function follow(app) {
  const apply = () => {
    if (app.colorScheme) document.documentElement.dataset.scheme = app.colorScheme;
  };
  apply();
  app.onEvent?.("themeChanged", apply);
  app.ready?.();
  app.expand?.();
}

// Telegram's back button closes whatever dialog is open.
export function backCloses(app, dialogs) {
  const close = () => dialogs.find((dialog) => dialog.open)?.close();
  app.BackButton?.onClick?.(close);
  for (const dialog of dialogs) {
    dialog.addEventListener("close", () => app.BackButton?.hide?.());
  }
  return () => app.BackButton?.show?.();
}
