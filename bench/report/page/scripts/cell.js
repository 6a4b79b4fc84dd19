// The panel behind a cell of the table: what the number is, how sure it is, and the clips that it is made of.

const cell = (() => {
  const panel = document.getElementById("cell");
  let opener = null;

  function start() {
    if (!panel || !panel.showModal) return;
    // The event comes a moment after the panel is closed: by then it can have been opened again, or a clip with it.
    panel.addEventListener("close", () => {
      if (panel.open) return;
      rows.leave();
      panel.replaceChildren();
      if (state.cell) change({ cell: "" });
      // The browser gives the focus back itself, but for a panel that a link has opened.
      if (opener && document.activeElement === document.body) table.focusOn(opener);
    });
    // A click beside the panel is on the dialog itself, one within it is on what it holds.
    panel.addEventListener("click", (event) => {
      if (event.target === panel) panel.close();
    });
    listen((changed) => {
      if (["cell", "setting", "speaker", "reference"].some((name) => changed.has(name))) follow();
    });
    follow();
  }

  // Called by the table: its cell decides the setting, too.
  function ask(one) {
    change({ setting: one.setting, cell: `${one.method}.${one.metric}` }, { step: true });
  }

  function follow() {
    if (!state.cell) return panel.open && panel.close();
    const [method, metric] = state.cell.split(".").map(Number);
    opener = table.find(state.setting, method, metric) || null;
    fill(method, metric);
    if (!panel.open) panel.showModal();
    panel.scrollTop = 0;
  }

  function fill(method, metric) {
    const card = catalogue.metrics[metric],
      one = catalogue.methods[method];
    const below = make("div", { class: "rows" }, make("p", { class: "soft" }, "Loading the rows …"));
    const under =
      catalogue.settings.length > 1 ? make("span", { class: "soft" }, ` · ${catalogue.settings[state.setting]}`) : null;
    panel.setAttribute("aria-labelledby", "h-cell");
    panel.replaceChildren(
      make(
        "div",
        { class: "inside" },
        make(
          "div",
          { class: "top" },
          make(
            "h2",
            { id: "h-cell" },
            make("i", { class: `dot m${method}`, "aria-hidden": "true" }),
            one.name,
            " · ",
            card.heading,
            card.arrow ? ` ${card.arrow}` : "",
            under,
          ),
          make("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => panel.close() }, "×"),
        ),
        estimate(method, metric),
        facts(card),
        below,
      ),
    );
    rows.fill(below, method, metric);
  }

  function estimate(method, metric) {
    const card = catalogue.metrics[metric];
    const found = catalogue.estimates[state.setting][method][metric];
    const unit = card.unit && found.value !== null ? ` ${card.unit}` : "";
    const counted = `n = ${found.n} of ${catalogue.expected} clips, coverage ${found.coverage.toFixed(2)}`;
    return make(
      "div",
      { class: "estimate" },
      make(
        "p",
        { class: "big" },
        make("strong", {}, found.text),
        make("span", { class: "soft" }, unit),
        found.interval ? make("span", { class: "interval" }, ` ${found.interval}`) : null,
      ),
      make("p", { class: "soft" }, found.value === null ? `${counted}.` : `${counted}. ${catalogue.basis}.`),
      found.note ? make("p", { class: "remark" }, found.note) : null,
    );
  }

  // Not by the browser alone: the address would lose what else is looked at.
  function showCard(event) {
    const card = document.getElementById(event.target.hash.slice(1));
    event.preventDefault();
    change({ cell: "" }, { step: true });
    card.open = true;
    card.scrollIntoView({ block: "start", behavior: quiet.matches ? "auto" : "smooth" });
    card.querySelector("summary").focus({ preventScroll: true });
  }

  function facts(card) {
    const line = (name, text) => (text ? make("div", {}, make("dt", {}, name), make("dd", {}, text)) : null);
    const link = make("a", { href: `#${card.card}`, onclick: showCard }, "its card among all metrics");
    return make(
      "dl",
      { class: "facts" },
      line("Metric", [make("code", {}, card.id), ` ${card.title}${card.wish ? `; ${card.wish}` : ""}`]),
      line("Unit", card.unit),
      line("Formula", card.formula),
      line("Source", card.source),
      line("Equals", card.equals),
      line("Does not measure", card.blind_to),
      line("See", link),
    );
  }

  return { start, ask };
})();
