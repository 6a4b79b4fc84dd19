// What all parts of the page share: the catalogue, data that is loaded when it is asked for, the state that the address
// holds, and a builder of elements that knows text only, so that nothing of the data can become markup.

const FPS = 25;
const catalogue = JSON.parse(document.getElementById("catalogue").textContent);
const quiet = matchMedia("(prefers-reduced-motion: reduce)");

// --- elements -------------------------------------------------------------------------------------------------------

// make("button", {type: "button", class: "x", onclick: f, "aria-label": "…"}, "text", child, …)
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// A value as the tables show it: forms are Python's ".3f" and ".2e"; a zero has no sign.
function show(value, form) {
  const digits = Number(form.slice(1, -1));
  let text = form.endsWith("e") ? value.toExponential(digits) : value.toFixed(digits);
  if (form.endsWith("e")) text = text.replace(/e([+-])(\d)$/, "e$10$2");
  return /[1-9]/.test(text.split("e")[0]) ? text : text.replace("-", "");
}

// --- data -----------------------------------------------------------------------------------------------------------

const waiting = new Map(), arrived = new Map();
window.take = (name, content) => arrived.set(name, content);

// The content of page/NAME.js. A script element, because a page from disk may not fetch; asked for once.
function load(name) {
  if (!waiting.has(name)) {
    waiting.set(name, new Promise((resolve, reject) => {
      const script = make("script", { src: `page/${name}.js` });
      const fail = () => {
        waiting.delete(name);
        script.remove();
        reject(new Error(`page/${name}.js is missing or damaged: was the folder copied without its page/?`));
      };
      script.addEventListener("load", () => {
        if (!arrived.has(name)) return fail();
        script.remove();
        resolve(arrived.get(name));
        arrived.delete(name);
      });
      script.addEventListener("error", fail);
      document.head.append(script);
    }));
  }
  return waiting.get(name);
}

const loadValues = (metric) => load(`values-${metric}`);
const loadClip = (clip) => load(`clip-${clip}`);

// --- state ----------------------------------------------------------------------------------------------------------

// What is looked at. Everything in it can be in the address, so that a link shows the same.
const EMPTY = Object.freeze({
  setting: 0, // index of the setting that players, lists and pairs show
  only: "", // "1" where the table, too, shows that setting alone
  speaker: "", reference: "", // only clips of these; "" for all
  without: "", // places of methods that are not shown, joined by "."
  metric: 0, // index of the metric that lists go by
  by: "", // place of the method that lists go by; "" for all methods together
  order: "", // of the list of clips: "" as in the protocol, "worst", "best", "apart"
  most: 10, // clips that the list shows; 0 for all
  sort: "", // "METRIC.best" or "METRIC.worst": how the table's lines are sorted
  clip: -1, // index of the clip in the players; -1 for none
  frame: 0, // its frame
  cell: "", // "METHOD.METRIC" of the table's cell that is open
  pair: "", // "A.B": methods that are compared clip by clip
});
const state = { ...EMPTY };
const listeners = [];

// f(changed: Set of names) after each change.
function listen(f) {
  listeners.push(f);
}

// step: a change that Back takes back; else the address is only kept up to date.
function change(values, { step = false } = {}) {
  const changed = new Set(Object.keys(values).filter((name) => state[name] !== values[name]));
  if (!changed.size) return;
  Object.assign(state, values);
  const address = write();
  // Browsers count how often an address is replaced, and refuse beyond; the state itself is not lost by it.
  try {
    if (step) history.pushState(null, "", address); else history.replaceState(null, "", address);
  } catch { /* the link is then older than what is seen */ }
  for (const f of listeners) f(changed);
}

// "speaker/reference/driver/seed": by name, so that a link survives clips that are added.
function nameClip(clip) {
  return catalogue.clips[clip].map((part) => encodeURIComponent(part)).join("/");
}

