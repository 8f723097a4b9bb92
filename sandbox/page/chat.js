// One chat: its messages, keyboard and growing draft; in a group also who of its members writes.

import { AppFrame } from "./app_frame.js";
import { chatChoices, messageChoices } from "./chat_menus.js";
import { bubble, burst } from "./message.js";
import { Composer } from "./composer.js";
import { GrowingDraft } from "./draft.js";
import { switchInline } from "./inline.js";
import { avatar, day, element, hue } from "./format.js";
import { popup } from "./parts.js";
import { isInvoice, pay } from "./payments.js";
import { t } from "./texts.js";
import { TopicBar } from "./topics.js";

const ACTIONS = Object.fromEntries(
  ["typing", "upload_photo", "upload_document", "record_voice", "upload_voice"].map((name) => [name, t(name)]),
);
const NEAR_BOTTOM = 120;

export class ChatView {
  constructor(id, { post, onActive, onAlert, onStart, onWrite, chats }) {
    this.id = id;
    this.post = post;
    this.onAlert = onAlert;
    this.onStart = onStart; // takes the payload of a link to the bot
    Object.assign(this, { onWrite, chats }); // writes into the field of another chat; all chats
    this.isGroup = id < 0;
    this.writer = id; // in a group: the member who writes, presses and taps
    this.items = new Map(); // message id → { data, node }
    this.queries = new Map(); // callback query id → pressed button
    this.hiddenKeyboard = false;
    this.stick = true; // stays at the last message while things grow
    this.scrolledTo = 0;
    this.root = document.getElementById("chat-template").content.firstElementChild.cloneNode(true);
    for (const name of ["head", "status", "me", "more", "scroll", "welcome", "messages", "stop", "down", "toast", "writers", "start", "toggle", "keyboard"]) this[name] = this.root.querySelector(`.${name}`);
    this.title = this.root.querySelector(".name");
    this.draft = new GrowingDraft(this.root.querySelector(".draft"), {
      around: (change) => { const near = this.#isNearBottom(); change(); if (near) this.#toBottom(); },
      onEnd: () => this.#drawStatus(),
    });
    this.root.addEventListener("focusin", () => onActive(id));
    this.root.addEventListener("pointerdown", () => onActive(id));
    this.topics = new TopicBar(this.root.querySelector(".topics"), () => { this.#again(); this.#apply({ keyboard: this.topics.keyboardOf() }); });
    this.composer = new Composer(this.root, this);
    this.app = new AppFrame(this.root.querySelector(".sheet"), this);
    this.#listen();
  }

  // What comes from the server

  setBot(bot) {
    this.bot = bot;
    this.#drawProfile();
  }

  setProfile(profile) {
    this.profile = profile;
    this.#drawProfile();
  }

  setChat(chat) {
    this.chat = chat;
    if (this.isGroup && !chat.members.some(({ id }) => id === this.writer)) this.writer = chat.members[0].id;
    this.root.setAttribute("aria-label", t(this.isGroup ? "group_of" : "chat_of", { name: chat.name }));
    this.root.dataset.chat = chat.id;
    this.me.textContent = this.isGroup
      ? chat.withoutBot
        ? t("guest_size", { n: chat.members.length, name: `@${this.bot.username}` })
        : t("group_size", { n: chat.members.length + 1 })
      : t(this.bot.admins.includes(this.id) ? "you_admin" : "you", { name: chat.name });
    this.topics.draw(chat.topics);
    this.setProfile(chat.profile);
    this.#drawWriters();
    this.#drawMessages(chat.messages);
    this.#apply(chat);
    this.#drawFoot();
    this.#toBottom();
  }

  receive(event) {
    if (event.kind === "answer") return void this.#answered(event);
    const near = this.#isNearBottom();
    const own = event.message?.sender > 0;
    if (event.message) {
      const before = this.chat.started;
      this.chat.started ||= own;
      this.chat.blocked = own ? false : this.chat.blocked;
      if (event.message.deleted) this.#remove(event.message.id);
      else this.#put(event.message, true);
      this.#group();
      if (before !== this.chat.started || own) this.#drawFoot();
    }
    this.#apply(event);
    if (near || (own && !event.message.edited)) this.#toBottom();
    this.#drawDown();
  }

  placed() {
    this.#toBottom();
    this.composer.fit();
  }

  focus() { if (matchMedia("(hover: hover)").matches) this.composer.input.focus({ preventScroll: true }); }

  // What the person does; the composer uses these too

  // Posts an action of the writer in this chat; null, and a line on the screen, when it failed.
  async act(action, body, problem) {
    try {
      return await this.post(action, { user: this.writer, chat: this.id, topic: this.topics.chosen, ...body });
    } catch {
      this.notify(problem);
      return null;
    }
  }

  say(text, replyTo = null) {
    return this.act("send", { text, replyTo }, t("not_sent_away"));
  }

  notify(text) {
    this.toast.textContent = text;
    this.toast.hidden = false;
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => { this.toast.hidden = true; }, 3500);
  }

  nameOf(sender) {
    if (!sender) return this.profile?.name || this.bot.name;
    return this.chat.members.find(({ id }) => id === sender)?.name || t("member");
  }

  isMine(data) { return data.sender === this.writer; }

  find(id) { return this.items.get(id)?.data; }

  lastOwn() {
    return [...this.items.values()].map(({ data }) => data).filter((data) => this.isMine(data) && !data.file).pop();
  }

  command = (text) => { this.say(this.isGroup && !text.includes("@") ? `${text}@${this.bot.username}` : text); };

  // A link to the bot itself opens its private chat, as Telegram does it; others go to the browser.
  link = (address) => {
    const found = address.match(/^https?:\/\/t\.me\/(\w+)(?:\?start=([\w-]*))?$/i);
    if (found?.[1].toLowerCase() !== this.bot.username.toLowerCase()) return false;
    this.onStart(this.writer, found[2] || "");
    return true;
  };

  openLink(url) {
    if (isInvoice(url)) pay(this, { link: url });
    else if (!this.link(url)) window.open(url, "_blank", "noopener");
  }

  flash(id) {
    const node = this.items.get(id)?.node;
    node?.scrollIntoView({ block: "center", behavior: "smooth" });
    node?.classList.add("flash");
    setTimeout(() => node?.classList.remove("flash"), 1200);
  }

  reply(data) { this.composer.setMode({ kind: "reply", message: data }); }

  menu(data, x, y) { popup(messageChoices(this, data), x, y); }

  async tap(data, button, node) {
    if (button.pay) return void pay(this, { message: data.id });
    if (button.copy_text) {
      await navigator.clipboard?.writeText(button.copy_text.text);
      return this.notify(t("copied"));
    }
    if (button.switch_inline_query_chosen_chat) return void switchInline(this, button.switch_inline_query_chosen_chat);
    node.classList.add("waiting");
    const answer = await this.act("tap", { message: data.id, button: button.callback_data || button.text }, t("button_gone"));
    if (answer?.query) this.queries.set(answer.query, node);
    setTimeout(() => node.classList.remove("waiting"), answer?.query ? 8000 : 0);
    if (answer?.url && button.web_app) this.app.open(answer.url, this.nameOf(0));
    else if (answer?.url) this.openLink(answer.url);
  }

  async openMenuApp() {
    const answer = await this.act("menu", {}, t("app_not_opened"));
    if (answer) this.app.open(answer.url, this.nameOf(0));
  }

  // Messages

  #drawMessages(messages) {
    this.items.clear();
    this.messages.replaceChildren();
    for (const message of messages) this.#put(message);
    this.#group();
  }

  #again() {
    this.#drawMessages([...this.items.values()].map(({ data }) => data).sort((a, b) => a.id - b.id));
    this.#toBottom();
  }

