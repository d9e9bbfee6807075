// Colours code and sets formulas in messages: what is finished, and only when it comes into view. The page fetches
// this when it first shows such a thing (src/ui/components/message/rich.rs), and this the library for it. Whatever
// cannot be read stays as it was written. Nothing here makes markup of a message's text: the one library writes
// classes around escaped text, the other builds elements of MathML.

const base = new URL("vendor/", import.meta.url);
/** Longer code is not coloured, longer formulas are not set: a page stays quick. */
const CODE_CHARS = 24_000;
const TEX_CHARS = 4_000;
/** Asked of TeX, so that no macro grows without end and nothing gets larger than a message. */
const TEX = { annotate: true, throwOnError: true, trust: false, maxExpand: 500, maxSize: [30, 30] };

const CODE = ".code:not([data-open]) > pre > code[class^=language-]:not([data-rich])";
const MATH = ".math:not([data-rich])";

const once = (load) => {
  let loading;
  return () => (loading ??= load());
};

const highlighter = once(async () => (await import(new URL("highlight.min.js", base))).default);

/** A plain script, which leaves one name behind. */
const temml = once(
  () =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("temml.min.js", base);
      script.onload = () => resolve(window.temml);
      script.onerror = reject;
      document.head.append(script);
    }),
);

async function colour(code) {
  const text = code.textContent;
  if (text.length === 0 || text.length > CODE_CHARS) return;
  const language = code.className.slice("language-".length).toLowerCase();
  const library = await highlighter();
  if (!library.getLanguage(language) || code.textContent !== text) return;
  code.innerHTML = library.highlight(text, { language, ignoreIllegals: true }).value;
}

async function set(math) {
  const displayMode = math.classList.contains("display");
  const marks = displayMode ? 2 : 1;
  const tex = math.textContent.slice(marks, -marks);
  if (tex.length > TEX_CHARS) return;
  const library = await temml();
  const formula = document.createElement("span");
  library.render(tex, formula, { ...TEX, displayMode });
  formula.querySelector("math")?.setAttribute("alttext", tex);
  math.replaceChildren(...formula.childNodes);
}

const seen = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      // What is wrong with it is seen in what stays: its source.
      (target.matches(".math") ? set(target) : colour(target)).catch(() => {});
    }
  },
  { rootMargin: "400px" },
);

/** While a message is written, its last block is put anew with each frame. */
function isFinished(element) {
  const body = element.closest("[aria-busy=true] .body");
  if (!body) return true;
  let last = body.lastElementChild;
  if (last?.matches(".chunk")) last = last.lastElementChild;
  return !last?.contains(element) || last.matches(".code");
}

function look() {
  isDue = false;
  for (const element of document.querySelectorAll(`${CODE}, ${MATH}`)) {
    if (!isFinished(element) || element.textContent.length === 0) continue;
    element.setAttribute("data-rich", "");
    seen.observe(element);
  }
}

let isDue = false;
function soon() {
  if (isDue) return;
  isDue = true;
  setTimeout(look, 100);
}

const style = document.createElement("link");
style.rel = "stylesheet";
style.href = new URL("rich.css", import.meta.url);
document.head.append(style);
new MutationObserver(soon).observe(document.body, {
  childList: true,
  subtree: true,
  attributeFilter: ["data-open", "aria-busy"],
});
look();
