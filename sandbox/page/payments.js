// Telegram's dialog of a payment in Stars, which aren't real here, an invoice's card, and what happens to subscriptions.

import { ask } from "./dialogs.js";
import { element } from "./format.js";
import { language, t } from "./texts.js";

const LINK = /^https:\/\/t\.me\/\$[\w-]+$/;

export const isInvoice = (url) => LINK.test(url);

export function invoiceCard({ title, description, total_amount: stars }) {
  return element("div", { class: "invoice" }, element("strong", {}, title), element("p", {}, description), element("small", {}, t("invoice_for", { stars })));
}

// Asks and pays; `wanted` names a message or a link. Returns what Telegram tells a Web App: paid, failed or cancelled.
export async function pay(view, wanted) {
  const invoice = await view.act("invoice", wanted, t("invoice_gone"));
  if (!invoice) return "failed";
  const { title, description, total_amount: stars, period, stars: own } = invoice;
  const about = [description, t(period ? "pay_month" : "pay_once", { stars }), t("pay_have", { own: own.toLocaleString(language === "ru" ? "ru-RU" : "en-GB") })].join("\n\n");
  const buttons = own < stars ? [["", t("good")]] : [["pay", t("pay_yes", { stars })], ["", t("cancel")]];
  const said = await ask(own < stars ? `${about}\n\n${t("pay_few")}` : about, buttons, title);
  if (said !== "pay") return "cancelled";
  view.notify(t("pay_waits"));
  const paid = await view.act("pay", wanted, t("failed"));
  if (!paid) return "failed";
  if (paid.ok) view.notify(t("pay_done"));
  else view.onAlert(paid.error === "BOT_PRECHECKOUT_TIMEOUT" ? t("pay_silence") : paid.error);
  return paid.ok ? "paid" : "failed";
}

// What the menu of a private chat offers to somebody who has a subscription.
export async function subscriptionChoices(view) {
  const { goOn, cancelled } = (await view.act("subscriptions", {}, t("failed"))) || {};
  const choices = [];
  const change = (what) => () => view.act("subscriptions", { what }, t("failed"));
  if (goOn) choices.push([t("month_passes"), change("month")], [t("unsubscribe"), change("cancel")]);
  if (cancelled) choices.push([t("resubscribe"), change("resume")]);
  return choices;
}
