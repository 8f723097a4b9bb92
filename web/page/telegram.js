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

// Whether Telegram asks before it closes the page, since something isn't saved.
export function confirmClosing(on) {
  const app = window.Telegram?.WebApp;
  if (on) app?.enableClosingConfirmation?.();
  else app?.disableClosingConfirmation?.();
}

// Closes a dialog as the Escape key does: it may object.
export function shut(dialog) {
  if (dialog?.dispatchEvent(new Event("cancel", { cancelable: true }))) dialog.close();
}

// Telegram's back button closes whatever dialog is open.
export function backCloses(app, dialogs) {
  const close = () => shut(dialogs.filter((dialog) => dialog.open).pop()); // the one that was opened last
  app.BackButton?.onClick?.(close);
  for (const dialog of dialogs) {
    dialog.addEventListener("close", () => dialogs.some((one) => one.open) || app.BackButton?.hide?.());
  }
  return () => app.BackButton?.show?.();
}
