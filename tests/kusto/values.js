// Values of Kusto and the functions over them that our queries use, after Microsoft's reference
// (https://learn.microsoft.com/kusto/query/). Null is null; of text, null is empty.
class Time {
  constructor(ms) {
    this.ms = ms;
  }

  toJSON() {
    return new Date(this.ms).toISOString();
  }
}

class Span extends Time {
  toJSON() {
    return this.ms;
  }
}

const UNITS = { d: 86400000, h: 3600000, m: 60000, s: 1000, ms: 1 };
const empty = (value) => value === null || value === undefined || value === "";
const plain = (value) => (value instanceof Time ? value.ms : value);

function text(value) {
  if (empty(value)) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function time(value) {
  if (value instanceof Time) return value;
  const ms = empty(value) ? NaN : Date.parse(value);
  return Number.isNaN(ms) ? null : new Time(ms);
}

function literal(words, type) {
  if (type === "string") throw new Error("a text's value is the service's to tell");
  if (type === "bool") return words === "true";
  if (type === "datetime") return time(/\((.*)\)/.exec(words)[1]);
  if (type !== "timespan") return Number(words);
  const [, count, unit] = /^([\d.]+)(\w+)$/.exec(words);
  return new Span(Number(count) * UNITS[unit]);
}

function minus(a, b) {
  if (!(a instanceof Time)) return a - b;
  return a instanceof Span || !(b instanceof Span) ? new Span(a.ms - b.ms) : new Time(a.ms - b.ms);
}

const known = (of) => (a, b) => (empty(a) || empty(b) ? null : of(a, b));
const isEqual = (a, b) => (a === null || b === null ? null : plain(a) === plain(b));
const BINARY = {
  "==": isEqual,
  "!=": (a, b) => (a === null || b === null ? null : plain(a) !== plain(b)),
  "=~": (a, b) => text(a).toLowerCase() === text(b).toLowerCase(),
  startswith: (a, b) => text(a).toLowerCase().startsWith(text(b).toLowerCase()),
  ">": known((a, b) => plain(a) > plain(b)),
  "<": known((a, b) => plain(a) < plain(b)),
  ">=": known((a, b) => plain(a) >= plain(b)),
  "+": known((a, b) => a + b),
  "-": known(minus),
  "/": known((a, b) => plain(a) / plain(b)),
};

function ordered(a, b) {
  if (empty(a) || empty(b)) return Number(empty(b)) - Number(empty(a));
  return plain(a) < plain(b) ? -1 : Number(plain(a) > plain(b));
}

const FUNCTIONS = {
  tostring: text,
  todatetime: time,
  toreal: (value) => (empty(value) ? null : Number(value)),
  tolong: (value) => (empty(value) ? null : Math.trunc(Number(value))),
  tolower: (value) => text(value).toLowerCase(),
  isempty: (value) => text(value) === "",
  isnotempty: (value) => text(value) !== "",
  array_length: (value) => (Array.isArray(value) ? value.length : null),
  bag_keys: (value) => (value && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : null),
  bag_pack: (...given) => Object.fromEntries(given.flatMap((key, at) => (at % 2 ? [] : [[key, given[at + 1]]]))),
  coalesce: (...given) => given.find((value) => !empty(value)) ?? (typeof given[0] === "string" ? "" : null),
  iff: (condition, yes, no) => (condition === true ? yes : no),
  case: (...given) => {
    const at = given.findIndex((value, index) => index % 2 === 0 && value === true);
    return at < 0 || at === given.length - 1 ? given.at(-1) : given[at + 1];
  },
  round: (value, digits = 0) => (empty(value) ? null : Math.round(value * 10 ** digits) / 10 ** digits),
  bin: (value, step) => (value === null ? null : new Time(Math.floor(value.ms / step.ms) * step.ms)),
  strcat: (...given) => given.map(text).join(""),
  strcat_array: (value, between) => (value || []).map(text).join(between),
  set_intersect: (a, b) => [...new Set(a || [])].filter((value) => (b || []).includes(value)),
};

const given = (values) => values.filter((value) => !empty(value));
const unique = (values) => [...new Map(given(values).map((value) => [plain(value), value])).values()];

function percentile(values, [share]) {
  const sorted = given(values).sort(ordered);
  return sorted.length ? sorted[Math.max(0, Math.ceil((share / 100) * sorted.length) - 1)] : null;
}

const AGGREGATES = {
  count: (values) => values.length,
  countif: (values) => values.filter((value) => value === true).length,
  count_distinct: (values) => unique(values).length,
  make_set: unique,
  max: (values) => given(values).sort(ordered).at(-1) ?? null,
  min: (values) => given(values).sort(ordered)[0] ?? null,
  avg: (values) => (given(values).length ? given(values).reduce((a, b) => a + b) / given(values).length : null),
  percentile,
};

module.exports = { Time, Span, text, time, literal, ordered, plain, BINARY, FUNCTIONS, AGGREGATES };
