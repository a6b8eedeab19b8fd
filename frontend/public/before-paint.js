// Runs before the first paint, and is therefore small and no module: without it a page whose
// theme was chosen by hand would flash in the theme of the system.
(function () {
  try {
    var theme = JSON.parse(localStorage.getItem("shophub.theme") || "null");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch (error) {
    // Storage is closed, or holds something else: the system's theme stays.
  }
})();
