// Checks the licence and the registry of every dependency, on all platforms.
//
//     cargo metadata --format-version 1 --locked | node .ci/licences.mjs
//
// cargo-deny checks the same and more, but takes seven minutes of processor time to build.
import { readFileSync } from "node:fs";

const ALLOWED = new Set([
  "Apache-2.0",
  "Apache-2.0 WITH LLVM-exception",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "CDLA-Permissive-2.0",
  "ISC",
  "MIT",
  "Unicode-3.0",
  "Zlib",
]);
const REGISTRY = "registry+https://github.com/rust-lang/crates.io-index";

// An SPDX expression: OR binds weaker than AND, and both weaker than WITH. Old packages write / for OR.
function isAllowed(expression) {
  const tokens = expression.replaceAll("/", " OR ").match(/[()]|[^\s()]+/g);
  let place = 0;
  const takes = (word) => tokens[place] === word && ++place > 0;
  const operand = () => {
    if (takes("(")) {
      const inner = either();
      if (!takes(")")) throw new Error(`"${expression}" is not a licence expression`);
      return inner;
    }
    const licence = tokens[place++];
    return ALLOWED.has(takes("WITH") ? `${licence} WITH ${tokens[place++]}` : licence);
  };
  const both = () => {
    let all = operand();
    while (takes("AND")) all = operand() && all;
    return all;
  };
  const either = () => {
    let any = both();
    while (takes("OR")) any = both() || any;
    return any;
  };
  const allowed = either();
  if (place !== tokens.length) throw new Error(`"${expression}" is not a licence expression`);
  return allowed;
}

const { packages } = JSON.parse(readFileSync(0, "utf8"));
const faults = [];
for (const { name, version, license, source } of packages) {
  if (license === null || !isAllowed(license)) faults.push(`${name} ${version} has the licence ${license}`);
  if (source !== null && source !== REGISTRY) faults.push(`${name} ${version} is from ${source}`);
}
for (const fault of faults) console.error(fault);
console.log(`${packages.length} packages, ${faults.length} faults`);
process.exitCode = packages.length === 0 || faults.length > 0 ? 1 : 0;
