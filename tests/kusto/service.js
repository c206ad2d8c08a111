// Answers requests on standard input, a line of JSON each: {do: "check" or "run", ...}. An answer is
// a line {answer} or {error}.
const readline = require("readline");
const { check } = require("./check.js");
const { run } = require("./run.js");

const jobs = { check, run };

function answered(line) {
  const asked = JSON.parse(line);
  try {
    return { answer: jobs[asked.do](asked) };
  } catch (error) {
    return { error: error.stack };
  }
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(`${JSON.stringify(answered(line))}\n`);
});
