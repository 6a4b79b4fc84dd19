// Two methods against one another, clip by clip: where they differ, which clips decide it, and what the paired test
// says where the report has made one. Tests themselves are made by bench.stats alone.

const pairs = (() => {
  const home = document.getElementById("pairs");
  const FEW = 5; // clips at either end
  const { baseline, chosen, records } = catalogue.pairs;
  let turn = 0,
    plot = null,
    boxes,
    holder,
    pointed,
    words,
    ends;
  const sizes = new ResizeObserver(() => plot && plot.fit());

  function start() {
    if (!home || catalogue.methods.length < 2) return;
    build();
    listen((changed) => {
      if (["pair", "metric", "setting", "speaker", "reference"].some((name) => changed.has(name))) fill();
    });
    addEventListener("theme", () => plot && plot.paint());
    fill();
  }

  // Places of A and B: as asked, else a first pair that says something: a contender and what all are held against.
  function pair() {
    if (state.pair) return state.pair.split(".").map(Number);
    const apart = catalogue.methods.map((_, place) => place).filter((place) => !catalogue.methods[place].truth);
    const b = baseline ?? apart[apart.length - 1] ?? 0;
    const a = (apart.length > 1 ? apart : catalogue.methods.map((_, place) => place)).filter((place) => place !== b);
    return [a[a.length - 1], b];
  }

  function build() {
    const methods = catalogue.methods.map((one, place) => make("option", { value: place }, one.name));
    const select = (name, options, onchange) => make("select", { name, onchange }, options);
    const choose = () => change({ pair: `${boxes.a.value}.${boxes.b.value}` });
    boxes = {
      a: select("a", methods, choose),
      b: select(
        "b",
        methods.map((option) => option.cloneNode(true)),
        choose,
      ),
      metric: select(
        "metric",
        catalogue.metrics.map((card, at) =>
          make("option", { value: at }, card.heading, card.arrow ? ` ${card.arrow}` : ""),
        ),
        () => change({ metric: Number(boxes.metric.value) }),
      ),
    };
    holder = make("div", { class: "scatter" });
    pointed = make("p", { class: "basis pointed" });
    words = make("div", { class: "words" });
    ends = make("div", { class: "ends" });
    home.replaceChildren(
      make(
        "form",
        { class: "choices", "aria-label": "Two methods", onsubmit: (event) => event.preventDefault() },
        make("label", {}, "A ", boxes.a),
        make(
          "button",
          { type: "button", "aria-label": "Swap A and B", onclick: () => change({ pair: pair().reverse().join(".") }) },
          "⇄",
        ),
        make("label", {}, "B ", boxes.b),
        make("label", {}, "by ", boxes.metric),
      ),
      make("div", { class: "facing" }, make("div", {}, holder, pointed), make("div", {}, words, ends)),
    );
    sizes.observe(holder);
  }

  async function fill() {
    const mine = ++turn,
      [a, b] = pair(),
      card = catalogue.metrics[state.metric];
    [boxes.a.value, boxes.b.value, boxes.metric.value] = [a, b, state.metric];
    let data;
    try {
      data = await loadValues(state.metric);
    } catch (error) {
      if (mine === turn) empty(error.message);
      return;
    }
    if (mine !== turn) return;
    const values = data.values[state.setting],
      clips = filtered();
    const found = pairClips(card, values[a], values[b], clips);
    empty("");
    words.replaceChildren(...tell(found, a, b, card, clips.length));
    if (a === b || !found.points.length) return;
    const names = [a, b].map((place) => catalogue.methods[place].name);
    pointed.textContent = point(null);
    plot = scatter.draw(holder, {
      points: found.points,
      names,
      places: [a, b],
      unit: card.unit,
      open: (clip) => viewer.open(clip, { frame: 0 }),
      told: (one) => {
        pointed.textContent = point(one, names, card);
      },
    });
    plot.say(
      `${card.heading} of ${names[0]} across and of ${names[1]} up, one point for each of ${found.points.length} clips; ` +
        "the lists beside it hold the clips that differ most",
    );
    ends.replaceChildren(...list(found.points, names, card));
  }

  function empty(text) {
    if (plot) plot.drop();
    plot = null;
    holder.replaceChildren();
    ends.replaceChildren();
    pointed.textContent = "";
    words.replaceChildren(...(text ? [make("p", { class: "remark" }, text)] : []));
  }

  const point = (one, names, card) =>
    one === null
      ? "A point is a clip, in the colour of the method that is better on it; on the dashed line both are alike. " +
        "Point at it for its name, click to open it."
      : `${catalogue.names[one.clip]}: ${names[0]} ${show(one.a, card.form)}, ${names[1]} ${show(one.b, card.form)}`;

  // --- in words ---

  // The test's record of A less B, turned round where the report has made that of B less A; null where it made none.
  function recordOf(a, b) {
    if (a === b || (a !== baseline && b !== baseline)) return null;
    const other = a === baseline ? b : a;
    const found = records.find(
      (one) => one.setting === state.setting && one.metric === state.metric && one.method === other,
    );
    if (!found || b === baseline) return found || null;
    const less = (value) => (value === null ? null : -value);
    return {
      ...found,
      difference: less(found.difference),
      low: less(found.high),
      high: less(found.low),
      effect: less(found.effect),
      wins: found.losses,
      losses: found.wins,
      verdict: { better: "worse", worse: "better" }[found.verdict] || found.verdict,
    };
  }

  function tell(found, a, b, card, count) {
    const [first, second] = [a, b].map((place) => catalogue.methods[place].name);
    if (a === b) return [make("p", { class: "remark" }, "Choose two different methods.")];
    const part = count < catalogue.clips.length,
      record = recordOf(a, b);
    const unit = card.unit ? ` ${card.unit}` : "";
    const of = card.direction === "target" ? `distance from ${card.target}` : card.heading;
    const line = (name, text) => (text === null ? null : make("div", {}, make("dt", {}, name), make("dd", {}, text)));
    const counted = (one) =>
      directed(card) && one.wins !== null
        ? `${first} better on ${one.wins}, worse on ${one.losses}, alike on ${one.ties}`
        : `${first} lower on ${found.wins}, higher on ${found.losses}, alike on ${found.ties}`;
    const title = make("h3", {}, first, " less ", second);
    if (!found.points.length && !(record && record.difference !== null)) {
      const why =
        (record && record.reason) ||
        (card.pooled ? "one value of all clips together: there are no pairs" : "no clip that both have a value on");
      return [title, make("p", { class: "remark" }, `${why}.`)];
    }
    if (!record || part || record.difference === null) {
      return [
        title,
        make(
          "dl",
          { class: "facts" },
          line("Mean difference", found.difference === null ? "–" : `${plus(found.difference)}${unit} of ${of}`),
          line(
            "Clips",
            `${found.points.length} of ${count} have both values${part ? `, of ${catalogue.clips.length} in all` : ""}`,
          ),
          line("Clip by clip", counted(found)),
        ),
        make(
          "p",
          { class: "basis" },
          part && record
            ? "Interval and test belong to all clips: show all clips to see them."
            : ["No test of this pair is in the report. ", make("code", {}, command(first, second)), " makes it."],
        ),
      ];
    }
    const form = chooseForm(record.difference, record.low === null ? 0 : (record.high - record.low) / 2);
    const interval = record.low === null ? "" : ` [${plus(record.low, form)}, ${plus(record.high, form)}]`;
    return [
      title,
      make("p", { class: `verdict ${record.verdict || ""}` }, judge(record, first, second)),
      make(
        "dl",
        { class: "facts" },
        line("Difference", `${plus(record.difference, form)}${interval}${unit} of ${of}`),
        line("Clips", `${record.n} of ${catalogue.clips.length} have both values`),
        line("Clip by clip", counted(record)),
        line(
          "p",
          record.p_holm === null ? null : `${tiny(record.p_holm)} by Holm, ${tiny(record.p)} alone (sign-flip test)`,
        ),
        line("Effect", record.effect === null ? null : `${show(record.effect, ".2f")} (rank-biserial, −1 to 1)`),
        line(
          "Detectable",
          record.detectable === null
            ? null
            : `${showAlone(record.detectable)}${unit}: what the test would find with a chance of 80 %`,
        ),
      ),
      make("p", { class: "basis" }, `Held against ${catalogue.methods[baseline].name}, ${chosen}. ${catalogue.basis}.`),
    ];
  }

  function judge(record, first, second) {
    const test = "by the paired test";
    switch (record.verdict) {
      case "better":
        return `${first} is better than ${second} ${test}.`;
      case "worse":
        return `${first} is worse than ${second} ${test}.`;
      case "different":
        return `${first} and ${second} differ ${test}; which is better is not known of this metric.`;
      case "open":
        return `The paired test cannot tell ${first} and ${second} apart; that is no proof that they are alike.`;
      default:
        return `No test: ${record.reason || "no reason is recorded"}.`;
    }
  }

  function plus(value, form = chooseForm(value)) {
    const text = show(value, form);
    return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
  }

  const tiny = (p) => (p < 1e-3 ? p.toExponential(1) : show(p, ".3f"));

  // As a shell takes it; names of methods may hold anything.
  function command(first, second) {
    const quote = (text) => (/^[\w@.+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
    return `avct-bench compare RUN:${quote(first)} :${quote(second)}`;
  }

  // --- the clips at both ends ---

  function list(points, [first], card) {
    const known = directed(card);
    const sorted = [...points].sort((p, q) => q.worse - p.worse || p.clip - q.clip);
    const side = (title, some) =>
      make(
        "div",
        {},
        make("h3", {}, title),
        some.length
          ? make(
              "ol",
              {},
              some.map(({ clip, a, b }) =>
                make(
                  "li",
                  {},
                  clipLink(clip),
                  " ",
                  make("span", { class: "soft" }, `${show(a, card.form)} : ${show(b, card.form)}`),
                ),
              ),
            )
          : make("p", { class: "soft" }, "none"),
      );
    return [
      side(
        known ? `${first} loses most` : `${first} is highest above`,
        sorted.filter(({ worse }) => worse > 0).slice(0, FEW),
      ),
      side(
        known ? `${first} wins most` : `${first} is lowest below`,
        sorted
          .reverse()
          .filter(({ worse }) => worse < 0)
          .slice(0, FEW),
      ),
    ];
  }

  return { start, pair, points: () => (plot ? plot.find() : []) };
})();
