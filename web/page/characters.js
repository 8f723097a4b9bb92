// «Персонажи»: cards to choose from, a search, and the way to one's own.

import { ask } from "./api.js";
import { edit } from "./form.js";
import { element, say, toast } from "./words.js";

const $ = (id) => document.getElementById(id);
const pictures = new Map(); // address → blob address, of one's own pictures, which need the signature
let known = { characters: [], chosen: null, limits: {} };
let app = null;
let choosing = false;

export async function showCharacters(telegramApp) {
  app = telegramApp;
  const fresh = await ask("characters");
  if (JSON.stringify(fresh) === JSON.stringify(known)) return; // or a card would lose the focus
  known = fresh;
  draw();
}

// A character's picture, or the first letter of the name on a colour of its own.
export function face(character) {
  const place = element("span", "face");
  place.setAttribute("aria-hidden", "true");
  place.classList.add(`colour-${[...character.name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 6}`);
  place.textContent = [...character.name.trim()][0]?.toUpperCase() ?? "?";
  if (character.picture) {
    address(character.picture)
      .then((source) => {
        const image = new Image();
        image.alt = "";
        image.addEventListener("load", () => place.replaceChildren(image));
        image.src = source;
      })
      .catch(() => {}); // the letter stays
  }
  return place;
}

export function forgetPicture(path) {
  URL.revokeObjectURL(pictures.get(path));
  pictures.delete(path);
}

async function address(path) {
  if (!path.startsWith("api/")) return path;
  if (!pictures.has(path)) pictures.set(path, URL.createObjectURL(await ask(path.slice(4), { blob: true })));
  return pictures.get(path);
}

function draw() {
  const wanted = $("search").value.trim().toLocaleLowerCase();
  const fits = ({ name, line }) => `${name} ${line}`.toLocaleLowerCase().includes(wanted);
  const shown = known.characters.filter(fits);
  for (const [id, group] of [["own", shown.filter((one) => one.own)], ["built-in", shown.filter((one) => !one.own)]]) {
    $(id).hidden = group.length === 0;
    $(id).querySelector("ul").replaceChildren(...group.map(card));
  }
  $("nobody").hidden = shown.length > 0;
  $("found").textContent = wanted && shown.length ? say("found", { n: shown.length }) : "";
}

function card(character) {
  const item = element("li");
  const button = element("button", "card");
  button.type = "button";
  const words = element("span", "words");
  words.append(element("strong", "", character.name), element("span", "line", character.line));
  if (character.id === known.chosen) {
    item.className = "on";
    words.append(element("span", "badge", say("on")));
  }
  button.append(face(character), words);
  button.addEventListener("click", () => choose(character));
  item.append(button);
  if (character.own) {
    const change = element("button", "quiet change", say("edit"));
    change.type = "button";
    change.id = `change-${character.id}`;
    change.setAttribute("aria-label", say("edit_one", { name: character.name }));
    change.addEventListener("click", () => edit(character, known.limits, redraw));
    item.append(change);
  }
  return item;
}

// After the form: `id` is whose form it was, and who has the focus again, though the cards are new.
async function redraw(told, id) {
  toast(told);
  await showCharacters(app);
  if (document.activeElement === document.body) (document.getElementById(`change-${id}`) ?? $("create")).focus();
}

async function choose(character) {
  if (choosing) return;
  choosing = true;
  toast(say("calling", { name: character.name }));
  try {
    await ask(`characters/${character.id}/choose`, { method: "POST" });
    known.chosen = character.id;
    draw();
    toast(say("chosen", { name: character.name }));
    app.HapticFeedback?.notificationOccurred?.("success");
    app.close();
  } catch (refusal) {
    toast(refusal.message);
  } finally {
    choosing = false;
  }
}

$("search").addEventListener("input", draw);
$("create").addEventListener("click", () => edit(null, known.limits, redraw));
