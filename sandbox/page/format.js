// Text with entities as DOM nodes, times, sizes and avatars. Offsets are UTF-16 units, as JavaScript's own.

import { language, t } from "./texts.js";

const HUES = [211, 355, 28, 262, 150, 190, 320];
const TAGS = {
  bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote", spoiler: "span",
  url: "a", text_link: "a", bot_command: "a", mention: "span", hashtag: "span",
};

const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// The text as nodes; `onCommand` gets a pressed /command, `onLink` an address and says whether it took it.
export function rich(text, entities, { onCommand, onLink } = {}) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  const build = (start, end, from) => {
    const nodes = document.createDocumentFragment();
    let position = start;
    let index = from;
    while (index < sorted.length && sorted[index].offset < end) {
      const entity = sorted[index];
      const stop = Math.min(entity.offset + entity.length, end);
      if (entity.offset < position || !TAGS[entity.type]) { index += 1; continue; }
      nodes.append(text.slice(position, entity.offset).replace(BLOCKS.has(entity.type) ? /\n$/ : /$^/, ""));
      const node = marked(entity, text.slice(entity.offset, stop), onCommand, onLink);
      node.append(build(entity.offset, stop, index + 1));
      nodes.append(node);
      position = stop;
      if (BLOCKS.has(entity.type) && text[position] === "\n" && position < end) position += 1; // it is a line of its own
      while (index < sorted.length && sorted[index].offset < stop) index += 1;
    }
    nodes.append(text.slice(position, end));
    return nodes;
  };
  return build(0, text.length, 0);
}

function marked(entity, inner, onCommand, onLink) {
  const node = element(TAGS[entity.type]);
  if (entity.type === "url" || entity.type === "text_link") {
    const address = entity.url || inner;
    if (/^(https?|mailto|tg):/i.test(address)) node.href = address;
    node.target = "_blank";
    node.rel = "noopener noreferrer";
    node.addEventListener("click", (event) => { if (onLink?.(address)) event.preventDefault(); });
  } else if (entity.type === "bot_command") {
    node.href = "#";
    node.addEventListener("click", (event) => { event.preventDefault(); onCommand?.(inner); });
  } else if (entity.type === "spoiler") {
    node.className = "spoiler";
    node.tabIndex = 0;
    node.addEventListener("click", () => node.classList.add("open"));
  } else if (entity.type === "expandable_blockquote") {
    node.className = "expandable";
    node.tabIndex = 0;
    const turn = () => { if (!String(getSelection())) node.classList.toggle("open"); };
    node.addEventListener("click", turn);
    node.addEventListener("keydown", (event) => { if (event.key === "Enter") turn(); });
  } else if (entity.type === "mention" || entity.type === "hashtag") {
    node.className = "mention";
  } else if (entity.type === "pre" && entity.language) {
    node.dataset.language = entity.language;
  }
  return node;
}

export function clock(date) {
  return new Date(date * 1000).toLocaleTimeString(language === "ru" ? "ru-RU" : "en-GB", { hour: "2-digit", minute: "2-digit" });
}

export function day(date) {
  const then = new Date(date * 1000);
  const now = new Date();
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (then.toDateString() === now.toDateString()) return t("today");
  if (then.toDateString() === yesterday.toDateString()) return t("yesterday");
  const year = then.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  return then.toLocaleDateString(language === "ru" ? "ru-RU" : "en-GB", { day: "numeric", month: "long", ...year });
}

export function size(bytes) {
  const shown = (n) => n.toLocaleString(language === "ru" ? "ru-RU" : "en-GB", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  if (bytes < 1024) return t("bytes", { n: bytes });
  if (bytes < 1024 * 1024) return t("kilobytes", { n: shown(bytes / 1024) });
  return t("megabytes", { n: shown(bytes / 1024 / 1024) });
}

export function hue(seed) {
  return HUES[Math.abs(seed < 0 ? seed - 3 : seed) % HUES.length]; // a group is below zero
}

// Fills an avatar: the picture, or the first letter on the person's own colour.
export function avatar(node, name, seed, picture = "") {
  node.style.setProperty("--hue", hue(seed));
  if (picture) node.replaceChildren(element("img", { src: picture, alt: "" }));
  else node.textContent = [...(name || "?")][0].toUpperCase();
}
