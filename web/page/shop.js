// «⭐ Купить» beside the balance: a button a pack, which opens Telegram's invoice.

import { element, say, toast } from "./words.js";

const $ = (id) => document.getElementById(id);
const LOOKS = 6; // at the balance after a payment
const PAUSE_MS = 700;

// `packs` are sold now; `paid` looks at the balance again and returns whether it has changed.
export function showShop(app, packs, paid) {
  $("shop").hidden = packs.length === 0;
  $("packs").replaceChildren(...packs.map((pack) => button(app, pack, paid)));
}

function button(app, { title, price, link }, paid) {
  const made = element("button", "quiet wide");
  made.type = "button";
  made.append(element("span", "", title), element("strong", "", price));
  made.addEventListener("click", () => {
    if (!app.isVersionAtLeast?.("6.1") || !app.openInvoice) return void app.openTelegramLink?.(link);
    app.openInvoice(link, (status) => ended(status, paid));
  });
  return made;
}

async function ended(status, paid) {
  if (status === "failed") toast(say("buy_failed"));
  if (status !== "paid" && status !== "pending") return;
  toast(say("buy_paid"));
  for (let look = 0; look < LOOKS; look += 1) {
    await new Promise((done) => setTimeout(done, PAUSE_MS));
    if (await paid()) return;
  }
}
