// Loaded ahead of Azurite: time moves on by what standard input says, and ends with it.
"use strict";

const Real = Date;
let ahead = 0;

globalThis.Date = new Proxy(Real, {
  construct: (target, given, made) =>
    Reflect.construct(target, given.length ? given : [Real.now() + ahead], made),
  apply: () => new Real(Real.now() + ahead).toString(),
  get: (target, name) =>
    name === "now" ? () => Real.now() + ahead : Reflect.get(target, name),
});

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (milliseconds) => {
    ahead += Number(milliseconds);
    console.log("ahead " + ahead);
  })
  .on("close", () => process.exit(0));
