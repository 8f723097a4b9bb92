// «Держи в уме»: a story's note, and its cards of people, places and things.

import { ask } from "./api.js";
import { openCard } from "./card.js";
import { confirmClosing } from "./telegram.js";
import { element, say, toast } from "./words.js";

const $ = (id) => document.getElementById(id);
const dialog = $("mind");
const field = $("field-note");

let story = 0;
let known = { note: "", cards: [], limits: {} };
let saving = false;

export async function openCards(id) {
  let found;
  try {
    found = await ask(`stories/${id}/cards`);
  } catch (refusal) {
    toast(refusal.message);
    return;
  }
  story = id;
  known = found;
  $("mind-title").textContent = say("mind_of", { title: found.title });
  field.value = found.note;
  field.maxLength = found.limits.note;
  $("fault-note").textContent = "";
  count();
  draw();
  dialog.showModal();
  dialog.scrollTop = 0;
}

const changed = () => field.value.trim() !== known.note;

function count() {
  const left = known.limits.note - field.value.length;
  field.closest(".field").querySelector(".left").textContent = left < known.limits.note / 4 ? say("left_chars", { n: left }) : "";
}

function draw() {
  dialog.querySelector(".kept").replaceChildren(...known.cards.map(line));
  dialog.querySelector(".empty").hidden = known.cards.length > 0;
}

function line(card) {
  const item = element("li");
  const button = element("button", "story");
  button.type = "button";
  button.id = `card-of-${card.id}`;
  button.append(element("strong", "", card.name), element("span", "", card.about));
  if (card.words) button.append(element("span", "line", say("card_calls", { words: card.words })));
  button.addEventListener("click", () => openCard(story, card, known.limits, redraw));
  item.append(button);
  return item;
}

// After the form: who has the focus again, though the list is new.
async function redraw(told, id) {
  toast(told);
  known.cards = (await ask(`stories/${story}/cards`)).cards;
  draw();
  (document.getElementById(`card-of-${id}`) ?? $("add-card")).focus();
}

$("add-card").addEventListener("click", () => openCard(story, null, known.limits, redraw));
field.addEventListener("input", () => {
  $("fault-note").textContent = "";
  count();
  confirmClosing(changed());
});
async function save() {
  if (saving) return;
  saving = true;
  try {
    known.note = (await ask(`stories/${story}/note`, { method: "PUT", json: { note: field.value } })).note;
    field.value = known.note;
    toast(say("saved"));
  } catch (refusal) {
    if (dialog.open) $("fault-note").textContent = refusal.message;
    else toast(refusal.message);
  } finally {
    saving = false;
  }
}

$("note").addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
dialog.addEventListener("close", () => {
  if (changed()) save(); // closing is no refusal of what was written
  confirmClosing(false);
});
