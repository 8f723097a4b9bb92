// A form in a dialog: its fields with their limits and faults, saving, and closing without saving.
//
// Buttons and questions of the dialog are found by `data-does`: unsaved (a question), go_on, drop; delete, sure (a
// question), keep, really. A field is found by its name, its fault within its `.field`.

import { confirmClosing } from "./telegram.js";
import { say, toast } from "./words.js";

export class DialogForm {
  saving = false;

  // `names`: of the fields with text. `isChanged`: whether something else is. `save` and `remove` return what to tell
  // and the id. `onInput` follows the user's typing.
  constructor(dialog, { names, isChanged = () => false, save, remove, onInput = () => {} }) {
    this.dialog = dialog;
    this.form = dialog.querySelector("form");
    Object.assign(this, { names, isChanged, onInput });
    this.#listen(save, remove);
  }

  // Shows the form with the values of `one`, null for a new one. `then` gets what to tell, and the id.
  open(one, limits, then) {
    Object.assign(this, { one, limits, done: then });
    for (const name of this.names) {
      this.field(name).value = one?.[name] ?? "";
      this.field(name).maxLength = limits[name];
      this.#count(name);
    }
    this.#find("delete").hidden = !one;
    this.#find("sure").hidden = this.#find("unsaved").hidden = true;
    this.#clearFaults();
    this.dialog.showModal();
    this.dialog.scrollTop = 0;
    this.field("name").focus();
  }

  field(name) {
    return this.form.elements.namedItem(name);
  }

  values() {
    return Object.fromEntries(this.names.map((name) => [name, this.field(name).value]));
  }

  changed() {
    return this.isChanged() || this.names.some((name) => this.field(name).value !== (this.one?.[name] ?? ""));
  }

  #find(what) {
    return this.dialog.querySelector(`[data-does="${what}"]`);
  }

  #placeOf(name, what) {
    return this.field(name).closest(".field").querySelector(what);
  }

  #count(name) {
    const left = this.limits[name] - this.field(name).value.length;
    this.#placeOf(name, ".left").textContent = left < this.limits[name] / 4 ? say("left_chars", { n: left }) : "";
  }

  #clearFaults() {
    for (const place of this.dialog.querySelectorAll(".fault")) place.textContent = "";
    for (const name of this.names) this.field(name).removeAttribute("aria-invalid");
  }

  #fault(name, text) {
    if (!this.names.includes(name)) {
      (document.getElementById(`fault-${name}`) ?? document.getElementById(`fault-${this.dialog.id}`)).textContent = text;
      return;
    }
    this.#placeOf(name, ".fault").textContent = text;
    this.field(name).setAttribute("aria-invalid", "true");
    this.field(name).scrollIntoView({ block: "center" });
    this.field(name).focus();
  }

  async #run(work) {
    if (this.saving) return;
    this.saving = true;
    this.#clearFaults();
    const button = this.form.querySelector("[type=submit]");
    button.textContent = say("saving");
    try {
      const [told, id] = await work();
      this.dialog.close();
      await this.done(told, id);
    } catch (refusal) {
      if (this.dialog.open) this.#fault(refusal.field, refusal.message);
      else toast(refusal.message);
    } finally {
      this.saving = false;
      button.textContent = say("save");
    }
  }

  #listen(save, remove) {
    const { dialog, form } = this;
    const onClick = (what, act) => this.#find(what).addEventListener("click", act);
    dialog.addEventListener("cancel", (event) => {
      if (event.target !== dialog || !(this.saving || this.changed())) return; // a file that isn't picked is cancelled too
      event.preventDefault();
      if (this.saving) return;
      this.#find("unsaved").hidden = false;
      this.#find("go_on").focus();
    });
    dialog.addEventListener("close", () => confirmClosing(false));
    onClick("go_on", () => {
      this.#find("unsaved").hidden = true;
      this.field("name").focus();
    });
    onClick("drop", () => dialog.close());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#run(save);
    });
    form.addEventListener("input", ({ target }) => {
      confirmClosing(this.changed());
      if (!this.names.includes(target.name)) return;
      this.#count(target.name);
      this.#placeOf(target.name, ".fault").textContent = "";
      target.removeAttribute("aria-invalid");
      this.onInput(target.name);
    });
    onClick("delete", () => {
      this.#find("sure").hidden = false;
      this.#find("keep").focus();
    });
    onClick("keep", () => {
      this.#find("sure").hidden = true;
      this.#find("delete").focus();
    });
    onClick("really", () => this.#run(remove));
  }
}
