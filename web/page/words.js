// What the page says, in its reader's language, and how numbers and days are written there.

let texts = {};
let language = "ru";

export function speak(given, code) {
  texts = given;
  language = code;
  document.documentElement.lang = code;
  document.title = say("title");
  document.body.dataset.away = say("away");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const element of document.querySelectorAll("[data-placeholder]")) element.placeholder = say(element.dataset.placeholder);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
}

export function say(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (all, name) => (name in values ? shown(values[name]) : all));
}

export const number = (value) => new Intl.NumberFormat(language).format(value);

const shown = (value) => (typeof value === "number" ? number(value) : String(value));

// A day of the server's calendar (UTC), such as 2026-11-21.
export const day = (date) => new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(`${date}T00:00:00Z`));

export const moment = (seconds) => new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" }).format(new Date(seconds * 1000));

// An element with a class and a text: nothing on this page is made of HTML out of anybody's text.
export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

let hiding = 0;

// In the dialog on top, if one is open: it covers all that is outside it.
export function toast(text) {
  const place = document.getElementById("toast");
  const around = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  if (place.parentElement !== around) around.append(place);
  place.textContent = text;
  clearTimeout(hiding);
  hiding = setTimeout(() => (place.textContent = ""), 5000);
}
