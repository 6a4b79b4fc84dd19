// What the page computes itself from the values of clips: means over those that filters leave, and orders of clips.
// Intervals and tests are not among it: those need resampling, and bench.stats alone does that.

// The sum, with what rounding took away put back at the end (Neumaier 1974): equal clips must stay equal here as they
// do in Python, or lists would differ by rounding errors.
function total(values) {
  let sum = 0,
    lost = 0;
  for (const value of values) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}

// null where there are none.
const mean = (values) => (values.length ? total(values) / values.length : null);

// Of the clips that have a value.
const given = (values, clips) => clips.map((clip) => values[clip]).filter((value) => value !== null);

const directed = (metric) => metric.direction !== "";

// Grows as a value gets worse; with the value where no direction is known.
function harm(metric, value) {
  if (metric.direction === "target") return Math.abs(value - metric.target);
  return metric.direction === "higher" ? -value : value;
}

// What differences of two methods are differences of: the value, or how far it is from the metric's target.
const distance = (metric, value) => (metric.direction === "target" ? Math.abs(value - metric.target) : value);

// {clip, score} of each clip in the wished order; those without a score come last, equal ones in the protocol's order.
// values: of each method over all clips. methods: places of those that are shown. The score is
// "worst", "best": how much worse than a method's own mean over all clips the value is, as the mean over methods (the
//   truth apart): a clip must not look good because a bad method failed on it; with `by`, that method's value alone,
// "apart": the largest value less the smallest among methods, the truth apart.
function rankClips(metric, values, { order, by, methods, clips }) {
  if (!order) return clips.map((clip) => ({ clip, score: null }));
  const others = methods.filter((place) => !catalogue.methods[place].truth);
  const usual = new Map(
    others.map((place) => [place, mean(values[place].filter((v) => v !== null).map((v) => harm(metric, v)))]),
  );
  const scoreOf = (clip) => {
    if (order !== "apart" && by !== "") return values[by][clip] === null ? null : harm(metric, values[by][clip]);
    const mine = others.filter((place) => values[place][clip] !== null);
    if (order !== "apart") return mean(mine.map((place) => harm(metric, values[place][clip]) - usual.get(place)));
    const some = mine.map((place) => values[place][clip]);
    return some.length > 1 ? Math.max(...some) - Math.min(...some) : null;
  };
  // Rounded, because ties would else be broken by rounding errors.
  const round = (score) => (score === null ? null : Math.round(score * 1e12) / 1e12);
  const ranked = clips.map((clip) => ({ clip, score: round(scoreOf(clip)) }));
  const sign = order === "best" ? 1 : -1;
  return ranked.sort(
    (a, b) => (a.score === null) - (b.score === null) || sign * (a.score - b.score) || a.clip - b.clip,
  );
}

// A against B on the clips that both have a value on. points: {clip, a, b, worse}, worse > 0 where A is worse.
function pairClips(metric, first, second, clips) {
  const points = clips
    .filter((clip) => first[clip] !== null && second[clip] !== null)
    .map((clip) => {
      const [a, b] = [first[clip], second[clip]];
      return { clip, a, b, worse: harm(metric, a) - harm(metric, b) };
    });
  return {
    points,
    difference: mean(points.map(({ a, b }) => distance(metric, a) - distance(metric, b))),
    wins: points.filter(({ worse }) => worse < 0).length,
    losses: points.filter(({ worse }) => worse > 0).length,
    ties: points.filter(({ worse }) => worse === 0).length,
  };
}

// The format of a number that stands in no column: three significant digits, or as many decimals as make the half width
// of its interval show. What bench/report/tables/digits.py does for a column.
function chooseForm(value, half = 0) {
  const size = Math.abs(value);
  if (size >= 1e6 || (size && size < 1e-4)) return ".2e";
  const power = half >= 1e-5 ? Math.floor(Math.log10(half)) : 0;
  const wide = half >= 1e-5 ? -power + (half / 10 ** power < 3 ? 1 : 0) : 0;
  return `.${Math.min(Math.max(size ? 2 - Math.floor(Math.log10(size)) : 2, wide, 0), 5)}f`;
}

const showAlone = (value) => (value === null ? "–" : show(value, chooseForm(value)));
