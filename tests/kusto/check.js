// Reads {tables: {name: {column: type}}, queries: {name: text}} from standard input and says of
// each query what Microsoft's Kusto language service knows of it: its faults, the columns it gives,
// the tables it reads, the words that it compares columns with, and the keys that it takes out of
// dynamic values.
const path = require("path");
const service = path.join(__dirname, "node_modules", "@kusto", "language-service-next");
require(path.join(service, "bridge.min.js"));
require(path.join(service, "Kusto.Language.Bridge.min.js"));

const { KustoCode, GlobalState, Symbols, Syntax } = globalThis.Kusto.Language;
const list = (found) => (found ? globalThis.Bridge.toArray(found) : []);
const kind = (node) => node.constructor.$$name.split(".").pop();
const COMPARING = ["BinaryExpression", "InExpression"];
const isColumn = (node) => node.ReferencedSymbol && kind(node.ReferencedSymbol) === "ColumnSymbol";

function workspace(tables) {
  const made = Object.entries(tables).map(([name, columns]) => {
    const declared = Object.entries(columns).map(([column, type]) => `['${column}']: ${type}`);
    return Symbols.TableSymbol.From(`(${declared.join(", ")})`).WithName(name);
  });
  const database = new Symbols.DatabaseSymbol.ctor("workspace", made, false);
  const cluster = new Symbols.ClusterSymbol.$ctor1("cluster", [database], false);
  return GlobalState.Default.WithCluster(cluster).WithDatabase(database);
}

function within(node) {
  const found = [];
  Syntax.SyntaxElement.WalkNodes(node, (inner) => found.push(inner));
  return found;
}

// The innermost ones: `a == "x" and b == "y"` is two.
function isComparison(node) {
  const inside = within(node).filter((inner) => COMPARING.includes(kind(inner)));
  return inside.length === 1 && inside[0] === node;
}

// A comparison of one column with words: `Entry == "failed"`, `Entry in ("failed", "held")`.
function compared(node) {
  const column = within(node).find(isColumn);
  const words = within(node).filter((inner) => kind(inner) === "LiteralExpression");
  return words
    .map((word) => word.LiteralValue)
    .filter((word) => column && typeof word === "string" && word !== "")
    .map((word) => [column.SimpleName, word]);
}

// A key taken out of a dynamic value: `Decision.reason`, `Decision["do"]`.
function taken(node) {
  if (kind(node) === "PathExpression") return [node.Selector.toString().trim()];
  if (kind(node) !== "ElementExpression") return [];
  return within(node.Selector)
    .filter((inner) => kind(inner) === "LiteralExpression" && typeof inner.LiteralValue === "string")
    .map((inner) => inner.LiteralValue);
}

function told(text, globals) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const given = code.ResultType && code.ResultType.Columns;
  const all = within(code.Syntax);
  const references = all.filter((node) => kind(node) === "NameReference");
  return {
    faults: list(code.GetDiagnostics()).map((one) => {
      const where = text.slice(one.Start, one.End).trim();
      return `${one.Severity} ${one.Code} at '${where}': ${one.Message}`;
    }),
    columns: list(given).map((column) => [column.Name, column.Type.Name]),
    tables: references.map((node) => node.SimpleName).filter((name) => globals.Database.GetTable(name)),
    words: all.filter(isComparison).flatMap(compared),
    keys: all.flatMap(taken),
  };
}

let read = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text) => (read += text));
process.stdin.on("end", () => {
  const { tables, queries } = JSON.parse(read);
  const globals = workspace(tables);
  const said = Object.entries(queries).map(([name, text]) => [name, told(text, globals)]);
  process.stdout.write(JSON.stringify(Object.fromEntries(said)));
});
