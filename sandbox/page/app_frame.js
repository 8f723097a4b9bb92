// A Web App in a frame over its chat, and Telegram's part around it: header, buttons, popups, theme, closing.

import { ask } from "./dialogs.js";
import { element } from "./format.js";
import { sharePrepared } from "./inline.js";
import { t } from "./texts.js";
import { pay } from "./payments.js";
import { onTheme, theme } from "./theme.js";

const THEMES = {
  light: {
    bg_color: "#ffffff", text_color: "#000000", hint_color: "#707579", link_color: "#2481cc", button_color: "#2481cc",
    button_text_color: "#ffffff", secondary_bg_color: "#f1f1f1", header_bg_color: "#ffffff", accent_text_color: "#2481cc",
    section_bg_color: "#ffffff", section_header_text_color: "#2481cc", section_separator_color: "#e7e7e7",
    subtitle_text_color: "#707579", destructive_text_color: "#d14e4e", bottom_bar_bg_color: "#f1f1f1",
  },
  dark: {
    bg_color: "#212121", text_color: "#ffffff", hint_color: "#aaaaaa", link_color: "#a99cf0", button_color: "#7965d8",
    button_text_color: "#ffffff", secondary_bg_color: "#0f0f0f", header_bg_color: "#212121", accent_text_color: "#a99cf0",
    section_bg_color: "#212121", section_header_text_color: "#a99cf0", section_separator_color: "#3b3b3b",
    subtitle_text_color: "#aaaaaa", destructive_text_color: "#ff7a7a", bottom_bar_bg_color: "#0f0f0f",
  },
};
const LABELS = { ok: t("good"), close: t("close"), cancel: t("cancel") };

export class AppFrame {
  // `view` is the chat: it opens links to the bot and sends what the app sends.
  constructor(root, view) {
    this.root = root;
    this.view = view;
    this.title = root.querySelector("strong");
    this.back = root.querySelector(".back");
    this.leave = root.querySelector(".leave");
    this.bar = root.querySelector(".app-buttons");
    this.leave.addEventListener("click", () => this.#askToClose());
    this.back.addEventListener("click", () => this.#tell("back_button_pressed"));
    root.addEventListener("keydown", (event) => { if (event.key === "Escape") this.#askToClose(); });
    window.addEventListener("message", (event) => {
      if (!this.frame || event.source !== this.frame.contentWindow) return;
      let said = null;
      try { said = JSON.parse(event.data); } catch { return; }
      this.#take(said.eventType, said.eventData || {});
    });
  }

  // `label`, for one that was opened by a reply keyboard: only such a one may send data.
  open(url, title, label = "") {
    this.close();
    this.label = label;
    this.confirms = false;
    this.title.textContent = title;
    const address = `${url}${url.includes("#") ? "&" : "#"}${new URLSearchParams({ tgWebAppThemeParams: JSON.stringify(THEMES[theme()]) })}`;
    this.frame = element("iframe", { src: label ? `${address}&tgWebAppVersion=9.1&tgWebAppPlatform=web` : address, title: t("app", { title }) });
    this.bar.before(this.frame);
    this.root.hidden = false;
    this.stopTheme = onTheme(() => this.#sendTheme());
    this.sized = new ResizeObserver(() => this.#sendViewport());
    this.sized.observe(this.frame);
    this.frame.focus();
  }

  close() {
    if (!this.frame) return;
    this.stopTheme();
    this.sized.disconnect();
    this.frame.remove();
    this.frame = null;
    this.bar.replaceChildren();
    this.back.hidden = true;
    this.root.hidden = true;
    this.root.classList.remove("full");
    this.view.focus();
  }

  async #askToClose() {
    const sure = !this.confirms || (await ask(t("unsaved"), [["close", t("close")], ["", t("stay")]])) === "close";
    if (sure) this.close();
  }

  #tell(eventType, eventData = {}) {
    this.frame?.contentWindow?.postMessage(JSON.stringify({ eventType, eventData }), "*");
  }

  #sendTheme() { this.#tell("theme_changed", { theme_params: THEMES[theme()] }); }

  #sendViewport() {
    this.#tell("viewport_changed", { height: this.frame.clientHeight, width: this.frame.clientWidth, is_expanded: true, is_state_stable: true });
  }

  async #take(type, data) {
    if (type === "web_app_close") this.close();
    else if (type === "web_app_request_theme") this.#sendTheme();
    else if (type === "web_app_request_viewport" || type === "web_app_expand") this.#sendViewport();
    else if (type === "web_app_request_fullscreen" || type === "web_app_exit_fullscreen") this.#fill(type === "web_app_request_fullscreen");
    else if (type === "web_app_check_home_screen") this.#tell("home_screen_checked", { status: this.atHome ? "added" : "missed" });
    else if (type === "web_app_add_to_home_screen") { this.atHome = true; this.view.notify(t("home_screen")); this.#tell("home_screen_added"); }
    else if (type === "web_app_setup_back_button") this.back.hidden = !data.is_visible;
    else if (type === "web_app_setup_main_button") this.#button("main", "main_button_pressed", data);
    else if (type === "web_app_setup_secondary_button") this.#button("second", "secondary_button_pressed", data);
    else if (type === "web_app_setup_closing_behavior") this.confirms = Boolean(data.need_confirmation);
    else if (type === "web_app_open_link") { if (/^https?:/.test(data.url)) window.open(data.url, "_blank", "noopener"); }
    else if (type === "web_app_open_tg_link") { this.close(); this.view.openLink(`https://t.me${data.path_full}`); }
    else if (type === "web_app_open_invoice") {
      const { frame } = this;
      const status = await pay(this.view, { link: `https://t.me/$${data.slug}` });
      if (frame === this.frame) this.#tell("invoice_closed", { slug: data.slug, status });
    } else if (type === "web_app_send_prepared_message") {
      const { frame } = this;
      const sent = await sharePrepared(this.view, data.id);
      if (frame === this.frame) this.#tell(sent ? "prepared_message_sent" : "prepared_message_failed", sent ? {} : { error: "USER_DECLINED" });
    } else if (type === "web_app_open_popup") {
      const { frame } = this;
      const buttons = data.buttons.map(({ id, type: kind, text }) => [id, text || LABELS[kind] || LABELS.ok]);
      const id = await ask(data.message, buttons, data.title);
      if (frame === this.frame) this.#tell("popup_closed", id ? { button_id: id } : {});
    } else if (type === "web_app_data_send" && this.label) {
      const { label } = this;
      this.close();
      await this.view.act("data", { label, data: data.data }, t("not_sent"));
    }
  }

  #fill(on) {
    this.root.classList.toggle("full", on);
    this.#tell("fullscreen_changed", { is_fullscreen: on });
  }

  #button(kind, event, data) {
    this.bar.querySelector(`.${kind}`)?.remove();
    if (!data.is_visible || !data.text) return;
    const node = element("button", { type: "button", class: kind, disabled: !data.is_active }, data.text);
    if (/^#[0-9a-f]{6}$/i.test(data.color)) node.style.background = data.color;
    if (/^#[0-9a-f]{6}$/i.test(data.text_color)) node.style.color = data.text_color;
    node.classList.toggle("waiting", Boolean(data.is_progress_visible));
    node.addEventListener("click", () => this.#tell(event));
    this.bar.append(node);
  }
}
