// The list of clips: the worst, the best, or those on which methods differ most, by one metric, with the value of each
// method. The players' "next" follows it.

const list = (() => {
  const home = document.getElementById("lists");
  const PIECE = 100; // rows that are made at once: thousands would hold the page up
  const COUNTS = [10, 25, 100, 0];
  let turn = 0,
    ranked = [],
    said,
    body,
    more,
    head,
    metricBox,
    byBox,
    orderBox,
    mostBox;

  function start() {
    if (!home) return;
    build();
    listen((changed) => {
      if (
        ["metric", "by", "order", "most", "setting", "speaker", "reference", "without"].some((name) =>
          changed.has(name),
        )
      )
        fill();
      if (changed.has("clip")) mark();
    });
    return fill();
  }

  function build() {
    const options = (pairs) => pairs.map(([value, text]) => make("option", { value }, text));
    const field = (name, pairs, onchange) => make("select", { name, onchange }, options(pairs));
    metricBox = field(
      "metric",
      catalogue.metrics.map((card, at) => [at, `${card.heading}${card.arrow ? ` ${card.arrow}` : ""}`]),
      () => change({ metric: Number(metricBox.value) }),
    );
    orderBox = field(
      "order",
      [
        ["", "in the protocol's order"],
        ["worst", "worst first"],
        ["best", "best first"],
        ["apart", "where methods differ most"],
      ],
      () => change({ order: orderBox.value }),
    );
    byBox = field(
      "by",
      [["", "all methods together"], ...catalogue.methods.map((one, place) => [place, one.name])],
      () => change({ by: byBox.value }),
    );
    mostBox = field(
      "most",
      COUNTS.map((count) => [count, count || "all"]),
      () => change({ most: Number(mostBox.value) }),
    );
    head = make("tr");
    body = make("tbody");
    said = make("p", { class: "basis" });
    more = make("button", {
      type: "button",
      onclick: () => change({ most: COUNTS.find((count) => count > state.most) || 0 }),
    });
    home.replaceChildren(
      make(
        "form",
        { class: "choices", "aria-label": "List of clips", onsubmit: (event) => event.preventDefault() },
        make("label", {}, "Clips ", orderBox),
        make("label", {}, "by ", metricBox),
        make("label", {}, "of ", byBox),
        make("label", {}, "show ", mostBox),
      ),
      said,
      make(
        "div",
        { class: "scroll", tabindex: 0, role: "region", "aria-label": "Clips with their values" },
        make("table", { class: "ranked" }, make("thead", {}, head), body),
      ),
      more,
    );
    body.addEventListener("click", (event) => {
      const line = event.target.closest("tr");
      if (line && !event.target.closest("a")) line.querySelector("a").click();
    });
  }

  async function fill() {
    const mine = ++turn,
      card = catalogue.metrics[state.metric];
    reflect(card);
    let data;
    try {
      data = await loadValues(state.metric);
    } catch (error) {
      if (mine === turn) {
        ranked = rankClips(card, [], { order: "", by: "", methods: [], clips: filtered() });
        said.textContent = error.message;
        body.replaceChildren();
      }
      return;
    }
    if (mine !== turn) return;
    const methods = shownMethods(),
      clips = filtered(),
      values = data.values[state.setting];
    ranked = rankClips(card, values, { order: state.order, by: state.by, methods, clips });
    // The viewer says which of these clips it shows.
    dispatchEvent(new Event("list"));
    const most = state.most || ranked.length;
    said.textContent = explain(card, ranked);
    more.hidden = ranked.length <= most;
    more.textContent = `Show more of ${ranked.length} clips`;
    const scored = state.order === "apart" || (state.order !== "" && state.by === "");
    const score = state.order === "apart" ? "apart" : directed(card) ? "worse than usual" : "above usual";
    head.replaceChildren(
      make("th", { scope: "col" }, "clip"),
      ...(scored ? [make("th", { scope: "col", class: "num" }, score)] : []),
      ...methods.map((place) =>
        make(
          "th",
          { scope: "col", class: `num${String(place) === state.by ? " sorted" : ""}` },
          make("i", { class: `dot m${place}`, "aria-hidden": "true" }),
          catalogue.methods[place].name,
        ),
      ),
    );
    body.replaceChildren();
    const add = (from) => {
      if (mine !== turn) return;
      const until = Math.min(from + PIECE, most, ranked.length);
      body.append(...ranked.slice(from, until).map((row) => line(row, { card, data, values, methods, scored })));
      mark();
      if (until < Math.min(most, ranked.length)) setTimeout(() => add(until));
    };
    add(0);
  }

  // Controls say what is shown, also where an address or a cell has asked for it.
  function reflect(card) {
    const known = directed(card);
    orderBox.options[1].textContent = known ? "worst first" : "highest first";
    orderBox.options[2].textContent = known ? "best first" : "lowest first";
    if (![...mostBox.options].some((option) => option.value === String(state.most))) {
      mostBox.append(make("option", { value: state.most }, state.most));
    }
    [metricBox.value, orderBox.value, byBox.value, mostBox.value] = [state.metric, state.order, state.by, state.most];
    byBox.disabled = state.order === "" || state.order === "apart";
  }

  function line({ clip, score }, { card, data, values, methods, scored }) {
    const under = state.setting;
    return make(
      "tr",
      { "data-clip": clip },
      make("th", { scope: "row" }, clipLink(clip)),
      scored ? make("td", { class: "num" }, score === null ? "–" : signed(score, card.form)) : null,
      methods.map((place) => {
        const value = values[place][clip];
        if (value !== null)
          return make("td", { class: `num${String(place) === state.by ? " sorted" : ""}` }, show(value, card.form));
        const reason = data.reasons[data.why[under][place][clip]] || "no value";
        return make(
          "td",
          { class: "num", title: reason },
          make("span", { class: "none" }, "–"),
          make("span", { class: "heard" }, ` ${reason}`),
        );
      }),
    );
  }

  function signed(score, form) {
    const text = show(score, form);
    return state.order === "apart" || score <= 0 || !/[1-9]/.test(text) ? text : `+${text}`;
  }

  // What comes first, in one sentence, and what cannot be ranked, in another.
  function explain(card, rows) {
    const under = catalogue.settings.length > 1 ? `Under ${catalogue.settings[state.setting]}: ` : "";
    const without = rows.filter((row) => row.score === null).length;
    const last = state.order && without ? ` ${without} of ${rows.length} clips cannot be ranked and come last.` : "";
    const pooled = card.pooled
      ? ` ${card.heading} has one value of all clips together: clips have none of their own.`
      : "";
    return `${under}${rows.length} clips${first(card)}.${last}${pooled}`;
  }

  function first(card) {
    const name = `${card.heading}${card.unit ? ` (${card.unit})` : ""}`;
    if (state.order === "") return ` with their ${name}`;
    if (state.order === "apart")
      return `, first those on which ${name} differs most between the methods that are shown, the truth apart`;
    const end = (directed(card) ? ["worst", "best"] : ["highest", "lowest"])[Number(state.order === "best")];
    if (state.by !== "") return `, first the ${end} ${name} of ${catalogue.methods[state.by].name}`;
    return (
      `, first the ${end} ${name}: each method's distance from its own mean over all clips, averaged over the methods ` +
      "that are shown, the truth apart"
    );
  }

  function mark() {
    for (const row of body.children) {
      const here = Number(row.dataset.clip) === state.clip;
      if (here) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  // All clips that the filters leave, in the list's order, whether their rows are shown or not.
  const clips = () => ranked.map((row) => row.clip);

  // The clip so many places after one (before it, if negative); -1 where the list ends.
  function beside(clip, step) {
    const all = clips(),
      at = all.indexOf(clip) + step;
    return at >= 0 && at < all.length && all.includes(clip) ? all[at] : -1;
  }

  function focus() {
    home.scrollIntoView({ block: "start", behavior: quiet.matches ? "auto" : "smooth" });
    orderBox.focus({ preventScroll: true });
  }

  return { start, clips, beside, focus };
})();
