// The topics of a private chat as a list: which one is open, and what of the chat belongs to it.

import { element } from "./format.js";
import { t } from "./texts.js";

export class TopicBar {
  // `onChange` is called when another topic is opened.
  constructor(root, onChange) {
    this.root = root;
    this.onChange = onChange;
    this.topics = [];
    this.chosen = 0;
    this.keyboards = null; // by topic; null where a chat has none
  }

  draw(topics) {
    this.topics = topics || [];
    if (this.chosen && !this.topics.some(({ id }) => id === this.chosen)) this.chosen = 0;
    this.root.hidden = !this.topics.length;
    this.root.replaceChildren(...[{ id: 0, name: t("main_topic") }, ...this.topics].map(({ id, name }) => {
      const node = element("button", { type: "button", role: "tab", "aria-selected": String(id === this.chosen) }, name);
      node.addEventListener("click", () => this.#open(id));
      return node;
    }));
  }

  // Whether a message, or a draft, belongs to the open topic.
  shows(data) { return !this.topics.length || (data?.topic || 0) === this.chosen; }

  // The keyboard that the open topic has, of what the server says about the chat.
  keyboardOf(status) {
    if (status) this.keyboards = status.keyboards ?? null;
    return this.keyboards ? this.keyboards[this.chosen] ?? null : status?.keyboard ?? null;
  }

  #open(id) {
    this.chosen = id;
    this.draw(this.topics);
    this.onChange();
  }
}
