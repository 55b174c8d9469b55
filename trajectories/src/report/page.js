"use strict";
(function () {
  var root = document.documentElement;
  var search = document.getElementById("search");
  var found = document.getElementById("found");
  var steps = Array.prototype.slice.call(document.querySelectorAll(".step"));
  var boxes = Array.prototype.slice.call(document.querySelectorAll("[data-filter]"));
  var isFolded = false;

  function filter() {
    var words = search.value.toLowerCase();
    var kinds = boxes.filter(function (box) { return box.checked; }).map(function (box) { return box.dataset.filter; });
    var count = 0;
    steps.forEach(function (step) {
      var isShown = kinds.indexOf(step.dataset.kind) >= 0 && (words === "" || step.textContent.toLowerCase().indexOf(words) >= 0);
      step.hidden = !isShown;
      count += isShown ? 1 : 0;
      // A match in a child that is folded away would not be seen.
      if (isShown && words !== "") { unfold(step.parentElement); }
    });
    found.textContent = words === "" && count === steps.length ? "" : count + " of " + steps.length + " steps";
  }

  function unfold(element) {
    for (; element; element = element.parentElement) {
      if (element.tagName === "DETAILS") { element.open = true; }
    }
  }

  function follow() {
    var target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
    if (target) { unfold(target); target.scrollIntoView(); }
  }

  search.addEventListener("input", filter);
  boxes.forEach(function (box) { box.addEventListener("change", filter); });
  window.addEventListener("hashchange", follow);
  document.getElementById("theme").addEventListener("click", function () {
    var isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
  });
  document.getElementById("fold").addEventListener("click", function (event) {
    isFolded = !isFolded;
    document.querySelectorAll(".step details").forEach(function (one) { one.open = !isFolded; });
    event.target.textContent = isFolded ? "unfold all" : "fold all";
  });
  document.getElementById("open").addEventListener("click", function (event) {
    var isOpen = event.target.dataset.open !== "yes";
    document.querySelectorAll("details.child, details.children").forEach(function (one) { one.open = isOpen; });
    event.target.dataset.open = isOpen ? "yes" : "no";
    event.target.textContent = isOpen ? "fold children" : "open children";
  });
  follow();
})();
