// «Истории»: one's shelf, a story read as a book, and its file sent to the chat.

import { ask } from "./api.js";
import { openCards } from "./cards.js";
import { share } from "./share.js";
import { element, moment, say, toast } from "./words.js";

const $ = (id) => document.getElementById(id);
const section = $("stories");
const book = $("book");
let formats = [];
let opened = 0; // the story that is read
let shown = 0;
let asked = 0; // of two requests under way, only what the later one brings is shown

export async function showStories() {
  await showFrom(0);
}

async function showFrom(offset) {
  asked += 1;
  const own = asked;
  const page = await ask(`stories?offset=${offset}`);
  if (own !== asked) return;
  formats = page.formats;
  const shelf = section.querySelector(".shelf");
  if (offset === 0) shelf.replaceChildren();
  shelf.append(...page.stories.map(line));
  shown = offset + page.stories.length;
  section.querySelector(".empty").hidden = page.count > 0;
  $("more").hidden = shown >= page.count || page.stories.length === 0;
}

function line(story) {
  const item = element("li");
  const button = element("button", "story");
  button.type = "button";
  button.append(element("strong", "", `${story.finished ? "🏁 " : ""}${story.title}`));
  const facts = [story.genre, story.parts, story.finished ? say("finished") : "", moment(story.touched_at)];
  button.append(element("span", "line", facts.filter(Boolean).join(" · ")));
  button.addEventListener("click", () => read(story, button));
  item.append(button);
  return item;
}

async function read(story, button) {
  button.disabled = true;
  let found;
  try {
    found = await ask(`stories/${story.id}`);
  } catch (refusal) {
    toast(refusal.message);
    return;
  } finally {
    button.disabled = false;
  }
  opened = story.id;
  $("book-title").textContent = found.title;
  book.querySelector("article").lang = found.language;
  book.querySelector(".genre").textContent = found.genre;
  book.querySelector(".text").replaceChildren(...found.chapters.flatMap(chapter));
  book.querySelector(".ending").textContent = found.chapters.length ? found.ending : say("empty_story");
  $("publish").hidden = !found.publishable;
  $("publish").disabled = false;
  book.querySelector("footer").hidden = found.chapters.length === 0;
  book.querySelector(".told").textContent = "";
  book.querySelector(".files").replaceChildren(...formats.map((format) => fileButton(story, format)));
  book.showModal();
  book.querySelector("article").scrollTop = 0;
  book.querySelector("article").focus();
}

function chapter({ title, paragraphs }) {
  const heading = title ? [element("h3", "", title)] : [];
  return [...heading, ...paragraphs.map((text) => element("p", "", text))];
}

function fileButton(story, format) {
  const name = format.toUpperCase();
  const button = element("button", "quiet", name);
  button.type = "button";
  button.setAttribute("aria-label", say("send_file", { format: name }));
  button.addEventListener("click", async () => {
    button.disabled = true;
    const told = book.querySelector(".told");
    try {
      await ask(`stories/${story.id}/file`, { method: "POST", json: { format } });
      told.textContent = say("sent_file", { format: name });
    } catch (refusal) {
      told.textContent = refusal.message;
      button.disabled = false;
    }
  });
  return button;
}

$("share").addEventListener("click", async () => {
  const tell = (text) => (book.querySelector(".told").textContent = text);
  $("share").disabled = true;
  try {
    await share(opened, tell);
  } catch (refusal) {
    tell(refusal.message);
  } finally {
    $("share").disabled = false;
  }
});
$("publish").addEventListener("click", async () => {
  const told = book.querySelector(".told");
  $("publish").disabled = true; // the chat asks the rest
  try {
    await ask("shelf", { method: "POST", json: { story: String(opened) } });
    told.textContent = say("publish_in_chat");
  } catch (refusal) {
    told.textContent = refusal.message;
    $("publish").disabled = false;
  }
});
$("open-cards").addEventListener("click", () => openCards(opened));
$("more").addEventListener("click", async () => {
  try {
    await showFrom(shown);
  } catch (refusal) {
    toast(refusal.message);
  }
});
