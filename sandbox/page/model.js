// The dialog «Model»: the storyteller, a server found on this computer, any server that speaks the OpenAI API, YandexGPT.

import { element } from "./format.js";
import { t } from "./texts.js";

const byId = (id) => document.getElementById(id);
let post = null;

// The button on top: who writes now; without the demo's controls there is none.
export function drawModel(bot) {
  byId("model").hidden = !bot.hasControls;
  byId("model").querySelector("b").textContent = bot.notice?.name || t("model_storyteller");
}

export async function openModels(send) {
  post = send;
  byId("model-list").replaceChildren(element("p", { class: "small" }, t("model_searching")));
  say("");
  byId("models").showModal();
  const { choice, servers } = await post("model", {});
  byId("model-list").replaceChildren(...options(choice, servers));
}

function options(choice, servers) {
  const isLocal = (server) => choice.kind === "openai" && choice.address === server.address;
  const other = choice.kind === "openai" && !servers.some(isLocal);
  const keyHint = t(choice.hasKey ? "model_key_kept" : "model_key_none");
  return [
    option({ kind: "storyteller" }, t("model_storyteller"), t("model_storyteller_about"), [], choice.kind === "storyteller"),
    ...servers.map((server) => option(
      { kind: "openai", address: server.address }, server.name, t("model_local_about"),
      [select(server.models, isLocal(server) ? choice.model : "")], isLocal(server),
    )),
    ...(servers.length ? [] : [element("p", { class: "small" }, t("model_none_found"))]),
    option({ kind: "openai" }, t("model_openai"), "", [
      input("address", t("model_address"), other ? choice.address : "", "https://…/v1", "url"),
      input("key", t("model_key"), "", other ? keyHint : t("model_key_none"), "password"),
      input("model", t("model_name"), other ? choice.model : "", t("model_name_any")),
    ], other),
    option({ kind: "yandex" }, t("model_yandex"), "", [
      input("folder", t("model_folder"), choice.folder, t("model_folder_hint")),
      input("key", t("model_key"), "", choice.kind === "yandex" ? keyHint : "AQVN…", "password"),
      input("model", t("model_name"), choice.kind === "yandex" ? choice.model : "", "yandexgpt-lite"),
    ], choice.kind === "yandex"),
  ];
}

function option(fixed, title, about, fields, chosen) {
  const radio = element("input", { type: "radio", name: "model-kind", checked: chosen });
  radio.fixed = fixed;
  const label = element("label", { class: "choice" }, radio, element("strong", {}, title), about ? element("span", { class: "small" }, about) : null);
  const box = element("div", { class: "option" }, label, fields.length ? element("div", { class: "fields" }, ...fields) : null);
  for (const event of ["focusin", "change"]) box.addEventListener(event, () => { radio.checked = true; });
  return box;
}

function input(name, label, value, placeholder, type = "text") {
  const field = element("input", { name, type, value, placeholder, autocomplete: "off", spellcheck: "false" });
  return element("label", {}, label, field);
}

function select(models, chosen) {
  const choices = models.map((model) => element("option", { value: model, selected: model === chosen }, model));
  return element("label", {}, t("model_name"), element("select", { name: "model" }, ...choices));
}

function say(text, details = "") {
  byId("model-error").replaceChildren(text, ...(details ? [element("small", {}, details)] : []));
  byId("model-error").hidden = !text;
}

byId("model-choose").addEventListener("click", async () => {
  const radio = byId("model-list").querySelector("input[type=radio]:checked");
  if (!radio) return;
  const wanted = { ...radio.fixed };
  for (const field of radio.closest(".option").querySelectorAll("[name]:not([type=radio])")) wanted[field.name] = field.value;
  const button = byId("model-choose");
  button.disabled = true;
  button.textContent = t("model_checking");
  try {
    const { reason, details } = await post("choose", wanted);
    if (reason) say(t(`model_error_${reason}`), details);
    else byId("models").close();
  } catch {
    say(t("failed"));
  } finally {
    button.disabled = false;
    button.textContent = t("model_choose");
  }
});
