// Gives the rows of each query over tables with rows {table: [row]}, at the time `now`. It runs the
// part of Kusto that our queries use, as Microsoft's service reads them, and refuses all else by name.
const { workspace, read, list, kind, parts } = require("./language.js");
const { Time, text, time, literal, ordered, plain, BINARY, FUNCTIONS, AGGREGATES } = require("./values.js");

const unknown = (node) => new Error(`not known here: ${kind(node)} ${node.toString().trim()}`);
const unnamed = (node) => (kind(node) === "SimpleNamedExpression" ? parts(node)[1] : node);

function nameOf(node) {
  if (kind(node) === "SimpleNamedExpression") return parts(node)[0].SimpleName;
  if (kind(node) === "NameReference") return node.SimpleName;
  if (kind(node) === "FunctionCallExpression" && parts(node)[0].SimpleName === "bin") return nameOf(argumentsOf(node)[0]);
  throw unknown(node);
}

const argumentsOf = (call) => parts(parts(call)[1]);

// `world` holds what is named and what time it is; `place` the row, and where it is an aggregate's
// or a window's, the rows around it.
function value(node, place, world) {
  const evaluate = EXPRESSIONS[kind(node)];
  if (!evaluate) throw unknown(node);
  return evaluate(node, place, world);
}

function name(node, place, world) {
  const word = node.SimpleName;
  if (place.row && word in place.row) return place.row[word];
  if (!(word in world.named)) throw unknown(node);
  return world.named[word];
}

function binary(node, place, world) {
  const [left, right] = parts(node);
  const sign = node.Operator.Text;
  const first = value(left, place, world);
  if (sign === "and") return first === true && value(right, place, world) === true;
  if (sign === "or") return first === true || value(right, place, world) === true;
  if (!BINARY[sign]) throw unknown(node);
  return BINARY[sign](first, value(right, place, world));
}

function membership(node, place, world) {
  const [left, right] = parts(node);
  const found = parts(right).flatMap((one) => value(one, place, world));
  const words = found.map((one) => (one && typeof one === "object" ? Object.values(one)[0] : one));
  const within = words.map(plain).includes(plain(value(left, place, world)));
  if (!["in", "!in"].includes(node.Operator.Text)) throw unknown(node);
  return (node.Operator.Text === "in") === within;
}

function call(node, place, world) {
  const word = parts(node)[0].SimpleName;
  const given = argumentsOf(node);
  if (AGGREGATES[word] && place.group) {
    const values = place.group.map((row) => (given.length ? value(given[0], { row }, world) : row));
    return AGGREGATES[word](values, given.slice(1).map((one) => value(one, place, world)));
  }
  const values = () => given.map((one) => value(one, place, world));
  if (word === "now") return world.now;
  if (word === "ago") return new Time(world.now.ms - values()[0].ms);
  if (word === "next") return place.rows[place.at + 1]?.[given[0].SimpleName] ?? null;
  if (!FUNCTIONS[word]) throw unknown(node);
  return FUNCTIONS[word](...values());
}

function selected(node, place, world) {
  const [base, selector] = parts(node);
  const key = kind(node) === "PathExpression" ? selector.SimpleName : value(parts(selector)[0], place, world);
  return value(base, place, world)?.[key] ?? null;
}

const EXPRESSIONS = {
  NameReference: name,
  BinaryExpression: binary,
  InExpression: membership,
  FunctionCallExpression: call,
  PathExpression: selected,
  ElementExpression: selected,
  ParenthesizedExpression: (node, place, world) => value(parts(node)[0], place, world),
  LiteralExpression: (node) =>
    node.ResultType.Name === "string" ? node.LiteralValue : literal(node.toString().trim(), node.ResultType.Name),
  DynamicExpression: (node) => JSON.parse(node.LiteralValue.replaceAll("'", '"')),
  ToScalarExpression: (node, place, world) => {
    const [first] = table(parts(node)[0], null, world);
    return first ? Object.values(first)[0] : null;
  },
};

// Operators over rows

function extended(nodes, place, world) {
  return Object.fromEntries(nodes.map((node) => [nameOf(node), value(unnamed(node), place, world)]));
}

// The row whose first argument is the greatest or least, with the columns that were asked for.
function extreme(node, group, keys, world) {
  const [measure, ...wanted] = argumentsOf(node);
  const sign = parts(node)[0].SimpleName === "arg_max" ? -1 : 1;
  const sorted = group
    .map((row) => ({ row, at: value(measure, { row }, world) }))
    .filter((one) => one.at !== null)
    .sort((a, b) => sign * ordered(a.at, b.at));
  const best = sorted[0]?.row ?? group[0];
  const all = wanted.some((one) => kind(one) === "StarExpression");
  const names = all ? Object.keys(best) : wanted.map(nameOf);
  if (kind(measure) === "NameReference") names.push(measure.SimpleName);
  return Object.fromEntries(names.filter((one) => !(one in keys)).map((one) => [one, best[one]]));
}

