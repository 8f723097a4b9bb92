// What is asked before a voice message goes out, before a group is made, and by a Web App.

import { element } from "./format.js";

const WORDS_A_SECOND = 2.5;
const byId = (id) => document.getElementById(id);

function answered(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}

// The id of the pressed button among `buttons`, pairs of id and label; empty when the question was put away.
export async function ask(message, buttons, title = "") {
  const dialog = byId("question");
  byId("question-title").textContent = title;
  byId("question-title").hidden = !title;
  byId("question-text").textContent = message;
  byId("question-buttons").replaceChildren(...buttons.map(([id, label]) => element("button", { type: "submit", value: id }, label)));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue), { once: true }));
}

// What is said and for how long, or null; without a length it is as long as the words take.
export async function askVoice() {
  const words = byId("voice-words");
  const length = byId("voice-seconds");
  words.value = "";
  length.value = "";
  if (!(await answered(byId("voice")))) return null;
  const count = words.value.split(/\s+/).filter(Boolean).length;
  return { words: words.value, seconds: Number(length.value) || Math.max(1, Math.round(count / WORDS_A_SECOND)) };
}

// A group's title and its members' ids, or null.
export async function askGroup(people) {
  const title = byId("group-title");
  title.value = "";
  byId("group-guest").checked = false;
  byId("group-members").replaceChildren(...people.map(({ id, name }) => element("label", {}, element("input", { type: "checkbox", value: id, checked: true }), name)));
  if (!(await answered(byId("group")))) return null;
  const members = [...byId("group-members").querySelectorAll("input:checked")].map((box) => Number(box.value));
  return members.length ? { title: title.value, members, guest: byId("group-guest").checked } : null;
}