function write() {
  const words = [];
  const put = (name, text) => words.push(`${name}=${text}`);
  if (state.clip >= 0) put("clip", nameClip(state.clip));
  if (state.clip >= 0 && state.frame) put("frame", state.frame);
  if (state.setting) put("setting", encodeURIComponent(catalogue.settings[state.setting]));
  for (const name of ["speaker", "reference"]) if (state[name]) put(name, encodeURIComponent(state[name]));
  for (const name of ["only", "without", "order", "sort", "cell", "pair"]) if (state[name]) put(name, state[name]);
  if (state.metric) put("metric", encodeURIComponent(catalogue.metrics[state.metric].id));
  if (state.by !== "") put("by", state.by);
  if (state.most !== EMPTY.most) put("most", state.most);
  return words.length ? `#${words.join("&")}` : location.pathname + location.search;
}

// The state that an address asks for; what it asks for in vain is left out and said.
function read(address) {
  const found = { ...EMPTY }, vain = [];
  for (const word of address.replace(/^#/, "").split("&")) {
    const [name, text] = [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)];
    if (!Object.hasOwn(EMPTY, name)) continue;
    const place = readOne(name, text);
    if (place === undefined) vain.push(word); else found[name] = place;
  }
  return { found, vain };
}

function readOne(name, text) {
  let plain;
  try { plain = decodeURIComponent(text); } catch { return undefined; }
  const among = (place) => (place < 0 ? undefined : place);
  const count = (most) => (/^\d+$/.test(text) && Number(text) <= most ? Number(text) : undefined);
  const methods = catalogue.methods.length - 1, metrics = catalogue.metrics.length - 1;
  const both = (first, second) => {
    const parts = /^(\d+)\.(\d+)$/.exec(text);
    return parts && Number(parts[1]) <= first && Number(parts[2]) <= second ? text : undefined;
  };
  switch (name) {
    case "clip": return among(catalogue.clips.findIndex((_, clip) => nameClip(clip) === text));
    case "setting": return among(catalogue.settings.indexOf(plain));
    case "metric": return among(catalogue.metrics.findIndex((metric) => metric.id === plain));
    case "speaker": return catalogue.clips.some((clip) => clip[0] === plain) ? plain : undefined;
    case "reference": return catalogue.clips.some((clip) => clip[1] === plain) ? plain : undefined;
    case "frame": return count(1e6);
    case "most": return count(1e6);
    case "by": return count(methods) === undefined ? undefined : text;
    case "order": return ["worst", "best", "apart"].includes(text) ? text : undefined;
    case "only": return text === "1" ? text : undefined;
    case "sort": return /^\d+\.(best|worst)$/.test(text) && parseInt(text, 10) <= metrics ? text : undefined;
    case "cell": return both(methods, metrics);
    case "pair": return both(methods, methods);
    default: return text.split(".").every((part) => /^\d+$/.test(part) && Number(part) <= methods) ? text : undefined;
  }
}

const hidden = () => new Set(state.without.split(".").filter(Boolean).map(Number));
// Indices of the methods that are shown, in the page's order.
const shownMethods = () => catalogue.methods.map((_, place) => place).filter((place) => !hidden().has(place));
// Indices of the clips that the filters leave, in the protocol's order.
function filtered() {
  const left = [];
  catalogue.clips.forEach(([speaker, reference], clip) => {
    if ((!state.speaker || speaker === state.speaker) && (!state.reference || reference === state.reference)) left.push(clip);
  });
  return left;
}

// --- telling --------------------------------------------------------------------------------------------------------

// Said to those who look and to those who hear; the last word replaces the one before. quiet: what is seen anyway is
// said to those who hear alone.
let saying = 0;
function say(text, { quiet = false } = {}) {
  const line = document.getElementById("said");
  if (quiet && line.textContent && !line.classList.contains("heard")) return;
  line.classList.toggle("heard", quiet);
  line.textContent = text;
  clearTimeout(saying);
  saying = setTimeout(() => { line.textContent = ""; }, 4000 + 60 * text.length);
}
