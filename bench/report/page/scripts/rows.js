// The rows of a cell: its clips with their values, worst first, what is missing with the reason, a few as pictures.

const rows = (() => {
  const FIRST = 20; // rows until more are asked for
  const POSTERS = 6; // small pictures; each loads its clip's file
  let turn = 0,
    pictures = 0;

  async function fill(home, method, metric) {
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
    const found = filtered().map((clip) => ({
      clip,
      value: values[clip],
      share: coverage[clip] === undefined ? 1 : coverage[clip],
      reason: why[clip] === undefined ? "" : data.reasons[why[clip]],
    }));
    showRows(home, found, catalogue.metrics[metric], method, metric);
  }

  function showRows(home, all, card, method, metric) {
    const words = directed(card) ? ["worst first", "best first"] : ["highest first", "lowest first"];
    let order = "worst",
      most = FIRST;
    const have = all.filter((row) => row.value !== null);
    const part = all.length < catalogue.clips.length;
    const body = make("tbody"),
      reasons = all.some((row) => row.reason);
    const more = make("button", {
      type: "button",
      onclick: () => {
        most = Infinity;
        draw();
      },
    });
    const chooser = make(
      "select",
      {
        onchange: () => {
          order = chooser.value;
          draw();
        },
      },
      make("option", { value: "worst" }, words[0]),
      make("option", { value: "best" }, words[1]),
      make("option", { value: "" }, "in the protocol's order"),
    );
    const posters = make("div", { class: "posters" });
    const pooled = card.pooled
      ? "This metric has one value of all clips together; its clips have none of their own. "
      : "";
    const some =
      have.length && part
        ? `Mean over the ${have.length} of them that have a value: ${show(mean(have.map((row) => row.value)), card.form)}.`
        : "";
    home.replaceChildren(
      make("h3", {}, part ? `Rows of ${all.length} of ${catalogue.clips.length} clips` : `Rows of ${all.length} clips`),
      make("p", { class: "soft" }, pooled + some),
      make(
        "div",
        { class: "choices" },
        make("label", {}, "Order ", chooser),
        make("button", { type: "button", onclick: () => toList(metric, method, order) }, "Show as the list of clips"),
      ),
      posters,
      make(
        "div",
        { class: "scroll", tabindex: 0, role: "region", "aria-label": "Rows of the cell" },
        make(
          "table",
          { class: "text" },
          make(
            "thead",
            {},
            make(
              "tr",
              {},
              make("th", { scope: "col" }, "clip"),
              make("th", { scope: "col", class: "num" }, "value"),
              make("th", { scope: "col", class: "num" }, "coverage"),
              reasons ? make("th", { scope: "col" }, "reason") : null,
            ),
          ),
          body,
        ),
      ),
      more,
    );
    draw();

    function draw() {
      const sign = order === "best" ? 1 : -1;
      // Clips without a value are what a reader of the worst ones looks for, but they cannot be ranked: they come last.
      const sorted =
        order === ""
          ? all
          : [...all].sort(
              (a, b) =>
                (a.value === null) - (b.value === null) ||
                (a.value === null ? 0 : sign * (harm(card, a.value) - harm(card, b.value))) ||
                a.clip - b.clip,
            );
      body.replaceChildren(
        ...sorted
          .slice(0, most)
          .map((row) =>
            make(
              "tr",
              {},
              make("th", { scope: "row" }, clipLink(row.clip)),
              make(
                "td",
                { class: "num" },
                row.value === null ? make("span", { class: "none" }, "–") : show(row.value, card.form),
              ),
              make(
                "td",
                { class: `num${row.value !== null && row.share < 1 ? " warn" : ""}` },
                row.value === null ? "" : row.share.toFixed(2),
              ),
              reasons ? make("td", {}, row.reason) : null,
            ),
          ),
      );
      more.hidden = all.length <= most;
      more.textContent = `Show all ${all.length} rows`;
      addPosters(posters, sorted.slice(0, POSTERS), method, card);
    }
  }

  // Small pictures of the first clips; a run without videos has none.
  async function addPosters(home, some, method, card) {
    const mine = ++pictures,
      setting = state.setting;
    let found;
    try {
      found = await Promise.all(some.map(async (row) => [row, await loadClip(row.clip)]));
    } catch {
      return; // the rows themselves are there; what is missing is said by the players
    }
    if (mine !== pictures) return;
    const shown = found.filter(([, data]) => data.shots[setting][method].poster);
    home.replaceChildren(
      ...shown.map(([row, data]) => {
        const text = row.value === null ? "–" : show(row.value, card.form);
        const link = clipLink(row.clip, [
          make("img", { src: data.shots[setting][method].poster, alt: "", loading: "lazy", width: 96, height: 96 }),
          make("span", {}, text),
        ]);
        link.setAttribute("aria-label", `${catalogue.names[row.clip]}: ${text}`);
        link.title = catalogue.names[row.clip];
        return link;
      }),
    );
  }

  function toList(metric, method, order) {
    change({ cell: "", metric, by: String(method), order }, { step: true });
    list.focus();
  }

  // What is still on its way is not shown.
  function leave() {
    turn++;
    pictures++;
  }

  return { fill, leave };
})();

// A link to a clip, which opens it here in the players and elsewhere by its address. children: what it shows, if not
// the clip's name.
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
  return make(
    "a",
    { href: `#clip=${nameClip(clip)}${setting}`, class: "opens", onclick: open },
    children || catalogue.names[clip],
  );
}
