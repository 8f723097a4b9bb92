// The menus of a chat and of one of its messages: pairs of a label and what it does.

import { ask } from "./dialogs.js";
import { subscriptionChoices } from "./payments.js";
import { t } from "./texts.js";

export function messageChoices(chat, data) {
  const own = chat.isMine(data);
  const choices = [[t("reply"), () => chat.reply(data)]];
  if (own && !data.file) choices.push([t("edit"), () => chat.composer.setMode({ kind: "edit", message: data })]);
  if (!own) for (const emoji of ["👍", "👎"]) {
    const given = data.reactions.includes(emoji);
    choices.push([t(given ? "take_reaction" : "react", { emoji }), () => chat.act("react", { message: data.id, emoji: given ? "" : emoji }, t("failed"))]);
  }
  if (data.text) choices.push([t("copy"), () => navigator.clipboard?.writeText(data.text)]);
  return choices;
}

export async function chatChoices(chat) {
  const choices = [[t("send_sticker"), () => chat.act("sticker", {}, t("not_sent"))]];
  if (!chat.isGroup) {
    const { blocked, members } = chat.chat;
    const english = members[0].language === "en";
    choices.push(
      [t(english ? "telegram_ru" : "telegram_en"), () => chat.act("language", { language: english ? "ru" : "en" }, t("failed"))],
      [t(blocked ? "unblock_bot" : "block_bot"), () => chat.act("block", { blocked: !blocked }, t("failed"))],
      ...(await subscriptionChoices(chat)),
    );
  }
  if (chat.bot.hasControls) choices.push([t("clear"), () => clear(chat)]);
  return choices;
}

async function clear(chat) {
  const sure = await ask(t("clear_question"), [["yes", t("clear_yes")], ["", t("cancel")]]);
  if (sure === "yes") await chat.act("clear", {}, t("failed"));
}
