// What is wrong with a page, as far as its elements tell; a list of sentences as JSON.
(() => {
  const faults = [];
  const shown = (element) => element.checkVisibility() && element.getClientRects().length;
  const text = (element) => (element.textContent || "").trim();
  const label = (element) =>
    element.getAttribute("aria-label") || element.title || element.alt || text(element) ||
    [...(element.labels || [])].map(text).join("") || [...element.querySelectorAll("img[alt]")].map((one) => one.alt).join("");
  for (const element of document.querySelectorAll("a, button, input, select, textarea, iframe, img, summary")) {
    if (element.type !== "hidden" && shown(element) && !label(element)) faults.push("no name: " + element.outerHTML.slice(0, 200));
  }
  const numbers = (color) => (color.match(/[\d.]+/g) || []).map(Number);
  const light = (color) => {
    const [r, g, b] = color.map((part) => part / 255).map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = numbers(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0.5) return color.slice(0, 3);
    }
    return [255, 255, 255];
  };
  for (const element of document.querySelectorAll("main *, nav *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest("svg, option, script") || !shown(element)) continue;
    const [one, other] = [light(numbers(getComputedStyle(element).color).slice(0, 3)), light(behind(element))].sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(2)}: ${element.outerHTML.slice(0, 200)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push(`${document.documentElement.scrollWidth} pixels wide`);
  if (!document.documentElement.lang || !document.title || document.querySelectorAll("h1").length !== 1) faults.push("no language, title or head");
  for (const table of document.querySelectorAll("table")) {
    for (const cell of table.querySelectorAll("th")) if (!cell.scope) faults.push("a head of a table without scope: " + cell.outerHTML.slice(0, 200));
  }
  return JSON.stringify(faults);
})()
