// Checks every dependency, on all platforms: its licence, its registry, and the Rust version that it needs.
//
//     cargo metadata --format-version 1 --locked | node .ci/dependencies.mjs
//
// cargo-deny checks licences and registries too, but takes seven minutes of processor time to build, and its advisories need
// a database from outside the registry. cargo-semver-checks compares with a published release, and there is none yet.
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

// Compares two versions such as 1.94 and 1.94.0.
function isNewer(one, other) {
  const [a, b] = [one, other].map((version) => version.split(".").map(Number));
  const at = [0, 1, 2].find((place) => (a[place] ?? 0) !== (b[place] ?? 0));
  return at !== undefined && (a[at] ?? 0) > (b[at] ?? 0);
}

const { packages } = JSON.parse(readFileSync(0, "utf8"));
const faults = [];
const declared = packages.find(({ name, source }) => name === "crowsfoot" && source === null)?.rust_version;
if (!declared) faults.push("crowsfoot declares no rust-version");
for (const { name, version, license, source, rust_version: needed } of packages) {
  if (license === null || !isAllowed(license)) faults.push(`${name} ${version} has the licence ${license}`);
  if (declared && needed && isNewer(needed, declared)) {
    faults.push(`${name} ${version} needs Rust ${needed}, but crowsfoot declares ${declared}`);
  }
  if (source !== null && source !== REGISTRY) faults.push(`${name} ${version} is from ${source}`);
}
for (const fault of faults) console.error(fault);
console.log(`${packages.length} packages, ${faults.length} faults`);
process.exitCode = packages.length === 0 || faults.length > 0 ? 1 : 0;
