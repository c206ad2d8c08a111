// Microsoft's Kusto language service over a schema {name: {column: type}}, and walks over what it
// reads.
const path = require("path");
const service = path.join(__dirname, "node_modules", "@kusto", "language-service-next");
require(path.join(service, "bridge.min.js"));
require(path.join(service, "Kusto.Language.Bridge.min.js"));

const { KustoCode, GlobalState, Symbols, Syntax } = globalThis.Kusto.Language;

function workspace(tables) {
  const made = Object.entries(tables).map(([name, columns]) => {
    const declared = Object.entries(columns).map(([column, type]) => `['${column}']: ${type}`);
    return Symbols.TableSymbol.From(`(${declared.join(", ")})`).WithName(name);
  });
  const database = new Symbols.DatabaseSymbol.ctor("workspace", made, false);
  const cluster = new Symbols.ClusterSymbol.$ctor1("cluster", [database], false);
  return GlobalState.Default.WithCluster(cluster).WithDatabase(database);
}

const read = (text, globals) => KustoCode.ParseAndAnalyze(text, globals);
const list = (found) => (found ? globalThis.Bridge.toArray(found) : []);
const kind = (node) => node.constructor.$$name.split(".").pop();
const isColumn = (node) => Boolean(node.ReferencedSymbol) && kind(node.ReferencedSymbol) === "ColumnSymbol";

function within(node) {
  const found = [];
  Syntax.SyntaxElement.WalkNodes(node, (inner) => found.push(inner));
  return found;
}

// What stands directly below a node: neither punctuation nor the wrappings of lists.
function parts(node) {
  const found = [];
  for (let at = 0; at < node.ChildCount; at += 1) {
    const child = node.GetChild(at);
    const name = child ? child.constructor.$$name : "";
    if (!child || /\.(SyntaxToken|.*Token)$/.test(name) || /NamedParameter$/.test(name)) continue;
    if (/SyntaxList\$1|SeparatedElement\$1/.test(name)) found.push(...parts(child));
    else found.push(child);
  }
  return found;
}

module.exports = { workspace, read, list, kind, isColumn, within, parts };
