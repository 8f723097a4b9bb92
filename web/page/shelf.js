// «🌍 Полка» on the page: published stories, read whole, with a heart and a report.

import { ask } from "./api.js";
import { element, number, say, toast } from "./words.js";

const $ = (id) => document.getElementById(id);
const section = $("public");
const dialog = $("published");
let order = "new";
let genre = 0;
let shown = 0;
let asked = 0; // of two requests under way, only what the later one brings is shown
let opened = null; // the story that is read
let waits = false; // an answer about the opened story is under way

export async function showShelf() {
  await showFrom(0);
}

async function showFrom(offset) {
  asked += 1;
  const own = asked;
  const page = await ask(`shelf?${new URLSearchParams({ order, genre, offset })}`);
  if (own !== asked) return;
  const list = section.querySelector(".shelf");
  if (offset === 0) list.replaceChildren();
  list.append(...page.stories.map(line));
  shown = offset + page.stories.length;
  section.querySelector(".empty").hidden = page.count > 0;
  $("more-public").hidden = shown >= page.count || page.stories.length === 0;
  const all = element("option", "", say("all_genres"));
  all.value = 0;
  const genres = page.genres.map(({ id, name, stories }) => {
    const option = element("option", "", `${name} · ${stories}`);
    option.value = id;
    return option;
  });
  $("genres").replaceChildren(all, ...genres);
  genre = page.genre || genre; // the story that names it may be another one now
  $("genres").value = String(genre);
}

function line(story) {
  const item = element("li");
  const button = element("button", "story");
  button.type = "button";
  button.append(element("strong", "", story.title), element("span", "line", facts(story)));
  button.addEventListener("click", () => read(story.id));
  item.append(button);
  return item;
}

const facts = ({ author, genre: name, hearts }) => [author && say("by", { author }), name, `♥ ${number(hearts)}`].filter(Boolean).join(" · ");

async function read(id) {
  if (waits) return;
  waits = true;
  try {
    opened = await ask(`shelf/${id}`);
  } catch (refusal) {
    toast(refusal.message);
    return;
  } finally {
    waits = false;
  }
  $("published-title").textContent = opened.title;
  const article = dialog.querySelector("article");
  article.lang = opened.language;
  dialog.querySelector(".text").replaceChildren(...opened.paragraphs.map((text) => element("p", "", text)));
  dialog.querySelector(".told").textContent = "";
  $("report-sure").hidden = true;
  $("flag").hidden = $("heart").hidden = opened.mine;
  drawHeart();
  dialog.showModal();
  article.scrollTop = 0;
  article.focus();
}

function drawHeart() {
  dialog.querySelector(".genre").textContent = facts(opened);
  $("heart").textContent = `${opened.given ? "♥" : "🤍"} ${number(opened.hearts)}`;
  $("heart").setAttribute("aria-pressed", String(opened.given));
  $("heart").setAttribute("aria-label", say("heart", { n: opened.hearts }));
}

// Asks, and tells what went wrong in the story's dialog. A press while an answer is under way does nothing.
async function act(path, then) {
  if (waits) return;
  waits = true;
  const told = dialog.querySelector(".told");
  try {
    then(await ask(`shelf/${opened.id}/${path}`, { method: "POST", json: {} }), told);
  } catch (refusal) {
    told.textContent = refusal.message;
  } finally {
    waits = false;
  }
}

$("heart").addEventListener("click", () => act("heart", (answer) => {
  Object.assign(opened, answer);
  drawHeart();
}));
$("flag").addEventListener("click", () => ($("report-sure").hidden = false));
$("report-no").addEventListener("click", () => ($("report-sure").hidden = true));
$("report-yes").addEventListener("click", () => act("report", (_, told) => {
  $("report-sure").hidden = $("flag").hidden = true;
  told.textContent = say("reported");
}));
$("genres").addEventListener("change", () => again(() => (genre = Number($("genres").value))));
$("order").addEventListener("change", () => again(() => (order = $("order").value)));
$("more-public").addEventListener("click", () => again(() => {}, shown));
dialog.addEventListener("close", () => again(() => {}));

async function again(change, offset = 0) {
  change();
  try {
    await showFrom(offset);
  } catch (refusal) {
    toast(refusal.message);
  }
}
