// What a curve does frame by frame, drawn by uPlot under each video: on the same scale for all methods, the truth's own
// curve in grey behind, with a line at the frame that is shown. A click or a drag goes to a frame.

const strips = (() => {
  const HEIGHT = 68, AXIS = 36, FONT = "11px system-ui, sans-serif";
  const live = new Set();
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      for (const strip of live) if (strip.holder === target) strip.fit();
    }
  });

  // The lines of a curve that are compared: [place, array] of each method that has one.
  const linesOf = (curve, setting, places) =>
    places.map((place) => [place, curve.lines[setting][place]]).filter(([, line]) => line);

  // [low, high] of all that is drawn, so that one scale serves all methods; null where there is nothing to draw.
  function limits(curve, setting, places) {
    let low = Infinity, high = -Infinity;
    for (const [, line] of [...linesOf(curve, setting, places), [null, curve.truth ?? []]]) {
      for (const value of line) {
        if (value === null) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    return low <= high ? [low, high] : null;
  }

  // How bad a value at a frame is, or null where nothing says so. A curve of a metric goes by what the metric wishes,
  // one without by its distance from the truth's own curve.
  function badness(curve, line, frame) {
    const value = line[frame] ?? null, metric = curve.metric === null ? null : catalogue.metrics[curve.metric];
    if (value === null) return null;
    if (!metric || (metric.direction === "target" && metric.target === null)) {
      const truth = curve.truth?.[frame] ?? null;
      return truth === null ? null : Math.abs(value - truth);
    }
    if (metric.direction === "higher") return -value;
    if (metric.direction === "lower") return value;
    return metric.direction === "target" ? Math.abs(value - metric.target) : null;
  }

  // {frame, place, value} where the curve is worst among the places, the first of equals; null where nothing says so.
  function worst(curve, setting, places) {
    let found = null, most = -Infinity;
    for (const [place, line] of linesOf(curve, setting, places)) {
      for (let frame = 0; frame < line.length; frame += 1) {
        const bad = badness(curve, line, frame);
        if (bad !== null && bad > most) {
          most = bad;
          found = { frame, place, value: line[frame] };
        }
      }
    }
    return found;
  }

  const short = (value) => (value === null || value === undefined ? "–" : String(Number(value.toPrecision(3))));
  const colour = (element, name) => getComputedStyle(element).getPropertyValue(name).trim() || "currentColor";

  // A strip inside `holder`. line: the method's values; last: the last frame of the axis; seek(frame): where to go.
  function draw(holder, { curve, line, last, between, name, seek }) {
    const frames = Array.from({ length: last + 1 }, (_, frame) => frame);
    const full = (values) => frames.map((frame) => values?.[frame] ?? null);
    const [low, high] = between, room = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
    // A value between two gaps has no line; it gets a point.
    const alone = (plot, place) => frames.filter((frame) => {
      const values = plot.data[place];
      return values[frame] !== null && (values[frame - 1] ?? null) === null && (values[frame + 1] ?? null) === null;
    });
    const series = (name, width) => ({
      stroke: () => colour(holder, name), width,
      points: { show: true, size: 4, filter: alone, fill: () => colour(holder, name), stroke: () => colour(holder, name) },
    });
    const plot = new uPlot({
      width: Math.max(60, holder.clientWidth), height: HEIGHT, pxAlign: false, padding: [8, 1, 8, 0],
      legend: { show: false }, cursor: { show: false }, select: { show: false },
      scales: { x: { time: false, range: [0, Math.max(1, last)] }, y: { range: [low - room, high + room] } },
      axes: [
        { show: false },
        {
          size: AXIS, gap: 4, font: FONT, stroke: () => colour(holder, "--soft"), ticks: { show: false },
          grid: { stroke: () => colour(holder, "--line"), width: 1 },
          splits: () => (low < high ? [low, high] : [low]), values: (_, places) => places.map(short),
        },
      ],
      series: [{}, series("--truth", 3), series("--c", 1.5)],
    }, [frames, full(curve.truth), full(line)], holder);
    const head = make("div", { class: "playhead" });
    plot.over.append(head);
    plot.root.setAttribute("role", "img");
    const scale = `frames 0 to ${last}, scale ${short(low)} to ${short(high)}`;
    plot.root.setAttribute("aria-label", `${curve.title} of ${name}, ${scale}`);

    let at = 0;
    const strip = {
      holder,
      mark(frame) {
        at = frame;
        head.style.transform = `translateX(${plot.valToPos(Math.min(frame, last), "x")}px)`;
      },
      fit() {
        const width = Math.max(60, holder.clientWidth);
        if (width !== plot.width) plot.setSize({ width, height: HEIGHT });
        strip.mark(at);
      },
      paint: () => plot.redraw(false, true),
      drop() {
        live.delete(strip);
        sizes.unobserve(holder);
        plot.destroy();
      },
    };
    const go = (event) => {
      const left = event.clientX - plot.over.getBoundingClientRect().left;
      seek(Math.min(last, Math.max(0, Math.round(plot.posToVal(left, "x")))));
    };
    plot.over.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      plot.over.setPointerCapture(event.pointerId);
      go(event);
    });
    plot.over.addEventListener("pointermove", (event) => {
      if (plot.over.hasPointerCapture(event.pointerId)) go(event);
    });
    live.add(strip);
    sizes.observe(holder);
    return strip;
  }

  // Colours are read when a strip is drawn, so a change of theme draws them anew.
  const paint = () => { for (const strip of live) strip.paint(); };
  addEventListener("theme", paint);

  return { draw, limits, worst, short };
})();
