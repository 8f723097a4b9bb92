// The inline mode: what the bot finds for `@bot words`, which chat a card goes to, and messages that a Web App prepared.

import { ask } from "./dialogs.js";
import { element } from "./format.js";
import { t } from "./texts.js";

const PAUSE_MS = 300;
let typing = 0;

// The words after the bot's name, or null.
export function queryIn(text, username) {
  const found = text.match(/^@(\w+)\s([\s\S]*)$/);
  return found && found[1].toLowerCase() === username.toLowerCase() ? found[2].trim() : null;
}

// Shows what the bot finds in `list`, once nothing more is typed; `done` empties the field.
export function search(view, list, query, isStill, done) {
  clearTimeout(typing);
  typing = setTimeout(async () => {
    const answer = await view.act("inline", { query, offset: "" }, t("no_inline"));
    if (!answer || !isStill()) return;
    list.replaceChildren();
    draw(view, list, query, answer, done);
    list.hidden = !list.children.length;
  }, PAUSE_MS);
}

function draw(view, list, query, { results, button, next }, done) {
  if (button) list.append(row(button.text, "", "", () => { done(); view.onStart(view.writer, button.start_parameter || ""); }));
  for (const { id, title, description, picture } of results) {
    list.append(row(title, description, picture, async () => {
      done();
      await view.act("inline_send", { id, query }, t("not_sent"));
    }));
  }
  if (!next) return;
  const more = row(t("inline_more"), "", "", async () => {
    more.remove();
    const answer = await view.act("inline", { query, offset: next }, t("no_inline"));
    if (answer) draw(view, list, query, answer, done);
  });
  list.append(more);
}

function row(title, description, picture, act) {
  const image = picture ? element("img", { src: picture, alt: "" }) : null;
  const node = element("button", { type: "button", role: "option", class: "found" }, image, element("b", {}, title), element("span", {}, description));
  node.addEventListener("click", act);
  return node;
}

// The id of one of the writer's chats, or 0.
async function whichChat(view) {
  const chats = view.chats().filter(({ id, members }) => id === view.writer || (id < 0 && members.some((one) => one.id === view.writer)));
  const named = chats.map(({ id, name }) => [String(id), id > 0 ? t("own_chat") : name]);
  return Number(await ask(t("which_chat"), [...named, ["", t("cancel")]], t("share_title")));
}

// Sends what a Web App has prepared; returns whether it was sent.
export async function sharePrepared(view, prepared) {
  const chat = await whichChat(view);
  return Boolean(chat && (await view.act("share", { chat, prepared }, t("not_sent"))));
}

// A button that leads into the inline mode of another chat.
export async function switchInline(view, { query = "" }) {
  const chat = await whichChat(view);
  if (chat) view.onWrite(chat, view.writer, `@${view.bot.username} ${query}`);
}
