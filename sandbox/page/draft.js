// The message that the bot is writing: it grows, can be stopped, and goes by itself when its time is over.

import { rich } from "./format.js";
import { t } from "./texts.js";

const REVEAL_MS = 900; // new characters appear over this time

export class GrowingDraft {
  // `around` runs a change that may need the chat to scroll; `onEnd` is called when the draft's time is over.
  constructor(root, { around, onEnd }) {
    this.root = root;
    this.around = around;
    this.onEnd = onEnd;
    this.text = root.querySelector(".text");
    this.stop = root.querySelector(".stop");
    this.shown = null;
    this.revealed = 0;
  }

  show(draft) {
    const old = this.shown && draft && this.shown.id === draft.id ? this.shown.text : "";
    this.shown = draft;
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.around(() => this.#draw(draft, old));
  }

  #draw(draft, old) {
    this.root.hidden = !draft;
    if (!draft) { this.revealed = 0; return; }
    this.timer = setTimeout(() => { this.show(null); this.onEnd(); }, draft.leftMs);
    this.stop.hidden = !draft.canStop;
    this.root.classList.toggle("thinking", !draft.text);
    if (!draft.text) {
      this.text.textContent = t("thinking");
    } else if (!draft.text.startsWith(old) || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.#reveal(draft, draft.text.length);
    } else {
      this.#grow(draft, Math.min(this.revealed, old.length));
    }
  }

  #grow(draft, from) {
    const began = performance.now();
    const step = (now) => {
      const share = Math.min(1, (now - began) / REVEAL_MS);
      this.around(() => this.#reveal(draft, Math.round(from + (draft.text.length - from) * share)));
      if (share < 1) this.frame = requestAnimationFrame(step);
    };
    this.#reveal(draft, from);
    this.frame = requestAnimationFrame(step);
  }

  #reveal(draft, length) {
    this.revealed = length;
    const inside = draft.entities.filter((entity) => entity.offset < length);
    this.text.replaceChildren(rich(draft.text.slice(0, length), inside));
  }
}
