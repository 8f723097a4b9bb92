// Small parts of a chat: a file in a bubble, a one-line preview, a menu that pops up.

import { element, size } from "./format.js";
import { t } from "./texts.js";

export function preview(data) {
  return (data.text || { photo: t("photo"), voice: t("voice_short"), sticker: t("sticker") }[data.file?.kind] || data.file?.name || "").slice(0, 90);
}

export function attachment(file) {
  if (file.kind === "photo") return element("a", { class: "photo", href: file.url, target: "_blank" }, element("img", { src: file.url, alt: t("photo") }));
  if (file.words) return aloud(file);
  if (file.kind === "voice" || file.kind === "audio") {
    const seconds = element("small", {}, `${Math.floor(file.seconds / 60)}:${String(file.seconds % 60).padStart(2, "0")}`);
    return element("div", { class: "sound" }, element("audio", { controls: true, src: file.url, preload: "none" }), file.seconds ? seconds : null);
  }
  if (file.kind === "sticker") return element("span", { class: "big-sticker", role: "img", "aria-label": t("sticker") }, "😀");
  const ending = file.name.includes(".") ? file.name.split(".").pop().slice(0, 4) : t("file");
  return element("a", { class: "document", href: file.url, download: file.name },
    element("span", { class: "paper", "aria-hidden": "true" }, ending),
    element("span", { class: "about-file" }, element("strong", {}, ...breakable(file.name)), element("small", {}, `${size(file.size)} · ${t("download")}`)));
}

// A file's name, which a narrow bubble may cut at an underscore or before its ending.
const breakable = (name) => name.split(/(?<=_)|(?=\.[^.]*$)/).flatMap((piece, at) => at ? [element("wbr"), piece] : [piece]);

// A voice message of the bot: the stand-in's file is a tune that carries its words, and the browser reads these.
function aloud(file) {
  const button = element("button", { type: "button", class: "play", "aria-label": t("play") }, "▶");
  const note = element("small", {}, t("voice_by_browser"));
  const voices = window.speechSynthesis;
  const language = /[а-яё]/i.test(file.words) ? "ru" : "en";
  const voice = () => voices?.getVoices().find((one) => one.lang.toLowerCase().startsWith(language));
  const tell = () => { note.textContent = t(voice() ? "voice_by_browser" : "voice_is_tune"); };
  const tune = new Audio();
  const playing = (on) => { button.textContent = on ? "■" : "▶"; button.setAttribute("aria-label", t(on ? "stop" : "play")); };
  const stop = () => { voices?.cancel(); tune.pause(); playing(false); };
  tune.onended = () => playing(false);
  voices?.addEventListener?.("voiceschanged", tell);
  tell();
  button.addEventListener("click", () => {
    if (button.textContent === "■") return stop();
    voices?.cancel();
    playing(true);
    if (!voice()) { tune.src = file.url; return void tune.play().catch(() => playing(false)); }
    const speech = new SpeechSynthesisUtterance(file.words);
    speech.voice = voice();
    speech.lang = speech.voice.lang;
    speech.onend = speech.onerror = () => playing(false);
    voices.speak(speech);
  });
  return element("div", { class: "sound spoken" }, button, note);
}

export function popup(choices, x, y) {
  const box = document.getElementById("popup");
  const before = document.activeElement;
  const close = () => { box.hidden = true; document.removeEventListener("pointerdown", outside, true); };
  const outside = (event) => { if (!box.contains(event.target)) close(); };
  box.replaceChildren(...choices.map(([label, act]) => {
    const node = element("button", { type: "button", role: "menuitem" }, label);
    node.addEventListener("click", () => { close(); before?.focus?.(); act(); });
    return node;
  }));
  box.hidden = false;
  box.style.left = `${Math.max(8, Math.min(x, window.innerWidth - box.offsetWidth - 8))}px`;
  box.style.top = `${Math.max(8, Math.min(y, window.innerHeight - box.offsetHeight - 8))}px`;
  box.firstElementChild.focus();
  document.addEventListener("pointerdown", outside, true);
  box.onkeydown = (event) => {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (event.key === "Escape") { close(); before?.focus?.(); }
    if (step) { event.preventDefault(); document.activeElement[step]?.focus(); }
  };
}
