// Below a chat: the composer with its menu of commands, files, voice messages, replies and edits.

import { element } from "./format.js";
import { preview } from "./parts.js";
import { askVoice } from "./dialogs.js";
import { queryIn, search } from "./inline.js";
import { t } from "./texts.js";

export class Composer {
  // `view` is the ChatView: it says who writes where and shows what went wrong.
  constructor(root, view) {
    this.view = view;
    this.mode = null; // { kind: "edit" | "reply", message }
    for (const name of ["composer", "commands", "menu", "attach", "file", "at", "voice", "send"]) this[name] = root.querySelector(`.foot .${name}`);
    this.modeBar = root.querySelector(".mode");
    this.input = root.querySelector("textarea");
    this.#listen(root);
    this.#changed();
  }

  #listen(root) {
    this.composer.addEventListener("submit", (event) => { event.preventDefault(); this.#submit(); });
    this.input.addEventListener("input", () => this.#changed());
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.menu.addEventListener("click", () => (this.app ? this.view.openMenuApp() : this.#drawCommands(this.commands.hidden ? "" : null)));
    this.modeBar.querySelector("button").addEventListener("click", () => { this.setMode(null); this.input.focus(); });
    this.attach.addEventListener("click", () => this.file.click());
    this.file.addEventListener("change", () => this.#upload());
    this.voice.addEventListener("click", () => this.#speak());
    this.at.addEventListener("click", () => {
      this.input.value = `@${this.view.bot.username} ${this.input.value}`;
      this.#changed();
      this.input.focus();
    });
    root.addEventListener("click", (event) => {
      if (!event.target.closest(".commands, .menu, textarea")) this.#drawCommands(null);
    });
  }

  draw(profile, isGroup) {
    this.list = profile.commands;
    this.app = profile.menu?.type === "web_app" ? profile.menu : null;
    this.at.hidden = !isGroup;
    this.menu.hidden = !this.app && !this.list.length;
    this.menu.querySelector("span").textContent = this.app ? this.app.text : t("menu");
    this.menu.setAttribute("aria-label", this.app ? this.app.text : t("menu_commands"));
  }

  setMode(mode) {
    if (this.mode?.kind === "edit" && !mode) this.input.value = "";
    this.mode = mode;
    this.modeBar.hidden = !mode;
    if (mode) {
      const title = mode.kind === "edit" ? t("editing") : t("reply_to", { name: this.view.nameOf(mode.message.sender) });
      this.modeBar.querySelector("strong").textContent = title;
      this.modeBar.querySelector("span").textContent = preview(mode.message);
      if (mode.kind === "edit") this.input.value = mode.message.text;
      this.input.focus();
    }
    this.#changed();
  }

  write(text) {
    this.input.value = text;
    this.#changed();
    this.input.focus();
  }

  fit() {
    this.input.style.height = "auto";
    if (this.input.scrollHeight) this.input.style.height = `${Math.min(this.input.scrollHeight, 180)}px`;
  }

  // In a group the client sends a command from its menu with the bot's name.
  #drawCommands(filter) {
    const found = filter === null ? [] : (this.list || []).filter(({ command }) => command.startsWith(filter));
    this.commands.replaceChildren(...found.map(({ command, description }) => {
      const node = element("button", { type: "button", role: "option" }, element("b", {}, `/${command}`), element("span", {}, description));
      node.addEventListener("click", () => { this.view.command(`/${command}`); this.input.value = ""; this.#changed(); });
      return node;
    }));
    this.commands.hidden = !found.length;
  }

  #key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape") {
      this.#drawCommands(null);
      this.setMode(null);
    } else if (event.key === "ArrowUp" && !this.input.value) {
      const mine = this.view.lastOwn();
      if (mine) { event.preventDefault(); this.setMode({ kind: "edit", message: mine }); }
    } else if (event.key === "ArrowUp" && !this.commands.hidden) {
      event.preventDefault();
      this.commands.lastElementChild.focus();
    }
  }

  #changed() {
    const text = this.input.value;
    const query = queryIn(text, this.view.bot?.username || "");
    this.#drawCommands(/^\/\w*$/.test(text) ? text.slice(1) : null);
    if (query !== null) search(this.view, this.commands, query, () => this.input.value === text, () => { this.input.value = ""; this.#changed(); });
    this.send.classList.toggle("ready", Boolean(text.trim()));
    const speaks = !text.trim() && this.mode?.kind !== "edit";
    this.voice.hidden = !speaks;
    this.send.hidden = speaks;
    this.fit();
  }

  async #submit() {
    const text = this.input.value.trim();
    if (!text) return;
    const { mode } = this;
    this.input.value = "";
    this.setMode(null);
    if (mode?.kind !== "edit") return void this.view.say(text, mode?.message.id);
    await this.view.act("edit", { message: mode.message.id, text }, t("not_edited"));
  }

  #takeReply() {
    const replyTo = this.mode?.kind === "reply" ? this.mode.message.id : null;
    this.setMode(null);
    return replyTo;
  }

  async #speak() {
    const said = await askVoice();
    if (said) await this.view.act("voice", { ...said, replyTo: this.#takeReply() }, t("not_sent_away"));
  }

  async #upload() {
    const chosen = [...this.file.files];
    if (!chosen.length) return;
    const replyTo = this.#takeReply();
    const caption = this.input.value.trim();
    this.input.value = "";
    this.file.value = "";
    this.#changed();
    const group = chosen.length > 1 ? String(Date.now()) : "";
    for (const [place, file] of chosen.entries()) {
      const form = new FormData();
      form.append("user", this.view.writer);
      form.append("chat", this.view.id);
      if (replyTo) form.append("replyTo", replyTo);
      if (group) form.append("group", group);
      if (caption && !place) form.append("caption", caption); // what is written already stands under the first file
      form.append("file", file);
      const answer = await fetch("/page/file", { method: "POST", headers: { "X-Page": "1" }, body: form }).catch(() => null);
      if (!answer?.ok) return void this.view.notify(t("file_not_sent"));
    }
  }
}

