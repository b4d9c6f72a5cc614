// What makes the pages quicker. Everything works without it, but for what it shows itself.
"use strict";

const root = document.documentElement;

// Before anything is drawn: the colours that were chosen here.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
} catch { /* Storage may be forbidden. */ }

function switchTheme() {
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* As above. */ }
}

async function copy(button) {
  const text = document.getElementById(button.dataset.copies).textContent.trim();
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(document.getElementById(button.dataset.copies));
    button.textContent = "Marked";
  }
  setTimeout(() => { button.textContent = label; }, 1500);
}

// Puts a part of a page, which is a block of its template, in the place of the element with its id.
// Whoever writes or chooses something in there is not disturbed.
async function refresh(id, url = location.href, push = false) {
  // What nobody asked for does not keep the session alive.
  const headers = push ? { "X-Part": id } : { "X-Part": id, "X-By-Itself": "1" };
  const asked = await fetch(url, { headers, redirect: "error" });
  const before = document.getElementById(id);
  if (!asked.ok || !before) return;
  const made = document.createElement("template");
  made.innerHTML = (await asked.text()).trim();
  const after = made.content.getElementById(id);
  if (!after || (!push && before.contains(document.activeElement) && document.activeElement !== before)) return;
  if (before.outerHTML === after.outerHTML) return;
  const open = new Set([...before.querySelectorAll("details[open]")].map(each => each.closest("[id]")?.id));
  before.replaceWith(after);
  for (const each of after.querySelectorAll("details")) {
    if (open.has(each.closest("[id]")?.id)) each.open = true;
  }
  enhance(after);
  if (push) history.replaceState(null, "", url);
}

// A form with data-updates shows its results as they are typed for: the part is named there.
function search(form) {
  let waiting = 0;
  const go = () => {
    const url = new URL(form.action || location.href);
    url.search = new URLSearchParams([...new FormData(form)].filter(pair => pair[1] !== "")).toString();
    refresh(form.dataset.updates, url.href, true).catch(() => form.submit());
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(go, 200);
  });
  form.addEventListener("submit", event => {
    event.preventDefault();
    clearTimeout(waiting);
    go();
  });
}

// Counters that live: the stream's data are texts by the ids of elements.
function follow(element) {
  let stream = null;
  const show = event => {
    for (const [id, text] of Object.entries(JSON.parse(event.data))) {
      const shown = document.getElementById(id);
      if (shown && shown.textContent !== text) shown.textContent = text;
    }
  };
  // Nobody looks at a page that is hidden.
  const update = () => {
    stream?.close();
    stream = null;
    if (document.hidden) return;
    stream = new EventSource(element.dataset.follows);
    stream.addEventListener("message", show);
  };
  document.addEventListener("visibilitychange", update);
  addEventListener("pagehide", () => stream?.close());
  update();
}

let tip = null;

function showTip(target, event) {
  const text = target.querySelector("title")?.textContent || target.dataset.tip;
  if (!text) return;
  target.dataset.tip = text;
  target.querySelector("title")?.remove(); // Else the browser shows it, too.
  tip ??= document.body.appendChild(Object.assign(document.createElement("div"), { className: "tip" }));
  tip.textContent = text;
  tip.hidden = false;
  const x = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8);
  const y = event.clientY - tip.offsetHeight - 10;
  // Through the object model, which the policy allows; in the markup it would not.
  tip.style.left = `${Math.max(8, x)}px`;
  tip.style.top = `${y < 8 ? event.clientY + 18 : y}px`;
}

function enhance(within) {
  for (const each of within.querySelectorAll("[data-copies], .theme")) each.hidden = false;
  for (const each of within.querySelectorAll("form[data-updates]")) search(each);
  for (const each of within.querySelectorAll("[data-follows]")) follow(each);
}

addEventListener("DOMContentLoaded", () => {
  enhance(document);
  for (const each of document.querySelectorAll("[data-refresh]")) {
    const every = Number(each.dataset.every) * 1000;
    setInterval(() => {
      if (!document.hidden) refresh(each.dataset.refresh).catch(() => {});
    }, every);
  }
});

addEventListener("click", event => {
  const button = event.target.closest("button");
  if (button?.dataset.copies) copy(button);
  if (button?.classList.contains("theme")) switchTheme();
  for (const each of document.querySelectorAll("details[data-closes][open]")) {
    if (!each.contains(event.target)) each.open = false;
  }
});

addEventListener("submit", event => {
  const asked = event.target.dataset.confirms;
  if (asked && !confirm(asked)) event.preventDefault();
});

addEventListener("keydown", event => {
  if (event.key !== "Escape") return;
  for (const each of document.querySelectorAll("details[data-closes][open]")) {
    each.open = false;
    each.querySelector("summary").focus();
  }
});

addEventListener("pointermove", event => {
  const target = event.target instanceof Element && event.target.closest(".hover");
  if (target) showTip(target, event);
  else if (tip) tip.hidden = true;
});
