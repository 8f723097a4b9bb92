// One chat: messages, keyboards, the growing draft, the composer.

import { avatar, clock, day, element, rich } from "./format.js";
import { attachment, popup, preview } from "./parts.js";

const ACTIONS = {
  typing: "печатает…", upload_photo: "отправляет фото…", upload_document: "отправляет файл…",
  record_voice: "записывает голосовое…", upload_voice: "отправляет голосовое…",
};
const NEAR_BOTTOM = 120;
const REVEAL_MS = 900; // new characters of a draft appear over this time

export class ChatView {
  constructor(id, { post, onActive, onAlert }) {
    this.id = id;
    this.post = post;
    this.onAlert = onAlert;
    this.items = new Map(); // message id → { data, node }
    this.queries = new Map(); // callback query id → pressed button
    this.mode = null; // { kind: "edit" | "reply", message }
    this.hiddenKeyboard = false;
    this.revealed = 0;
    this.stick = true; // stays at the last message while things grow
    this.root = document.getElementById("chat-template").content.firstElementChild.cloneNode(true);
    for (const name of [
      "head", "name", "status", "me", "more", "scroll", "welcome", "messages", "draft", "stop", "down", "toast",
      "commands", "mode", "start", "composer", "menu", "attach", "file", "toggle", "send", "keyboard", "sheet",
    ]) this[name === "mode" ? "modeBar" : name === "name" ? "title" : name] = this.root.querySelector(`.${name}`);
    this.draftText = this.draft.querySelector(".text");
    this.input = this.root.querySelector("textarea");
    this.root.addEventListener("focusin", () => onActive(id));
    this.root.addEventListener("pointerdown", () => onActive(id));
    this.#listen();
  }

  // What comes from the server

  setBot(bot) {
    this.bot = bot;
    this.title.textContent = bot.name;
    avatar(this.head.querySelector(".avatar"), bot.name, 0, bot.photo);
    avatar(this.welcome.querySelector(".avatar"), bot.name, 0, bot.photo);
    this.welcome.querySelector("p").textContent = bot.description || bot.about || "Напишите ему и узнаете.";
    this.#drawMenu();
    this.#drawStatus();
  }

  setCommands(commands) {
    this.list = commands;
    this.#drawMenu();
  }

  setChat(chat) {
    this.chat = chat;
    this.list = chat.commands;
    this.root.setAttribute("aria-label", `Чат: ${chat.name}`);
    this.root.dataset.user = chat.id;
    this.me.textContent = `вы: ${chat.name}`;
    this.items.clear();
    this.messages.replaceChildren();
    for (const message of chat.messages) this.#put(message);
    this.#group();
    this.#apply(chat);
    this.#drawMenu();
    this.#drawFoot();
    this.#toBottom();
  }

  receive(event) {
    if (event.kind === "answer") return void this.#answered(event);
    const near = this.#isNearBottom();
    if (event.message) {
      const before = this.chat.started;
      this.chat.started ||= event.message.mine;
      this.chat.blocked = event.message.mine ? false : this.chat.blocked;
      if (event.message.deleted) this.#remove(event.message.id);
      else this.#put(event.message, true);
      this.#group();
      if (before !== this.chat.started || event.message.mine) this.#drawFoot();
    }
    this.#apply(event);
    if (near || (event.message?.mine && !event.message.edited)) this.#toBottom();
    this.#drawDown();
  }

  placed() {
    this.#toBottom();
    this.#fit();
  }

  focus() {
    if (matchMedia("(hover: hover)").matches) this.input.focus({ preventScroll: true });
  }

  // Messages

