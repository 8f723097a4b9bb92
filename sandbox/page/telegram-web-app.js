// The demo's stand-in for telegram-web-app.js: `window.Telegram.WebApp` as the Bot API documents it for Web Apps.
//
// Covers init data, theme, viewport, full screen, the home screen, the buttons, popups, links and closing, spoken with
// the chat page around the frame by `postMessage` in the documented events. Haptics and swipes are taken and do nothing;
// cloud storage, biometrics, sensors, payments and stories are missing.
(function () {
  "use strict";
  if (window.Telegram && window.Telegram.WebApp) return;

  const KEPT = "sandbox-web-app"; // a reload has lost the fragment
  const handed = read();
  const listeners = new Map();
  const popups = [];
  const invoices = new Map(); // slug → { url, callback }
  let sharing = null; // takes whether the prepared message was sent
  const homeScreen = []; // callbacks of checkHomeScreenStatus
  let theme = parsed(handed.get("tgWebAppThemeParams")) || {};
  let viewport = { height: window.innerHeight, stable: window.innerHeight, expanded: true };
  let closingConfirmed = false;

  function read() {
    let text = location.hash.slice(1);
    try {
      if (text.includes("tgWebApp")) sessionStorage.setItem(KEPT, text);
      else text = sessionStorage.getItem(KEPT) || text;
    } catch { /* no storage in this frame: only a reload suffers */ }
    return new URLSearchParams(text);
  }

  function parsed(text) {
    try { return JSON.parse(text); } catch { return null; }
  }

  function post(eventType, eventData) {
    if (window.parent !== window) window.parent.postMessage(JSON.stringify({ eventType, eventData: eventData || {} }), "*");
  }

  function emit(name, value) {
    for (const listener of [...(listeners.get(name) || [])]) listener.call(WebApp, value);
  }

  function unsafe(text) {
    const value = {};
    for (const [name, given] of new URLSearchParams(text)) value[name] = /^[{[]/.test(given) ? parsed(given) ?? given : given;
    if (value.auth_date) value.auth_date = Number(value.auth_date);
    return value;
  }

  function isDark(color) {
    const found = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color || "");
    if (!found) return false;
    const [red, green, blue] = found.slice(1).map((part) => parseInt(part, 16));
    return Math.hypot(0.547 * red, 0.766 * green, 0.338 * blue) < 120;
  }

  function paint() {
    const root = document.documentElement.style;
    for (const [name, color] of Object.entries(theme)) root.setProperty(`--tg-theme-${name.replaceAll("_", "-")}`, color);
    root.setProperty("--tg-color-scheme", WebApp.colorScheme);
    root.setProperty("--tg-viewport-height", `${viewport.height}px`);
    root.setProperty("--tg-viewport-stable-height", `${viewport.stable}px`);
  }

  // A button that Telegram draws: chained setters, and clicks that arrive as events.
  function button(setUp, pressed, initial) {
    const state = { isVisible: false, isActive: true, isProgressVisible: false, text: "", color: "", textColor: "", ...initial };
    const tell = () => {
      post(setUp, {
        is_visible: state.isVisible, is_active: state.isActive, is_progress_visible: state.isProgressVisible,
        text: state.text, color: state.color || theme.button_color, text_color: state.textColor || theme.button_text_color,
      });
      return made;
    };
    const change = (more) => { Object.assign(state, more); return tell(); };
    const made = {
      setText: (text) => change({ text: String(text) }),
      show: () => change({ isVisible: true }),
      hide: () => change({ isVisible: false }),
      enable: () => change({ isActive: true }),
      disable: () => change({ isActive: false }),
      showProgress: (active) => change({ isProgressVisible: true, isActive: Boolean(active) }),
      hideProgress: () => change({ isProgressVisible: false, isActive: true }),
      onClick: (listener) => { WebApp.onEvent(pressed, listener); return made; },
      offClick: (listener) => { WebApp.offEvent(pressed, listener); return made; },
      setParams: (given) => change(Object.fromEntries(Object.entries({
        text: given.text, color: given.color, textColor: given.text_color, isActive: given.is_active,
        isVisible: given.is_visible, isProgressVisible: given.is_progress_visible,
      }).filter(([, value]) => value !== undefined))),
    };
    for (const name of Object.keys(state)) Object.defineProperty(made, name, { get: () => state[name], set: (value) => change({ [name]: value }), enumerable: true });
    return made;
  }

  const nothing = () => WebApp.HapticFeedback;
  const WebApp = {
    initData: handed.get("tgWebAppData") || "",
    initDataUnsafe: unsafe(handed.get("tgWebAppData") || ""),
    version: handed.get("tgWebAppVersion") || "6.0",
    platform: handed.get("tgWebAppPlatform") || "unknown",
    isActive: true,
    isFullscreen: false,
    headerColor: "",
    backgroundColor: "",
    get colorScheme() { return isDark(theme.bg_color) ? "dark" : "light"; },
    get themeParams() { return theme; },
    get isExpanded() { return viewport.expanded; },
    get viewportHeight() { return viewport.height; },
    get viewportStableHeight() { return viewport.stable; },
    get isClosingConfirmationEnabled() { return closingConfirmed; },
    set isClosingConfirmationEnabled(on) { confirmClosing(on); },
    isVersionAtLeast(wanted) {
      const [own, other] = [WebApp.version, wanted].map((text) => String(text).split(".").map(Number));
      for (let place = 0; place < Math.max(own.length, other.length); place += 1) {
        const difference = (own[place] || 0) - (other[place] || 0);
        if (difference) return difference > 0;
      }
      return true;
    },
    onEvent(name, listener) {
      if (!listeners.has(name)) listeners.set(name, new Set());
      listeners.get(name).add(listener);
    },
    offEvent(name, listener) { listeners.get(name)?.delete(listener); },
    ready() { post("web_app_ready"); },
    expand() { post("web_app_expand"); },
    close() { post("web_app_close"); },
    sendData(data) {
      const text = String(data);
      if (!text || new Blob([text]).size > 4096) throw new Error("WebAppDataInvalid");
      post("web_app_data_send", { data: text });
    },
    openLink(url) { post("web_app_open_link", { url: new URL(url, location.href).href }); },
    openTelegramLink(url) {
      const address = new URL(url, location.href);
      if (!/^https?:$/.test(address.protocol) || address.hostname !== "t.me") throw new Error("WebAppTgUrlInvalid");
      post("web_app_open_tg_link", { path_full: address.pathname + address.search });
    },
    openInvoice(url, callback) {
      const found = /^https:\/\/t\.me\/(?:\$|invoice\/)([\w=-]+)$/.exec(new URL(url, location.href).href);
      if (!found) throw new Error("WebAppInvoiceUrlInvalid");
      if (invoices.has(found[1])) throw new Error("WebAppInvoiceOpened");
      invoices.set(found[1], { url, callback: callback || (() => {}) });
      post("web_app_open_invoice", { slug: found[1] });
    },
    shareMessage(id, callback) {
      if (sharing) throw new Error("WebAppShareMessageOpened");
      sharing = callback || (() => {});
      post("web_app_send_prepared_message", { id: String(id) });
    },
    showPopup(params, callback) {
      const buttons = (params.buttons || [{ type: "close" }]).map(({ id = "", type = "default", text = "" }) => ({ id, type, text }));
      if (!params.message || buttons.length > 3) throw new Error("WebAppPopupParamInvalid");
      if (popups.length) throw new Error("WebAppPopupOpened");
      popups.push(callback || (() => {}));
      post("web_app_open_popup", { title: params.title || "", message: params.message, buttons });
    },
    showAlert(message, callback) { WebApp.showPopup({ message }, callback && (() => callback())); },
    showConfirm(message, callback) {
      WebApp.showPopup({ message, buttons: [{ type: "ok", id: "ok" }, { type: "cancel" }] }, callback && ((id) => callback(id === "ok")));
    },
    enableClosingConfirmation() { confirmClosing(true); },
    disableClosingConfirmation() { confirmClosing(false); },
    setHeaderColor(color) { WebApp.headerColor = color; post("web_app_set_header_color", /^#/.test(color) ? { color } : { color_key: color }); },
    setBackgroundColor(color) { WebApp.backgroundColor = color; post("web_app_set_background_color", { color }); },
    setBottomBarColor() {},
    enableVerticalSwipes() {},
    disableVerticalSwipes() {},
    requestFullscreen() { full("web_app_request_fullscreen", true); },
    exitFullscreen() { full("web_app_exit_fullscreen", false); },
    addToHomeScreen() { since("8.0", "addToHomeScreen"); post("web_app_add_to_home_screen"); },
    checkHomeScreenStatus(callback) {
      since("8.0", "checkHomeScreenStatus");
      if (callback) homeScreen.push(callback);
      post("web_app_check_home_screen");
    },
    lockOrientation() {},
    unlockOrientation() {},
    HapticFeedback: { impactOccurred: nothing, notificationOccurred: nothing, selectionChanged: nothing },
  };
  WebApp.BackButton = button("web_app_setup_back_button", "backButtonClicked");
  WebApp.SettingsButton = button("web_app_setup_settings_button", "settingsButtonClicked");
  WebApp.MainButton = button("web_app_setup_main_button", "mainButtonClicked", { text: "Continue" });
  WebApp.SecondaryButton = button("web_app_setup_secondary_button", "secondaryButtonClicked", { text: "Cancel" });

  function confirmClosing(on) {
    closingConfirmed = Boolean(on);
    post("web_app_setup_closing_behavior", { need_confirmation: closingConfirmed });
  }

  function endSharing(sent, name, value) {
    const callback = sharing;
    sharing = null;
    callback?.(sent);
    emit(name, value);
  }

  function since(version, name) {
    if (!WebApp.isVersionAtLeast(version)) throw new Error(`WebAppMethodUnsupported: ${name}`);
  }

  function full(eventType, wanted) {
    since("8.0", eventType);
    if (wanted && WebApp.isFullscreen) emit("fullscreenFailed", { error: "ALREADY_FULLSCREEN" });
    else post(eventType);
  }

  const incoming = {
    fullscreen_changed({ is_fullscreen: on }) { WebApp.isFullscreen = Boolean(on); emit("fullscreenChanged"); },
    fullscreen_failed({ error }) { emit("fullscreenFailed", { error }); },
    home_screen_added() { emit("homeScreenAdded"); },
    home_screen_checked({ status }) {
      for (const callback of homeScreen.splice(0)) callback(status);
      emit("homeScreenChecked", { status });
    },
    theme_changed({ theme_params: given }) { theme = given; paint(); emit("themeChanged"); },
    viewport_changed({ height, is_expanded: expanded, is_state_stable: stable }) {
      viewport = { height, expanded, stable: stable ? height : viewport.stable };
      paint();
      emit("viewportChanged", { isStateStable: stable });
    },
    main_button_pressed() { emit("mainButtonClicked"); },
    secondary_button_pressed() { emit("secondaryButtonClicked"); },
    back_button_pressed() { emit("backButtonClicked"); },
    settings_button_pressed() { emit("settingsButtonClicked"); },
    invoice_closed({ slug, status }) {
      const { url, callback } = invoices.get(slug) || {};
      if (!invoices.delete(slug)) return;
      callback(status);
      emit("invoiceClosed", { url, status });
    },
    prepared_message_sent() { endSharing(true, "shareMessageSent"); },
    prepared_message_failed({ error }) { endSharing(false, "shareMessageFailed", { error }); },
    popup_closed({ button_id: id = "" }) {
      popups.pop()?.(id);
      emit("popupClosed", { button_id: id || null });
    },
  };
  window.addEventListener("message", (event) => {
    if (event.source !== window.parent) return;
    const said = parsed(event.data);
    incoming[said?.eventType]?.(said.eventData || {});
  });

  window.Telegram = { ...window.Telegram, WebApp };
  paint();
  post("web_app_request_theme");
  post("web_app_request_viewport");
})();
