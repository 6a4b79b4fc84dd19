// The table of the page: lines that can be sorted, means over the clips that filters leave, cells that open.
// What Python wrote into a cell is kept and put back when all clips are shown again.

const table = (() => {
  const home = document.querySelector("table.measured");
  const cells = [];
  const aside = make("p", { class: "basis partly", hidden: true });
  let means = null; // of the clips left: [setting][method][metric] -> {value, n}; null while all clips are shown
  let turn = 0;

  function start() {
    if (!home) return;
    home.querySelectorAll("thead th[data-metric]").forEach(makeSortable);
    home.querySelectorAll("td[data-metric]").forEach(makeOpenable);
    cells.forEach((one, index) => {
      one.button.tabIndex = index ? -1 : 0;
    });
    home.addEventListener("click", openClicked);
    home.addEventListener("keydown", walk);
    home.closest(".scroll").after(aside);
    listen((changed) => {
      if (["only", "setting", "without"].some((name) => changed.has(name))) hide();
      if (["speaker", "reference", "without"].some((name) => changed.has(name))) refill();
      if (changed.has("sort")) sort();
    });
    hide();
    sort();
    refill();
    cell.start();
  }

  // --- cells ---

  function makeOpenable(td) {
    const line = td.closest("tr");
    const [setting, method, metric] = [line.dataset.setting, td.dataset.method, td.dataset.metric].map(Number);
    const value = [...td.childNodes].find((node) => node.nodeName !== "SUP" && node.textContent.trim());
    const card = catalogue.metrics[metric];
    const button = make("button", {
      type: "button",
      class: "value",
      tabindex: -1,
      "aria-haspopup": "dialog",
      "aria-label":
        `${value.textContent.trim()}: ${card.heading} of ${catalogue.methods[method].name}` +
        (catalogue.settings.length > 1 ? `, ${catalogue.settings[setting]}` : ""),
    });
    value.replaceWith(button);
    button.append(value);
    cells.push({
      td,
      button,
      setting,
      method,
      metric,
      written: value,
      interval: td.querySelector("small"),
      tip: td.title,
    });
    td.classList.add("can");
  }

  function openClicked(event) {
    if (event.target.closest("a, thead")) return;
    const td = event.target.closest("td[data-metric]");
    const one = td && cells.find((some) => some.td === td);
    if (!one) return;
    focusOn(one);
    cell.ask(one);
  }

  function focusOn(one) {
    for (const other of cells) other.button.tabIndex = other === one ? 0 : -1;
    one.button.focus({ preventScroll: true });
  }

  // One stop of the tabulator for all cells, arrows from one to the next.
  function walk(event) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const here = cells.find((one) => one.button === event.target);
    if (!here || !step || event.ctrlKey || event.metaKey || event.altKey) return;
    const lines = [...home.querySelectorAll("tbody tr[data-method]")].filter(
      (tr) => !tr.hidden && !tr.parentNode.hidden,
    );
    const line = lines[lines.indexOf(here.td.closest("tr")) + step[0]];
    const td = line && line.querySelector(`td[data-metric="${here.metric + step[1]}"]`);
    event.preventDefault();
    event.stopPropagation();
    if (!td) return;
    focusOn(cells.find((one) => one.td === td));
    td.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // --- lines that are shown ---

  function hide() {
    const out = hidden();
    home.querySelectorAll("tbody[data-setting]").forEach((body) => {
      body.hidden = state.only === "1" && Number(body.dataset.setting) !== state.setting;
    });
    home.querySelectorAll("tbody tr[data-method]").forEach((line) => {
      line.hidden = out.has(Number(line.dataset.method));
    });
  }

  // --- order of lines ---

  function makeSortable(th) {
    const metric = Number(th.dataset.metric);
    const { heading, wish } = catalogue.metrics[metric];
    const button = make("button", {
      type: "button",
      class: "sort",
      "aria-label": `Sort by ${heading}${wish ? `, ${wish}` : ""}`,
    });
    const direction = th.querySelector(".dir");
    button.append(...(direction ? [direction] : []), make("i", { "aria-hidden": "true" }));
    th.append(button);
    // The whole head can be hit, but for the link to the metric's card.
    th.addEventListener("click", (event) => {
      if (event.target.closest("a")) return;
      const next = { [`${metric}.best`]: `${metric}.worst`, [`${metric}.worst`]: "" }[state.sort];
      change({ sort: next === undefined ? `${metric}.best` : next });
    });
  }

  const valueAt = (setting, method, metric) =>
    (means ? means[setting][method][metric] : catalogue.estimates[setting][method][metric]).value;

  function sort() {
    const [metric, order] = state.sort ? [parseInt(state.sort, 10), state.sort.split(".")[1]] : [-1, ""];
    const card = catalogue.metrics[metric];
    home.querySelectorAll("thead th[data-metric]").forEach((th) => {
      const mine = Number(th.dataset.metric) === metric;
      // By the numbers that are seen, which need not go the way that is good.
      const falls = card && (order === "worst") !== (card.direction === "higher");
      if (!mine) th.removeAttribute("aria-sort");
      else th.setAttribute("aria-sort", card.direction === "target" ? "other" : falls ? "descending" : "ascending");
      th.classList.toggle("sorted", mine);
      th.querySelector(".sort i").textContent = mine ? (falls ? "▼" : "▲") : "↕";
    });
    home.querySelectorAll("tbody[data-setting]").forEach((body) => {
      const keyed = [...body.querySelectorAll("tr[data-method]")].map((line) => {
        const place = Number(line.dataset.method);
        const value = metric < 0 ? null : valueAt(Number(body.dataset.setting), place, metric);
        return { line, place, bad: value === null ? null : harm(card, value) * (order === "best" ? 1 : -1) };
      });
      keyed.sort((a, b) => (a.bad === null) - (b.bad === null) || a.bad - b.bad || a.place - b.place);
      body.append(...keyed.map(({ line }) => line));
    });
  }

  // --- means over the clips that filters leave ---

  async function refill() {
    const mine = ++turn,
      left = filtered();
    const partly = left.length < catalogue.clips.length;
    let loaded = [];
    try {
      if (partly) loaded = await Promise.all(catalogue.metrics.map((_, metric) => loadValues(metric)));
    } catch (error) {
      if (mine === turn) say(error.message);
      return;
    }
    // An answer that comes after the next question is not shown.
    if (mine !== turn) return;
    means = partly ? meansOver(loaded, left) : null;
    for (const one of cells) fill(one, left.length);
    home.querySelectorAll("tbody tr[data-method]").forEach((line) => fillCounts(line, left.length));
    aside.hidden = !partly;
    aside.textContent = partly ? explain(left.length) : "";
    sort();
  }

  function meansOver(loaded, left) {
    return catalogue.settings.map((_, setting) =>
      catalogue.methods.map((_, method) =>
        loaded.map(({ values }) => {
          const some = given(values[setting][method], left);
          return { value: mean(some), n: some.length };
        }),
      ),
    );
  }

  function explain(count) {
    const together = catalogue.metrics.filter((metric) => metric.pooled).map((metric) => metric.heading);
    return (
      `Plain means over ${count} of ${catalogue.clips.length} clips, n below each. Intervals and bold belong to all ` +
      "clips and are not shown." +
      (together.length
        ? ` ${together.join(", ")}: one value of all clips together, which a part of them does not have.`
        : "")
    );
  }

  function fill(one, count) {
    const card = catalogue.metrics[one.metric];
    const found = means && means[one.setting][one.method][one.metric];
    for (const node of one.td.querySelectorAll("sup")) node.hidden = Boolean(means);
    if (one.interval) one.interval.hidden = Boolean(means);
    const small = one.td.querySelector("small.count");
    if (small) small.remove();
    if (!means) {
      one.button.replaceChildren(one.written);
      one.td.title = one.tip;
    } else {
      const text =
        card.pooled || found.value === null ? make("span", { class: "none" }, "–") : show(found.value, card.form);
      one.button.replaceChildren(text);
      if (!card.pooled) one.td.append(make("small", { class: "count" }, `n = ${found.n}`));
      one.td.title = card.pooled
        ? "one value of all clips together"
        : `mean over the ${found.n} of ${count} clips left that have a value`;
    }
    const under = catalogue.settings.length > 1 ? `, ${catalogue.settings[one.setting]}` : "";
    one.button.setAttribute(
      "aria-label",
      `${one.button.textContent.trim()}: ${card.heading} of ${catalogue.methods[one.method].name}${under}`,
    );
  }

  // The last two columns: how many clips entered, and which share that is.
  function fillCounts(line, count) {
    const [n, share] = [...line.children].slice(-2);
    if (!line.written) line.written = [n.textContent, share.textContent, share.classList.contains("warn")];
    if (!means) {
      [n.textContent, share.textContent] = line.written;
      share.classList.toggle("warn", line.written[2]);
      return;
    }
    const counts = means[line.dataset.setting][line.dataset.method]
      .filter((_, metric) => !catalogue.metrics[metric].pooled)
      .map((found) => found.n);
    const span = (values, form) =>
      [...new Set([Math.min(...values), Math.max(...values)].map((v) => show(v, form)))].join("–");
    n.textContent = counts.length ? span(counts, ".0f") : "–";
    share.textContent =
      counts.length && count
        ? span(
            counts.map((v) => v / count),
            ".2f",
          )
        : "–";
    share.classList.toggle(
      "warn",
      counts.some((v) => v < count),
    );
  }

  // The button of a cell, to give the focus back to.
  const find = (setting, method, metric) =>
    cells.find((one) => one.setting === setting && one.method === method && one.metric === metric);

  return { start, find, focusOn, means: () => means };
})();
