// Counts the verdicts of an Autobahn report (index.json); fails where one is worse than the standard allows.
import { readFileSync } from "node:fs";

const FINE = ["OK", "NON-STRICT", "INFORMATIONAL"];
const report = JSON.parse(readFileSync(process.argv[2], "utf8"));
const cases = Object.values(report).flatMap((agent) => Object.entries(agent));

const count = (field) => {
  const counts = {};
  for (const [, verdicts] of cases) counts[verdicts[field]] = (counts[verdicts[field]] ?? 0) + 1;
  return Object.entries(counts).sort().map(([verdict, n]) => `${n} ${verdict}`).join(", ");
};
console.log(`${cases.length} cases. Behaviour: ${count("behavior")}. Closing: ${count("behaviorClose")}.`);

const byNumber = ([a], [b]) => a.localeCompare(b, "en", { numeric: true });
for (const [name, verdicts] of cases.sort(byNumber)) {
  const { behavior, behaviorClose } = verdicts;
  if (behavior !== "OK" || behaviorClose !== "OK") console.log(`  ${name}: ${behavior}, closing ${behaviorClose}`);
}
const bad = cases.filter(([, verdicts]) => !FINE.includes(verdicts.behavior) || !FINE.includes(verdicts.behaviorClose));
process.exit(cases.length === 0 || bad.length > 0 ? 1 : 0);
