// The form of one's own character: made, changed, deleted, with a picture.

import { ask } from "./api.js";
import { face, forgetPicture } from "./characters.js";
import { DialogForm } from "./dialog_form.js";
import { confirmClosing } from "./telegram.js";
import { element, say } from "./words.js";

const SIDE = 640; // the server makes it smaller still
const $ = (id) => document.getElementById(id);
const dialog = $("form");

let picture; // undefined: as it is; null: taken away; a Blob: a new one

const form = new DialogForm(dialog, {
  names: ["name", "line", "greeting", "personality"],
  isChanged: () => picture !== undefined,
  save,
  remove: async () => {
    await ask(`characters/${form.one.id}`, { method: "DELETE" });
    return [say("deleted"), null];
  },
  onInput: (name) => {
    if (name === "name" && !form.one?.picture && !picture) showFace();
  },
});

export function edit(one, limits, then) {
  if (form.saving) return;
  picture = undefined;
  $("form-title").textContent = say(one ? "form_edit" : "form_new");
  $("field-picture").value = "";
  form.open(one, limits, then);
  showFace();
}

function showFace() {
  const shown = { name: form.field("name").value || "?", picture: picture === undefined ? form.one?.picture : "" };
  const place = face(shown);
  if (picture) {
    const image = new Image();
    image.alt = "";
    image.src = URL.createObjectURL(picture);
    image.addEventListener("load", () => URL.revokeObjectURL(image.src));
    place.replaceChildren(image);
  }
  dialog.querySelector(".face").replaceWith(place);
  $("drop-picture").hidden = !(picture || (picture === undefined && form.one?.picture));
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
  const { one } = form;
  const saved = await ask(one ? `characters/${one.id}` : "characters", { method: one ? "PUT" : "POST", json: form.values() });
  const path = `characters/${saved.id}/picture`;
  forgetPicture(`api/${path}`);
  try {
    if (picture) await ask(path, { method: "PUT", body: picture, type: "image/jpeg" });
    else if (picture === null && one?.picture) await ask(path, { method: "DELETE" });
  } catch {
    return [say("saved_no_picture"), saved.id];
  }
  return [say("saved"), saved.id];
}

$("field-picture").addEventListener("change", async () => {
  const [file] = $("field-picture").files;
  if (!file) return;
  $("fault-picture").textContent = "";
  try {
    picture = await shrunk(file);
  } catch {
    $("fault-picture").textContent = say("bad_picture");
  }
  showFace();
  confirmClosing(form.changed());
});
$("drop-picture").addEventListener("click", () => {
  picture = null;
  $("field-picture").value = "";
  showFace();
  confirmClosing(form.changed());
  $("field-picture").focus();
});
