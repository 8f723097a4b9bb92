// One message as a node: who says it, what it replies to, its file, text, time and inline buttons.

import { clock, element, hue, rich } from "./format.js";
import { attachment, preview } from "./parts.js";
import { invoiceCard } from "./payments.js";
import { t } from "./texts.js";

// `view` answers: nameOf(sender), isMine(data), find(id), isGroup, and takes: flash, tap, menu, reply, command, link.
export function bubble(data, view) {
  if (data.service) return element("li", { class: "service", "data-id": data.id }, element("span", {}, t(data.service.kind, data.service)));
  const mine = view.isMine(data);
  const item = element("li", { class: `message ${mine ? "mine" : "theirs"}`, "data-id": data.id, "data-sender": data.sender });
  if (data.edited) item.classList.add("edited");
  item.hidden = Boolean(data.onlyFor) && data.onlyFor !== view.writer;
  if (data.onlyFor) item.classList.add("ephemeral");
  const box = element("div", { class: "bubble" });
  if (view.isGroup && !mine) {
    const sender = element("strong", { class: "sender" }, view.nameOf(data.sender));
    sender.style.setProperty("--hue", hue(data.sender));
    box.append(sender);
  }
  const replied = data.replyTo && view.find(data.replyTo);
  if (replied) {
    const quote = element("button", { class: "quote", type: "button" }, element("strong", {}, view.nameOf(replied.sender)), element("span", {}, preview(replied)));
    quote.addEventListener("click", () => view.flash(data.replyTo));
    box.append(quote);
  }
  if (data.via) box.append(element("small", { class: "via" }, t("via", { name: data.via })));
  if (data.preview) box.append(element("img", { class: "preview", src: data.preview, alt: "" }));
  if (data.file) box.append(attachment(data.file));
  if (data.invoice) box.append(invoiceCard(data.invoice));
  const meta = element("span", { class: "meta" }, data.edited ? `${t("edited")} ` : "", clock(data.date));
  if (mine) meta.append(element("i", { class: "ticks", "aria-label": t("delivered") }));
  if (data.text) {
    const nodes = rich(data.text, data.entities, { onCommand: view.command, onLink: view.link });
    box.append(element("div", { class: "text" }, nodes, element("span", { class: "space", "aria-hidden": "true" })));
  } else {
    item.classList.add("bare");
  }
  box.append(meta);
  if (data.file?.kind === "sticker") item.classList.add("sticker");
  if (data.onlyFor) box.prepend(element("small", { class: "only" }, t("only_you")));
  if (data.reactions.length) box.append(element("div", { class: "reactions" }, ...data.reactions.map((emoji) => element("span", {}, emoji))));
  const body = element("div", { class: data.buttons.length ? "body wide" : "body" }, box);
  if (data.buttons.length) body.append(inline(data, view));
  item.append(body);
  listen(box, data, view);
  return item;
}

function listen(box, data, view) {
  const busy = (event) => event.target.closest("a, button, audio, .spoiler") || String(getSelection());
  box.addEventListener("contextmenu", (event) => {
    if (event.target.closest("a, img") || String(getSelection())) return;
    event.preventDefault();
    view.menu(data, event.clientX, event.clientY);
  });
  box.addEventListener("click", (event) => { // a tap with a finger; a mouse has the ⋯
    if (event.pointerType !== "mouse" && !busy(event)) view.menu(data, event.clientX, event.clientY);
  });
  box.addEventListener("dblclick", (event) => {
    if (event.target.closest("a, button, audio")) return;
    getSelection().removeAllRanges();
    view.reply(data);
  });
  const more = element("button", { class: "act", type: "button", "aria-label": t("actions") }, "⋯");
  more.addEventListener("click", () => {
    const place = more.getBoundingClientRect();
    view.menu(data, place.left, place.bottom);
  });
  box.append(more);
}

function inline(data, view) {
  const rows = data.buttons.map((row) => element("div", { class: "row" }, ...row.map((button) => {
    const label = button.pay ? t("pay_yes", { stars: data.invoice.total_amount }) : button.text;
    const node = element("button", { type: "button", class: button.style || null, disabled: "disabled" in button }, label);
    if (button.url) node.classList.add("link");
    if (button.web_app) node.classList.add("app");
    node.addEventListener("click", () => view.tap(data, button, node));
    return node;
  })));
  return element("div", { class: "inline" }, ...rows);
}

// The effect of a new message: its emoji rise over the chat once.
export function burst(emoji, around) {
  const sky = element("div", { class: "burst", "aria-hidden": "true" }, ...Array.from({ length: 18 }, (_, n) => {
    const piece = element("span", {}, emoji);
    piece.style.setProperty("--x", `${(n * 53) % 100}%`);
    piece.style.setProperty("--late", `${(n % 6) * 90}ms`);
    return piece;
  }));
  around.append(sky);
  setTimeout(() => sky.remove(), 2600);
}
