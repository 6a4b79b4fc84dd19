// Begins the page: reads the address, fills the bar of filters, hands keys to the players, and says that all is ready.

const filters = (() => {
  const form = document.getElementById("filters");
  const field = (name) => form.elements.namedItem(name);
  const boxes = [...form.querySelectorAll("input[name=method]")];

  function chosen() {
    const values = {};
    // "" shows all settings in the table; players and lists stay under theirs.
    if (field("setting")) values.only = field("setting").value && "1";
    if (values.only) values.setting = Number(field("setting").value);
    for (const name of ["speaker", "reference"]) if (field(name)) values[name] = field(name).value;
    values.without = boxes.filter((box) => !box.checked).map((box) => box.value).join(".");
    return values;
  }

  // The form says what the state is, wherever that came from.
  function fill() {
    if (field("setting")) {
      field("setting").options[0].textContent = `all; clips: ${catalogue.settings[state.setting]}`;
      field("setting").value = state.only ? state.setting : "";
    }
    for (const name of ["speaker", "reference"]) if (field(name)) field(name).value = state[name];
    const gone = hidden();
    for (const box of boxes) box.checked = !gone.has(Number(box.value));
    const shown = boxes.length - gone.size;
    const count = form.querySelector(".count");
    if (count) count.textContent = gone.size ? `${shown} of ${boxes.length}` : `all ${boxes.length}`;
    const left = filtered().length;
    document.getElementById("left").textContent = `${left} of ${catalogue.clips.length} clips`;
    document.getElementById("cleared").hidden = !(state.only || state.speaker || state.reference || state.without);
    form.classList.toggle("narrowed", left < catalogue.clips.length || gone.size > 0);
  }

  function start() {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", (event) => {
      if (event.target.name === "method" && !boxes.some((box) => box.checked)) {
        event.target.checked = true;
        say("At least one method stays.");
      }
      change(chosen());
    });
    document.getElementById("cleared").addEventListener("click", () => {
      change({ only: "", speaker: "", reference: "", without: "" });
      form.querySelector("select, summary").focus();
    });
    const pick = form.querySelector(".pick");
    if (pick) {
      document.addEventListener("click", (event) => { if (!pick.contains(event.target)) pick.open = false; });
      pick.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || !pick.open) return;
        pick.open = false;
        pick.querySelector("summary").focus();
      });
    }
    listen(fill);
    fill();
    // What sticks below the bar, and where links jump to, has to know how high it is.
    const measure = () => {
      const high = getComputedStyle(form).position === "sticky" ? form.offsetHeight : 0;
      document.documentElement.style.setProperty("--bar", `${high}px`);
    };
    measure();
    new ResizeObserver(measure).observe(form);
  }

  return { start };
})();

const theme = (() => {
  const button = document.getElementById("theme"), names = ["auto", "dark", "light"];
  let now = "auto";

  function wear(name) {
    now = names.includes(name) ? name : "auto";
    if (now === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = now;
    button.textContent = `Theme: ${now}`;
    // Charts are painted, not styled: whoever paints hears of it.
    dispatchEvent(new Event("theme"));
  }

  function start() {
    // Some browsers keep no memory for files from disk, and say so by an exception.
    try { wear(localStorage.getItem("avct-bench-theme")); } catch { wear("auto"); }
    button.hidden = false;
    button.addEventListener("click", () => {
      wear(names[(names.indexOf(now) + 1) % names.length]);
      try { localStorage.setItem("avct-bench-theme", now); } catch { /* then it is chosen again next time */ }
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("theme")));
  }

  return { start };
})();

const keys = (() => {
  const help = document.getElementById("help"), button = document.getElementById("keys");
  const TYPING = "select, textarea, input:not([type=checkbox], [type=radio], [type=range])";

  // A key that the focused element has a use for itself is left to it.
  function spoken(event) {
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return true;
    if (document.querySelector("dialog[open]") || target.closest(TYPING)) return true;
    if (event.key === " " || event.key === "Enter") return Boolean(target.closest("a, button, summary, input, [role=button]"));
    const moves = /^(Arrow|Home|End|Page)/.test(event.key);
    return moves && Boolean(target.closest("input, .scroll, pre, [role=listbox], [role=grid]"));
  }

  function start() {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
    document.addEventListener("keydown", (event) => {
      if (spoken(event)) return;
      if (event.key === "?") {
        event.preventDefault();
        help.showModal();
      } else if (viewer.key(event)) {
        event.preventDefault();
      }
    });
  }

  return { start };
})();

const address = (() => {
  // A plain anchor is followed by the browser; a metric's card has to be opened for it, too.
  const plain = () => location.hash.length > 1 && !location.hash.includes("=");

  function follow() {
    if (plain()) {
      const target = document.getElementById(location.hash.slice(1));
      if (target instanceof HTMLDetailsElement) target.open = true;
      return;
    }
    const { found, vain } = read(location.hash);
    change(found);
    if (vain.length) say(`The link asks for what this page does not have: ${vain.map(told).join(", ")}.`);
  }

  function told(word) {
    try { return decodeURIComponent(word); } catch { return word; }
  }

  return { follow };
})();

// The clips of a failure beyond the first are added when they are asked for: there may be thousands.
function listFailures() {
  for (const details of document.querySelectorAll("details[data-failure]")) {
    details.addEventListener("toggle", () => {
      const failure = catalogue.failures[details.dataset.failure];
      const setting = failure.setting ? `&setting=${encodeURIComponent(catalogue.settings[failure.setting])}` : "";
      const links = failure.clips.slice(Number(details.dataset.shown)).map((clip) => [
        make("a", { href: `#clip=${nameClip(clip)}${setting}` }, catalogue.names[clip]), " ",
      ]);
      details.append(make("p", {}, links));
    }, { once: true });
  }
}

for (const element of document.querySelectorAll("[data-live]")) element.hidden = false;
theme.start();
filters.start();
for (const part of [table, list, viewer, pairs]) part.start();
keys.start();
listFailures();
for (const event of ["hashchange", "popstate"]) addEventListener(event, address.follow);
address.follow();
window.bench = { state, change, catalogue, load, say, table, cell, list, viewer, pairs };
