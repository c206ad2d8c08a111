// Says of each query, over tables {name: {column: type}}, what Microsoft's Kusto language service
// knows of it: its faults, the columns it gives, the tables it reads, the words that it compares
// columns with, and the keys that it takes out of dynamic values.
const { workspace, read, list, kind, isColumn, within } = require("./language.js");

const COMPARING = ["BinaryExpression", "InExpression"];
const isLiteral = (node) => kind(node) === "LiteralExpression" && typeof node.LiteralValue === "string";
const literals = (node) => within(node).filter(isLiteral).map((one) => one.LiteralValue);

// The innermost ones: `a == "x" and b == "y"` is two.
function isComparison(node) {
  if (!COMPARING.includes(kind(node))) return false;
  const inside = within(node).filter((inner) => COMPARING.includes(kind(inner)));
  return inside.length === 1;
}

// A comparison of one column with words: `Entry == "failed"`, `Entry in ("failed", "held")`.
function compared(node) {
  const column = within(node).find(isColumn);
  return literals(node).filter((word) => column && word).map((word) => [column.SimpleName, word]);
}

// A key taken out of a dynamic value: `Decision.reason`, `Decision["do"]`.
function taken(node) {
  if (kind(node) === "PathExpression") return [node.Selector.toString().trim()];
  return kind(node) === "ElementExpression" ? literals(node.Selector) : [];
}

function told(text, globals) {
  const code = read(text, globals);
  const all = within(code.Syntax);
  const names = all.filter((node) => kind(node) === "NameReference").map((node) => node.SimpleName);
  return {
    faults: list(code.GetDiagnostics()).map((one) => {
      const where = text.slice(one.Start, one.End).trim();
      return `${one.Severity} ${one.Code} at '${where}': ${one.Message}`;
    }),
    columns: list(code.ResultType && code.ResultType.Columns).map((one) => [one.Name, one.Type.Name]),
    tables: names.filter((name) => globals.Database.GetTable(name)),
    words: all.filter(isComparison).flatMap(compared),
    keys: all.flatMap(taken),
  };
}

function check({ tables, queries }) {
  const globals = workspace(tables);
  return Object.fromEntries(Object.entries(queries).map(([name, text]) => [name, told(text, globals)]));
}

module.exports = { check };
