// The form of one's own character: made, changed, deleted, with a picture.

import { ask } from "./api.js";
import { face, forgetPicture } from "./characters.js";
import { confirmClosing } from "./telegram.js";
import { element, say, toast } from "./words.js";

const SIDE = 640; // the server makes it smaller still
const $ = (id) => document.getElementById(id);
const dialog = $("form");
const form = dialog.querySelector("form");
const names = ["name", "line", "greeting", "personality"];
const field = (name) => $(`field-${name}`);

let character = null; // null: a new one
let limits = {};
let done = null;
let picture; // undefined: as it is; null: taken away; a Blob: a new one
let saving = false;

export function edit(one, given, then) {
  if (saving) return;
  character = one;
  limits = given;
  done = then;
  picture = undefined;
  $("form-title").textContent = say(one ? "form_edit" : "form_new");
  for (const name of names) {
    field(name).value = one?.[name] ?? "";
    field(name).maxLength = limits[name];
    count(name);
  }
  field("picture").value = "";
  $("delete").hidden = !one;
  $("sure").hidden = $("unsaved").hidden = true;
  clearFaults();
  showFace();
  dialog.showModal();
  dialog.scrollTop = 0;
  field("name").focus();
}

const changed = () => picture !== undefined || names.some((name) => field(name).value !== (character?.[name] ?? ""));

function count(name) {
  const left = limits[name] - field(name).value.length;
  field(name).closest(".field").querySelector(".left").textContent = left < limits[name] / 4 ? say("left_chars", { n: left }) : "";
}

function showFace() {
  const shown = { name: field("name").value || "?", picture: picture === undefined ? character?.picture : "" };
  const place = face(shown);
  if (picture) {
    const image = new Image();
    image.alt = "";
    image.src = URL.createObjectURL(picture);
    image.addEventListener("load", () => URL.revokeObjectURL(image.src));
    place.replaceChildren(image);
  }
  dialog.querySelector(".face").replaceWith(place);
  $("drop-picture").hidden = !(picture || (picture === undefined && character?.picture));
}

function clearFaults() {
  for (const place of dialog.querySelectorAll(".fault")) place.textContent = "";
  for (const name of names) field(name).removeAttribute("aria-invalid");
}

function fault(name, text) {
  if (!names.includes(name)) {
    $(name === "picture" ? "fault-picture" : "fault").textContent = text;
    return;
  }
  $(`fault-${name}`).textContent = text;
  field(name).setAttribute("aria-invalid", "true");
  field(name).scrollIntoView({ block: "center" });
  field(name).focus();
}

// A picture small enough to send: the middle of it, as a JPEG.
async function shrunk(file) {
  const bitmap = await createImageBitmap(file);
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = element("canvas");
  canvas.width = canvas.height = Math.min(SIDE, side);
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("empty"))), "image/jpeg", 0.9));
}

async function save() {
  const values = Object.fromEntries(names.map((name) => [name, field(name).value]));
  const saved = await ask(character ? `characters/${character.id}` : "characters", { method: character ? "PUT" : "POST", json: values });
  const path = `characters/${saved.id}/picture`;
  forgetPicture(`api/${path}`);
  try {
    if (picture) await ask(path, { method: "PUT", body: picture, type: "image/jpeg" });
    else if (picture === null && character?.picture) await ask(path, { method: "DELETE" });
  } catch {
    return [say("saved_no_picture"), saved.id];
  }
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
  if (event.target !== dialog || !(saving || changed())) return; // a file that isn't picked is cancelled too
  event.preventDefault();
  if (saving) return;
  $("unsaved").hidden = false;
  $("go-on").focus();
});
dialog.addEventListener("close", () => confirmClosing(false));
$("go-on").addEventListener("click", () => {
  $("unsaved").hidden = true;
  field("name").focus();
});
$("drop").addEventListener("click", () => dialog.close());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  run(save);
});
form.addEventListener("input", (event) => {
  confirmClosing(changed());
  if (!names.includes(event.target.name)) return;
  count(event.target.name);
  $(`fault-${event.target.name}`).textContent = "";
  event.target.removeAttribute("aria-invalid");
  if (event.target.name === "name" && !character?.picture && !picture) showFace();
});
field("picture").addEventListener("change", async () => {
  const [file] = field("picture").files;
  if (!file) return;
  $("fault-picture").textContent = "";
  try {
    picture = await shrunk(file);
  } catch {
    $("fault-picture").textContent = say("bad_picture");
  }
  showFace();
  confirmClosing(changed());
});
$("drop-picture").addEventListener("click", () => {
  picture = null;
  field("picture").value = "";
  showFace();
  confirmClosing(changed());
  field("picture").focus();
});
$("delete").addEventListener("click", () => {
  $("sure").hidden = false;
  $("keep").focus();
});
$("keep").addEventListener("click", () => {
  $("sure").hidden = true;
  $("delete").focus();
});
$("really").addEventListener("click", () =>
  run(async () => {
    await ask(`characters/${character.id}`, { method: "DELETE" });
    return [say("deleted"), null];
  }),
);
