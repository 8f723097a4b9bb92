// «Расход»: tokens by day, as bars to look at and as a table to read.

import { ask } from "./api.js";
import { showShop } from "./shop.js";
import { day, element, number, say } from "./words.js";

const $ = (id) => document.getElementById(id);
const section = $("usage");

let known = null; // the balance that is shown

export async function showUsage(app) {
  const { days, left, spent, packs } = await ask("usage");
  known = left;
  showShop(app, packs, async () => {
    const before = known;
    await showUsage(app);
    return known !== before;
  });
  $("left").textContent = left === null ? say("usage_unlimited") : number(left);
  $("left").classList.toggle("said", left === null);
  $("spent").textContent = number(spent);
  const most = Math.max(...days.map(({ tokens }) => tokens));
  section.querySelector(".empty").hidden = most > 0;
  section.querySelector("figure").hidden = section.querySelector("details").hidden = most === 0;
  if (most === 0) return;
  const bars = section.querySelector(".bars");
  bars.replaceChildren(...days.map(({ tokens }) => bar(tokens / most)));
  const total = days.reduce((sum, { tokens }) => sum + tokens, 0);
  const { date } = days.find(({ tokens }) => tokens === most);
  bars.setAttribute("aria-label", say("usage_chart", { total: number(total), most: number(most), day: day(date) }));
  const [first, last] = section.querySelectorAll(".axis span");
  first.textContent = day(days[0].date);
  last.textContent = day(days.at(-1).date);
  section.querySelector("tbody").replaceChildren(...days.filter(({ tokens }) => tokens > 0).reverse().map(row));
}

function bar(share) {
  const made = element("span");
  made.style.height = `${share === 0 ? 0 : Math.max(2, share * 100)}%`;
  return made;
}

function row({ date, tokens }) {
  const made = element("tr");
  const heading = element("th", "", day(date));
  heading.scope = "row";
  made.append(heading, element("td", "", number(tokens)));
  return made;
}
