"use strict";
(() => {
  const buttons = new Map([...document.querySelectorAll("[aria-keyshortcuts]")].map(
    (button) => [button.getAttribute("aria-keyshortcuts").toLowerCase(), button]));
  let sent = false;
  // A second press before the next page is there would be sent as well.
  document.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const button = buttons.get(event.key.toLowerCase());
    if (!button || button.disabled) return;
    event.preventDefault();
    button.form.requestSubmit(button);
  });
})();