  #put(data, fresh = false) {
    const known = this.items.get(data.id);
    const node = bubble(data, this);
    node.hidden = !this.topics.shows(data);
    if (known) {
      known.node.replaceWith(node);
    } else {
      if (fresh) node.classList.add("fresh");
      if (fresh && data.effect) burst(data.effect, this.root);
      const next = [...this.items.keys()].filter((id) => id > data.id).sort((a, b) => a - b)[0];
      this.messages.insertBefore(node, next ? this.items.get(next).node : null);
    }
    this.items.set(data.id, { data, node });
  }

  #remove(id) {
    this.items.get(id)?.node.remove();
    this.items.delete(id);
    if (this.composer.mode?.message.id === id) this.composer.setMode(null);
  }

  #answered({ query, text, alert, url }) {
    this.queries.get(query)?.classList.remove("waiting");
    this.queries.delete(query);
    if (text && alert) this.onAlert(text);
    else if (text) this.notify(text);
    if (url) this.openLink(url);
  }

  // Tails only on the last of a row of bubbles; a date above each day's first.
  #group() {
    for (const old of this.messages.querySelectorAll(".day")) old.remove();
    let before = null;
    for (const [, item] of [...this.items].sort((a, b) => a[0] - b[0])) {
      const { data, node } = item;
      if (node.hidden) continue;
      const first = !before || day(before.data.date) !== day(data.date);
      if (first) this.messages.insertBefore(element("li", { class: "day" }, element("span", {}, day(data.date))), node);
      const joined = !first && before.data.sender === data.sender && !before.data.service && data.date - before.data.date < 300;
      before?.node.classList.toggle("last", !joined);
      node.classList.toggle("joined", joined);
      before = item;
    }
    before?.node.classList.add("last");
  }

  // Keyboard, draft, status

  #apply(status) {
    if ("keyboards" in status) status.keyboard = this.topics.keyboardOf(status);
    if ("keyboard" in status && JSON.stringify(status.keyboard) !== JSON.stringify(this.givenKeyboard ?? null)) {
      this.givenKeyboard = status.keyboard;
      this.hiddenKeyboard = false;
      this.#drawKeyboard();
    }
    if ("draft" in status) this.draft.show(this.topics.shows(status.draft) ? status.draft : null);
    if ("action" in status) {
      this.action = status.action;
      clearTimeout(this.actionTimer);
      if (status.action) this.actionTimer = setTimeout(() => { this.action = ""; this.#drawStatus(); }, status.actionMs);
    }
    this.#drawStatus();
  }

  #drawProfile() {
    const { profile } = this;
    if (!this.bot || !this.chat) return;
    this.title.textContent = this.isGroup ? this.chat.name : profile.name;
    avatar(this.head.querySelector(".avatar"), this.title.textContent, this.isGroup ? this.id : 0, this.isGroup ? "" : this.bot.photo);
    avatar(this.welcome.querySelector(".avatar"), profile.name, 0, this.bot.photo);
    this.welcome.querySelector("p").textContent = profile.description || profile.about || t("nothing_known");
    this.composer.draw(profile, this.isGroup);
    this.#drawStatus();
  }

  #drawStatus() {
    const busy = ACTIONS[this.action] || (this.draft.shown ? ACTIONS.typing : "");
    const who = this.isGroup && this.chat ? [...this.chat.members.map(({ name }) => name), ...(this.chat.withoutBot ? [] : [this.nameOf(0)])].join(", ") : t("bot");
    this.status.textContent = busy && this.isGroup ? `${this.nameOf(0)} ${busy}` : busy || who;
    this.status.classList.toggle("busy", Boolean(busy));
  }

  #drawWriters() {
    this.writers.hidden = !this.isGroup;
    this.writers.replaceChildren(element("span", { "aria-hidden": "true" }, t("writes")), ...this.chat.members.map(({ id, name }) => {
      const node = element("button", { type: "button", role: "radio", "aria-checked": String(id === this.writer) }, name);
      node.style.setProperty("--hue", hue(id));
      node.addEventListener("click", () => this.writeAs(id));
      return node;
    }));
  }

  writeAs(id) { this.writer = id; this.#drawWriters(); this.#again(); this.#drawKeyboard(); }

  #drawKeyboard() {
    const shown = this.givenKeyboard?.users.includes(this.writer) ? this.givenKeyboard : null;
    const rows = shown?.keyboard || [];
    this.keyboard.replaceChildren(...rows.map((row) => element("div", { class: "row" }, ...row.map((key) => {
      const node = element("button", { type: "button", class: key.style || null }, key.text);
      node.addEventListener("click", () => this.#press(key));
      return node;
    }))));
    const near = this.#isNearBottom();
    this.keyboard.hidden = !rows.length || this.hiddenKeyboard || !this.#mayWrite();
    this.toggle.hidden = !rows.length;
    this.toggle.setAttribute("aria-expanded", String(!this.keyboard.hidden));
    this.composer.input.placeholder = shown?.input_field_placeholder || t("message");
    if (near) this.#toBottom();
  }

  async #press(key) {
    if (key.web_app) return this.app.open(key.web_app.url, this.nameOf(0), key.text);
    const pressed = await (this.topics.topics.length ? this.say(key.text) : this.act("press", { text: key.text }, t("button_gone")));
    if (pressed && this.givenKeyboard?.one_time_keyboard) { this.hiddenKeyboard = true; this.#drawKeyboard(); }
  }

  // The foot and menus

  #mayWrite() {
    return this.chat.started && !this.chat.blocked;
  }

  #drawFoot() {
    const may = this.#mayWrite();
    this.root.classList.toggle("empty", !this.chat.started);
    this.composer.composer.hidden = !may;
    this.start.hidden = may;
    this.start.textContent = t(this.chat.blocked ? "unblock" : "start");
    this.#drawKeyboard();
    this.composer.fit();
  }

  #listen() {
    this.start.addEventListener("click", () => {
      if (this.chat.blocked) this.act("block", { blocked: false }, t("failed"));
      else this.say("/start");
    });
    this.toggle.addEventListener("click", () => { this.hiddenKeyboard = !this.keyboard.hidden; this.#drawKeyboard(); });
    this.stop.addEventListener("click", () => this.post("stop", { user: this.writer }).catch(() => {}));
    this.down.addEventListener("click", () => this.#toBottom(true));
    this.scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    const grown = new ResizeObserver(() => { if (this.stick) this.#toBottom(); }); // pictures, keyboards, the composer
    grown.observe(this.scroll);
    grown.observe(this.messages);
    this.more.addEventListener("click", () => this.#chatMenu());
  }

  async #chatMenu() {
    const box = this.more.getBoundingClientRect();
    popup(await chatChoices(this), box.right - 210, box.bottom + 2);
  }

  // Scrolling

  // Only a scroll upwards leaves the end: a picture that loads moves the end away by itself.
  #scrolled() {
    const { scrollTop } = this.scroll;
    const up = scrollTop < this.scrolledTo - 10;
    if (this.#isNearBottom()) this.stick = true;
    else if (up) this.stick = false;
    this.scrolledTo = up ? scrollTop : Math.max(scrollTop, this.scrolledTo);
    this.#drawDown();
  }

  #isNearBottom() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroll;
    return scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM;
  }

  #toBottom(smooth = false) {
    this.scroll.scrollTo({ top: this.scroll.scrollHeight, behavior: smooth ? "smooth" : "instant" });
  }

  #drawDown() {
    this.down.hidden = this.#isNearBottom();
  }
}
