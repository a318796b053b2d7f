// Headings that sort their table, and a box that hides what needs no look. Without it all is there.
for (const table of document.querySelectorAll("table.sorted")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.ariaSort === "ascending" ? -1 : 1;
      headings.forEach(other => { other.ariaSort = null; });
      heading.ariaSort = down === 1 ? "ascending" : "descending";
      const text = row => row.cells[column].textContent.trim();
      const order = (a, b) => heading.className === "number"
        ? (parseFloat(text(a)) || 0) - (parseFloat(text(b)) || 0) : text(a).localeCompare(text(b));
      body.append(...[...body.rows].sort((a, b) => down * order(a, b)));
    });
  });
}
const only = document.querySelector(".only");
only.hidden = false;
only.querySelector("input").addEventListener("change", event => {
  for (const row of document.querySelector("table.sorted").tBodies[0].rows) {
    row.hidden = event.target.checked && !row.cells[3].textContent.trim();
  }
});
