// The page as a whole: the stream of events, the people on top, and which chats stand side by side.

import { ChatView } from "./chat.js";
import { avatar, element } from "./format.js";

const byId = (id) => document.getElementById(id);
const views = new Map(); // user id → ChatView
const state = { bot: null, chats: new Map(), open: [], active: 0, wanted: 1, unread: new Map() };

export async function post(action, body) {
  const response = await fetch(`/page/${action}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || "Не получилось");
  return answer;
}

function room() {
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

// Which chats stand there: as many as wanted and as fit, everyone at most once.
function arrange() {
  const ids = [...state.chats.keys()].sort((a, b) => a - b);
  const count = Math.max(1, Math.min(state.wanted, room(), ids.length));
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
  main.replaceChildren(...open.map((id) => {
    const known = views.get(id);
    const view = known || new ChatView(id, { post, onActive: activate, onAlert: alert });
    if (!known) {
      views.set(id, view);
      view.setBot(state.bot);
      view.setChat(state.chats.get(id));
    }
    return view.root;
  }));
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
  const chips = [...state.chats.values()].sort((a, b) => a.id - b.id).map((chat) => {
    const picture = element("span", { class: "avatar small", "aria-hidden": "true" });
    avatar(picture, chat.name, chat.id);
    const unread = state.unread.get(chat.id);
    const chip = element("button", {
      type: "button", class: "chip", "aria-pressed": String(state.open.includes(chat.id)), "data-user": chat.id,
      "data-active": chat.id === state.active && state.open.length > 1,
    }, picture, element("span", {}, chat.name), unread ? element("b", { "aria-label": `новых: ${unread}` }, String(unread)) : null);
    chip.addEventListener("click", () => show(chat.id));
    return chip;
  });
  byId("people").replaceChildren(...chips);
  for (const button of byId("columns").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.columns) === state.open.length));
    button.hidden = Number(button.dataset.columns) > room();
  }
  byId("columns").hidden = room() === 1;
}

function drawBot() {
  const { bot } = state;
  document.title = `${bot.name} · демо`;
  byId("notice").textContent = bot.notice;
  byId("notice").hidden = !bot.notice;
  byId("alarm").textContent = bot.alarm;
  byId("alarm").hidden = !bot.alarm;
}

function alert(text) {
  byId("alert-text").textContent = text;
  byId("alert").showModal();
}

function receive(event) {
  if (event.kind === "everything") {
    state.bot = event.bot;
    state.chats = new Map(event.chats.map((chat) => [chat.id, chat]));
    for (const [id, view] of views) {
      view.setBot(state.bot);
      if (state.chats.has(id)) view.setChat(state.chats.get(id));
    }
    drawBot();
    arrange();
  } else if (event.kind === "profile") {
    state.bot = event.bot;
    for (const [id, commands] of Object.entries(event.commands)) {
      const chat = state.chats.get(Number(id));
      if (chat) chat.commands = commands;
    }
    drawBot();
    for (const [id, view] of views) {
      view.setBot(state.bot);
      view.setCommands(state.chats.get(id).commands);
    }
  } else if (event.kind === "chat") {
    state.chats.set(event.chat.id, event.chat);
    views.get(event.chat.id)?.setChat(event.chat);
    arrange();
  } else {
    keep(event);
    views.get(event.chat)?.receive(event);
    if (event.kind === "message" && !event.message.mine && !event.message.edited && !state.open.includes(event.chat)) {
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
  if (event.message.mine) { chat.started = true; chat.blocked = false; }
  chat.messages = chat.messages.filter((message) => message.id !== event.message.id);
  if (!event.message.deleted) chat.messages.push(event.message);
  chat.messages.sort((a, b) => a.id - b.id);
}

byId("add").addEventListener("click", async () => {
  const { id } = await post("users", {});
  const wait = () => (state.chats.has(id) ? grow(id) : setTimeout(wait, 20));
  wait();
});

function grow(id) {
  if (room() > state.open.length) {
    state.wanted = state.open.length + 1;
    state.open.push(id);
  }
  show(id);
}

byId("columns").addEventListener("click", async (event) => {
  const wanted = Number(event.target.dataset?.columns);
  if (!wanted) return;
  state.wanted = wanted;
  while (state.chats.size < wanted) {
    const { id } = await post("users", {});
    await new Promise((done) => {
      const wait = () => (state.chats.has(id) ? done() : setTimeout(wait, 20));
      wait();
    });
  }
  arrange();
});

window.addEventListener("resize", () => state.bot && arrange());
recall();
const events = new EventSource("/page/events");
events.onmessage = (message) => receive(JSON.parse(message.data));
events.onopen = () => document.body.classList.remove("offline");
events.onerror = () => document.body.classList.add("offline");
