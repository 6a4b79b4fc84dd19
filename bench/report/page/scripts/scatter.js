// One point for each clip: A's value across, B's value up, on one scale, so that the diagonal is where both are alike.

const scatter = (() => {
  const NEAR = 24; // px: how far from a point a click still means it
  const FONT = "12px system-ui, sans-serif";
  const colour = (element, name) => getComputedStyle(element).getPropertyValue(name).trim() || "currentColor";
  const short = (value) => String(Number(value.toPrecision(6)));

  // Drawn into `holder`. points: of pairClips, at least one. names, places: of A and B. told(point or null): the
  // point that is pointed at. Gives {drop, fit, paint, find}.
  function draw(holder, { points, names, places, unit, told, open }) {
    // uPlot wants what goes across in ascending order.
    const sorted = [...points].sort((p, q) => p.a - q.a);
    const all = sorted.flatMap(({ a, b }) => [a, b]);
    const [low, high] = [all.reduce((x, y) => Math.min(x, y)), all.reduce((x, y) => Math.max(x, y))];
    const room = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
    const range = [low - room, high + room];
    // Three kinds of points: where A is better, where B is, and where neither is.
    const kinds = [({ worse }) => worse < 0, ({ worse }) => worse > 0, ({ worse }) => worse === 0];
    const swatch = places.map((place) => make("i", { class: `m${place}`, hidden: true }));
    holder.replaceChildren(...swatch);
    const inks = [() => colour(swatch[0], "--c"), () => colour(swatch[1], "--c"), () => colour(holder, "--soft")];
    const dot = points.length > 300 ? 5 : 8;
    let at = null; // index in `sorted` of the point that is pointed at

    const nearest = (plot, left, top) => {
      let best = null,
        least = NEAR * NEAR;
      sorted.forEach(({ a, b }, index) => {
        const far = (plot.valToPos(a, "x") - left) ** 2 + (plot.valToPos(b, "y") - top) ** 2;
        if (far < least) [best, least] = [index, far];
      });
      return best;
    };
    const diagonal = (plot) => {
      const { ctx } = plot,
        place = (value, axis) => plot.valToPos(value, axis, true);
      ctx.save();
      ctx.strokeStyle = colour(holder, "--soft");
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(place(range[0], "x"), place(range[0], "y"));
      ctx.lineTo(place(range[1], "x"), place(range[1], "y"));
      ctx.stroke();
      ctx.restore();
    };
    const axis = (name) => ({
      label: unit ? `${name} (${unit})` : name,
      labelFont: FONT,
      font: FONT,
      labelSize: 22,
      labelGap: 2,
      stroke: () => colour(holder, "--soft"),
      ticks: { show: false },
      grid: { stroke: () => colour(holder, "--line"), width: 1 },
      values: (_, splits) => splits.map(short),
      space: 48,
    });
    const side = () => Math.max(220, Math.min(holder.clientWidth, 460));
    const plot = new uPlot(
      {
        width: side(),
        height: side(),
        legend: { show: false },
        select: { show: false },
        padding: [8, 8, 0, 0],
        scales: { x: { time: false, range }, y: { range } },
        axes: [
          { ...axis(names[0]), size: 28 },
          { ...axis(names[1]), size: 52 },
        ],
        series: [
          {},
          ...inks.map((ink) => ({
            paths: () => null,
            stroke: ink,
            points: { show: true, size: dot, width: 1, stroke: () => colour(holder, "--paper"), fill: ink },
          })),
        ],
        cursor: {
          drag: { x: false, y: false, setScale: false },
          x: false,
          y: false,
          dataIdx: (self, series) => {
            if (series === 1) at = self.cursor.left >= 0 ? nearest(self, self.cursor.left, self.cursor.top) : null;
            return at;
          },
          points: { size: dot + 6, width: 2, fill: "transparent", stroke: () => colour(holder, "--ink") },
        },
        hooks: {
          drawAxes: [diagonal],
          setCursor: [
            (self) => {
              self.over.classList.toggle("near", at !== null);
              told(at === null ? null : sorted[at]);
            },
          ],
        },
      },
      [sorted.map(({ a }) => a), ...kinds.map((is) => sorted.map((point) => (is(point) ? point.b : null)))],
      holder,
    );
    plot.over.addEventListener("click", (event) => {
      const box = plot.over.getBoundingClientRect();
      const index = nearest(plot, event.clientX - box.left, event.clientY - box.top);
      if (index !== null) open(sorted[index].clip);
    });
    plot.root.setAttribute("role", "img");
    return {
      say: (text) => plot.root.setAttribute("aria-label", text),
      fit: () => {
        if (side() !== plot.width) plot.setSize({ width: side(), height: side() });
      },
      paint: () => plot.redraw(false, true),
      drop: () => plot.destroy(),
      // Where the points are on the screen, for those that test it.
      find: () =>
        sorted.map(({ clip, a, b }) => {
          const box = plot.over.getBoundingClientRect();
          return { clip, left: box.left + plot.valToPos(a, "x"), top: box.top + plot.valToPos(b, "y") };
        }),
    };
  }

  return { draw };
})();