function summarized(node, rows, world) {
  const inside = parts(node);
  const clause = inside.find((one) => kind(one) === "SummarizeByClause");
  const by = clause ? parts(clause) : [];
  const groups = new Map(by.length ? [] : [["{}", { keys: {}, group: [] }]]);
  for (const row of rows) {
    const keys = extended(by, { row }, world);
    const id = JSON.stringify(keys);
    if (!groups.has(id)) groups.set(id, { keys, group: [] });
    groups.get(id).group.push(row);
  }
  return [...groups.values()].map(({ keys, group }) => {
    const made = { ...keys };
    for (const one of inside.filter((part) => part !== clause)) {
      const aimed = kind(one) === "FunctionCallExpression" && /^arg_/.test(parts(one)[0].SimpleName);
      if (aimed) Object.assign(made, extreme(one, group, keys, world));
      else made[nameOf(one)] = value(unnamed(one), { row: keys, group }, world);
    }
    return made;
  });
}

// Null is one row of nothing, an empty list no row.
function expanded(node, row, world) {
  const [expression] = parts(node);
  const found = value(unnamed(expression), { row }, world);
  const column = nameOf(expression);
  return (found === null ? [null] : [found].flat()).map((item) => ({ ...row, [column]: item }));
}

function joined(node, rows, world) {
  if (!/^join\s+kind\s*=\s*leftouter\b/.test(node.toString().trim())) throw unknown(node);
  const [other, clause] = parts(node);
  const right = table(other, null, world);
  const on = parts(clause).map((one) => one.SimpleName);
  const columns = list(other.ResultType.Columns).map((one) => one.Name);
  return rows.flatMap((row) => {
    const found = right.filter((one) => on.every((key) => one[key] === row[key]));
    return (found.length ? found : [{}]).map((one) => {
      const more = columns.map((key) => [key in row ? `${key}1` : key, one[key] ?? null]);
      return { ...row, ...Object.fromEntries(more) };
    });
  });
}

function sorted(nodes, rows, world) {
  const orders = nodes.map((node) => {
    const [expression, clause] = kind(node) === "OrderedExpression" ? parts(node) : [node];
    return { expression, sign: clause && /asc/.test(clause.toString()) ? 1 : -1 };
  });
  return [...rows].sort((a, b) => {
    for (const { expression, sign } of orders) {
      const one = sign * ordered(value(expression, { row: a }, world), value(expression, { row: b }, world));
      if (one) return one;
    }
    return 0;
  });
}

function applied(node, rows, world) {
  const [expression, subquery] = parts(node);
  return rows.flatMap((row) =>
    table(parts(subquery)[0], expanded(expression, row, world), world).map((made) => ({ ...row, ...made })),
  );
}

const distinct = (rows) => [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
const OPERATORS = {
  FilterOperator: (node, rows, world) => rows.filter((row) => value(parts(node)[0], { row }, world) === true),
  ExtendOperator: (node, rows, world) =>
    rows.map((row, at) => ({ ...row, ...extended(parts(node), { row, rows, at }, world) })),
  ProjectOperator: (node, rows, world) => rows.map((row) => extended(parts(node), { row }, world)),
  ProjectAwayOperator: (node, rows) => {
    const away = parts(node).map((one) => one.SimpleName);
    return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([key]) => !away.includes(key))));
  },
  SummarizeOperator: summarized,
  MvExpandOperator: (node, rows, world) => rows.flatMap((row) => expanded(parts(node)[0], row, world)),
  MvApplyOperator: applied,
  JoinOperator: joined,
  SortOperator: (node, rows, world) => sorted(parts(node), rows, world),
  TopOperator: (node, rows, world) => {
    const [count, order] = parts(node);
    return sorted([order], rows, world).slice(0, value(count, {}, world));
  },
  DistinctOperator: (node, rows, world) => distinct(rows.map((row) => extended(parts(node), { row }, world))),
  RenderOperator: (node, rows) => rows,
};

// The rows of a tabular expression; an operator that stands alone works on `given`.
function table(node, given, world) {
  if (kind(node) === "PipeExpression") {
    const [before, operator] = parts(node);
    return table(operator, table(before, given, world), world);
  }
  if (OPERATORS[kind(node)]) return OPERATORS[kind(node)](node, given, world);
  if (["ParenthesizedExpression", "MaterializeExpression"].includes(kind(node))) return table(parts(node)[0], given, world);
  if (kind(node) === "UnionOperator") return parts(node).flatMap((one) => table(one, null, world));
  return name(node, {}, world);
}

const isTable = (node) => Boolean(node.ResultType && node.ResultType.Columns);

function rowsOf(query, globals, tables, now) {
  const world = { named: { ...tables }, now };
  let rows = [];
  for (const statement of parts(read(query, globals).Syntax).filter((one) => /Statement$/.test(kind(one)))) {
    const [first, second] = parts(statement);
    const expression = second ?? first;
    const made = isTable(expression) ? table(expression, null, world) : value(expression, {}, world);
    if (second) world.named[first.SimpleName] = made;
    else rows = made;
  }
  return rows;
}

// A row as the workspace holds it: times are times, a text that is not there is empty.
function held(columns, row) {
  const made = ([column, type]) => {
    const found = row[column] ?? null;
    if (type === "datetime") return [column, time(found)];
    return [column, type === "string" ? text(found) : found];
  };
  return Object.fromEntries(Object.entries(columns).map(made));
}

function run({ tables, rows, now, queries }) {
  const globals = workspace(tables);
  const filled = Object.entries(tables).map(([one, columns]) => [one, (rows[one] ?? []).map((row) => held(columns, row))]);
  const all = Object.fromEntries(filled);
  return Object.fromEntries(
    Object.entries(queries).map(([one, query]) => [one, rowsOf(query, globals, all, time(now))]),
  );
}

module.exports = { run };
