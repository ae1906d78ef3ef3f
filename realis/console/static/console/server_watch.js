// Says so when the server does not answer: an operator must never trust a page that stopped moving.
export function watchServer() {
  const banner = document.getElementById("offline");
  if (!banner) return;
  const lost = () => {
    banner.hidden = false;
  };
  const found = () => {
    banner.hidden = true;
  };
  document.addEventListener("htmx:error", lost);
  document.addEventListener("htmx:after:request", (event) => {
    const status = /** @type {CustomEvent} */ (event).detail?.ctx?.response?.status ?? 0;
    if (status >= 500) lost();
    else found();
  });
  addEventListener("offline", lost);
}
