// The panel behind a cell of the table: what the number is, how sure it is, and the clips that it is made of.

const cell = (() => {
  const panel = document.getElementById("cell");
  const FIRST = 20; // rows until more are asked for
  const POSTERS = 6; // a row of small pictures; each loads its clip's file
  let opener = null, turn = 0;

  function start() {
    if (!panel || !panel.showModal) return;
    // The event comes a moment after the panel is closed: by then it can have been opened again, or a clip with it.
    panel.addEventListener("close", () => {
      if (panel.open) return;
      turn++;
      panel.replaceChildren();
      if (state.cell) change({ cell: "" });
      // The browser gives the focus back itself, but for a panel that a link has opened.
      if (opener && document.activeElement === document.body) table.focusOn(opener);
    });
    // A click beside the panel is on the dialog itself, one within it is on what it holds.
    panel.addEventListener("click", (event) => { if (event.target === panel) panel.close(); });
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
    const card = catalogue.metrics[metric], one = catalogue.methods[method];
    const rows = make("div", { class: "rows" }, make("p", { class: "soft" }, "Loading the rows …"));
    const under = catalogue.settings.length > 1 ? make("span", { class: "soft" }, ` · ${catalogue.settings[state.setting]}`) : null;
    panel.setAttribute("aria-labelledby", "h-cell");
    panel.replaceChildren(make("div", { class: "inside" },
      make("div", { class: "top" },
        make("h2", { id: "h-cell" }, make("i", { class: `dot m${method}`, "aria-hidden": "true" }), one.name, " · ",
          card.heading, card.arrow ? ` ${card.arrow}` : "", under),
        make("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => panel.close() }, "×")),
      estimate(method, metric),
      facts(card),
      rows));
    fillRows(rows, method, metric);
  }

  function estimate(method, metric) {
    const card = catalogue.metrics[metric];
    const found = catalogue.estimates[state.setting][method][metric];
    const unit = card.unit && found.value !== null ? ` ${card.unit}` : "";
    const counted = `n = ${found.n} of ${catalogue.expected} clips, coverage ${found.coverage.toFixed(2)}`;
    return make("div", { class: "estimate" },
      make("p", { class: "big" }, make("strong", {}, found.text), make("span", { class: "soft" }, unit),
        found.interval ? make("span", { class: "interval" }, ` ${found.interval}`) : null),
      make("p", { class: "soft" }, found.value === null ? `${counted}.` : `${counted}. ${catalogue.basis}.`),
      found.note ? make("p", { class: "remark" }, found.note) : null);
  }

  function facts(card) {
    const line = (name, text) => (text ? make("div", {}, make("dt", {}, name), make("dd", {}, text)) : null);
    const link = make("a", { href: `#${card.card}`, onclick: () => panel.close() }, "its card among all metrics");
    return make("dl", { class: "facts" },
      line("Metric", [make("code", {}, card.id), ` ${card.title}${card.wish ? `; ${card.wish}` : ""}`]),
      line("Unit", card.unit), line("Formula", card.formula), line("Source", card.source), line("Equals", card.equals),
      line("Does not measure", card.blind_to), line("See", link));
  }

  // --- the rows of the cell ---

  async function fillRows(home, method, metric) {
    const mine = ++turn;
    let data;
    try {
      data = await loadValues(metric);
    } catch (error) {
      if (mine === turn) home.replaceChildren(make("p", { class: "remark" }, error.message));
      return;
    }
    if (mine !== turn) return;
    const [values, why, coverage] = [data.values, data.why, data.coverage].map((all) => all[state.setting][method]);
    const rows = filtered().map((clip) => ({
      clip, value: values[clip], share: coverage[clip] === undefined ? 1 : coverage[clip],
      reason: why[clip] === undefined ? "" : data.reasons[why[clip]],
    }));
    showRows(home, rows, catalogue.metrics[metric], method, metric);
  }

  function showRows(home, rows, card, method, metric) {
    const words = directed(card) ? ["worst first", "best first"] : ["highest first", "lowest first"];
    let order = "worst", most = FIRST;
    const have = rows.filter((row) => row.value !== null);
    const part = rows.length < catalogue.clips.length;
    const body = make("tbody"), reasons = rows.some((row) => row.reason);
    const more = make("button", { type: "button", onclick: () => { most = Infinity; draw(); } });
    const chooser = make("select", { onchange: () => { order = chooser.value; draw(); } },
      make("option", { value: "worst" }, words[0]), make("option", { value: "best" }, words[1]),
      make("option", { value: "" }, "in the protocol's order"));
    const posters = make("div", { class: "posters" });
    const pooled = card.pooled ? "This metric has one value of all clips together; its clips have none of their own. " : "";
    const some = have.length && part
      ? `Mean over the ${have.length} of them that have a value: ${show(mean(have.map((row) => row.value)), card.form)}.` : "";
    home.replaceChildren(
      make("h3", {}, part ? `Rows of ${rows.length} of ${catalogue.clips.length} clips` : `Rows of ${rows.length} clips`),
      make("p", { class: "soft" }, pooled + some),
      make("div", { class: "choices" }, make("label", {}, "Order ", chooser),
        make("button", { type: "button", onclick: () => toList(metric, method, order) }, "Show as the list of clips")),
      posters,
      make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Rows of the cell" },
        make("table", { class: "text" },
          make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "clip"), make("th", { scope: "col", class: "num" }, "value"),
            make("th", { scope: "col", class: "num" }, "coverage"), reasons ? make("th", { scope: "col" }, "reason") : null)),
          body)),
      more);
    draw();

    function draw() {
      const sign = order === "best" ? 1 : -1;
      // Clips without a value are what a reader of the worst ones looks for, but they cannot be ranked: they come last.
      const sorted = order === "" ? rows : [...rows].sort((a, b) => (a.value === null) - (b.value === null) ||
        (a.value === null ? 0 : sign * (harm(card, a.value) - harm(card, b.value))) || a.clip - b.clip);
      body.replaceChildren(...sorted.slice(0, most).map((row) => make("tr", {},
        make("th", { scope: "row" }, clipLink(row.clip)),
        make("td", { class: "num" }, row.value === null ? make("span", { class: "none" }, "–") : show(row.value, card.form)),
        make("td", { class: `num${row.value !== null && row.share < 1 ? " warn" : ""}` }, row.value === null ? "" : row.share.toFixed(2)),
        reasons ? make("td", {}, row.reason) : null)));
      more.hidden = rows.length <= most;
      more.textContent = `Show all ${rows.length} rows`;
      addPosters(posters, sorted.slice(0, POSTERS), method, card);
    }
  }

  // Small pictures of the first clips; a run without videos has none.
  async function addPosters(home, rows, method, card) {
    const mine = turn, setting = state.setting;
    let found;
    try {
      found = await Promise.all(rows.map(async (row) => [row, await loadClip(row.clip)]));
    } catch {
      return; // the rows themselves are there; what is missing is said by the players
    }
    if (mine !== turn) return;
    const shown = found.filter(([, data]) => data.shots[setting][method].poster);
    home.replaceChildren(...shown.map(([row, data]) => {
      const text = row.value === null ? "–" : show(row.value, card.form);
      const link = clipLink(row.clip, [
        make("img", { src: data.shots[setting][method].poster, alt: "", loading: "lazy", width: 96, height: 96 }), make("span", {}, text),
      ]);
      link.setAttribute("aria-label", `${catalogue.names[row.clip]}: ${text}`);
      link.title = catalogue.names[row.clip];
      return link;
    }));
  }

  function toList(metric, method, order) {
    change({ cell: "", metric, by: String(method), order }, { step: true });
    list.focus();
  }

  return { start, ask };
})();

// A link to a clip, which opens it here in the players and elsewhere by its address. children: what it shows if not the name.
function clipLink(clip, children) {
  const setting = state.setting ? `&setting=${encodeURIComponent(catalogue.settings[state.setting])}` : "";
  const open = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    // One step with the panel's end, so that Back leads to the panel.
    const again = clip === state.clip;
    change({ cell: "", clip, frame: 0 }, { step: true });
    if (again) {
      viewer.open(clip, { frame: 0 });
      document.getElementById("viewer").scrollIntoView({ block: "start", behavior: quiet.matches ? "auto" : "smooth" });
    }
  };
  return make("a", { href: `#clip=${nameClip(clip)}${setting}`, class: "opens", onclick: open }, children || catalogue.names[clip]);
}
