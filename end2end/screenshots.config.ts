import base from "./playwright.config.ts";

// Takes the pictures of the README anew: scripts/e2e.sh -c screenshots.config.ts
export default { ...base, testMatch: "screenshots.ts", workers: 1, projects: [{ name: "screenshots" }] };
