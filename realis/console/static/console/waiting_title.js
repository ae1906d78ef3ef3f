// The number of things that wait, in the tab's title, so that it is seen from another window.
export function keepTitle() {
  if (!document.getElementById("board")) return;
  const plain = document.title;
  const show = () => {
    const waiting = Number(document.getElementById("board")?.dataset.waiting ?? 0);
    document.title = waiting ? `(${waiting}) ${plain}` : plain;
  };
  show();
  document.addEventListener("htmx:after:swap", show);
}
