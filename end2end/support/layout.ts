// What a page's layout keeps, whatever people write into it.

import type { Frame, Page } from "@playwright/test";

/** What is meant to be scrolled sideways, or to be cut. */
const MEANT = ".people-scroll, .table-scroll, .controls, .thread-head .connection, input, textarea, select";

/**
 * Each place that is wider inside than it is, though it cuts off or scrolls: the window and all panes in it. A pane
 * that scrolls hides this from the window. What ends in an ellipsis is right.
 */
export async function tooWide(page: Page | Frame): Promise<string[]> {
  return page.evaluate((meant) => {
    const isTooWide = (element: Element) => {
      const { overflowX, textOverflow } = getComputedStyle(element);
      const cuts = element === document.documentElement || (overflowX !== "visible" && textOverflow !== "ellipsis");
      return cuts && element.clientWidth > 1 && element.scrollWidth > element.clientWidth && !element.matches(meant);
    };
    const wide = [document.documentElement, ...document.querySelectorAll("body *")].filter(isTooWide);
    return wide.map((one) => `${one.tagName}.${one.className}: ${one.scrollWidth} of ${one.clientWidth} px`);
  }, MEANT);
}
