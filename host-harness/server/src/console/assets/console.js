// What a page does better with a script: times in the reader's zone, keys, copying. It works without.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const forms = {
    s: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
    m: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
    d: { day: "numeric", month: "short" },
    f: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  };

  // Times are written in UTC.
  const localise = (within) => {
    for (const time of all("time[data-form]", within)) {
      const form = forms[time.dataset.form];
      const date = new Date(time.dateTime);
      if (form && !Number.isNaN(date.getTime())) {
        time.textContent = new Intl.DateTimeFormat("en-GB", form).format(date);
      }
      delete time.dataset.form;
    }
    // A choice is taken when it is made.
    for (const button of all("[data-apply]", within)) button.hidden = true;
  };

  const copy = (id, button) => {
    const text = document.getElementById(id)?.textContent ?? "";
    navigator.clipboard?.writeText(text).then(() => {
      const before = button.textContent;
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = before; }, 1500);
    });
  };

  const inField = (target) => target.closest?.("input,textarea,select,[contenteditable]");
  const goes = { o: "/", r: "/records", a: "/analytics", d: "/deliveries", p: "/pushes", t: "/trouble", l: "/live" };
  let isGoing = false;

  const move = (by) => {
    const links = all("main tbody th a, main .rows a.row").filter((link) => link.offsetParent);
    const at = links.indexOf(document.activeElement);
    links[Math.max(0, Math.min(links.length - 1, at + by))]?.focus();
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.body.classList.contains("alone")) return;
    if (event.key === "Escape") {
      for (const open of all("details.switch[open],details.more[open]")) {
        open.open = false;
        open.querySelector("summary")?.focus();
      }
      return;
    }
    if (inField(event.target)) return;
    if (isGoing) {
      isGoing = false;
      if (goes[event.key]) location.href = goes[event.key];
      return;
    }
    const does = {
      g: () => { isGoing = true; },
      "/": () => document.querySelector("main input[type=search]")?.focus(),
      c: () => { const open = document.querySelector("details.switch"); open.open = true; open.querySelector("input")?.focus(); },
      j: () => move(1),
      k: () => move(-1),
      y: () => document.querySelector("[data-copy]")?.click(),
      p: () => document.querySelector("[data-pause]")?.click(),
    }[event.key];
    if (does) {
      event.preventDefault();
      does();
    }
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (button) copy(button.dataset.copy, button);
  });

  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("form[data-auto]");
    if (form && event.target.matches("select,input[type=checkbox]")) form.requestSubmit();
    const every = event.target.closest?.("[data-every]");
    if (every) for (const box of all(`input[name="${every.dataset.every}"]`)) box.checked = every.checked;
  });

  // A day of a limit; its hour stands in the table.
  const plot = async (card) => {
    const day = await (await fetch(card.dataset.plot, { headers: { accept: "application/json" } })).json();
    if (!day.sent.length) return;
    card.hidden = false;
    const within = card.querySelector("div");
    const ink = getComputedStyle(document.body).getPropertyValue("--one").trim();
    const line = getComputedStyle(document.body).getPropertyValue("--line").trim();
    const text = getComputedStyle(document.body).getPropertyValue("--ink2").trim();
    const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "11px system-ui" };
    new uPlot({
      width: within.clientWidth, height: 180, legend: { show: false }, cursor: { y: false },
      axes: [axis, { ...axis, size: 44 }], series: [{}, { stroke: ink, width: 1, points: { show: false } }],
    }, [day.sent.map((_, at) => day.begins + at * 60), day.sent], within);
  };

  // One stream a page: rows for the live page, else word that what is shown is old.
  let isPaused = false;
  const held = [];
  const show = (row) => {
    const body = document.getElementById("changes");
    if (document.getElementById(row.id)) return;
    body.prepend(row);
    localise(row);
    while (body.rows.length > 500) body.rows[body.rows.length - 1].remove();
  };
  const count = () => {
    const more = document.getElementById("newer");
    more.parentElement.hidden = held.length === 0;
    more.textContent = `${held.length} newer, paused while you read`;
  };
  const pause = (stops) => {
    isPaused = stops;
    document.querySelector("[data-pause]").textContent = stops ? "Go on" : "Pause";
    if (!stops) held.splice(0).forEach(show);
    count();
  };
  const listen = (address) => {
    const state = document.getElementById("live");
    const source = new EventSource(address);
    const say = (isLive) => {
      state.hidden = false;
      state.className = `status ${isLive ? "good" : "warn"}`;
      state.lastElementChild.textContent = isLive ? "Live" : "Not live";
      state.querySelector("use").setAttribute("href", isLive ? "#m-good" : "#m-warn");
      state.querySelector("svg").setAttribute("class", `mark ${isLive ? "good" : "warn"}`);
    };
    source.onopen = () => say(true);
    source.onerror = () => say(false);
    source.addEventListener("stale", () => {
      const fresh = document.getElementById("fresh");
      if (fresh && !fresh.contains(document.activeElement)) {
        htmx.ajax("GET", location.href, { source: fresh, target: "#fresh", select: "#fresh", swap: "outerHTML" });
      }
    });
    source.addEventListener("change", (event) => {
      const made = document.createElement("tbody");
      made.innerHTML = event.data;
      const row = made.querySelector("tr");
      document.querySelector("main .empty")?.remove();
      if (isPaused || scrollY > 80) { held.push(row); if (held.length > 500) held.shift(); count(); } else show(row);
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    localise(document);
    const { topics } = document.body.dataset;
    const stream = document.querySelector("[data-events]")?.dataset.events ?? (topics && `/events?topics=${encodeURIComponent(topics)}`);
    if (stream) listen(stream);
    const stop = document.querySelector("[data-pause]");
    if (stop) {
      stop.hidden = false;
      stop.addEventListener("click", () => pause(!isPaused));
    }
    document.getElementById("newer")?.addEventListener("click", () => { scrollTo(0, 0); pause(false); });
    for (const card of all("[data-plot]")) plot(card);
    if (navigator.clipboard) for (const button of all("[data-copy]")) button.hidden = false;
  });
  document.addEventListener("htmx:afterSettle", (event) => localise(event.target));
})();
