"use strict";
(() => {
  const viewer = document.getElementById("viewer");
  if (!viewer || !viewer.showModal) return;
  const rows = [...document.querySelectorAll(".grid tbody tr")].map((row) => [...row.querySelectorAll("td")]);
  const large = viewer.querySelector(".view img");
  const facts = viewer.querySelector(".facts");
  const others = viewer.querySelector(".others");
  let at = [0, 0];
  let opener = null;

  const cell = (row, column) => rows[row] && rows[row][column];
  const image = (row, column) => cell(row, column) && cell(row, column).querySelector("img");

  function other(row, column) {
    const button = document.createElement("button");
    const picture = document.createElement("img");
    const name = rows[row][0].parentElement.querySelector(".arm span").textContent;
    picture.src = image(row, column).src;
    picture.alt = "";
    button.type = "button";
    button.append(picture, name);
    if (row === at[0]) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => show(row, column));
    return button;
  }

  function show(row, column) {
    const shown = image(row, column);
    if (!shown) return;
    at = [row, column];
    large.src = shown.src;
    large.alt = shown.alt;
    large.width = shown.width;
    large.height = shown.height;
    facts.replaceChildren(...cell(row, column).querySelector("figcaption").cloneNode(true).childNodes);
    others.replaceChildren(...rows.map((_, r) => r).filter((r) => image(r, column)).map((r) => other(r, column)));
    if (!viewer.open) viewer.showModal();
    const current = others.querySelector("[aria-current]");
    if (current) others.scrollLeft = current.offsetLeft - (others.clientWidth - current.offsetWidth) / 2;
  }

  function step(rowwards, columnwards) {
    let [row, column] = at;
    do {
      row += rowwards;
      column += columnwards;
    } while (cell(row, column) && !image(row, column));
    show(row, column);
  }

  const places = new Map(rows.flatMap((cells, row) => cells.map((td, column) => [td.id, [row, column]])));
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#p-"]');
    const place = link && places.get(link.hash.slice(1));
    if (!place || !image(...place)) return;
    event.preventDefault();
    opener = link;
    show(...place);
  });
  const keys = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  viewer.addEventListener("keydown", (event) => {
    const way = keys[event.key];
    if (!way) return;
    event.preventDefault();
    step(...way);
  });
  viewer.querySelectorAll("[data-step]").forEach((button) => {
    button.addEventListener("click", () => step(0, Number(button.dataset.step)));
  });
  viewer.addEventListener("click", (event) => {
    if (event.target === viewer) viewer.close();
  });
  viewer.addEventListener("close", () => {
    // Back to where the reader was: in the grid to the picture seen last, elsewhere to the link that opened it.
    const link = opener.matches(".thumb") ? cell(...at).querySelector(".thumb") : opener;
    if (link) link.focus();
  });
})();
(() => {
  // Paper cannot be opened: what is folded up is printed as well, and folded up again.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details.behind:not([open])")];
    folded.forEach((details) => { details.open = true; });
  });
  window.addEventListener("afterprint", () => folded.forEach((details) => { details.open = false; }));
})();
