// The form of a card: made, changed, deleted.

import { ask } from "./api.js";
import { DialogForm } from "./dialog_form.js";
import { say } from "./words.js";

let story = 0;

const form = new DialogForm(document.getElementById("card"), {
  names: ["name", "about", "words"],
  save: async () => {
    const path = `stories/${story}/cards`;
    const [to, method] = form.one ? [`${path}/${form.one.id}`, "PUT"] : [path, "POST"];
    const saved = await ask(to, { method, json: form.values() });
    return [say("saved"), saved.id];
  },
  remove: async () => {
    await ask(`stories/${story}/cards/${form.one.id}`, { method: "DELETE" });
    return [say("deleted"), null];
  },
});

export function openCard(id, one, limits, then) {
  if (form.saving) return;
  story = id;
  form.open(one, limits, then);
}
