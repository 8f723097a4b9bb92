// «📤 Поделиться»: Telegram asks for a chat and sends the card that the bot has prepared; an older one sends the link.

import { ask } from "./api.js";
import { say } from "./words.js";

// Shares a story of one's own; `tell` shows a sentence.
export async function share(story, tell) {
  const { link, title, prepared } = await ask(`stories/${story}/share`, { method: "POST", json: {} });
  const app = window.Telegram?.WebApp;
  if (prepared && app?.shareMessage && app.isVersionAtLeast?.("8.0")) {
    app.shareMessage(prepared, (sent) => tell(say(sent ? "shared" : "not_shared")));
  } else if (app?.openTelegramLink) {
    app.openTelegramLink(`https://t.me/share/url?${new URLSearchParams({ url: link, text: title })}`);
  } else {
    tell(link);
  }
}