  #put(data, fresh = false) {
    const known = this.items.get(data.id);
    const node = this.#bubble(data);
    if (known) {
      known.node.replaceWith(node);
    } else {
      if (fresh) node.classList.add("fresh");
      const next = [...this.items.keys()].filter((id) => id > data.id).sort((a, b) => a - b)[0];
      this.messages.insertBefore(node, next ? this.items.get(next).node : null);
    }
    this.items.set(data.id, { data, node });
  }

  #remove(id) {
    this.items.get(id)?.node.remove();
    this.items.delete(id);
    if (this.mode?.message.id === id) this.#setMode(null);
  }

  #bubble(data) {
    const item = element("li", { class: `message ${data.mine ? "mine" : "theirs"}`, "data-id": data.id });
    if (data.edited) item.classList.add("edited");
    const bubble = element("div", { class: "bubble" });
    const replied = data.replyTo && this.items.get(data.replyTo)?.data;
    if (replied) {
      const name = replied.mine ? this.chat.name : this.bot.name;
      const quote = element("button", { class: "quote", type: "button" }, element("strong", {}, name), element("span", {}, preview(replied)));
      quote.addEventListener("click", () => this.#flash(data.replyTo));
      bubble.append(quote);
    }
    if (data.file) bubble.append(attachment(data.file));
    const meta = element("span", { class: "meta" }, data.edited ? "изменено " : "", clock(data.date));
    if (data.mine) meta.append(element("i", { class: "ticks", "aria-label": "доставлено" }));
    if (data.text) {
      bubble.append(element("div", { class: "text" }, rich(data.text, data.entities, (text) => this.#say(text)), element("span", { class: "space", "aria-hidden": "true" })));
    } else {
      item.classList.add("bare");
    }
    bubble.append(meta);
    if (data.file?.kind === "sticker") item.classList.add("sticker");
    const body = element("div", { class: data.buttons.length ? "body wide" : "body" }, bubble);
    if (data.buttons.length) body.append(this.#inline(data));
    item.append(body);
    bubble.addEventListener("contextmenu", (event) => {
      if (event.target.closest("a, img") || String(getSelection())) return;
      event.preventDefault();
      this.#messageMenu(data, event.clientX, event.clientY);
    });
    const more = element("button", { class: "act", type: "button", "aria-label": "Действия с сообщением" }, "⋯");
    more.addEventListener("click", (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      this.#messageMenu(data, box.left, box.bottom);
    });
    bubble.append(more);
    return item;
  }

  #inline(data) {
    const rows = data.buttons.map((row) => element("div", { class: "row" }, ...row.map((button) => {
      const node = element("button", { type: "button", class: button.style || null }, button.text);
      if (button.url) node.classList.add("link");
      if (button.web_app) node.classList.add("app");
      node.addEventListener("click", () => this.#tap(data, button, node));
      return node;
    })));
    return element("div", { class: "inline" }, ...rows);
  }

  async #tap(data, button, node) {
    if (button.copy_text) {
      await navigator.clipboard?.writeText(button.copy_text.text);
      return this.#notify("Скопировано");
    }
    try {
      node.classList.add("waiting");
      const answer = await this.post("tap", { user: this.id, message: data.id, button: button.callback_data || button.text });
      if (answer.query) this.queries.set(answer.query, node);
      setTimeout(() => node.classList.remove("waiting"), answer.query ? 8000 : 0);
      if (answer.url && button.web_app) this.#openApp(answer.url);
      else if (answer.url) window.open(answer.url, "_blank", "noopener");
    } catch (error) {
      node.classList.remove("waiting");
      this.#notify("Этой кнопки уже нет");
    }
  }

  #answered({ query, text, alert, url }) {
    this.queries.get(query)?.classList.remove("waiting");
    this.queries.delete(query);
    if (text && alert) this.onAlert(text);
    else if (text) this.#notify(text);
    if (url) window.open(url, "_blank", "noopener");
  }

  // Tails only on the last of a row of bubbles; a date above each day's first.
  #group() {
    for (const old of this.messages.querySelectorAll(".day")) old.remove();
    let before = null;
    for (const [, item] of [...this.items].sort((a, b) => a[0] - b[0])) {
      const { data, node } = item;
      const first = !before || day(before.data.date) !== day(data.date);
      if (first) this.messages.insertBefore(element("li", { class: "day" }, element("span", {}, day(data.date))), node);
      const joined = !first && before.data.mine === data.mine && data.date - before.data.date < 300;
      before?.node.classList.toggle("last", !joined);
      node.classList.toggle("joined", joined);
      before = item;
    }
    before?.node.classList.add("last");
  }

  #flash(id) {
    const node = this.items.get(id)?.node;
    node?.scrollIntoView({ block: "center", behavior: "smooth" });
    node?.classList.add("flash");
    setTimeout(() => node?.classList.remove("flash"), 1200);
  }

  // Keyboard, draft, status

  #apply(status) {
    if ("keyboard" in status && JSON.stringify(status.keyboard) !== JSON.stringify(this.shownKeyboard ?? null)) {
      this.shownKeyboard = status.keyboard;
      this.hiddenKeyboard = false;
      this.#drawKeyboard();
    }
    if ("draft" in status) this.#drawDraft(status.draft);
    if ("action" in status) {
      this.action = status.action;
      clearTimeout(this.actionTimer);
      if (status.action) this.actionTimer = setTimeout(() => { this.action = ""; this.#drawStatus(); }, status.actionMs);
    }
    this.#drawStatus();
  }

  #drawStatus() {
    const busy = ACTIONS[this.action] || (this.currentDraft ? ACTIONS.typing : "");
    this.status.textContent = busy || "бот";
    this.status.classList.toggle("busy", Boolean(busy));
  }

  #drawKeyboard() {
    const rows = this.shownKeyboard?.keyboard || [];
    this.keyboard.replaceChildren(...rows.map((row) => element("div", { class: "row" }, ...row.map((key) => {
      const node = element("button", { type: "button", class: key.style || null }, key.text);
      node.addEventListener("click", () => this.#press(key));
      return node;
    }))));
    const near = this.#isNearBottom();
    this.keyboard.hidden = !rows.length || this.hiddenKeyboard || !this.#mayWrite();
    this.toggle.hidden = !rows.length;
    this.toggle.setAttribute("aria-expanded", String(!this.keyboard.hidden));
    this.input.placeholder = this.shownKeyboard?.input_field_placeholder || "Сообщение";
    if (near) this.#toBottom();
  }

  async #press(key) {
    if (key.web_app) return this.#openApp(key.web_app.url);
    try {
      await this.post("press", { user: this.id, text: key.text });
      if (this.shownKeyboard?.one_time_keyboard) { this.hiddenKeyboard = true; this.#drawKeyboard(); }
    } catch {
      this.#notify("Этой кнопки уже нет");
    }
  }

  #drawDraft(draft) {
    const near = this.#isNearBottom();
    const same = this.currentDraft && draft && this.currentDraft.id === draft.id;
    const old = same ? this.currentDraft.text : "";
    this.currentDraft = draft;
    clearTimeout(this.draftTimer);
    cancelAnimationFrame(this.frame);
    this.draft.hidden = !draft;
    if (!draft) { this.revealed = 0; return; }
    this.draftTimer = setTimeout(() => { this.#drawDraft(null); this.#drawStatus(); }, draft.leftMs);
    this.stop.hidden = !draft.canStop;
    this.draft.classList.toggle("thinking", !draft.text);
    if (!draft.text) {
      this.draftText.textContent = "Думает…";
    } else if (!draft.text.startsWith(old) || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.revealed = draft.text.length;
      this.draftText.replaceChildren(rich(draft.text, draft.entities));
    } else {
      this.#reveal(draft, Math.min(this.revealed, old.length));
    }
    if (near) this.#toBottom();
  }

  #reveal(draft, from) {
    const began = performance.now();
    const step = (now) => {
      const share = Math.min(1, (now - began) / REVEAL_MS);
      const near = this.#isNearBottom();
      this.revealed = Math.round(from + (draft.text.length - from) * share);
      const cut = draft.text.slice(0, this.revealed);
      const inside = draft.entities.filter((entity) => entity.offset < this.revealed);
      this.draftText.replaceChildren(rich(cut, inside));
      if (near) this.#toBottom();
      if (share < 1) this.frame = requestAnimationFrame(step);
    };
    this.draftText.replaceChildren(rich(draft.text.slice(0, from), draft.entities.filter((entity) => entity.offset < from)));
    this.frame = requestAnimationFrame(step);
  }

  // The composer

  #mayWrite() {
    return this.chat.started && !this.chat.blocked;
  }

  #drawFoot() {
    const may = this.#mayWrite();
    this.root.classList.toggle("empty", !this.chat.started);
    this.composer.hidden = !may;
    this.start.hidden = may;
    this.start.textContent = this.chat.blocked ? "Разблокировать" : "Начать";
    this.#drawKeyboard();
    this.#fit();
  }

  #drawMenu() {
    if (!this.bot || !this.list) return;
    const app = this.bot.menu?.type === "web_app" ? this.bot.menu : null;
    this.menu.hidden = !app && !this.list.length;
    this.menu.querySelector("span").textContent = app ? app.text : "Меню";
    this.menu.setAttribute("aria-label", app ? app.text : "Меню: команды бота");
  }

  #drawCommands(filter) {
    const found = filter === null ? [] : (this.list || []).filter(({ command }) => command.startsWith(filter));
    this.commands.replaceChildren(...found.map(({ command, description }) => {
      const node = element("button", { type: "button", role: "option" }, element("b", {}, `/${command}`), element("span", {}, description));
      node.addEventListener("click", () => { this.#say(`/${command}`); this.input.value = ""; this.#changed(); });
      return node;
    }));
    this.commands.hidden = !found.length;
  }

  #listen() {
    this.composer.addEventListener("submit", (event) => { event.preventDefault(); this.#submit(); });
    this.input.addEventListener("input", () => this.#changed());
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.start.addEventListener("click", () => {
      if (this.chat.blocked) this.post("block", { user: this.id, blocked: false });
      else this.#say("/start");
    });
    this.menu.addEventListener("click", async () => {
      if (this.bot.menu?.type === "web_app") return this.#openApp((await this.post("menu", { user: this.id })).url);
      this.#drawCommands(this.commands.hidden ? "" : null);
    });
    this.toggle.addEventListener("click", () => { this.hiddenKeyboard = !this.keyboard.hidden; this.#drawKeyboard(); });
    this.stop.addEventListener("click", () => this.post("stop", { user: this.id }).catch(() => {}));
    this.modeBar.querySelector("button").addEventListener("click", () => { this.#setMode(null); this.input.focus(); });
    this.attach.addEventListener("click", () => this.file.click());
    this.file.addEventListener("change", () => this.#upload());
    this.down.addEventListener("click", () => this.#toBottom(true));
    this.scroll.addEventListener("scroll", () => { this.stick = this.#isNearBottom(); this.#drawDown(); }, { passive: true });
    const grown = new ResizeObserver(() => { if (this.stick) this.#toBottom(); }); // pictures, keyboards, the composer
    grown.observe(this.scroll);
    grown.observe(this.messages);
    this.more.addEventListener("click", () => this.#chatMenu());
    this.sheet.querySelector("button").addEventListener("click", () => this.#closeApp());
    window.addEventListener("message", (event) => {
      const frame = this.sheet.querySelector("iframe");
      if (frame && event.source === frame.contentWindow && String(event.data).includes("web_app_close")) this.#closeApp();
    });
    this.root.addEventListener("click", (event) => {
      if (!event.target.closest(".commands, .menu, textarea")) this.#drawCommands(null);
    });
  }

  #key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape") {
      this.#drawCommands(null);
      this.#setMode(null);
    } else if (event.key === "ArrowUp" && !this.input.value) {
      const mine = [...this.items.values()].filter(({ data }) => data.mine && !data.file).pop();
      if (mine) { event.preventDefault(); this.#setMode({ kind: "edit", message: mine.data }); }
    } else if (event.key === "ArrowUp" && !this.commands.hidden) {
      event.preventDefault();
      this.commands.lastElementChild.focus();
    }
  }

  #changed() {
    const text = this.input.value;
    this.#drawCommands(/^\/\w*$/.test(text) ? text.slice(1) : null);
    this.send.classList.toggle("ready", Boolean(text.trim()));
    this.#fit();
  }

  #fit() {
    this.input.style.height = "auto";
    if (this.input.scrollHeight) this.input.style.height = `${Math.min(this.input.scrollHeight, 180)}px`;
  }

  async #submit() {
    const text = this.input.value.trim();
    if (!text) return;
    const { mode } = this;
    this.input.value = "";
    this.#setMode(null);
    this.#changed();
    if (mode?.kind !== "edit") return void this.#say(text, mode?.message.id);
    await this.post("edit", { user: this.id, message: mode.message.id, text }).catch(() => this.#notify("Это сообщение уже не изменить"));
  }

  #say(text, replyTo = null) {
    return this.post("send", { user: this.id, text, replyTo }).catch(() => this.#notify("Не отправлено: сервер не отвечает"));
  }

  async #upload() {
    const [chosen] = this.file.files;
    if (!chosen) return;
    const form = new FormData();
    form.append("user", this.id);
    form.append("file", chosen);
    this.file.value = "";
    await fetch("/page/file", { method: "POST", headers: { "X-Page": "1" }, body: form });
  }

  #setMode(mode) {
    if (this.mode?.kind === "edit" && !mode) this.input.value = "";
    this.mode = mode;
    this.modeBar.hidden = !mode;
    if (mode) {
      this.modeBar.querySelector("strong").textContent = mode.kind === "edit" ? "Изменение сообщения" : `Ответ: ${mode.message.mine ? this.chat.name : this.bot.name}`;
      this.modeBar.querySelector("span").textContent = preview(mode.message);
      if (mode.kind === "edit") this.input.value = mode.message.text;
      this.input.focus();
    }
    this.#fit();
  }

  // Menus, toasts, the Web App

  #messageMenu(data, x, y) {
    const choices = [["Ответить", () => this.#setMode({ kind: "reply", message: data })]];
    if (data.mine && !data.file) choices.push(["Изменить", () => this.#setMode({ kind: "edit", message: data })]);
    if (data.text) choices.push(["Копировать", () => navigator.clipboard?.writeText(data.text)]);
    popup(choices, x, y);
  }

  #chatMenu() {
    const box = this.more.getBoundingClientRect();
    const blocked = this.chat.blocked;
    popup([
      ["Отправить стикер", () => this.post("sticker", { user: this.id })],
      [blocked ? "Разблокировать бота" : "Заблокировать бота", () => this.post("block", { user: this.id, blocked: !blocked })],
    ], box.right - 210, box.bottom + 2);
  }

  #notify(text) {
    this.toast.textContent = text;
    this.toast.hidden = false;
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => { this.toast.hidden = true; }, 3500);
  }

  #openApp(url) {
    this.#closeApp();
    this.sheet.querySelector("strong").textContent = this.bot.name;
    this.sheet.append(element("iframe", { src: url, title: `Приложение: ${this.bot.name}` }));
    this.sheet.hidden = false;
  }

  #closeApp() {
    this.sheet.querySelector("iframe")?.remove();
    this.sheet.hidden = true;
  }

  // Scrolling

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
