// A button that opens the browser's own printing; the page is laid out for paper by print.css.
document.addEventListener("click", (event) => event.target.closest("[data-print]") && window.print());
