// The form of a card: made, changed, deleted.

import { ask } from "./api.js";
import { confirmClosing } from "./telegram.js";
import { say, toast } from "./words.js";

const $ = (id) => document.getElementById(id);
const dialog = $("card");
const form = dialog.querySelector("form");
const names = ["name", "about", "words"];
const field = (name) => $(`card-${name}`);

let story = 0;
let card = null; // null: a new one
let limits = {};
let done = null;
let saving = false;

export function openCard(id, one, given, then) {
  if (saving) return;
  story = id;
  card = one;
  limits = given;
  done = then;
  for (const name of names) {
    field(name).value = one?.[name] ?? "";
    field(name).maxLength = limits[name];
    count(name);
  }
  $("card-delete").hidden = !one;
  $("card-sure").hidden = $("card-open").hidden = true;
  clearFaults();
  dialog.showModal();
  dialog.scrollTop = 0;
  field("name").focus();
}

const changed = () => names.some((name) => field(name).value !== (card?.[name] ?? ""));

function count(name) {
  const left = limits[name] - field(name).value.length;
  field(name).closest(".field").querySelector(".left").textContent = left < limits[name] / 4 ? say("left_chars", { n: left }) : "";
}

function clearFaults() {
  for (const place of dialog.querySelectorAll(".fault")) place.textContent = "";
  for (const name of names) field(name).removeAttribute("aria-invalid");
}

function fault(name, text) {
  if (!names.includes(name)) {
    $("fault-card").textContent = text;
    return;
  }
  $(`fault-card-${name}`).textContent = text;
  field(name).setAttribute("aria-invalid", "true");
  field(name).focus();
}

async function save() {
  const json = Object.fromEntries(names.map((name) => [name, field(name).value]));
  const path = `stories/${story}/cards`;
  const saved = await ask(card ? `${path}/${card.id}` : path, { method: card ? "PUT" : "POST", json });
  return [say("saved"), saved.id];
}

async function run(work) {
  if (saving) return;
  saving = true;
  clearFaults();
  const button = form.querySelector("[type=submit]");
  button.textContent = say("saving");
  try {
    const [told, id] = await work();
    dialog.close();
    await done(told, id);
  } catch (refusal) {
    if (dialog.open) fault(refusal.field, refusal.message);
    else toast(refusal.message);
  } finally {
    saving = false;
    button.textContent = say("save");
  }
}

dialog.addEventListener("cancel", (event) => {
  if (!(saving || changed())) return;
  event.preventDefault();
  if (saving) return;
  $("card-open").hidden = false;
  $("card-go-on").focus();
});
dialog.addEventListener("close", () => confirmClosing(false));
$("card-go-on").addEventListener("click", () => {
  $("card-open").hidden = true;
  field("name").focus();
});
$("card-drop").addEventListener("click", () => dialog.close());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  run(save);
});
form.addEventListener("input", (event) => {
  confirmClosing(changed());
  count(event.target.name);
  $(`fault-card-${event.target.name}`).textContent = "";
  event.target.removeAttribute("aria-invalid");
});
$("card-delete").addEventListener("click", () => {
  $("card-sure").hidden = false;
  $("card-keep").focus();
});
$("card-keep").addEventListener("click", () => {
  $("card-sure").hidden = true;
  $("card-delete").focus();
});
$("card-really").addEventListener("click", () =>
  run(async () => {
    await ask(`stories/${story}/cards/${card.id}`, { method: "DELETE" });
    return [say("deleted"), null];
  }),
);
