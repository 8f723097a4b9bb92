// Asking the server. Every request carries Telegram's init data; a refusal becomes an error with a sentence.

const WAIT_MS = 30000; // a phone that has lost its network would wait for minutes
let initData = "";

export function signWith(data) {
  initData = data;
}

export class Refusal extends Error {
  constructor(text, code, field) {
    super(text);
    this.code = code;
    this.field = field;
  }
}

export async function ask(path, { method = "GET", json, body, type, blob = false } = {}) {
  const headers = { Authorization: `tma ${initData}` };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  else if (type) headers["Content-Type"] = type;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), WAIT_MS);
  let answer;
  try {
    answer = await fetch(`api/${path}`, { method, headers, signal: patience.signal, body: json === undefined ? body : JSON.stringify(json) });
    if (answer.ok) return blob ? await answer.blob() : await answer.json();
  } catch {
    throw new Refusal(document.body.dataset.away, "away");
  } finally {
    clearTimeout(timer);
  }
  const said = await answer.json().catch(() => null);
  throw new Refusal(said?.error?.text ?? document.body.dataset.away, said?.error?.code ?? "away", said?.error?.field);
}
