import base from "./playwright.config.ts";

// A real model: scripts/e2e-llm.sh starts one, or names one that runs.
export default { ...base, testMatch: "llm.ts", workers: 1, timeout: 240_000, projects: [{ name: "llm" }] };
