// The page: who is here, the three sections, and what is said when it can't be opened.

import { ask, signWith } from "./api.js";
import { openCards } from "./cards.js";
import { showCharacters } from "./characters.js";
import { showShelf } from "./shelf.js";
import { showStories } from "./stories.js";
import { backCloses, follow, shut, telegram } from "./telegram.js";
import { showUsage } from "./usage.js";
import { offerWindow } from "./window.js";
import { say, speak, toast } from "./words.js";

const $ = (id) => document.getElementById(id);
const shows = { characters: showCharacters, stories: showStories, usage: showUsage };
const tabs = [...document.querySelectorAll("[role=tab]")];
let app = null;

function problem(text) {
  $("loading").hidden = true;
  $("problem").hidden = false;
  $("problem").firstElementChild.textContent = text;
  $("leave").hidden = !app;
  $("retry").hidden = Boolean(app && !app.initData);
}

async function open() {
  $("problem").hidden = true;
  $("loading").hidden = false;
  try {
    app = await telegram();
  } catch {
    problem($("loading").dataset.noScript);
    return;
  }
  follow(app);
  if (!app.initData) {
    problem($("loading").dataset.noData);
    return;
  }
  signWith(app.initData);
  try {
    const start = await ask("start");
    speak(start.texts, start.language);
    $("shelves").hidden = !start.shelf;
    offerWindow(app, { full: $("full-screen"), home: $("home-screen") }, say);
    await showCharacters(app);
  } catch (refusal) {
    problem(refusal.message);
    return;
  }
  $("loading").hidden = true;
  $("page").hidden = $("tabs").hidden = false;
}

async function turnTo(tab, { focus = false } = {}) {
  for (const one of tabs) {
    const chosen = one === tab;
    one.setAttribute("aria-selected", String(chosen));
    one.tabIndex = chosen ? 0 : -1;
    $(one.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (focus) tab.focus();
  window.scrollTo(0, 0);
  try {
    await shows[tab.getAttribute("aria-controls")](app);
  } catch (refusal) {
    toast(refusal.message);
  }
}

for (const [place, tab] of tabs.entries()) {
  tab.addEventListener("click", () => turnTo(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : (place + step + tabs.length) % tabs.length;
    if (Number.isNaN(next)) return;
    event.preventDefault();
    turnTo(tabs[next], { focus: true });
  });
}

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.querySelector(".shut").addEventListener("click", () => shut(dialog));
  new MutationObserver(() => dialog.open && app && backButton?.()).observe(dialog, { attributeFilter: ["open"] });
}
async function turnShelf(isPublic) {
  $("own-stories").setAttribute("aria-pressed", String(!isPublic));
  $("public-stories").setAttribute("aria-pressed", String(isPublic));
  $("own-shelf").hidden = isPublic;
  $("public").hidden = !isPublic;
  try {
    await (isPublic ? showShelf : showStories)();
  } catch (refusal) {
    toast(refusal.message);
  }
}
$("own-stories").addEventListener("click", () => turnShelf(false));
$("public-stories").addEventListener("click", () => turnShelf(true));
let backButton = null;
$("retry").addEventListener("click", open);
$("leave").addEventListener("click", () => app?.close());
await open();
if (app) backButton = backCloses(app, [...document.querySelectorAll("dialog")]);
// The bot's button leads to the cards of a story.
const wanted = new URLSearchParams(location.search).get("cards");
if (wanted && !$("page").hidden) {
  await turnTo($("tab-stories"));
  await openCards(Number(wanted));
}
