// The page as a whole: the stream of events, the people on top, and which chats stand side by side.

import { ChatView } from "./chat.js";
import { askGroup } from "./dialogs.js";
import { avatar, element } from "./format.js";
import { drawModel, openModels } from "./model.js";
import { language, switchLanguage, t } from "./texts.js";
import { toggleTheme } from "./theme.js";

const byId = (id) => document.getElementById(id);
const views = new Map(); // chat id → ChatView; a group's id is below zero
const state = { bot: null, chats: new Map(), open: [], active: 0, wanted: 1, unread: new Map() };

export async function post(action, body) {
  const response = await fetch(`/page/${action}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || t("failed"));
  return answer;
}

function columnsThatFit() {
  if (window.innerWidth < 760) return 1;
  return window.innerWidth < 1140 ? 2 : 3;
}

function remember() {
  try {
    localStorage.setItem("view", JSON.stringify({ open: state.open, wanted: state.wanted }));
  } catch { /* private window: the view is not kept */ }
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem("view") || "{}");
    state.open = kept.open || [];
    state.wanted = kept.wanted || 1;
  } catch { /* as above */ }
}

// People first, then groups, the older ones first.
function ordered() {
  return [...state.chats.values()].sort((a, b) => (a.id < 0) - (b.id < 0) || Math.abs(a.id) - Math.abs(b.id));
}

// Which chats stand there: as many as wanted and as fit, everyone at most once.
function arrange() {
  const ids = ordered().map(({ id }) => id);
  if (!state.open.length) state.open = ordered().filter((chat) => chat.id > 0 && chat.members[0].language === language).map(({ id }) => id).slice(0, 1);
  const count = Math.max(1, Math.min(state.wanted, columnsThatFit(), ids.length));
  const open = [...new Set(state.open)].filter((id) => ids.includes(id));
  for (const id of ids) if (open.length < count && !open.includes(id)) open.push(id);
  if (open.length > count) {
    const active = open.includes(state.active) ? state.active : open[0];
    const start = Math.min(Math.max(0, open.indexOf(active) - count + 1), open.length - count);
    open.splice(0, start);
    open.length = count;
  }
  state.open = open;
  if (!open.includes(state.active)) state.active = open[0];
  const main = byId("chats");
  main.style.setProperty("--count", count);
  const roots = open.map((id) => {
    const known = views.get(id);
    const view = known || new ChatView(id, { post, onActive: activate, onAlert: alert, onStart: start, onWrite: write, chats: ordered });
    if (!known) {
      views.set(id, view);
      view.setBot(state.bot);
      view.setChat(state.chats.get(id));
    }
    return view.root;
  });
  // A node that is taken out and put in again loads its Web App anew: those that stay aren't touched.
  for (const node of [...main.children]) if (!roots.includes(node)) node.remove();
  roots.forEach((node, place) => { if (main.children[place] !== node) main.insertBefore(node, main.children[place] || null); });
  for (const id of open) { views.get(id).placed(); state.unread.delete(id); }
  drawPeople();
  remember();
}

function activate(id) {
  if (state.active === id) return;
  state.active = id;
  drawPeople();
}

function show(id) {
  if (!state.open.includes(id)) state.open[Math.max(0, state.open.indexOf(state.active))] = id;
  state.active = id;
  arrange();
  views.get(id).focus();
}

function drawPeople() {
  const chips = ordered().map((chat) => {
    const picture = element("span", { class: "avatar small", "aria-hidden": "true" });
    avatar(picture, chat.name, chat.id);
    const unread = state.unread.get(chat.id);
    const chip = element("button", {
      type: "button", class: "chip", "aria-pressed": String(state.open.includes(chat.id)), "data-chat": chat.id,
      "data-active": chat.id === state.active && state.open.length > 1,
    }, picture, element("span", {}, chat.name), chat.members[0]?.language === "en" && chat.id > 0 ? element("small", { "aria-label": t("english_telegram") }, "en") : null, state.bot?.admins.includes(chat.id) ? element("small", { "aria-label": t("admin"), title: t("admin") }, "★") : null, unread ? element("b", { "aria-label": t("unread", { n: unread }) }, String(unread)) : null);
    chip.addEventListener("click", () => show(chat.id));
    return chip;
  });
  byId("people").replaceChildren(...chips);
  chips.find((chip) => chip.getAttribute("aria-pressed") === "true")?.scrollIntoView({ block: "nearest", inline: "center" });
  for (const button of byId("columns").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.columns) === state.open.length));
    button.hidden = Number(button.dataset.columns) > columnsThatFit();
  }
  byId("columns").hidden = columnsThatFit() === 1;
}

function drawBot() {
  const { bot } = state;
  document.title = t("title", { name: bot.name });
  byId("notice").textContent = bot.notice ? t(bot.notice.key, bot.notice) : "";
  byId("notice").hidden = !bot.notice;
  byId("alarm").textContent = bot.alarm === null ? "" : t(bot.alarm ? "bot_failed" : "bot_ended", { code: bot.alarm });
  byId("alarm").hidden = bot.alarm === null;
  drawModel(bot);
}

function alert(text) {
  byId("alert-text").textContent = text;
  byId("alert").showModal();
}

function receive(event) {
  if (event.kind === "everything") {
    state.bot = event.bot;
    state.chats = new Map(event.chats.map((chat) => [chat.id, chat]));
    for (const [id, view] of views) if (!state.chats.has(id)) { view.root.remove(); views.delete(id); } // a clean page
    for (const [id, view] of views) {
      view.setBot(state.bot);
      if (state.chats.has(id)) view.setChat(state.chats.get(id));
    }
    drawBot();
    arrange();
  } else if (event.kind === "profile") {
    state.bot = event.bot;
    for (const [id, { profile }] of Object.entries(event.profiles)) {
      const chat = state.chats.get(Number(id));
      if (chat) chat.profile = profile;
    }
    drawBot();
    for (const [id, view] of views) {
      view.setBot(state.bot);
      view.setProfile(state.chats.get(id).profile);
    }
  } else if (event.kind === "chat") {
    state.chats.set(event.chat.id, event.chat);
    views.get(event.chat.id)?.setChat(event.chat);
    arrange();
  } else {
    keep(event);
    views.get(event.chat)?.receive(event);
    if (event.kind === "message" && !event.message.sender && !event.message.edited && !state.open.includes(event.chat)) {
      state.unread.set(event.chat, (state.unread.get(event.chat) || 0) + 1);
      drawPeople();
    }
  }
}

// The chat as it stands now, for a view that is opened later.
function keep(event) {
  const chat = state.chats.get(event.chat);
  if (!chat) return;
  for (const name of ["keyboard", "draft", "action", "actionMs"]) if (name in event) chat[name] = event[name];
  if (!event.message) return;
  if (event.message.sender) { chat.started = true; chat.blocked = false; }
  chat.messages = chat.messages.filter((message) => message.id !== event.message.id);
  if (!event.message.deleted) chat.messages.push(event.message);
  chat.messages.sort((a, b) => a.id - b.id);
}

// Resolves when the server has told of the chat that it was asked to make.
function known(id) {
  return new Promise((done) => {
    const wait = () => (state.chats.has(id) ? done(id) : setTimeout(wait, 20));
    wait();
  });
}

byId("add").addEventListener("click", async () => grow(await known((await post("users", { language })).id)));

byId("add-group").addEventListener("click", async () => {
  const wanted = await askGroup(ordered().filter(({ id }) => id > 0));
  if (wanted) grow(await known((await post("groups", wanted)).id));
});

byId("theme").addEventListener("click", toggleTheme);
byId("language").addEventListener("click", switchLanguage);
byId("model").addEventListener("click", () => openModels(post));

// A link t.me/<bot>?start=…, pressed by `user` in any chat.
function start(user, payload) {
  show(user);
  post("send", { user, text: `/start ${payload}`.trim() });
}

// Begins a message of `user` in a chat, as a button of the inline mode does.
function write(id, user, text) {
  show(id);
  const view = views.get(id);
  view.writeAs(user);
  view.composer.write(text);
}

function grow(id) {
  if (columnsThatFit() > state.open.length) {
    state.wanted = state.open.length + 1;
    state.open.push(id);
  }
  show(id);
}

byId("columns").addEventListener("click", async (event) => {
  const wanted = Number(event.target.dataset?.columns);
  if (!wanted) return;
  state.wanted = wanted;
  while (state.chats.size < wanted) await known((await post("users", { language })).id);
  arrange();
});

window.addEventListener("resize", () => state.bot && arrange());
recall();
const events = new EventSource("/page/events");
events.onmessage = (message) => receive(JSON.parse(message.data));
events.onopen = () => document.body.classList.remove("offline");
events.onerror = () => document.body.classList.add("offline");
