"use strict";
// What the pages do without a reload. Without this file everything still works, by links and forms.

const pad = (number) => String(number).padStart(2, "0");

function showLocalTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.dateTime.replace("T", " ").replace("Z", " UTC");
    time.textContent =
      `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ` +
      `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  }
}

function place(name, html) {
  const there = document.getElementById(`part-${name}`);
  if (!there) return;
  const opened = [...there.querySelectorAll("details[open][id]")].map((one) => one.id);
  const typing = there.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  if (typing) return; // nobody's words are taken away
  const top = there.scrollTop;
  there.innerHTML = html; // the server has escaped it, and the page's policy runs no script in it
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  there.scrollTop = top;
  showLocalTimes(there);
  if (name === "graph" || name === "panel") showChosen();
}

function showChosen() {
  const chosen = document.querySelector("[data-chosen]");
  const graph = document.getElementById("part-graph");
  if (!chosen || !graph) return;
  const node = [...graph.querySelectorAll("[data-node]")].find((one) => one.dataset.node === chosen.dataset.chosen);
  if (!node || node.classList.contains("chosen")) return;
  node.classList.add("chosen");
  const [box, frame] = [node.getBoundingClientRect(), graph.getBoundingClientRect()];
  graph.scrollTop += box.top - frame.top - (frame.height - box.height) / 2;
  graph.scrollLeft += box.left - frame.left - (frame.width - box.width) / 2;
}

let stream = null;

function listen() {
  stream?.close();
  stream = null;
  const live = document.querySelector("[data-events]");
  if (!live) return;
  stream = new EventSource(live.dataset.events + location.search);
  stream.addEventListener("parts", (event) => {
    for (const [name, html] of Object.entries(JSON.parse(event.data))) place(name, html);
  });
  stream.addEventListener("end", () => stream.close());
}

async function show(url, remember) {
  const answer = await fetch(url, { headers: { accept: "text/html" } });
  if (!answer.ok) { location.assign(url); return; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of page.querySelectorAll("[id^='part-']")) place(part.id.slice(5), part.innerHTML);
  document.getElementById("part-panel")?.scrollTo(0, 0);
  if (remember) history.pushState(null, "", url);
  listen();
}

function isHere(link) {
  const target = new URL(link.href, location.href);
  return target.origin === location.origin && target.pathname === location.pathname && target.search && document.getElementById("part-panel");
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const href = link.href instanceof SVGAnimatedString ? link.href.baseVal : link.href;
  const target = new URL(href, location.href);
  if (!isHere({ href: target.href })) return;
  event.preventDefault();
  show(target.href, true);
});

window.addEventListener("popstate", () => show(location.href, false));

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button) setTimeout(() => { button.disabled = true; }); // the server does nothing twice either
});

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, textarea, select") || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) { event.preventDefault(); search.focus(); }
    return;
  }
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const links = [...document.querySelectorAll("#actions tbody a.node, table.runs tbody td:first-child a")];
  if (!links.length) return;
  const now = links.indexOf(document.activeElement);
  const next = links[Math.min(links.length - 1, Math.max(0, now + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
});

showLocalTimes(document);
showChosen();
listen();
