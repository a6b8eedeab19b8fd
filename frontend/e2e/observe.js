// Runs in a page before its own code does, as it stands here: nothing may be compiled into it.
(() => {
  const seen = { fcp: 0, lcp: 0, cls: 0, blocked: 0 };
  globalThis.seen = seen;
  const on = (type, note) => {
    new PerformanceObserver((list) => {
      list.getEntries().forEach(note);
    }).observe({ type, buffered: true });
  };
  on("paint", (entry) => {
    if (entry.name === "first-contentful-paint") seen.fcp = entry.startTime;
  });
  on("largest-contentful-paint", (entry) => {
    seen.lcp = entry.startTime;
  });
  on("layout-shift", (entry) => {
    if (!entry.hadRecentInput) seen.cls += entry.value;
  });
  on("longtask", (entry) => {
    seen.blocked += Math.max(0, entry.duration - 50);
  });
})();
